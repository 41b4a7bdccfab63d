//! `polargram train`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, ValueEnum};

use super::display::{Summary, Watcher, on_interrupt, print_lines};
use crate::config::Config;
use crate::corpus::{Corpus, FileCorpus, ReadOptions, Sampled, Split, StorageOptions, TextOptions, Utf8Errors};
use crate::encode::SpoolOptions;
use crate::error::Result;
use crate::formats::Format;
use crate::models::{Checkpoint, Every, Memory, TrainOptions, Word2Vec};
use crate::output::Output;
use crate::progress::{Phase, Progress};
use crate::store::Location;
use crate::vocab::{CountOptions, Trim, WordCounts};

/// Train word vectors from a corpus.
#[derive(Args)]
pub(super) struct Train {
    /// Files, globs or URLs (s3://, gs://, az://, https://) of Parquet, Arrow IPC, .npy or plain text; of a directory or
    /// prefix the Parquet files, or if there are none those of Arrow.
    #[arg(required = true)]
    corpus: Vec<String>,
    #[command(flatten)]
    reading: CorpusArgs,
    /// The directory or URL for vectors.arrow and the other formats; a directory is made if it is missing.
    #[arg(long, short)]
    output: String,
    /// What to write.
    #[arg(long, value_parser = format_parser(), value_delimiter = ',', default_value = "arrow")]
    formats: Vec<&'static Format>,
    #[command(flatten)]
    parameters: Parameters,
    /// Count the corpus, say how much memory the training would take, and stop.
    #[arg(long)]
    dry_run: bool,
    /// Save the state to this directory now and then. The same command trains on from there after a crash.
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
    /// How often: after every epoch, or also after so many minutes within one.
    #[arg(long, value_name = "epoch|MINUTES", default_value = "epoch", requires = "checkpoint", value_parser = parse_every)]
    checkpoint_every: Every,
    /// Read and encode the corpus anew in every epoch, rather than keep it encoded.
    #[arg(long)]
    no_spool: bool,
    /// Bytes of encoded corpus that stay in memory; a larger one goes to a temporary file. 256M, 2G, …
    #[arg(long, value_name = "BYTES", default_value = "256M", value_parser = parse_bytes)]
    memory_budget: u64,
    /// No progress and no summary; errors only.
    #[arg(long, short)]
    quiet: bool,
}

/// How the corpus is read.
#[derive(Args)]
#[command(next_help_heading = "Corpus")]
struct CorpusArgs {
    /// The list column, or with --split the string column.
    #[arg(long, default_value = "tokens")]
    column: String,
    /// A column of whole numbers: each list counts as so many.
    #[arg(long, value_name = "COLUMN")]
    count_column: Option<String>,
    /// Read the rows for which this Polars SQL expression is true.
    #[arg(long = "where", value_name = "SQL")]
    filter: Option<String>,
    /// Split strings into tokens: at white space, or wherever a regular expression matches.
    #[arg(long, value_name = "whitespace|regex:PATTERN", value_parser = parse_split)]
    split: Option<Split>,
    /// Lowercase the tokens.
    #[arg(long)]
    lowercase: bool,
    /// Read the first so many sentences, for a trial run.
    #[arg(long, value_name = "SENTENCES")]
    limit: Option<u64>,
    /// Read a share of the sentences drawn by --seed, for a trial run.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    sample_fraction: f64,
    /// Plain text: what to do about bytes that are not UTF-8.
    #[arg(long, value_enum, default_value = "strict")]
    errors: OnInvalidUtf8,
    /// A setting of the object store, as in Polars' storage_options; may be given several times. Keys and secrets are
    /// better left to the environment, where other users of the machine do not see them.
    #[arg(long = "storage-option", value_name = "NAME=VALUE", value_parser = parse_storage_option)]
    storage_options: Vec<(String, String)>,
}

#[derive(Clone, Copy, ValueEnum)]
enum OnInvalidUtf8 {
    /// Fail, naming the line.
    Strict,
    /// Read U+FFFD in their place.
    Replace,
    /// Leave them out.
    Ignore,
}

impl CorpusArgs {
    fn storage(&self) -> StorageOptions {
        self.storage_options.iter().cloned().collect()
    }

    fn options(&self, memory_budget: u64) -> ReadOptions {
        let errors = match self.errors {
            OnInvalidUtf8::Strict => Utf8Errors::Strict,
            OnInvalidUtf8::Replace => Utf8Errors::Replace,
            OnInvalidUtf8::Ignore => Utf8Errors::Ignore,
        };
        let options = ReadOptions::column(&self.column);
        ReadOptions {
            count_column: self.count_column.clone(),
            filter: self.filter.clone(),
            split: self.split.clone(),
            lowercase: self.lowercase,
            text: TextOptions { errors, ..TextOptions::default() },
            storage: self.storage(),
            fetch_ahead: options.fetch_ahead.min(memory_budget / 4),
            ..options
        }
    }

    fn open(&self, sources: &[String], memory_budget: u64, seed: u64, progress: &Progress) -> Result<Box<dyn Corpus>> {
        let corpus = Box::new(FileCorpus::open(sources, &self.options(memory_budget), progress)?);
        match self.limit.is_some() || self.sample_fraction != 1.0 {
            true => Ok(Box::new(Sampled::new(corpus, self.sample_fraction, self.limit, seed)?)),
            false => Ok(corpus),
        }
    }
}

/// Takes the names of the formats that there are.
fn format_parser() -> impl TypedValueParser<Value = &'static Format> {
    let names = Format::all().iter().map(|format| PossibleValue::new(format.name).help(format.about));
    PossibleValuesParser::new(names).try_map(|name| Format::named(&name).ok_or("is not the name of a format"))
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
    /// Prune the rarest words whenever more distinct ones than this are held while counting.
    #[arg(long, value_name = "WORDS")]
    max_vocab_size: Option<usize>,
    /// Raise --min-count until no more words than this are left.
    #[arg(long, value_name = "WORDS")]
    max_final_vocab: Option<usize>,
    /// Rows by descending count; false for the order of first occurrence.
    #[arg(long, default_value_t = true, action = ArgAction::Set)]
    sorted_vocab: bool,
    /// Add a last row for the word "\0", to pad sentences with.
    #[arg(long)]
    null_word: bool,
    /// 1 for skip-gram, 0 for CBOW.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=1))]
    sg: u8,
    /// 1 for hierarchical softmax.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=1))]
    hs: u8,
    /// Noise words for each centre word; 0 for no negative sampling.
    #[arg(long, default_value_t = Config::default().negative)]
    negative: usize,
    /// In skip-gram, draw noise once for all context words of neighbouring centres; false for each pair of words.
    #[arg(long, default_value_t = true, action = ArgAction::Set)]
    shared_negatives: bool,
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
    /// Words in the batches that workers take.
    #[arg(long, default_value_t = Config::default().batch_words)]
    batch_words: usize,
    /// Take the batches in another order in every epoch, drawn by the seed.
    #[arg(long)]
    shuffle: bool,
    /// Add up the loss, and print its mean for each epoch.
    #[arg(long)]
    compute_loss: bool,
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
            // As in Python, 0 is no bound.
            max_vocab_size: p.max_vocab_size.filter(|&words| words > 0),
            max_final_vocab: p.max_final_vocab,
            sorted_vocab: p.sorted_vocab,
            null_word: p.null_word,
            hs: p.hs == 1,
            shared_negatives: p.shared_negatives,
            batch_words: p.batch_words,
            shuffle: p.shuffle,
            compute_loss: p.compute_loss,
        }
    }
}

impl Train {
    pub(super) fn run(&self) -> Result<()> {
        let progress = Progress::default();
        on_interrupt(&progress);
        let config = Config::from(&self.parameters);
        config.validate()?;
        let corpus = self.reading.open(&self.corpus, self.memory_budget, config.seed, &progress)?;
        let corpus = corpus.as_ref();
        if self.dry_run {
            return self.print_memory(corpus, config, &progress);
        }
        // An output that cannot be written must be known before the hours of training, not after.
        let mut output = Output::in_directory(&Location::new(&self.output, self.reading.storage()), &progress)?;
        let watcher = Watcher::start(&progress, self.quiet);
        let checkpoint = self.checkpoint.as_ref().map(|directory| Checkpoint::new(directory, self.checkpoint_every));
        let resumed = checkpoint.as_ref().map(|checkpoint| checkpoint.resume(&config)).transpose()?.flatten();
        let start = Instant::now();
        let (model, resume) = match resumed {
            Some((model, resume)) => (model, Some(resume)),
            None => {
                let counts = WordCounts::count(corpus, &self.count_options(&config), &progress)?;
                (Word2Vec::new(config.clone(), &counts, &Trim::from(&config))?.0, None)
            }
        };
        let counting = resume.is_none().then(|| start.elapsed());
        let options = TrainOptions {
            spool: self.spool_options(),
            is_counted: true,
            checkpoint: checkpoint.as_ref(),
            resume: resume.as_ref(),
            ..TrainOptions::default()
        };
        let trained = model.train(corpus, &options, &mut (), &progress)?;
        progress.enter(Phase::Saving, 0);
        let vectors = model.vectors()?;
        let summary = Summary::new(&model, &trained, counting);
        // What was trained beside the vectors makes room for what saving them takes.
        drop(model);
        for format in &self.formats {
            vectors.write_as(format, &mut output, "vectors")?;
        }
        let files = output.commit()?;
        let elapsed = watcher.stop();
        if !self.quiet {
            summary.print(elapsed, &files);
        }
        Ok(())
    }

    fn count_options(&self, config: &Config) -> CountOptions {
        CountOptions { memory_budget: self.memory_budget, ..CountOptions::from(config) }
    }

    fn spool_options(&self) -> SpoolOptions {
        SpoolOptions { spool: !self.no_spool, memory_budget: self.memory_budget }
    }

    fn print_memory(&self, corpus: &dyn Corpus, config: Config, progress: &Progress) -> Result<()> {
        let watcher = Watcher::start(progress, self.quiet);
        let counts = WordCounts::count(corpus, &self.count_options(&config), progress)?;
        let report = Trim::from(&config).report(&counts, None)?;
        drop(counts);
        watcher.stop();
        let words = report.num_retained_words as u64;
        let memory = Memory::estimate(&config, words, report.retain_total, self.spool_options());
        let mib = |bytes: u64| format!("{} MiB", bytes.div_ceil(1 << 20));
        print_lines([
            format!("words          {words} of {}", words + report.drop_unique as u64),
            format!(
                "tokens         {} in vocabulary, about {} after subsampling",
                report.retain_total, report.downsample_total
            ),
            format!("vocabulary     {}", mib(memory.vocab + memory.tables)),
            format!("weights        {}", mib(memory.vectors + memory.syn1 + memory.syn1neg)),
            format!("encoded corpus {}", mib(memory.spool + memory.reading)),
            format!("workers        {}", mib(memory.workers)),
            format!("peak           {}", mib(memory.peak(false))),
        ])
    }
}

fn parse_every(text: &str) -> std::result::Result<Every, String> {
    if text == "epoch" {
        return Ok(Every::Epoch);
    }
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes < 1e9 => Ok(Every::Time(Duration::from_secs_f64(60.0 * minutes))),
        _ => Err("expected `epoch` or a number of minutes".to_owned()),
    }
}

fn parse_split(text: &str) -> std::result::Result<Split, String> {
    match (text, text.strip_prefix("regex:")) {
        ("whitespace", _) => Ok(Split::Whitespace),
        (_, Some(pattern)) => Ok(Split::Regex(pattern.to_owned())),
        _ => Err("expected `whitespace` or `regex:PATTERN`".to_owned()),
    }
}

fn parse_storage_option(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| "expected NAME=VALUE".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Bytes, with K, M, G or T for powers of 1024.
fn parse_bytes(text: &str) -> std::result::Result<u64, String> {
    let (number, power) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => (&text[..at], "KMGT".find(text[at..].to_ascii_uppercase().trim_end_matches(['B', 'I']))),
        None => (text, None),
    };
    let factor = match (number.len() == text.len(), power) {
        (true, _) => Some(1),
        (false, Some(power)) => Some(1u64 << (10 * (power + 1))),
        (false, None) => None,
    };
    let bytes = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    bytes.ok_or_else(|| "expected a number of bytes such as 1000000, 256M or 2G".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_with_and_without_a_unit() {
        for (text, bytes) in
            [("17", 17), ("1K", 1 << 10), ("256M", 256 << 20), ("2g", 2 << 30), ("3GiB", 3 << 30), ("1TB", 1 << 40)]
        {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in ["", "M", "1X", "-1", "1.5G", "99999999999T", "1MM"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn checkpoints_come_by_epoch_or_by_minutes() {
        assert_eq!(parse_every("epoch"), Ok(Every::Epoch));
        assert_eq!(parse_every("0.5"), Ok(Every::Time(Duration::from_secs(30))));
        for text in ["", "0", "-1", "nan", "epochs"] {
            assert!(parse_every(text).is_err(), "{text}");
        }
    }
}
