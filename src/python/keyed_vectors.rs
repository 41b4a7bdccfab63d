//! Lookups by key: the native base of `polargram.KeyedVectors`.

use std::sync::Arc;

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::keys::{is_key, known_row, list_of, row_of};
use super::table::PyTable;
use super::views::read_only;
use crate::vectors::KeyedVectors;
use crate::vocab::{Key, WordId};

/// Looks keys up in a table. Python's `KeyedVectors` derives from it, so that a lookup runs no Python code.
///
/// The table of a model is live, so each method asks it once for what it has. NumPy views have the rows as their base, not
/// this object: an attribute that holds a view makes no circle.
#[pyclass(name = "Vectors", module = "polargram._polargram", frozen, subclass)]
pub(super) struct PyVectors {
    table: Py<PyTable>,
}

impl PyVectors {
    /// The vectors themselves, as they are now.
    pub(super) fn inner(&self) -> Arc<KeyedVectors> {
        self.table.get().vectors()
    }
}

/// The keys that a user has named: one, or several.
fn keys_of<'a>(vectors: &'a KeyedVectors, keys: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Key<'a>>> {
    let Some(keys) = keys else { return Ok(Vec::new()) };
    match is_key(keys) {
        true => Ok(vec![key_of(vectors, keys)?]),
        false => list_of(vectors, keys)?.map(|key| key_of(vectors, &key?)).collect(),
    }
}

fn key_of<'a>(vectors: &'a KeyedVectors, key: &Bound<'_, PyAny>) -> PyResult<Key<'a>> {
    // A row is a word's number.
    Ok(vectors.keys().key(row_of(vectors, key)? as WordId))
}

#[pymethods]
impl PyVectors {
    #[new]
    #[pyo3(signature = (table = None))]
    fn new(table: Option<Py<PyTable>>) -> PyResult<Self> {
        let missing = "vectors are loaded, or come from a model: KeyedVectors.load(path), or model.wv";
        let table = table.ok_or_else(|| PyTypeError::new_err(missing))?;
        Ok(Self { table })
    }

    /// The table that copies share.
    #[getter]
    fn table(&self, py: Python<'_>) -> PyResult<Py<PyTable>> {
        PyTable::lasting(self.table.bind(py))
    }

    /// The V × d matrix of float32: a view, no copy. Read-only if it is a memory-mapped file.
    #[getter]
    fn vectors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let content = self.table.get().content();
        let array = content.views.matrix(py, content.vectors.rows())?;
        Ok(if self.table.get().is_writable() { array } else { read_only(array) })
    }

    /// Keys in row order, the most frequent first.
    #[getter]
    fn index_to_key(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        self.table.get().index_to_key(py)
    }

    /// The row of each key.
    #[getter]
    fn key_to_index(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        self.table.get().key_to_index(py)
    }

    /// Dimensions of the vectors.
    #[getter]
    fn vector_size(&self) -> usize {
        self.inner().vector_size()
    }

    fn __len__(&self) -> usize {
        self.inner().len()
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> bool {
        row_of(&self.inner(), key).is_ok()
    }

    /// The vector of a key, or the matrix of a list of keys.
    fn __getitem__<'py>(&self, key_or_keys: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = key_or_keys.py();
        if is_key(key_or_keys) {
            return Ok(self.get_vector(py, key_or_keys, false)?.into_any());
        }
        let vectors = self.inner();
        let keys = list_of(&vectors, key_or_keys)?;
        let rows = keys.map(|key| row_of(&vectors, &key?)).collect::<PyResult<Vec<_>>>()?;
        let mut values = Vec::with_capacity(rows.len() * vectors.vector_size());
        rows.iter().for_each(|&row| values.extend_from_slice(vectors.rows().row(row)));
        Ok(PyArray1::from_vec(py, values).reshape([rows.len(), vectors.vector_size()])?.into_any())
    }

    /// The vector of a key: a read-only view, or with `norm=True` a copy of length 1. Vectors of zeros, and those with
    /// NaN or infinity, have no direction and stay as they are.
    #[pyo3(signature = (key, norm = false))]
    fn get_vector<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        norm: bool,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let content = self.table.get().content();
        let vectors = &content.vectors;
        if norm {
            return Ok(PyArray1::from_vec(py, vectors.unit_vector(key_of(vectors, key)?)?));
        }
        content.views.row(py, vectors.rows(), row_of(vectors, key)?)
    }

    /// The row of a key. If it is unknown: `default` if that is given, else KeyError.
    #[pyo3(signature = (key, default = None))]
    fn get_index(&self, key: &Bound<'_, PyAny>, default: Option<i64>) -> PyResult<i64> {
        match (row_of(&self.inner(), key), default) {
            (Ok(row), _) => Ok(row as i64),
            (Err(_), Some(default)) => Ok(default),
            (Err(error), None) => Err(error),
        }
    }

    /// The rows of those words that are known.
    fn _known_rows(&self, words: Vec<Bound<'_, PyAny>>) -> PyResult<Vec<usize>> {
        let vectors = self.inner();
        words.iter().filter_map(|word| known_row(&vectors, word).transpose()).collect()
    }

    /// An attribute of a key: "count", how often it occurred in the corpus; "code" and "point", the bits and the inner
    /// nodes of its path in the Huffman tree, from the root, which is node 0.
    fn get_vecattr<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>, attr: &str) -> PyResult<Bound<'py, PyAny>> {
        let content = self.table.get().content();
        let row = row_of(&content.vectors, key)?;
        let path = || content.tree().path(row as u32);
        match attr {
            "count" => Ok(content.vectors.counts()[row].into_pyobject(py)?.into_any()),
            "code" => Ok(PyArray1::from_slice(py, path().1).into_any()),
            "point" => Ok(PyArray1::from_slice(py, path().0).into_any()),
            _ => {
                Err(PyKeyError::new_err(format!("no attribute {attr:?}; there are \"count\", \"code\" and \"point\"")))
            }
        }
    }

    /// With `force`, drops the cached norms: for when vectors were changed from outside. They are computed again when
    /// they are needed.
    #[pyo3(signature = (force = false))]
    fn fill_norms(&self, force: bool) {
        if force {
            self.inner().forget_norms();
        }
    }

    /// The cosine of two keys' vectors.
    fn similarity(&self, w1: &Bound<'_, PyAny>, w2: &Bound<'_, PyAny>) -> PyResult<f32> {
        let vectors = self.inner();
        Ok(vectors.similarity(key_of(&vectors, w1)?, key_of(&vectors, w2)?)?)
    }

    /// The `topn` keys nearest to the mean of the unit vectors of `positive` and the negated ones of `negative`, as
    /// (key, cosine).
    #[pyo3(signature = (positive = None, negative = None, topn = 10))]
    fn most_similar<'py>(
        &self,
        py: Python<'py>,
        positive: Option<&Bound<'py, PyAny>>,
        negative: Option<&Bound<'py, PyAny>>,
        topn: i64,
    ) -> PyResult<Bound<'py, PyList>> {
        let vectors = self.inner();
        let (positive, negative) = (keys_of(&vectors, positive)?, keys_of(&vectors, negative)?);
        let topn = usize::try_from(topn).unwrap_or(0);
        PyList::new(py, py.detach(|| vectors.most_similar(&positive, &negative, topn))?)
    }
}
