//! Keys between Python and Rust: `str` is text, `int` (Python's or NumPy's) an integer.

use std::borrow::Cow;

use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyInt, PyString};

use crate::vectors::KeyedVectors;
use crate::vocab::{Key, KeyType, Keys};

/// A key that a Python user gave.
pub(super) enum PyKey {
    Text(String),
    Int64(i64),
    UInt64(u64),
}

impl PyKey {
    /// The object as a key, if it can be one. Truth values are no integers.
    pub(super) fn of(object: &Bound<'_, PyAny>) -> Option<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            return text.to_cow().ok().map(|text| Self::Text(text.into_owned()));
        }
        if object.is_instance_of::<PyBool>() {
            return None;
        }
        let signed = object.extract().ok().map(Self::Int64);
        signed.or_else(|| object.extract().ok().map(Self::UInt64))
    }

    /// A word of a sentence: null, which is skipped, or a key of the same kind as `keys`.
    ///
    /// # Errors
    /// TypeError for what can be no key, KeyError for text where keys are integers, and the reverse.
    pub(super) fn word_of(object: &Bound<'_, PyAny>, keys: &Keys) -> PyResult<Option<Self>> {
        if object.is_none() {
            return Ok(None);
        }
        if !is_key(object) {
            return Err(not_a_key(object, if keys.key_type().is_integer() { INTEGER } else { "a word (str)" }));
        }
        let is_text = object.is_instance_of::<PyString>();
        if !keys.is_empty() && is_text == keys.key_type().is_integer() {
            return Err(PyKeyError::new_err(format!("Key '{object}' not present{}", of_other_kind(is_text, keys))));
        }
        Ok(Self::of(object))
    }

    pub(super) fn key(&self) -> Key<'_> {
        match self {
            Self::Text(text) => Key::Text(text),
            Self::Int64(number) => Key::Int64(*number),
            Self::UInt64(number) => Key::UInt64(*number),
        }
    }
}

/// A key that is added.
///
/// # Errors
/// TypeError for what can be no key, ValueError for text that is not valid Unicode and for integers of more than 64 bits.
pub(super) fn new_key(object: &Bound<'_, PyAny>) -> PyResult<PyKey> {
    PyKey::of(object).ok_or_else(|| match is_key(object) {
        true => PyValueError::new_err(format!(
            "key: {} cannot be added: text must be valid Unicode, and an integer fit 64 bits",
            object.repr().map_or_else(|_| "it".to_owned(), |repr| repr.to_string())
        )),
        false => not_a_key(object, "a key (str or int)"),
    })
}

/// What is looked up where keys are integers.
const INTEGER: &str = "an integer key (int)";

/// True for what names one row, not a list of them. An integer too large for a key is one that is not present.
pub(super) fn is_key(object: &Bound<'_, PyAny>) -> bool {
    // First what needs no conversion: most keys are text.
    object.is_instance_of::<PyString>()
        || (object.is_instance_of::<PyInt>() && !object.is_instance_of::<PyBool>())
        || PyKey::of(object).is_some()
}

/// The objects of a list of keys.
///
/// # Errors
/// TypeError for what is no list: bytes are, but of numbers.
pub(super) fn list_of<'py>(
    vectors: &KeyedVectors,
    object: &Bound<'py, PyAny>,
) -> PyResult<impl Iterator<Item = PyResult<Bound<'py, PyAny>>>> {
    let is_bytes = object.is_instance_of::<PyBytes>() || object.is_instance_of::<PyByteArray>();
    let items = if is_bytes { None } else { object.try_iter().ok() };
    items.ok_or_else(|| not_a_key(object, &format!("{}, or a list of such", expected_by(vectors))))
}

/// The row of a key. An integer is the key itself where keys are integers, and a row number where they are text, as in
/// gensim.
pub(super) fn row_of(vectors: &KeyedVectors, object: &Bound<'_, PyAny>) -> PyResult<usize> {
    let keys = vectors.keys();
    let missing = |reason: &str| PyKeyError::new_err(format!("Key '{object}' not present{reason}"));
    if !is_key(object) {
        return Err(not_a_key(object, expected_by(vectors)));
    }
    if let Ok(text) = object.cast::<PyString>() {
        if keys.key_type().is_integer() {
            return Err(missing(&of_other_kind(true, keys)));
        }
        // Not copied.
        let Ok(text) = text.to_cow() else { return Err(missing(": it is not valid Unicode")) };
        return keys.id(&*text).map(|id| id as usize).ok_or_else(|| missing(""));
    }
    let number = PyKey::of(object);
    let row = match (&number, keys.key_type().is_integer()) {
        (None, _) => None,
        (Some(number), true) => keys.id(number.key()).map(|id| id as usize),
        (Some(number), false) => {
            number.key().as_u64().and_then(|row| row.try_into().ok()).filter(|&row| row < vectors.len())
        }
    };
    row.ok_or_else(|| match keys.key_type() {
        KeyType::Text => {
            missing(&format!(": keys are text, and integers are row numbers from 0, below {}", vectors.len()))
        }
        integers => missing(&format!(": keys are {integers}, and no row numbers")),
    })
}

/// The vector of a key: its row, or of a word without one, where there are vectors of n-grams, theirs.
///
/// # Errors
/// As for [`row_of`].
pub(super) fn vector_of<'v>(vectors: &'v KeyedVectors, object: &Bound<'_, PyAny>) -> PyResult<Cow<'v, [f32]>> {
    row_of(vectors, object).map(|row| Cow::Borrowed(vectors.rows().row(row))).or_else(|error| {
        let text = object.cast::<PyString>().ok().and_then(|text| text.to_cow().ok());
        text.and_then(|text| vectors.vector_of(&*text).ok()).ok_or(error)
    })
}

/// The row of a word, if it is known. Null is unknown.
///
/// # Errors
/// TypeError for what can be no key, KeyError for text where keys are integers.
pub(super) fn known_row(vectors: &KeyedVectors, word: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    let is_other_kind = word.is_instance_of::<PyString>() && vectors.keys().key_type().is_integer();
    match row_of(vectors, word) {
        Err(error) if is_other_kind || !(word.is_none() || is_key(word)) => Err(error),
        row => Ok(row.ok()),
    }
}

fn expected_by(vectors: &KeyedVectors) -> &'static str {
    if vectors.keys().key_type().is_integer() { INTEGER } else { "a word (str) or a row number (int)" }
}

fn not_a_key(object: &Bound<'_, PyAny>, expected: &str) -> PyErr {
    let decode = if object.is_instance_of::<PyBytes>() { "; decode it first" } else { "" };
    PyTypeError::new_err(format!("expected {expected}, not {}{decode}", object.get_type()))
}

/// What a message adds about a key of the kind that `keys` do not have.
fn of_other_kind(is_text: bool, keys: &Keys) -> String {
    let (found, cast) = if is_text { ("text", "int") } else { ("an integer", "str") };
    format!(": it is {found}, but the keys are {}; pass {cast}(key)", keys.key_type())
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
