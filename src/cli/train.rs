//! `polargram train`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{ArgAction, Args, ValueEnum};

use super::display::{Summary, Watcher, on_interrupt};
use crate::config::Config;
use crate::corpus::ParquetCorpus;
use crate::error::{IoContext, Result};
use crate::formats::{self, Format, Staged};
use crate::progress::{Phase, Progress};
use crate::word2vec::Word2Vec;

/// Train word vectors from a list column of Parquet files.
#[derive(Args)]
pub(super) struct Train {
    /// Parquet files, directories or globs.
    #[arg(required = true)]
    corpus: Vec<String>,
    /// The list column.
    #[arg(long, default_value = "tokens")]
    column: String,
    /// The directory for vectors.arrow and the other formats; made if it is missing.
    #[arg(long, short)]
    output: PathBuf,
    /// What to write.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "arrow")]
    formats: Vec<OutputFormat>,
    #[command(flatten)]
    parameters: Parameters,
    /// No progress and no summary; errors only.
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum OutputFormat {
    /// Arrow IPC, memory-mappable.
    Arrow,
    /// NumPy matrix, with words and counts in vectors.vocab.txt.
    Npy,
    /// word2vec C text.
    Txt,
    /// word2vec C binary.
    Bin,
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Arrow => Self::Arrow,
            OutputFormat::Npy => Self::Npy,
            OutputFormat::Txt => Self::Text,
            OutputFormat::Bin => Self::Binary,
        }
    }
}

/// The hyperparameters, as in [`Config`].
#[derive(Args)]
#[command(next_help_heading = "Hyperparameters")]
struct Parameters {
    /// Dimensions of the vectors.
    #[arg(long, default_value_t = Config::default().vector_size)]
    vector_size: usize,
    /// Greatest distance between a centre word and a context word.
    #[arg(long, default_value_t = Config::default().window)]
    window: usize,
    /// Words with fewer occurrences get no vector.
    #[arg(long, default_value_t = Config::default().min_count)]
    min_count: u64,
    /// 1 for skip-gram, 0 for CBOW.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=1))]
    sg: u8,
    /// Noise words for each centre word.
    #[arg(long, default_value_t = Config::default().negative)]
    negative: usize,
    /// Exponent of the noise distribution.
    #[arg(long, default_value_t = Config::default().ns_exponent, allow_negative_numbers = true)]
    ns_exponent: f64,
    /// Threshold of subsampling of frequent words; 0 keeps all.
    #[arg(long, default_value_t = Config::default().sample, allow_negative_numbers = true)]
    sample: f64,
    /// Learning rate at the start.
    #[arg(long, default_value_t = Config::default().alpha, allow_negative_numbers = true)]
    alpha: f32,
    /// Learning rate at the end.
    #[arg(long, default_value_t = Config::default().min_alpha, allow_negative_numbers = true)]
    min_alpha: f32,
    /// Passes over the corpus.
    #[arg(long, default_value_t = Config::default().epochs)]
    epochs: usize,
    /// Worker threads; 0 takes all cores. With 1 a run can be repeated bit by bit.
    #[arg(long, default_value_t = Config::default().workers)]
    workers: usize,
    /// Seed of all random draws.
    #[arg(long, default_value_t = Config::default().seed)]
    seed: u64,
    /// CBOW: 1 for the mean of the context, 0 for its sum.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=1))]
    cbow_mean: u8,
    /// Draw each window's width from 1 to --window.
    #[arg(long, default_value_t = true, action = ArgAction::Set)]
    shrink_windows: bool,
}

impl From<&Parameters> for Config {
    fn from(p: &Parameters) -> Self {
        Self {
            vector_size: p.vector_size,
            window: p.window,
            min_count: p.min_count,
            sg: p.sg == 1,
            negative: p.negative,
            ns_exponent: p.ns_exponent,
            sample: p.sample,
            alpha: p.alpha,
            min_alpha: p.min_alpha,
            epochs: p.epochs,
            workers: p.workers,
            seed: p.seed,
            cbow_mean: p.cbow_mean == 1,
            shrink_windows: p.shrink_windows,
            ..Self::default()
        }
    }
}

impl Train {
    pub(super) fn run(&self) -> Result<()> {
        let progress = Arc::new(Progress::default());
        on_interrupt(&progress);
        let config = Config::from(&self.parameters);
        config.validate()?;
        let corpus = ParquetCorpus::open(&self.corpus, &self.column)?;
        // An output that cannot be written must be known before the hours of training, not after.
        let directory = OutputDirectory::prepare(&self.output)?;
        let watcher = Watcher::start(&progress, self.quiet);
        let model = Word2Vec::fit(&corpus, config, &progress)?;
        progress.enter(Phase::Saving, 0);
        let vectors = model.vectors()?;
        let mut staged = Staged::default();
        for &format in &self.formats {
            progress.check()?;
            let path = self.output.join("vectors").with_extension(Format::from(format).extension());
            formats::stage(&vectors, &path, &mut staged)?;
        }
        let files = staged.commit()?;
        directory.keep();
        let elapsed = watcher.stop();
        if !self.quiet {
            Summary { model: &model, files: &files, elapsed }.print();
        }
        Ok(())
    }
}

/// The output directory, removed again if the job fails and had to make it.
struct OutputDirectory<'a> {
    path: &'a Path,
    made: Vec<&'a Path>,
}

impl<'a> OutputDirectory<'a> {
    fn prepare(path: &'a Path) -> Result<Self> {
        let missing = path.ancestors().take_while(|part| !part.as_os_str().is_empty() && !part.exists());
        let directory = Self { path, made: missing.collect() };
        fs::create_dir_all(path).at("create the directory", path)?;
        tempfile::tempfile_in(directory.path).at("write to the directory", path)?;
        Ok(directory)
    }

    fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for OutputDirectory<'_> {
    fn drop(&mut self) {
        for path in &self.made {
            // Not empty means that somebody else put something there meanwhile.
            let _ = fs::remove_dir(path);
        }
    }
}
