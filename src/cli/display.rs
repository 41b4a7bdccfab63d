//! What a person sees of a job: a bar on a terminal, plain lines elsewhere, and a summary.

use std::fmt::{self, Display};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use crate::error::{IoContext, Result};
use crate::models::{Word2Vec, peak_memory};
use crate::progress::{Phase, Progress};
use crate::train::Trained;
use crate::vocab::Vocabulary;

const BAR_INTERVAL: Duration = Duration::from_millis(100);
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Prints a line to stderr. If stderr is closed or full, the job goes on.
pub(super) fn say(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
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

/// Exit code of a job that the user interrupted: 128 + SIGINT.
pub(super) const INTERRUPTED: u8 = 130;

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

/// A thread that shows a job's progress on stderr until it is stopped or dropped.
pub(super) struct Watcher {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    start: Instant,
}

impl Watcher {
    pub(super) fn start(progress: &Progress, quiet: bool) -> Self {
        let start = Instant::now();
        if quiet {
            return Self { stop: None, thread: None, start };
        }
        let progress = progress.clone();
        let (stop, stopped) = channel();
        let mut view: Box<dyn View + Send> =
            if std::io::stderr().is_terminal() { Box::new(Bar::new()) } else { Box::new(Lines::new()) };
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
        write!(f, ", {:.2} M words/s", speed / 1e6)?;
        match self.total.checked_sub(self.tokens) {
            Some(left) if self.total > 0 => {
                write!(f, ", {} left", HumanDuration(Duration::from_secs_f64(left as f64 / speed)))
            }
            _ => Ok(()),
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
        let style =
            ProgressStyle::with_template("{bar:30.cyan/blue} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
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
}

impl Lines {
    fn new() -> Self {
        Self { phase: None, next: Instant::now() }
    }
}

impl View for Lines {
    fn show(&mut self, seen: &Snapshot) {
        if self.phase == Some(seen.phase) && Instant::now() < self.next {
            return;
        }
        self.phase = Some(seen.phase);
        self.next = Instant::now() + LINE_INTERVAL;
        say(format_args!("polargram: {seen}"));
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

    /// Prints it, with the total time and the files that were written.
    pub(super) fn print(&self, elapsed: Duration, files: &[PathBuf]) {
        self.0.iter().for_each(|line| say(format_args!("{line}")));
        let peak = peak_memory().map(|bytes| format!(", peak memory {} MiB", bytes >> 20)).unwrap_or_default();
        say(format_args!("total       {:.1} s{peak}", elapsed.as_secs_f64()));
        for file in files {
            say(format_args!("wrote       {}", file.display()));
        }
    }
}
