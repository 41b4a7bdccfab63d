//! A table of keys and vectors as Python holds it: in memory, or mapped from a file. It knows how to travel.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use super::views::Views;
use crate::error::Error;
use crate::formats::{self, Identity};
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::HuffmanTree;

/// What messages call vectors that came as bytes.
const PICKLED: &str = "the pickled vectors";

/// A table of keys and vectors, which the copies of a `KeyedVectors` share.
///
/// That of a model is live: it has whatever vectors the model has. Its copies keep those that it had.
#[pyclass(name = "Table", module = "polargram._polargram", frozen)]
pub(super) struct PyTable {
    content: RwLock<Content>,
    is_live: bool,
    /// True if the vectors may be written through: owned memory, not a mapped file.
    is_writable: bool,
    /// The file that is mapped.
    file: Option<Identity>,
    /// Once given out, they change with the table.
    index_to_key: PyOnceLock<Py<PyList>>,
    key_to_index: PyOnceLock<Py<PyDict>>,
}

/// What a table has at a time.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) vectors: Arc<KeyedVectors>,
    pub(super) views: Views,
    tree: Arc<OnceLock<HuffmanTree>>,
}

impl Content {
    pub(super) fn new(vectors: impl Into<Arc<KeyedVectors>>, views: Views) -> Self {
        Self { vectors: vectors.into(), views, tree: Arc::default() }
    }

    /// The Huffman tree of the counts.
    pub(super) fn tree(&self) -> &HuffmanTree {
        self.tree.get_or_init(|| HuffmanTree::new(self.vectors.counts()))
    }
}

impl PyTable {
    fn new(vectors: KeyedVectors, is_writable: bool) -> Self {
        Self::of(Content::new(vectors, Views::default()), is_writable)
    }

    fn of(content: Content, is_writable: bool) -> Self {
        Self {
            content: RwLock::new(content),
            is_live: false,
            is_writable,
            file: None,
            index_to_key: PyOnceLock::new(),
            key_to_index: PyOnceLock::new(),
        }
    }

    /// A table that is a model's.
    pub(super) fn live(vectors: KeyedVectors) -> Self {
        Self { is_live: true, ..Self::new(vectors, true) }
    }

    /// A table that was loaded, and the file that is mapped.
    pub(super) fn loaded(vectors: KeyedVectors, is_writable: bool, file: Option<Identity>) -> Self {
        Self { file, ..Self::new(vectors, is_writable) }
    }

    /// What the table has now. It stays as it is when the table gets another content.
    pub(super) fn content(&self) -> Content {
        self.content.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The vectors that the table has now.
    pub(super) fn vectors(&self) -> Arc<KeyedVectors> {
        self.content.read().unwrap_or_else(PoisonError::into_inner).vectors.clone()
    }

    /// Gives a live table another content. The lists and dicts of its keys, which users may hold, follow.
    pub(super) fn replace(&self, py: Python<'_>, content: Content) -> PyResult<()> {
        let vectors = content.vectors.clone();
        *self.content.write().unwrap_or_else(PoisonError::into_inner) = content;
        if let Some(list) = self.index_to_key.get(py) {
            let list = list.bind(py);
            let keys = PyList::new(py, vectors.keys().iter())?;
            list.set_slice(0, list.len(), keys.as_any())?;
        }
        if let Some(dict) = self.key_to_index.get(py) {
            let dict = dict.bind(py);
            dict.clear();
            fill(dict, &vectors)?;
        }
        Ok(())
    }

    pub(super) fn is_writable(&self) -> bool {
        self.is_writable
    }

    pub(super) fn index_to_key(&self, py: Python<'_>) -> PyResult<Py<PyList>> {
        let list = || PyList::new(py, self.vectors().keys().iter()).map(Bound::unbind);
        Ok(self.index_to_key.get_or_try_init(py, list)?.clone_ref(py))
    }

    pub(super) fn key_to_index(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        let dict = || -> PyResult<_> {
            let dict = PyDict::new(py);
            fill(&dict, &self.vectors())?;
            Ok(dict.unbind())
        };
        Ok(self.key_to_index.get_or_try_init(py, dict)?.clone_ref(py))
    }

    /// The table that copies share: this one, or if it is live one that keeps what this one has now.
    pub(super) fn lasting(slf: &Bound<'_, Self>) -> PyResult<Py<Self>> {
        let this = slf.get();
        match this.is_live {
            true => Py::new(slf.py(), Self::of(this.content(), this.is_writable)),
            false => Ok(slf.clone().unbind()),
        }
    }

    /// The path of the mapped file, if the file is still the one that was mapped.
    fn path(&self) -> Option<PathBuf> {
        let file = self.file.as_ref()?;
        file.is_current().then(|| file.path().to_owned())
    }
}

#[pymethods]
impl PyTable {
    /// Opens a mapped file again, in another process or later. Processes map a file once. `fingerprint` says what was
    /// in it.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf, fingerprint: u64) -> PyResult<Self> {
        py.detach(|| {
            let file = Identity::of(&path)?;
            let vectors = KeyedVectors::shared(&path)?;
            if vectors.fingerprint() != fingerprint {
                let reason = "has changed since the vectors were pickled: mapped vectors travel by their path; load the \
                              file, or pickle them again";
                return Err(Error::format(&path, reason).into());
            }
            Ok(Self { file: Some(file), ..Self::of(Content::new(vectors, Views::default()), false) })
        })
    }

    /// Vectors from the bytes of an Arrow IPC file.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &Bound<'_, PyBytes>, is_writable: bool) -> PyResult<Self> {
        let bytes = bytes.as_bytes();
        let vectors = py.detach(|| formats::from_bytes(bytes, PICKLED.as_ref()))?;
        Ok(Self::new(vectors, is_writable))
    }

    /// How a copy is made elsewhere: of a mapped file from its path, of other vectors from their bytes.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let (py, this, class) = (slf.py(), slf.get(), slf.get_type());
        let vectors = this.vectors();
        if let Some(path) = py.detach(|| this.path()) {
            let fingerprint = py.detach(|| vectors.fingerprint());
            return Ok((class.getattr("open")?, (path, fingerprint).into_pyobject(py)?));
        }
        let bytes = py.detach(|| formats::to_bytes(&vectors))?;
        Ok((class.getattr("from_bytes")?, (PyBytes::new(py, &bytes), this.is_writable).into_pyobject(py)?))
    }

    /// A copy in memory of its own, which may be written to.
    fn __deepcopy__(&self, py: Python<'_>, _memo: &Bound<'_, PyAny>) -> PyResult<Self> {
        let vectors = self.vectors();
        let vectors = py.detach(|| {
            let rows = Rows::from_vec(vectors.rows().to_buffer().to_vec(), vectors.vector_size());
            KeyedVectors::new(vectors.keys().clone(), vectors.counts().to_vec(), rows, vectors.config().cloned())
        })?;
        Ok(Self::new(vectors, true))
    }
}

/// Adds the row of each key.
fn fill(dict: &Bound<'_, PyDict>, vectors: &KeyedVectors) -> PyResult<()> {
    vectors.keys().iter().enumerate().try_for_each(|(row, key)| dict.set_item(key, row))
}
