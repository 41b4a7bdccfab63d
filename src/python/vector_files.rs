//! Vectors in files: loading and saving.

use std::path::PathBuf;

use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString};

use super::job;
use super::keyed_vectors::PyVectors;
use super::location::location;
use super::table::PyTable;
use crate::formats::{self, Encoding, FloatType, Identity, LoadOptions, SaveOptions, Word2VecFormat};
use crate::store::{is_pipe, local};
use crate::tokenise::TextTokenizer;
use crate::vectors::KeyedVectors;

/// Loads a file, whose format its first bytes tell, or else its ending. With `mmap="r"`, and if the file is memory-mapped,
/// the vectors are read-only.
#[pyfunction]
#[pyo3(signature = (fname, mmap, key_dtype, key_column, vector_column, storage_options))]
pub(super) fn load_vectors(
    py: Python<'_>,
    fname: PathBuf,
    mmap: Option<&str>,
    key_dtype: Option<&Bound<'_, PyAny>>,
    key_column: Option<String>,
    vector_column: Option<String>,
    storage_options: Option<&Bound<'_, PyDict>>,
) -> PyResult<PyTable> {
    if let Some(other) = mmap.filter(|&mmap| mmap != "r") {
        return Err(PyValueError::new_err(format!("mmap: {other:?} is unknown; expected \"r\" or None")));
    }
    let integer_keys = are_integers(key_dtype)?;
    let options = LoadOptions { integer_keys, key_column, vector_column, ..LoadOptions::default() };
    let location = location(fname, storage_options)?;
    let (vectors, file) = job::run(py, None, |progress, _| {
        // The local copy of an object, or of what came from a pipe, has no name any more once it is mapped.
        let file = match location.url() {
            Some(_) => None,
            None => Some(local(location.path())?).filter(|path| !is_pipe(path)),
        };
        let file = file.map(|path| Identity::of(&path)).transpose()?;
        Ok((KeyedVectors::load_with(location, &options, progress)?, file))
    })?;
    let is_mapped = vectors.rows().is_mapped();
    // Opened again by its path, a file is read with the defaults.
    let file = file.filter(|_| is_mapped && options == LoadOptions::default());
    Ok(PyTable::loaded(vectors, mmap.is_none() && !is_mapped, file))
}

/// Loads the word2vec C format, text or binary; counts from the `word count` lines of `fvocab`. `encoding` is "utf8" or
/// "latin1".
#[pyfunction]
#[pyo3(signature = (fname, fvocab, binary, encoding, unicode_errors, limit, is_half, no_header, key_dtype, storage_options))]
#[allow(clippy::too_many_arguments, reason = "gensim's parameters")]
pub(super) fn load_word2vec_format(
    py: Python<'_>,
    fname: PathBuf,
    fvocab: Option<PathBuf>,
    binary: bool,
    encoding: &str,
    unicode_errors: &str,
    limit: Option<usize>,
    is_half: bool,
    no_header: bool,
    key_dtype: Option<&Bound<'_, PyAny>>,
    storage_options: Option<&Bound<'_, PyDict>>,
) -> PyResult<PyTable> {
    let options = LoadOptions {
        // As in gensim, no limit.
        limit: limit.filter(|&limit| limit > 0),
        no_header,
        errors: unicode_errors.parse().map_err(|reason| PyValueError::new_err(format!("unicode_errors: {reason}")))?,
        integer_keys: are_integers(key_dtype)?,
        encoding: if encoding == "latin1" { Encoding::Latin1 } else { Encoding::Utf8 },
        float: float_type(is_half),
        ..LoadOptions::default()
    };
    let location = location(fname, storage_options)?;
    let vectors = job::run(py, None, |progress, _| {
        formats::load_word2vec_format(&location, binary, fvocab.as_deref(), &options, progress)
    })?;
    Ok(PyTable::loaded(vectors, true, None))
}

/// A table with other words for its rows. Of a word that repeats, the first row stays.
#[pyfunction]
pub(super) fn with_words(
    py: Python<'_>,
    table: &PyTable,
    words: Vec<String>,
    key_dtype: Option<&Bound<'_, PyAny>>,
) -> PyResult<PyTable> {
    let integer_keys = are_integers(key_dtype)?;
    let vectors = table.vectors();
    let renamed = py.detach(|| formats::with_words(&vectors, &words, integer_keys))?;
    Ok(PyTable::loaded(renamed, true, None))
}

/// Saves in the format that the ending names, or else as Arrow.
#[pyfunction]
pub(super) fn save_vectors(
    py: Python<'_>,
    vectors: &PyVectors,
    fname: PathBuf,
    is_half: bool,
    storage_options: Option<&Bound<'_, PyDict>>,
) -> PyResult<()> {
    let location = location(fname, storage_options)?;
    let (vectors, options) = (vectors.inner(), SaveOptions { float: float_type(is_half) });
    job::run(py, None, |progress, _| vectors.save_with(location, &options, progress))
}

/// Saves in the word2vec C format, text or binary, and lines of word and count, or another attribute, to `fvocab`.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "gensim's parameters")]
pub(super) fn save_word2vec_format(
    py: Python<'_>,
    vectors: &PyVectors,
    fname: PathBuf,
    fvocab: Option<PathBuf>,
    binary: bool,
    total_vec: Option<usize>,
    write_header: bool,
    prefix: String,
    append: bool,
    order: Option<Vec<usize>>,
    attribute: Option<Vec<String>>,
    storage_options: Option<&Bound<'_, PyDict>>,
) -> PyResult<()> {
    let location = location(fname, storage_options)?;
    let vectors = vectors.inner();
    let format = Word2VecFormat { binary, write_header, total_vec, prefix, append, order, attribute };
    job::run(py, None, |progress, _| {
        formats::save_word2vec_format(&vectors, &location, fvocab.as_deref(), &format, progress)
    })
}

/// The columns word, count and vector, which share the vectors' memory.
#[pyfunction]
pub(super) fn vectors_frame(vectors: &PyVectors) -> PyResult<pyo3_arrow::PyTable> {
    let fault = |error: arrow::error::ArrowError| PyValueError::new_err(error.to_string());
    let frame = formats::shared_frame(&vectors.inner()).map_err(fault)?;
    let schema = frame.schema();
    pyo3_arrow::PyTable::try_new(vec![frame], schema)
}

/// The tokens of a tokenizer with their ids; none of one that is not trained. An error if there is no such tokenizer.
#[pyfunction]
pub(super) fn check_tokenizer(name: &str) -> PyResult<Vec<(String, u32)>> {
    Ok(match name.parse()? {
        TextTokenizer::Trained(tokenizer) => tokenizer.tokens().collect(),
        _ => Vec::new(),
    })
}

/// Writes the directory of a static model: its matrix, and texts under their names.
#[pyfunction]
pub(super) fn save_static_model(
    py: Python<'_>,
    directory: PathBuf,
    rows: PyReadonlyArray2<'_, f32>,
    texts: Vec<(String, String)>,
) -> PyResult<()> {
    let location = location(directory, None)?;
    let (rows, size) = (rows.as_slice()?, rows.shape()[1]);
    job::run(py, None, |progress, _| formats::save_static_model(&location, rows, size, &texts, progress))
}

fn float_type(is_half: bool) -> FloatType {
    if is_half { FloatType::Float16 } else { FloatType::Float32 }
}

/// True for `int`, false for `str` and None.
fn are_integers(key_dtype: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
    let Some(key_dtype) = key_dtype else { return Ok(false) };
    match () {
        () if key_dtype.is(key_dtype.py().get_type::<PyInt>()) => Ok(true),
        () if key_dtype.is(key_dtype.py().get_type::<PyString>()) => Ok(false),
        () => Err(PyValueError::new_err(format!("key_dtype: {key_dtype:?} is unknown; expected int, str or None"))),
    }
}
