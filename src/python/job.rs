//! Long work without the interpreter.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::errors::raised;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// How long it takes at most until a Ctrl-C is seen.
pub(super) const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// How to report a job's progress to the user.
pub(super) struct Report<'py> {
    /// Called with the phase, the tokens done, those to do (0 if not known), and the learning rate.
    pub(super) function: Bound<'py, PyAny>,
    /// The time between two calls.
    pub(super) interval: Duration,
}

/// Python code.
type Code = Box<dyn FnOnce(Python<'_>) -> PyResult<()> + Send>;

/// What the working thread sends to the thread that the user called from.
enum Event<T> {
    Call(Code, Sender<PyResult<()>>),
    Done(Result<T>),
}

/// Runs Python code for the working thread, on the thread that the user called from, as users expect.
pub(super) struct Caller<'a>(Box<dyn Fn(Code) -> Result<()> + Send + 'a>);

impl Caller<'_> {
    /// Waits until the function has run.
    pub(super) fn call(&self, function: impl FnOnce(Python<'_>) -> PyResult<()> + Send + 'static) -> Result<()> {
        (self.0)(Box::new(function))
    }
}

/// Runs `work` on a thread of its own with the GIL released. Meanwhile this thread checks for signals and reports
/// progress. Ctrl-C, or any signal handler that raises, cancels the work; its exception is raised when the work has
/// stopped.
pub(super) fn run<T: Send>(
    py: Python<'_>,
    report: Option<&Report<'_>>,
    work: impl FnOnce(&Progress, &Caller<'_>) -> Result<T> + Send,
) -> PyResult<T> {
    run_watched(py, report, |_| {}, work)
}

/// The same, with `watch` called on the progress whenever this thread looks at it.
pub(super) fn run_watched<T: Send>(
    py: Python<'_>,
    report: Option<&Report<'_>>,
    mut watch: impl FnMut(&Progress) + Send,
    work: impl FnOnce(&Progress, &Caller<'_>) -> Result<T> + Send,
) -> PyResult<T> {
    let progress = Progress::default();
    let watched = progress.clone();
    let report = report.map(|report| (report.function.clone().unbind(), report.interval));
    py.detach(|| {
        thread::scope(|scope| {
            let (send, receive) = channel();
            scope.spawn(move || {
                let caller = Caller(Box::new(|function| {
                    let (reply, answer) = channel();
                    send.send(Event::Call(function, reply)).map_err(|_| Error::Interrupted)?;
                    answer.recv().map_err(|_| Error::Interrupted)?.map_err(raised)
                }));
                let done = work(&progress, &caller);
                // The receiver waits until this arrives.
                let _ = send.send(Event::Done(done));
            });
            let mut raised_here = None;
            let mut reported = Instant::now();
            loop {
                match receive.recv_timeout(SIGNAL_INTERVAL) {
                    Ok(Event::Done(done)) => return raised_here.map_or_else(|| done.map_err(PyErr::from), Err),
                    Ok(Event::Call(function, reply)) => {
                        // The working thread waits for it.
                        let _ = reply.send(Python::attach(function));
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return Err(stopped()),
                }
                watch(&watched);
                if raised_here.is_some() {
                    continue;
                }
                let due = report.as_ref().filter(|(_, interval)| reported.elapsed() >= *interval);
                let looked = Python::attach(|py| {
                    py.check_signals()?;
                    due.map_or(Ok(()), |(function, _)| tell(function.bind(py), &watched))
                });
                if due.is_some() {
                    reported = Instant::now();
                }
                if let Err(error) = looked {
                    watched.cancel();
                    raised_here = Some(error);
                }
            }
        })
    })
}

fn tell(function: &Bound<'_, PyAny>, progress: &Progress) -> PyResult<()> {
    let (phase, rate) = (progress.phase().to_string(), progress.learning_rate());
    function.call1((phase, progress.tokens(), progress.total(), rate)).map(|_| ())
}

/// The worker ended without a result: it panicked, and the scope passes the panic on.
fn stopped() -> PyErr {
    Error::Caller("the job stopped without a result".into()).into()
}
