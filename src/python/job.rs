//! Long work away from the interpreter.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

use crate::error::{Error, Result};
use crate::progress::Progress;

/// How long a Ctrl-C may go unnoticed.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// Runs `work` on a thread of its own with the GIL released, while this one looks for signals. A Ctrl-C (or any signal
/// handler that raises) cancels the work, and its exception is raised once the work has stopped.
pub(super) fn run<T: Send>(py: Python<'_>, work: impl FnOnce(&Progress) -> Result<T> + Send) -> PyResult<T> {
    let progress = Arc::new(Progress::default());
    let watched = progress.clone();
    py.detach(|| {
        thread::scope(|scope| {
            let (send, receive) = channel();
            scope.spawn(move || {
                // The receiver waits until this arrives.
                let _ = send.send(work(&progress));
            });
            let mut signal = None;
            loop {
                match receive.recv_timeout(SIGNAL_INTERVAL) {
                    Ok(done) => return signal.map_or_else(|| done.map_err(PyErr::from), Err),
                    Err(RecvTimeoutError::Timeout) if signal.is_none() => {
                        if let Err(raised) = Python::attach(|py| py.check_signals()) {
                            watched.cancel();
                            signal = Some(raised);
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return Err(stopped()),
                }
            }
        })
    })
}

/// The worker ended without a result: it panicked, and the scope will say so.
fn stopped() -> PyErr {
    Error::Caller("the job stopped without a result".into()).into()
}
