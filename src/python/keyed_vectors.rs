//! Lookups by key: the native base of `polargram.KeyedVectors`.

use std::borrow::Cow;
use std::sync::Arc;

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::exceptions::{PyAttributeError, PyIndexError, PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::keys::{PyKey, is_key, known_row, list_of, new_key, row_of, vector_of};
use super::table::{Content, PyTable};
use super::views::{Views, read_only};
use crate::expr::Registered;
use crate::vectors::{KeyedVectors, unit};
use crate::vocab::Key;

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

    /// The name under which expressions find them.
    pub(super) fn register(&self) -> Registered {
        self.table.get().register()
    }
}

const KEYS_ARE_ADDED: &str = "the keys belong to their vectors: make KeyedVectors(vector_size), and add both with \
                              add_vectors(keys, vectors)";

#[pymethods]
impl PyVectors {
    /// Of a table, or else of a new one: `__init__` has the arguments of a subclass, and says how many dimensions.
    #[new]
    #[pyo3(signature = (*args, **_kwargs))]
    fn new(args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let table = args.iter().next().and_then(|first| first.cast_into::<PyTable>().ok());
        let table =
            table.map_or_else(|| Py::new(args.py(), PyTable::new(KeyedVectors::empty(0))), |it| Ok(it.unbind()));
        Ok(Self { table: table? })
    }

    /// A table of what these vectors have now, for a copy.
    #[getter]
    fn table(&self) -> PyTable {
        self.table.get().copied()
    }

    /// Makes it an empty table.
    fn _begin(&self, py: Python<'_>, vector_size: usize) -> PyResult<()> {
        if self.table.get().is_live() {
            return Err(PyTypeError::new_err(
                "these are the vectors of a model; make others with KeyedVectors(vector_size)",
            ));
        }
        self.table.get().replace(py, Content::new(KeyedVectors::empty(vector_size), Views::default()))
    }

    /// Adds keys with their vectors, and gives the row of each. Known keys keep theirs unless `replace` is set.
    fn _put<'py>(
        &self,
        py: Python<'py>,
        keys: Vec<Bound<'py, PyAny>>,
        values: PyReadonlyArray2<'py, f32>,
        replace: bool,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let keys = keys.iter().map(new_key).collect::<PyResult<Vec<_>>>()?;
        let keys: Vec<Key<'_>> = keys.iter().map(PyKey::key).collect();
        let shape = (keys.len(), self.inner().vector_size());
        let values = values.as_array();
        if values.dim() != shape {
            let ((rows, columns), found) = (shape, values.dim());
            return Err(PyValueError::new_err(format!(
                "vectors: of shape {found:?} for {rows} keys of {columns} dimensions; expected ({rows}, {columns})"
            )));
        }
        // They may be rows of this table.
        let values: Vec<f32> = values.iter().copied().collect();
        let rows = self.table.get().put(py, &keys, &values, replace)?;
        Ok(PyArray1::from_iter(py, rows.into_iter().map(|row| row as i64)))
    }

    /// Copies the vectors of those keys that `other` has too, and gives the rows that have changed.
    fn _intersect<'py>(&self, py: Python<'py>, other: &Self) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let other = other.inner();
        let rows = py.detach(|| self.table.get().edit(|vectors| vectors.intersect(&other)))?;
        Ok(PyArray1::from_iter(py, rows.into_iter().map(|row| row as i64)))
    }

    /// Sorts by falling counts, and gives the rows of before in their new order; None if they stay as they are.
    fn _sort<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<i64>>>> {
        let order = self.table.get().sort(py)?;
        Ok(order.map(|order| PyArray1::from_iter(py, order.into_iter().map(|row| row as i64))))
    }

    /// How often each key occurred, in the order of the rows.
    fn _counts<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        PyArray1::from_slice(py, self.inner().counts())
    }

    /// Sets how often the keys of these rows occurred.
    fn _set_counts(&self, rows: Vec<usize>, counts: Vec<u64>) -> PyResult<()> {
        let len = self.inner().len();
        match rows.iter().find(|&&row| row >= len) {
            Some(row) => Err(PyIndexError::new_err(format!("row {row} of {len}"))),
            None => self.table.get().set_counts(rows.into_iter().zip(counts)),
        }
    }

    /// The Euclidean norm of each row.
    #[getter]
    fn norms<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        let vectors = self.inner();
        PyArray1::from_vec(py, py.detach(|| vectors.lengths()))
    }

    /// A matrix of all vectors scaled to length 1.
    fn get_normed_vectors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let vectors = self.inner();
        let values = py.detach(|| vectors.unit_rows());
        PyArray1::from_vec(py, values).reshape([vectors.len(), vectors.vector_size()])
    }

    /// Scales every vector to length 1, where it lies.
    fn unit_normalize_all(&self, py: Python<'_>) -> PyResult<()> {
        Ok(py.detach(|| self.table.get().edit(KeyedVectors::normalise))?)
    }

    /// The V × d matrix of float32: a view, no copy. Read-only if it is a memory-mapped file. It may be set to another one
    /// with a row for each key, which is copied; a model keeps its dimensions.
    #[getter]
    fn vectors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let content = self.table.get().content();
        let array = content.views.matrix(py, content.vectors.rows())?;
        Ok(if content.is_writable { array } else { read_only(array) })
    }

    /// Takes a matrix with a row for each key, which is copied.
    #[setter]
    fn set_vectors(&self, vectors: &Bound<'_, PyAny>) -> PyResult<()> {
        let float32 = numpy::dtype::<f32>(vectors.py());
        let array = vectors.py().import("numpy")?.call_method1("asarray", (vectors, float32))?;
        let matrix: PyReadonlyArray2<'_, f32> = array
            .extract()
            .map_err(|_| PyValueError::new_err("vectors: expected a matrix of numbers, with a row for each key"))?;
        let matrix = matrix.as_array();
        self.table.get().set_vectors(matrix.iter().copied().collect(), matrix.dim())
    }

    /// Keys in row order, the most frequent first.
    #[getter]
    fn index_to_key(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        self.table.get().index_to_key(py)
    }

    #[setter]
    fn set_index_to_key(&self, _keys: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyAttributeError::new_err(KEYS_ARE_ADDED))
    }

    #[setter]
    fn set_key_to_index(&self, _rows: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyAttributeError::new_err(KEYS_ARE_ADDED))
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
        vector_of(&self.inner(), key).is_ok()
    }

    /// The vector of a key, or the matrix of a list of keys. With vectors of n-grams, as of fastText, words that are not
    /// there have one too.
    fn __getitem__<'py>(&self, key_or_keys: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = key_or_keys.py();
        if is_key(key_or_keys) {
            return Ok(self.get_vector(py, key_or_keys, false)?.into_any());
        }
        let vectors = self.inner();
        let keys = list_of(&vectors, key_or_keys)?;
        let found = keys.map(|key| vector_of(&vectors, &key?)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyArray1::from_vec(py, found.concat()).reshape([found.len(), vectors.vector_size()])?.into_any())
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
        match (vector_of(vectors, key)?, norm) {
            (vector, true) => Ok(PyArray1::from_vec(py, unit(&vector))),
            (Cow::Owned(vector), false) => Ok(read_only(PyArray1::from_vec(py, vector))),
            (Cow::Borrowed(_), false) => content.views.row(py, vectors.rows(), row_of(vectors, key)?),
        }
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

    /// Computes the norms, and codes of 8 bits for searches. With `force`, forgets those that are there: for when vectors
    /// were changed from outside.
    #[pyo3(signature = (force = false))]
    fn fill_norms(&self, py: Python<'_>, force: bool) {
        let vectors = self.inner();
        if force {
            vectors.forget_norms();
        }
        py.detach(|| vectors.fill_norms());
    }
}
