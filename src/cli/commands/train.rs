//! `polargram train`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::{CorpusArgs, OutputArgs, Parameters, parse_bytes, parse_every};
use crate::cli::display::{Summary, Watcher, empty_tokens, on_interrupt, print_lines, say};
use crate::corpus::Corpus;
use crate::encode::SpoolOptions;
use crate::error::Result;
use crate::models::{Checkpoint, Estimate, Every, Fitted, Job, Word2Vec};
use crate::output::Output;
use crate::progress::{Phase, Progress};
use crate::store::Location;
use crate::vocab::Vocabulary;

/// Train word vectors from a corpus.
#[derive(Args)]
pub(in crate::cli) struct Train {
    #[command(flatten)]
    corpus: CorpusArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    parameters: Parameters,
    /// Count the corpus, say how much memory the training would take, and stop.
    #[arg(long)]
    dry_run: bool,
    /// Save the state of the training to this directory now and then. After a crash the same command resumes from it.
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
    /// How often to do so: after every epoch, or also after so many minutes within one.
    #[arg(long, value_name = "epoch|MINUTES", default_value = "epoch", requires = "checkpoint", value_parser = parse_every)]
    checkpoint_every: Every,
    /// Read and encode the corpus again in every epoch, instead of keeping it encoded.
    #[arg(long)]
    no_spool: bool,
    /// Bytes of encoded corpus that stay in memory; a larger one goes to a temporary file. 256M, 2G, …
    #[arg(long, value_name = "BYTES", default_value = "256M", value_parser = parse_bytes)]
    memory_budget: u64,
    /// No progress and no summary; errors only.
    #[arg(long, short)]
    quiet: bool,
}

impl Train {
    pub(in crate::cli) fn run(&self) -> Result<()> {
        let progress = Progress::default();
        on_interrupt(&progress);
        let config = self.parameters.config()?;
        let checkpoint = self.checkpoint.as_ref().map(|directory| Checkpoint::new(directory, self.checkpoint_every));
        let spool = SpoolOptions { spool: !self.no_spool, memory_budget: self.memory_budget };
        let job = Job { config, spool, checkpoint: checkpoint.as_ref() };
        let corpus = self.corpus.open(&job, &progress);
        if !self.quiet {
            progress.take_notes().into_iter().for_each(|note| say(format_args!("polargram: {note}")));
        }
        let corpus = corpus?;
        if self.dry_run {
            return self.print_memory(&job, corpus.as_ref(), &progress);
        }
        // An output that cannot be written must be known before the hours of training, not after.
        let output = Output::in_directory(&Location::new(&self.output.location, self.corpus.storage()), &progress)?;
        let watcher = Watcher::start(&progress, self.quiet);
        let prepared = job.prepare::<Word2Vec>(corpus.as_ref(), &progress)?;
        self.check_formats(prepared.model.vocabulary())?;
        let Fitted { model, trained, counting } = job.train(prepared, corpus.as_ref(), &mut (), &progress)?;
        progress.enter(Phase::Saving, 0);
        let vectors = model.vectors()?;
        let summary = Summary::new(&model, &trained, counting);
        // What was trained beside the vectors makes room for what saving them takes.
        drop(model);
        let (files, saved) = vectors.save_formats(&self.output.formats, &output, "vectors");
        let elapsed = watcher.stop();
        if !self.quiet && !files.is_empty() {
            summary.print(elapsed, &files);
        }
        saved
    }

    /// Refuses words that a format cannot hold, naming one of them, before the hours of training.
    fn check_formats(&self, vocabulary: &Vocabulary) -> Result<()> {
        self.output.formats.iter().try_for_each(|format| format.check_keys(vocabulary.keys()))
    }

    fn print_memory(&self, job: &Job<'_>, corpus: &dyn Corpus, progress: &Progress) -> Result<()> {
        let watcher = Watcher::start(progress, self.quiet);
        let Estimate { vocabulary, report, memory } = job.estimate(corpus, progress)?;
        watcher.stop();
        self.check_formats(&vocabulary)?;
        if let Some(line) = empty_tokens(&vocabulary).filter(|_| !self.quiet) {
            say(line);
        }
        let words = report.num_retained_words;
        let mib = |bytes: u64| format!("{} MiB", bytes.div_ceil(1 << 20));
        print_lines([
            format!("words          {words} of {}", words + report.drop_unique),
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
