//! Errors as the exceptions that a Python user expects.

use std::io;

use pyo3::PyErr;
use pyo3::exceptions::{PyKeyError, PyKeyboardInterrupt, PyRuntimeError, PyValueError};

use crate::error::Error;

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::UnknownKey(_) => PyKeyError::new_err(message),
            Error::Interrupted => PyKeyboardInterrupt::new_err(()),
            // PyO3 picks the subclass by the kind: FileNotFoundError, PermissionError, …
            Error::Io { source, .. } => io::Error::new(source.kind(), message).into(),
            Error::Caller(source) => match source.downcast::<PyErr>() {
                Ok(raised) => *raised,
                Err(other) => PyRuntimeError::new_err(other.to_string()),
            },
            Error::Polars(_) | Error::Forked => PyRuntimeError::new_err(message),
            _ => PyValueError::new_err(message),
        }
    }
}

/// Carries an exception of the user's own code through the crate.
pub(super) fn raised(error: PyErr) -> Error {
    Error::Caller(Box::new(error))
}
