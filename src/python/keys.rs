//! Keys between Python and Rust: `str` is text, `int` (Python's or NumPy's) an integer.

use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString};

use crate::vectors::KeyedVectors;
use crate::vocab::Key;

/// A key that a Python user gave.
pub(super) enum PyKey {
    Text(String),
    Int64(i64),
    UInt64(u64),
}

impl PyKey {
    /// The object as a key, if it can be one.
    pub(super) fn of(object: &Bound<'_, PyAny>) -> Option<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            return text.to_cow().ok().map(|text| Self::Text(text.into_owned()));
        }
        let signed = object.extract().ok().map(Self::Int64);
        signed.or_else(|| object.extract().ok().map(Self::UInt64))
    }

    pub(super) fn key(&self) -> Key<'_> {
        match self {
            Self::Text(text) => Key::Text(text),
            Self::Int64(number) => Key::Int64(*number),
            Self::UInt64(number) => Key::UInt64(*number),
        }
    }
}

/// True for what names one row, not a list of them. An integer too large for a key is one that is not present.
pub(super) fn is_key(object: &Bound<'_, PyAny>) -> bool {
    // First what needs no conversion: most keys are text.
    object.is_instance_of::<PyString>() || object.is_instance_of::<PyInt>() || PyKey::of(object).is_some()
}

/// The row of a key. An integer is the key itself where keys are integers, and a row number where they are text, as in
/// gensim.
pub(super) fn row_of(vectors: &KeyedVectors, object: &Bound<'_, PyAny>) -> PyResult<usize> {
    let key_type = vectors.keys().key_type();
    let missing = |reason: &str| PyKeyError::new_err(format!("Key '{object}' not present{reason}"));
    if !is_key(object) {
        let expected = if key_type.is_integer() { "an integer key" } else { "a word or a row number" };
        return Err(PyTypeError::new_err(format!("expected {expected}, not {}", object.get_type())));
    }
    if let Ok(text) = object.cast::<PyString>() {
        if key_type.is_integer() {
            return Err(missing(&format!(": it is text, but the keys are {key_type}")));
        }
        // Not copied.
        let text = text.to_cow()?;
        return vectors.keys().id(&*text).map(|id| id as usize).ok_or_else(|| missing(""));
    }
    let Some(number) = PyKey::of(object) else { return Err(missing("")) };
    let row = match key_type.is_integer() {
        true => vectors.keys().id(number.key()).map(|id| id as usize),
        false => number.key().as_u64().and_then(|row| row.try_into().ok()).filter(|&row| row < vectors.len()),
    };
    row.ok_or_else(|| missing(""))
}

impl<'py> IntoPyObject<'py> for Key<'_> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Ok(match self {
            Self::Text(text) => text.into_pyobject(py)?.into_any(),
            Self::Int64(number) => number.into_pyobject(py)?.into_any(),
            Self::UInt64(number) => number.into_pyobject(py)?.into_any(),
        })
    }
}
