//! `KeyedVectors`, with gensim's names.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use numpy::ndarray::{ArrayView1, ArrayView2, ShapeBuilder};
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList};

use super::keys::{is_key, row_of};
use crate::corpus::Utf8Errors;
use crate::formats::{self, LoadOptions};
use crate::progress::Progress;
use crate::store::Location;
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::{HuffmanTree, Key, WordId};

/// A table of words and vectors.
#[pyclass(name = "KeyedVectors", module = "polargram", frozen)]
pub(super) struct PyKeyedVectors {
    vectors: Arc<KeyedVectors>,
    /// Whether `vectors` may be written through: owned memory, not a mapped file.
    is_writable: bool,
    index_to_key: PyOnceLock<Py<PyList>>,
    key_to_index: PyOnceLock<Py<PyDict>>,
    /// Whatever the user has set.
    vectors_lockf: Mutex<Option<Py<PyAny>>>,
    tree: OnceLock<HuffmanTree>,
}

impl PyKeyedVectors {
    pub(super) fn new(vectors: KeyedVectors, is_writable: bool) -> Self {
        Self {
            vectors: Arc::new(vectors),
            is_writable,
            index_to_key: PyOnceLock::new(),
            key_to_index: PyOnceLock::new(),
            vectors_lockf: Mutex::default(),
            tree: OnceLock::new(),
        }
    }

    /// The rows have changed.
    pub(super) fn forget_norms(&self) {
        self.vectors.forget_norms();
    }

    /// The vectors themselves.
    pub(super) fn inner(&self) -> &KeyedVectors {
        &self.vectors
    }

    fn row_of(&self, key: &Bound<'_, PyAny>) -> PyResult<usize> {
        row_of(&self.vectors, key)
    }

    fn keys_of(&self, keys: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Key<'_>>> {
        let Some(keys) = keys else { return Ok(Vec::new()) };
        match is_key(keys) {
            true => Ok(vec![self.key_of(keys)?]),
            false => keys.try_iter()?.map(|key| self.key_of(&key?)).collect(),
        }
    }

    fn key_of(&self, key: &Bound<'_, PyAny>) -> PyResult<Key<'_>> {
        // A row is a word's number.
        Ok(self.vectors.keys().key(self.row_of(key)? as WordId))
    }
}

#[pymethods]
impl PyKeyedVectors {
    /// The V × d matrix of float32: a view, no copy. Read-only where it is a memory-mapped file.
    #[getter]
    fn vectors<'py>(slf: &Bound<'py, Self>) -> Bound<'py, PyArray2<f32>> {
        let this = slf.get();
        // SAFETY: `slf` keeps the rows alive.
        let array = unsafe { matrix_of(this.vectors.rows(), slf.clone().into_any()) };
        if this.is_writable { array } else { read_only(array) }
    }

    /// Words in row order, the most frequent first.
    #[getter]
    fn index_to_key(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        let list = || PyList::new(py, self.vectors.keys().iter()).map(Bound::unbind);
        Ok(self.index_to_key.get_or_try_init(py, list)?.clone_ref(py))
    }

    /// The row of each word.
    #[getter]
    fn key_to_index(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        let dict = || -> PyResult<_> {
            let dict = PyDict::new(py);
            self.vectors.keys().iter().enumerate().try_for_each(|(row, key)| dict.set_item(key, row))?;
            Ok(dict.unbind())
        };
        Ok(self.key_to_index.get_or_try_init(py, dict)?.clone_ref(py))
    }

    /// Dimensions of the vectors.
    #[getter]
    fn vector_size(&self) -> usize {
        self.vectors.vector_size()
    }

    fn __len__(&self) -> usize {
        self.vectors.len()
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> bool {
        self.row_of(key).is_ok()
    }

    fn __repr__(&self) -> String {
        format!("KeyedVectors<vector_size={}, {} keys>", self.vectors.vector_size(), self.vectors.len())
    }

    /// The vector of a word, or the matrix of a list of words.
    fn __getitem__<'py>(slf: &Bound<'py, Self>, key_or_keys: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if is_key(key_or_keys) {
            return Ok(Self::get_vector(slf, key_or_keys, false)?.into_any());
        }
        let this = slf.get();
        let rows = key_or_keys.try_iter()?.map(|key| this.row_of(&key?)).collect::<PyResult<Vec<_>>>()?;
        let mut values = Vec::with_capacity(rows.len() * this.vectors.vector_size());
        rows.iter().for_each(|&row| values.extend_from_slice(this.vectors.rows().row(row)));
        Ok(PyArray1::from_vec(slf.py(), values).reshape([rows.len(), this.vectors.vector_size()])?.into_any())
    }

    /// The vector of a word or row: a read-only view, or with `norm=True` a copy of length 1.
    #[pyo3(signature = (key, norm = false))]
    fn get_vector<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        norm: bool,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let this = slf.get();
        let row = this.vectors.rows().row(this.row_of(key)?);
        if norm {
            let length = row.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            return Ok(PyArray1::from_iter(slf.py(), row.iter().map(|v| v / length)));
        }
        // SAFETY: `slf`, the array's base, keeps the row alive.
        Ok(read_only(unsafe { PyArray1::borrow_from_array(&ArrayView1::from(row), slf.clone().into_any()) }))
    }

    /// The row of a word; `default` if it is unknown and a default is given, else KeyError.
    #[pyo3(signature = (key, default = None))]
    fn get_index(&self, key: &Bound<'_, PyAny>, default: Option<i64>) -> PyResult<i64> {
        match (self.row_of(key), default) {
            (Ok(row), _) => Ok(row as i64),
            (Err(_), Some(default)) => Ok(default),
            (Err(error), None) => Err(error),
        }
    }

    /// An attribute of a word: "count", how often it occurred in the corpus; "code" and "point", the bits and the inner
    /// nodes of its path in the Huffman tree, from the root, which is node 0.
    fn get_vecattr<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>, attr: &str) -> PyResult<Bound<'py, PyAny>> {
        let row = self.row_of(key)?;
        let path = || self.tree.get_or_init(|| HuffmanTree::new(self.vectors.counts())).path(row as u32);
        match attr {
            "count" => Ok(self.vectors.counts()[row].into_pyobject(py)?.into_any()),
            "code" => Ok(PyArray1::from_slice(py, path().1).into_any()),
            "point" => Ok(PyArray1::from_slice(py, path().0).into_any()),
            _ => {
                Err(PyKeyError::new_err(format!("no attribute {attr:?}; there are \"count\", \"code\" and \"point\"")))
            }
        }
    }

    /// For each word the share of its changes that its vector takes in training: one factor for all, or one for each
    /// row. 0 freezes.
    #[getter]
    fn get_vectors_lockf(&self, py: Python<'_>) -> Py<PyAny> {
        let mut lockf = self.vectors_lockf.lock().unwrap_or_else(PoisonError::into_inner);
        lockf.get_or_insert_with(|| PyArray1::from_slice(py, &[1f32]).into_any().unbind()).clone_ref(py)
    }

    #[setter]
    fn set_vectors_lockf(&self, factors: Py<PyAny>) {
        *self.vectors_lockf.lock().unwrap_or_else(PoisonError::into_inner) = Some(factors);
    }

    /// Forgets cached norms, and computes them anew when they are needed: for after vectors were changed from outside.
    #[pyo3(signature = (force = false))]
    fn fill_norms(&self, force: bool) {
        if force {
            self.vectors.forget_norms();
        }
    }

    /// The cosine of two words' vectors.
    fn similarity(&self, w1: &Bound<'_, PyAny>, w2: &Bound<'_, PyAny>) -> PyResult<f32> {
        Ok(self.vectors.similarity(self.key_of(w1)?, self.key_of(w2)?)?)
    }

    /// The `topn` words nearest to the mean of the positive and negated negative words' unit vectors, as (word,
    /// cosine).
    #[pyo3(signature = (positive = None, negative = None, topn = 10))]
    fn most_similar(
        &self,
        py: Python<'_>,
        positive: Option<&Bound<'_, PyAny>>,
        negative: Option<&Bound<'_, PyAny>>,
        topn: i64,
    ) -> PyResult<Vec<(Key<'_>, f32)>> {
        let (positive, negative) = (self.keys_of(positive)?, self.keys_of(negative)?);
        let topn = usize::try_from(topn).unwrap_or(0);
        Ok(py.detach(|| self.vectors.most_similar(&positive, &negative, topn))?)
    }

    /// Saves in the format that the ending names: .arrow, .npy (and NAME.vocab.txt), .txt or .bin.
    fn save(&self, py: Python<'_>, fname: PathBuf) -> PyResult<()> {
        Ok(py.detach(|| self.vectors.save(fname))?)
    }

    /// Loads a file in the format that its ending names. With `mmap="r"`, and for .arrow and .npy always, the file is
    /// memory-mapped and read-only.
    #[staticmethod]
    #[pyo3(signature = (fname, mmap = None))]
    fn load(py: Python<'_>, fname: PathBuf, mmap: Option<&str>) -> PyResult<Self> {
        match mmap {
            None | Some("r") => {
                let vectors = py.detach(|| KeyedVectors::load(fname))?;
                let is_owned = mmap.is_none() && !vectors.rows().is_mapped();
                Ok(Self::new(vectors, is_owned))
            }
            Some(other) => Err(PyValueError::new_err(format!("mmap: {other:?} is unknown; expected \"r\" or None"))),
        }
    }

    /// Saves in the word2vec C format, text or binary, and `word count` lines to `fvocab`.
    #[pyo3(signature = (fname, fvocab = None, binary = false))]
    fn save_word2vec_format(
        &self,
        py: Python<'_>,
        fname: PathBuf,
        fvocab: Option<PathBuf>,
        binary: bool,
    ) -> PyResult<()> {
        Ok(py.detach(|| {
            let progress = Progress::default();
            formats::save_word2vec_format(&self.vectors, &Location::from(fname), binary, fvocab.as_deref(), &progress)
        })?)
    }

    /// Loads the word2vec C format, text or binary; counts from the `word count` lines of `fvocab`.
    #[staticmethod]
    #[pyo3(signature = (fname, fvocab = None, binary = false, encoding = "utf8", unicode_errors = "strict", limit = None, no_header = false))]
    #[allow(clippy::too_many_arguments, reason = "gensim's parameters")]
    fn load_word2vec_format(
        py: Python<'_>,
        fname: PathBuf,
        fvocab: Option<PathBuf>,
        binary: bool,
        encoding: &str,
        unicode_errors: &str,
        limit: Option<usize>,
        no_header: bool,
    ) -> PyResult<Self> {
        if !matches!(encoding, "utf8" | "utf-8") {
            return Err(PyValueError::new_err(format!(
                "encoding: {encoding:?} is not supported; the file must be utf8"
            )));
        }
        let errors = match unicode_errors {
            "strict" => Utf8Errors::Strict,
            "replace" => Utf8Errors::Replace,
            "ignore" => Utf8Errors::Ignore,
            other => {
                return Err(PyValueError::new_err(format!(
                    "unicode_errors: {other:?} is none of strict, replace, ignore"
                )));
            }
        };
        // As in gensim, no limit.
        let limit = limit.filter(|&limit| limit > 0);
        let options = LoadOptions { limit, no_header, errors };
        let vectors = py.detach(|| {
            let (location, progress) = (Location::from(fname), Progress::default());
            formats::load_word2vec_format(&location, binary, fvocab.as_deref(), &options, &progress)
        })?;
        Ok(Self::new(vectors, true))
    }
}

/// A view of rows.
///
/// # Safety
/// `owner` keeps them alive.
pub(super) unsafe fn matrix_of<'py>(rows: &Rows, owner: Bound<'py, PyAny>) -> Bound<'py, PyArray2<f32>> {
    let shape = (rows.len(), rows.vector_size()).strides((rows.stride(), 1));
    // SAFETY: the pointer and shape are those of live rows.
    unsafe { PyArray2::borrow_from_array(&ArrayView2::from_shape_ptr(shape, rows.as_ptr()), owner) }
}

fn read_only<D: numpy::ndarray::Dimension>(
    array: Bound<'_, numpy::PyArray<f32, D>>,
) -> Bound<'_, numpy::PyArray<f32, D>> {
    array.readwrite().make_nonwriteable();
    array
}
