//! Errors as the exceptions that a Python user expects.

use std::io;

use pyo3::exceptions::{PyKeyError, PyKeyboardInterrupt, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyType;

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
            Error::Truncated { .. } => of_package("TruncatedFileError", message),
            Error::EmptyVocabulary { .. } => of_package("EmptyVocabularyError", message),
            Error::Polars(_) | Error::Forked => PyRuntimeError::new_err(message),
            _ => PyValueError::new_err(message),
        }
    }
}

/// An exception that Python code defines, since only that can have two bases.
fn of_package(name: &str, message: String) -> PyErr {
    Python::attach(|py| {
        let class = py.import("polargram.errors").and_then(|errors| errors.getattr(name));
        match class.and_then(|class| Ok(class.cast_into::<PyType>()?)) {
            Ok(class) => PyErr::from_type(class, message),
            Err(_) => PyValueError::new_err(message),
        }
    })
}

/// Carries an exception of the user's own code through the crate.
pub(super) fn raised(error: PyErr) -> Error {
    Error::Caller(Box::new(error))
}
