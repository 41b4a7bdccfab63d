//! What a person sees of a job: a bar on a terminal, plain lines or JSON elsewhere, and a summary.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle as BarStyle};

use super::exit::INTERRUPTED;
use crate::error::{Error, IoContext, Result};
use crate::models::{History, Word2Vec, peak_memory};
use crate::progress::{Phase, Progress};
use crate::train::Trained;
use crate::vocab::Vocabulary;

const BAR_INTERVAL: Duration = Duration::from_millis(100);
const RECORD_INTERVAL: Duration = Duration::from_millis(20);
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// Text for people
    Text,
    /// One JSON object a line
    Json,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ProgressStyle {
    /// A bar on a terminal, otherwise a line now and then
    Auto,
    /// A bar
    Bar,
    /// One JSON object a line: phase, words, total, words_per_second, rate (the learning rate), loss, eta (in seconds)
    Json,
    /// Nothing
    None,
}

/// stderr is one for the whole process, and so is what is written to it.
static LOG_FORMAT: AtomicU8 = AtomicU8::new(LogFormat::Text as u8);
static PROGRESS_STYLE: AtomicU8 = AtomicU8::new(ProgressStyle::Auto as u8);

/// Sets how messages and progress are written from now on.
pub(super) fn set_style(format: LogFormat, style: ProgressStyle) {
    LOG_FORMAT.store(format as u8, Ordering::Relaxed);
    PROGRESS_STYLE.store(style as u8, Ordering::Relaxed);
}

pub(super) fn is_json() -> bool {
    LOG_FORMAT.load(Ordering::Relaxed) == LogFormat::Json as u8
}

fn is_style(style: ProgressStyle) -> bool {
    PROGRESS_STYLE.load(Ordering::Relaxed) == style as u8
}

/// Prints a line to stderr. If stderr is closed or full, the job goes on.
pub(super) fn say(line: impl Display) {
    if is_json() {
        let line = line.to_string();
        return say_json(&serde_json::json!({ "message": line.strip_prefix("polargram: ").unwrap_or(&line) }));
    }
    let _ = writeln!(io::stderr(), "{line}");
}

/// Says why the command fails.
pub(super) fn complain(error: &Error) {
    match is_json() {
        true => say_json(&serde_json::json!({ "level": "error", "message": error.to_string() })),
        false => say(format_args!("polargram: {error}")),
    }
}

/// Prints an object as a line to stderr.
pub(super) fn say_json(object: &serde_json::Value) {
    let _ = writeln!(io::stderr(), "{object}");
}

/// Prints results to stdout, a line each. A closed pipe is not an error: the reader has seen enough.
pub(super) fn print_lines(lines: impl IntoIterator<Item = impl Display>) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = lines.into_iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.at("write to", "standard output".as_ref()),
    }
}

/// Stops the job on Ctrl-C or SIGTERM; a second one ends the process at once.
pub(super) fn on_interrupt(progress: &Progress) {
    let progress = progress.clone();
    // It fails only if a handler is set already, as in a program that calls `run` twice. Then the old handler stays.
    let _ = ctrlc::set_handler(move || {
        if progress.is_cancelled() {
            std::process::exit(INTERRUPTED.into());
        }
        progress.cancel();
    });
}

/// A history that a thread adds to.
pub(super) type SharedHistory = Arc<Mutex<History>>;

pub(super) fn locked(history: &SharedHistory) -> std::sync::MutexGuard<'_, History> {
    history.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What shows progress, unless nothing is to be shown.
fn view(quiet: bool) -> Option<Box<dyn View + Send>> {
    if quiet || is_style(ProgressStyle::None) {
        return None;
    }
    let is_json = is_style(ProgressStyle::Json) || (is_json() && is_style(ProgressStyle::Auto));
    let is_bar = is_style(ProgressStyle::Bar) || (is_style(ProgressStyle::Auto) && io::stderr().is_terminal());
    Some(match (is_json, is_bar) {
        (true, _) => Box::new(Lines::of(Snapshot::say_json)),
        (false, true) => Box::new(Bar::new()),
        (false, false) => Box::new(Lines::of(|seen| say(format_args!("polargram: {seen}")))),
    })
}

/// A thread that shows a job's progress on stderr until it is stopped or dropped.
pub(super) struct Watcher {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    start: Instant,
}

impl Watcher {
    pub(super) fn start(progress: &Progress, quiet: bool) -> Self {
        let (start, progress) = (Instant::now(), progress.clone());
        let (stop, stopped) = channel();
        let Some(mut view) = view(quiet) else { return Self { stop: None, thread: None, start } };
        let thread = std::thread::spawn(move || {
            let mut seen = Snapshot::of(&progress);
            loop {
                view.show(&seen);
                match stopped.recv_timeout(BAR_INTERVAL) {
                    Err(RecvTimeoutError::Timeout) => seen.update(&progress),
                    _ => return view.finish(),
                }
            }
        });
        Self { stop: Some(stop), thread: Some(thread), start }
    }

    /// Takes the numbers of a training now and then, and shows nothing.
    pub(super) fn record(progress: &Progress, history: &SharedHistory) -> Self {
        let (start, progress, history) = (Instant::now(), progress.clone(), history.clone());
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(RECORD_INTERVAL) {
                locked(&history).observe(&progress);
            }
        });
        Self { stop: Some(stop), thread: Some(thread), start }
    }

    /// Clears the display and returns the time since it started.
    pub(super) fn stop(self) -> Duration {
        self.start.elapsed()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.take();
        self.thread.take().map(JoinHandle::join);
    }
}

/// A speed measured over less time is noise.
const LEAST_TIME: Duration = Duration::from_millis(500);

/// The state of a job at one moment.
struct Snapshot {
    phase: Phase,
    tokens: u64,
    total: u64,
    learning_rate: f32,
    /// The sum of the losses and the number of examples, if they are added up.
    loss: (f64, u64),
    /// When the phase was first seen, and how many tokens were done then.
    since: (Instant, u64),
}

impl Snapshot {
    fn of(progress: &Progress) -> Self {
        let tokens = progress.tokens();
        Self {
            phase: progress.phase(),
            tokens,
            total: progress.total(),
            learning_rate: progress.learning_rate(),
            loss: progress.loss(),
            since: (Instant::now(), tokens),
        }
    }

    fn update(&mut self, progress: &Progress) {
        let now = Self::of(progress);
        let since = if now.phase == self.phase { self.since } else { now.since };
        *self = Self { since, ..now };
    }

    fn tokens_per_second(&self) -> Option<f64> {
        let (start, before) = self.since;
        let (elapsed, tokens) = (start.elapsed(), self.tokens.saturating_sub(before));
        (elapsed >= LEAST_TIME && tokens > 0).then(|| tokens as f64 / elapsed.as_secs_f64())
    }
}

impl Snapshot {
    /// What is left, in seconds.
    fn eta(&self) -> Option<f64> {
        let left = self.total.checked_sub(self.tokens).filter(|_| self.total > 0)?;
        Some(left as f64 / self.tokens_per_second()?)
    }

    /// As one JSON object. What is not known is left out.
    fn say_json(&self) {
        let is_training = self.phase == Phase::Training;
        let rounded = |number: f64, digits: i32| (number * 10f64.powi(digits)).round() / 10f64.powi(digits);
        let (loss, examples) = self.loss;
        let speed_of = if self.phase.unit() == "rows" { "rows_per_second" } else { "words_per_second" };
        let fields = [
            ("phase", Some(self.phase.to_string().into())),
            (self.phase.unit(), Some(self.tokens.into())),
            ("total", (self.total > 0).then(|| self.total.into())),
            (speed_of, self.tokens_per_second().map(|speed| rounded(speed, 0).into())),
            ("rate", is_training.then(|| rounded(self.learning_rate.into(), 7).into())),
            ("loss", (is_training && examples > 0).then(|| rounded(loss / examples as f64, 5).into())),
            ("eta", self.eta().map(|seconds| rounded(seconds, 1).into())),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        say_json(&serde_json::Value::Object(fields.collect()));
    }
}

impl Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.phase)?;
        if self.total > 0 {
            write!(f, " {:.0} %", 100.0 * self.tokens as f64 / self.total as f64)?;
        }
        if self.phase == Phase::Training {
            write!(f, ", learning rate {:.5}", self.learning_rate)?;
        }
        let Some(speed) = self.tokens_per_second() else { return Ok(()) };
        write!(f, ", {:.2} M {}/s", speed / 1e6, self.phase.unit())?;
        match self.eta() {
            Some(seconds) => write!(f, ", {} left", HumanDuration(Duration::from_secs_f64(seconds))),
            None => Ok(()),
        }
    }
}

trait View {
    fn show(&mut self, seen: &Snapshot);
    fn finish(&mut self) {}
}

struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let style = BarStyle::with_template("{bar:30.cyan/blue} {msg}").unwrap_or_else(|_| BarStyle::default_bar());
        Self(ProgressBar::new(0).with_style(style))
    }
}

impl View for Bar {
    fn show(&mut self, seen: &Snapshot) {
        self.0.set_length(seen.total.max(1));
        self.0.set_position(seen.tokens.min(seen.total));
        self.0.set_message(seen.to_string());
    }

    fn finish(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A line at each new phase, and then one every few seconds.
struct Lines {
    phase: Option<Phase>,
    next: Instant,
    say: fn(&Snapshot),
}

impl Lines {
    fn of(say: fn(&Snapshot)) -> Self {
        Self { phase: None, next: Instant::now(), say }
    }
}

impl View for Lines {
    fn show(&mut self, seen: &Snapshot) {
        if self.phase == Some(seen.phase) && Instant::now() < self.next {
            return;
        }
        self.phase = Some(seen.phase);
        self.next = Instant::now() + LINE_INTERVAL;
        (self.say)(seen);
    }
}

/// A line about the empty strings among the words, if there are any.
pub(super) fn empty_tokens(vocabulary: &Vocabulary) -> Option<String> {
    let tokens = vocabulary.empty_tokens();
    (tokens > 0).then(|| {
        let tokens = HumanCount(tokens);
        format!("empty       {tokens} tokens are \"\", a word like any other; splitting at each space makes such")
    })
}

/// What a training job did, in a few lines on stderr.
pub(super) struct Summary(Vec<String>);

impl Summary {
    /// `counting`: the time for counting the vocabulary, if it was counted.
    pub(super) fn new(model: &Word2Vec, trained: &Trained, counting: Option<Duration>) -> Self {
        let (vocabulary, corpus, config) = (model.vocabulary(), model.corpus(), model.config());
        let before = match trained.tokens_before {
            0 => String::new(),
            tokens => format!(" after {} of the checkpoint", HumanCount(tokens)),
        };
        let mut lines = vec![
            format!("corpus      {} sentences, {} words", HumanCount(corpus.sentences), HumanCount(corpus.tokens)),
            format!(
                "vocabulary  {} of {} distinct words (min_count {})",
                HumanCount(vocabulary.len() as u64),
                HumanCount(vocabulary.raw_words() as u64),
                model.effective_min_count()
            ),
        ];
        lines.extend(empty_tokens(vocabulary));
        lines.push(format!(
            "training    {} words{before} in {:.1} s: {:.2} M words/s on {} workers ({})",
            HumanCount(trained.tokens - trained.tokens_before),
            trained.elapsed.as_secs_f64(),
            trained.tokens_per_second() / 1e6,
            config.worker_threads(),
            trained.isa
        ));
        if config.compute_loss {
            let mean = |&(loss, examples): &(f64, u64)| format!("{:.4}", loss / examples.max(1) as f64);
            let means: Vec<String> = trained.losses.iter().map(mean).collect();
            let example = if config.sg { "pair" } else { "centre" };
            lines.push(format!("loss        {} a {example}, by epoch", means.join(", ")));
        }
        let counting = counting.map(|time| format!("{:.1} s for the vocabulary, ", time.as_secs_f64()));
        let encoding = trained.encoding.as_secs_f64();
        lines.push(format!("preparation {}{encoding:.1} s for encoding", counting.unwrap_or_default()));
        Self(lines)
    }

    /// Prints it, with the total time and the files that were written. As JSON it is what `metrics` says.
    pub(super) fn print(&self, elapsed: Duration, files: &[PathBuf], metrics: &serde_json::Value) {
        if is_json() {
            return say_json(metrics);
        }
        self.0.iter().for_each(|line| say(format_args!("{line}")));
        let peak = peak_memory().map(|bytes| format!(", peak memory {} MiB", bytes >> 20)).unwrap_or_default();
        say(format_args!("total       {:.1} s{peak}", elapsed.as_secs_f64()));
        for file in files {
            say(format_args!("wrote       {}", file.display()));
        }
    }
}
