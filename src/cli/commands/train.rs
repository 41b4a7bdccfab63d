//! `polargram train`.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use indicatif::HumanCount;
use serde_json::Value;

use crate::cli::args::{CorpusArgs, OutputArgs, Parameters, parse_bytes, parse_every};
use crate::cli::display::{SharedHistory, Summary, Watcher, empty_tokens, locked, on_interrupt, print_lines, say};
use crate::cli::evaluation::{EvaluationOptions, Scores};
use crate::cli::exit::{Failure, OnOutput};
use crate::cli::metrics::{Run, finish};
use crate::cli::streams::{ensure_can_be_written, write_text};
use crate::config::Config;
use crate::corpus::Corpus;
use crate::encode::SpoolOptions;
use crate::error::{Error, Result};
use crate::models::{Checkpoint, Estimate, Every, Fitted, Job, Moment, Word2Vec};
use crate::output::Output;
use crate::plot::{Neighbourhood, Report, WordMap};
use crate::progress::{Phase, Progress};
use crate::store::Location;
use crate::train::{Next, Observer, Position};
use crate::vectors::{KeyedVectors, SearchOptions};
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
    /// Take options from this TOML file, as in `vector_size = 300`. Those of the command line and the environment count more.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print all options as they are now, as a file for --config, and stop.
    #[arg(long)]
    print_config: bool,
    /// Count the corpus, say how much memory the training would take, and stop.
    #[arg(long)]
    dry_run: bool,
    /// Save the state of the training to this directory now and then. After a crash the same command resumes from it.
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
    /// Fail if there is no checkpoint to resume from, instead of starting anew.
    #[arg(long, requires = "checkpoint")]
    resume: bool,
    /// How often to do so: after every epoch, or also after so many minutes within one.
    #[arg(long, value_name = "epoch|MINUTES", default_value = "epoch", requires = "checkpoint", value_parser = parse_every)]
    checkpoint_every: Every,
    /// Read and encode the corpus again in every epoch, instead of keeping it encoded.
    #[arg(long)]
    no_spool: bool,
    /// Bytes of encoded corpus that stay in memory; a larger one goes to a temporary file. 256M, 2G, …
    #[arg(long, value_name = "BYTES", default_value = "256M", value_parser = parse_bytes)]
    memory_budget: u64,
    /// Write what was read, trained and written, in which time, to this JSON file or URL; - is standard output.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    metrics: Option<String>,
    /// Write a page about the training to this file or URL. It has the curve of the loss, which is added up for it.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    report: Option<String>,
    /// Analogy questions that the vectors are to answer, for the report and the metrics.
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = "Report")]
    analogies: Vec<String>,
    /// Pairs of words that people have judged, for the report and the metrics.
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = "Report")]
    pairs: Vec<String>,
    /// No progress and no summary; errors only.
    #[arg(long, short, help_heading = "Messages")]
    quiet: bool,
}

/// Takes the numbers of a training when an epoch ends.
struct Recorder<'a> {
    progress: &'a Progress,
    history: &'a SharedHistory,
}

impl Observer for Recorder<'_> {
    fn epoch_ends(&mut self, _epoch: usize, _position: &Position) -> Result<Next> {
        locked(self.history).observe_end(self.progress);
        Ok(Next::Continue)
    }
}

impl Train {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let (started, progress) = (SystemTime::now(), Progress::default());
        on_interrupt(&progress);
        let config = self.config()?;
        let checkpoint = self.checkpoint.as_ref().map(|directory| Checkpoint::new(directory, self.checkpoint_every));
        if let Some(checkpoint) = checkpoint.as_ref().filter(|_| self.resume)
            && !checkpoint.is_saved()?
        {
            let reason = "has no checkpoint to resume from; to start anew, leave out --resume";
            return Err(Error::format(checkpoint.directory(), reason).into());
        }
        let spool = SpoolOptions { spool: !self.no_spool, memory_budget: self.memory_budget };
        let job = Job { config, spool, checkpoint: checkpoint.as_ref() };
        let corpus = self.corpus.open(&job, &progress);
        if !self.quiet {
            progress.take_notes().into_iter().for_each(|note| say(format_args!("polargram: {note}")));
        }
        let corpus = corpus?;
        if self.dry_run {
            return Ok(self.print_memory(&job, corpus.as_ref(), &progress)?);
        }
        // An output that cannot be written must be known before the hours of training, not after.
        let place = Location::new(&self.output.location, self.corpus.storage());
        let output = Output::in_directory(&place, &progress).on_output()?;
        self.metrics.iter().chain(&self.report).try_for_each(|path| ensure_can_be_written(path))?;
        let watcher = Watcher::start(&progress, self.quiet);
        let history = SharedHistory::default();
        let recorder = self.is_recorded().then(|| Watcher::record(&progress, &history));
        let prepared = job.prepare::<Word2Vec>(corpus.as_ref(), &progress)?;
        self.check_formats(prepared.model.vocabulary())?;
        let mut observer = Recorder { progress: &progress, history: &history };
        let Fitted { model, trained, counting } = job.train(prepared, corpus.as_ref(), &mut observer, &progress)?;
        drop(recorder);
        progress.enter(Phase::Saving, 0);
        let saving = Instant::now();
        let vectors = model.vectors()?;
        let moments = locked(&history).moments();
        let inputs = corpus.inputs();
        let run = Run { started, inputs: &inputs, model: &model, trained: &trained, counting, moments: &moments };
        let (summary, metrics) = (Summary::new(&model, &trained, counting), run.summary());
        // What was trained beside the vectors makes room for what saving them takes.
        drop(model);
        let (files, saved) = vectors.save_formats(&self.output.formats, &output, "vectors");
        let saving = saving.elapsed();
        let elapsed = watcher.stop();
        if !self.quiet && !files.is_empty() {
            summary.print(elapsed, &files, &metrics);
        }
        saved.on_output()?;
        self.write_about(&vectors, metrics, &moments, &files, (saving, elapsed), &progress)
    }

    /// The hyperparameters. A report shows the loss, so it is added up.
    fn config(&self) -> Result<Config> {
        let config = self.parameters.config()?;
        Ok(Config { compute_loss: config.compute_loss || self.report.is_some(), ..config })
    }

    fn is_recorded(&self) -> bool {
        self.metrics.is_some() || self.report.is_some()
    }

    /// Refuses words that a format cannot hold, naming one of them, before the hours of training.
    fn check_formats(&self, vocabulary: &Vocabulary) -> Result<()> {
        self.output.formats.iter().try_for_each(|format| format.check_keys(vocabulary.keys()))
    }

    /// Writes the metrics and the report.
    fn write_about(
        &self,
        vectors: &KeyedVectors,
        metrics: Value,
        moments: &[Moment],
        files: &[PathBuf],
        (saving, elapsed): (Duration, Duration),
        progress: &Progress,
    ) -> Result<(), Failure> {
        if !self.is_recorded() && self.analogies.is_empty() && self.pairs.is_empty() {
            return Ok(());
        }
        let options = EvaluationOptions { storage: self.corpus.storage(), ..EvaluationOptions::default() };
        let scores = Scores::measure(vectors, &self.analogies, &self.pairs, &options, progress)?;
        let mut metrics = finish(metrics, files, saving, elapsed)?;
        metrics["evaluation"] = scores.json();
        if let Some(path) = &self.report {
            let page = self.page(vectors, &metrics, moments, &scores, progress)?;
            write_text(path, &page, self.corpus.storage(), progress).on_output()?;
        }
        if let Some(path) = &self.metrics {
            let text = format!("{metrics:#}\n");
            write_text(path, &text, self.corpus.storage(), progress).on_output()?;
        }
        if !self.quiet {
            let lines = scores.lines(false);
            lines.iter().for_each(|line| say(format_args!("{:<11} {} ({})", line.name, line.score, line.detail)));
            self.report.iter().chain(&self.metrics).for_each(|path| say(format_args!("wrote       {path}")));
        }
        Ok(())
    }

    fn page(
        &self,
        vectors: &KeyedVectors,
        metrics: &Value,
        moments: &[Moment],
        scores: &Scores,
        progress: &Progress,
    ) -> Result<String> {
        /// Words on the map.
        const MAPPED: usize = 400;
        let config = self.config()?;
        let number = |path: &str| metrics.pointer(path).and_then(Value::as_f64).unwrap_or_default();
        let whole = |path: &str| HumanCount(number(path) as u64).to_string();
        let fact = |name: &str, value: String| (name.to_owned(), value);
        let facts = vec![
            fact("words in the corpus", whole("/corpus/words")),
            fact("sentences", whole("/corpus/sentences")),
            fact("vocabulary", whole("/vocab/words")),
            fact("distinct words", whole("/vocab/distinct")),
            fact("dimensions", config.vector_size.to_string()),
            fact("epochs", config.epochs.to_string()),
            fact("training", format!("{:.1} s", number("/timings/training"))),
            fact("words per second", format!("{:.2} M", number("/training/words_per_second") / 1e6)),
            fact("workers", whole("/training/workers")),
            fact("peak memory", format!("{:.0} MiB", number("/peak_memory") / f64::from(1 << 20))),
            fact("version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let rows: Vec<usize> = (0..vectors.len().min(MAPPED)).collect();
        let started = metrics["started"].as_str().unwrap_or_default();
        let title = format!("Training of {}", started.replace('T', " ").replace('Z', " UTC"));
        let report = Report {
            title,
            facts,
            config: &config,
            moments,
            counts: vectors.counts(),
            neighbourhoods: neighbourhoods(vectors, progress)?,
            evaluations: scores.lines(true),
            map: Some(WordMap::of(vectors, &rows, "Map of the most frequent words", progress)?),
        };
        Ok(report.page())
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
            format!("peak memory    {}", mib(memory.peak(false))),
        ])
    }
}

/// Some words of many frequencies, each with its neighbours.
fn neighbourhoods(vectors: &KeyedVectors, progress: &Progress) -> Result<Vec<Neighbourhood>> {
    const WORDS: usize = 24;
    const NEIGHBOURS: usize = 8;
    let word = |row: usize| vectors.keys().key(row as u32).to_string();
    // Among the most frequent words, evenly on the logarithm of their ranks.
    let last = vectors.len().min(5_000) as f64;
    let mut rows: Vec<usize> = (0..WORDS)
        .map(|i| (last.powf(0.3 + 0.7 * i as f64 / WORDS as f64)) as usize)
        .filter(|&row| row < vectors.len())
        .collect();
    rows.dedup();
    let queries: Vec<f32> = rows.iter().flat_map(|&row| vectors.rows().row(row).iter().copied()).collect();
    let excluded: Vec<Vec<usize>> = rows.iter().map(|&row| vec![row]).collect();
    let options = SearchOptions { topn: NEIGHBOURS, rows: 0..vectors.len(), excluded: &excluded };
    let found = vectors.search(&queries, &options, progress)?;
    let near = |found: Vec<(usize, f32)>| found.into_iter().map(|(row, cosine)| (word(row), cosine)).collect();
    let line = |(row, found): (usize, Vec<(usize, f32)>)| Neighbourhood {
        word: word(row),
        count: vectors.counts()[row],
        neighbours: near(found),
    };
    Ok(rows.into_iter().zip(found).map(line).collect())
}
