//! A table of keys and vectors as Python holds it: in memory, or mapped from a file. It knows how to travel.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use arrow::buffer::Buffer;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use super::views::Views;
use crate::error::{Error, Result};
use crate::expr::{Registered, Source, register};
use crate::formats::{self, Identity};
use crate::vectors::{KeyedVectors, Ngrams, Rows, Subwords};
use crate::vocab::{HuffmanTree, Key, WordId};

/// What messages call vectors that came as bytes.
const PICKLED: &str = "the pickled vectors";

/// A table of keys and vectors, which the copies of a `KeyedVectors` share.
///
/// That of a model is live: it has whatever vectors the model has. Its copies keep those that it had.
#[pyclass(name = "Table", module = "polargram._polargram", frozen)]
pub(super) struct PyTable {
    content: Arc<RwLock<Content>>,
    is_live: bool,
    /// True if counts were set since the model has asked for them.
    has_new_counts: AtomicBool,
    /// Once given out, they change with the table.
    index_to_key: PyOnceLock<Py<PyList>>,
    key_to_index: PyOnceLock<Py<PyDict>>,
}

/// What a table has at a time.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) vectors: Arc<KeyedVectors>,
    pub(super) views: Views,
    /// True if the vectors may be written through: owned memory, not a mapped file.
    pub(super) is_writable: bool,
    /// The file that is mapped.
    file: Option<Arc<Identity>>,
    tree: Arc<OnceLock<HuffmanTree>>,
}

impl Content {
    pub(super) fn new(vectors: impl Into<Arc<KeyedVectors>>, views: Views) -> Self {
        Self { vectors: vectors.into(), views, is_writable: true, file: None, tree: Arc::default() }
    }

    fn read_only(vectors: impl Into<Arc<KeyedVectors>>, file: Option<Identity>) -> Self {
        Self { is_writable: false, file: file.map(Arc::new), ..Self::new(vectors, Views::default()) }
    }

    /// The Huffman tree of the counts.
    pub(super) fn tree(&self) -> &HuffmanTree {
        self.tree.get_or_init(|| HuffmanTree::new(self.vectors.counts()))
    }
}

impl Source for RwLock<Content> {
    fn vectors(&self) -> Arc<KeyedVectors> {
        self.read().unwrap_or_else(PoisonError::into_inner).vectors.clone()
    }
}

impl PyTable {
    /// Names what the table has, now and later, for the expressions of this process, and the file of what it has now for
    /// other processes.
    pub(super) fn register(&self) -> Registered {
        let file = self.content().file.filter(|file| file.is_current());
        let source: Arc<dyn Source> = self.content.clone();
        Registered { path: file.map(|file| file.path().to_owned()), ..register(&source) }
    }

    pub(super) fn new(vectors: KeyedVectors) -> Self {
        Self::of(Content::new(vectors, Views::default()))
    }

    fn of(content: Content) -> Self {
        Self {
            content: Arc::new(RwLock::new(content)),
            is_live: false,
            has_new_counts: AtomicBool::default(),
            index_to_key: PyOnceLock::new(),
            key_to_index: PyOnceLock::new(),
        }
    }

    /// A table that is a model's.
    pub(super) fn live(vectors: KeyedVectors) -> Self {
        Self { is_live: true, ..Self::new(vectors) }
    }

    /// A table that was loaded, and the file that is mapped.
    pub(super) fn loaded(vectors: KeyedVectors, is_writable: bool, file: Option<Identity>) -> Self {
        if is_writable { Self::new(vectors) } else { Self::of(Content::read_only(vectors, file)) }
    }

    /// What the table has now. It stays as it is when the table gets another content.
    pub(super) fn content(&self) -> Content {
        self.content.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The vectors that the table has now.
    pub(super) fn vectors(&self) -> Arc<KeyedVectors> {
        self.content.read().unwrap_or_else(PoisonError::into_inner).vectors.clone()
    }

    /// Gives the table another content. The lists and dicts of its keys, which users may hold, follow.
    pub(super) fn replace(&self, py: Python<'_>, content: Content) -> PyResult<()> {
        *self.content.write().unwrap_or_else(PoisonError::into_inner) = content;
        self.keys_changed(py)
    }

    /// Changes the vectors that the table has, which are not those of its file any more then. What others have of the table
    /// stays as it is, except for vectors that are written where they lie.
    pub(super) fn edit<T>(&self, change: impl FnOnce(&mut KeyedVectors) -> Result<T>) -> Result<T> {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        let before = content.vectors.rows().as_ptr();
        let changed = change(Arc::make_mut(&mut content.vectors));
        let has_moved = content.vectors.rows().as_ptr() != before;
        if changed.is_ok() || has_moved {
            let views = if has_moved { Views::default() } else { content.views.clone() };
            let is_writable = !content.vectors.rows().is_mapped();
            *content = Content { is_writable, ..Content::new(content.vectors.clone(), views) };
        }
        changed
    }

    /// Adds keys with their vectors, and gives the row of each: see [`KeyedVectors::put`].
    pub(super) fn put(&self, py: Python<'_>, keys: &[Key<'_>], values: &[f32], replace: bool) -> PyResult<Vec<usize>> {
        if self.is_live {
            self.ensure_known(keys)?;
        }
        let before = self.vectors().len();
        let rows = self.edit(|vectors| vectors.put(keys, values, replace))?;
        self.keys_added(py, before)?;
        Ok(rows)
    }

    /// A model has the words that it has weights for.
    fn ensure_known(&self, keys: &[Key<'_>]) -> PyResult<()> {
        let vectors = self.vectors();
        let Some(new) = keys.iter().find(|&&key| vectors.keys().id(key).is_none()) else { return Ok(()) };
        Err(PyRuntimeError::new_err(format!(
            "the key {new:?} is new, and these are the vectors of a model, which has other weights for each word too: add \
             words with model.build_vocab(…, update=True), or add keys to a copy, copy.deepcopy(model.wv)"
        )))
    }

    /// Sorts by falling counts, and gives the rows of before in their new order; None if they are in this order.
    pub(super) fn sort(&self, py: Python<'_>) -> PyResult<Option<Vec<usize>>> {
        if self.is_live {
            return match self.vectors().counts().is_sorted_by(|a, b| a >= b) {
                true => Ok(None),
                false => Err(PyRuntimeError::new_err(
                    "these are the vectors of a model, whose other weights are in the same order; sort a copy: \
                     copy.deepcopy(model.wv)",
                )),
            };
        }
        let order = py.detach(|| self.edit(KeyedVectors::sort_by_count))?;
        self.keys_changed(py)?;
        Ok(Some(order))
    }

    /// Sets the matrix, of this shape. A model takes one of its own shape, and keeps its memory.
    pub(super) fn set_vectors(&self, values: Vec<f32>, shape: (usize, usize)) -> PyResult<()> {
        let now = self.vectors();
        let own = (now.len(), now.vector_size());
        if shape.0 != own.0 || (self.is_live && shape != own) {
            let reason = if self.is_live { "these are the vectors of a model" } else { "each key has one row" };
            return Err(PyValueError::new_err(format!("vectors: of shape {shape:?} instead of {own:?}: {reason}")));
        }
        let rows = Rows::from_vec(values, shape.1);
        match self.is_live {
            true => Ok(self.edit(|vectors| vectors.write_rows(&rows))?),
            false => Ok(self.edit(|vectors| vectors.set_rows(rows))?),
        }
    }

    /// Sets how often the keys of some rows, which must be there, occurred.
    pub(super) fn set_counts(&self, counts: impl Iterator<Item = (usize, u64)>) -> PyResult<()> {
        self.edit(|vectors| {
            counts.for_each(|(row, count)| vectors.set_count(row, count));
            Ok(())
        })?;
        self.has_new_counts.store(true, Ordering::Release);
        Ok(())
    }

    /// Lets a model take the counts, if they were set since it has taken them last.
    pub(super) fn with_new_counts<T>(&self, take: impl FnOnce(Vec<u64>) -> Result<T>) -> Result<Option<T>> {
        if !self.has_new_counts.swap(false, Ordering::AcqRel) {
            return Ok(None);
        }
        let taken = take(self.vectors().counts().to_vec());
        // They stay new if they cannot be a model's.
        taken.map(Some).inspect_err(|_| self.has_new_counts.store(true, Ordering::Release))
    }

    pub(super) fn is_live(&self) -> bool {
        self.is_live
    }

    /// Tells the list and the dict of the keys from a row on.
    fn keys_added(&self, py: Python<'_>, from: usize) -> PyResult<()> {
        let vectors = self.vectors();
        let (list, dict) = (self.index_to_key.get(py), self.key_to_index.get(py));
        // There are fewer than 2^32 keys.
        for row in from..vectors.len() {
            let key = vectors.keys().key(row as WordId).into_pyobject(py)?;
            if let Some(list) = list {
                list.bind(py).append(&key)?;
            }
            if let Some(dict) = dict {
                dict.bind(py).set_item(&key, row)?;
            }
        }
        Ok(())
    }

    fn keys_changed(&self, py: Python<'_>) -> PyResult<()> {
        let vectors = self.vectors();
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

    /// A table that keeps what this one has now. The two share the vectors.
    pub(super) fn copied(&self) -> Self {
        Self::of(self.content())
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
            Ok(Self::of(Content::read_only(vectors, Some(file))))
        })
    }

    /// Vectors from the bytes of an Arrow IPC file.
    #[staticmethod]
    #[pyo3(signature = (bytes, is_writable, subwords = None))]
    fn from_bytes(
        py: Python<'_>,
        bytes: &Bound<'_, PyBytes>,
        is_writable: bool,
        subwords: Option<(usize, usize, u32, Bound<'_, PyBytes>)>,
    ) -> PyResult<Self> {
        let bytes = bytes.as_bytes();
        let mut vectors = py.detach(|| formats::from_bytes(bytes, PICKLED.as_ref()))?;
        if let Some((min, max, buckets, rows)) = subwords {
            let rows = Buffer::from(rows.as_bytes());
            let subwords = Subwords::new(Ngrams { min, max, buckets }, vectors.vector_size(), rows)?;
            vectors = vectors.with_subwords(subwords)?;
        }
        Ok(if is_writable { Self::new(vectors) } else { Self::of(Content::read_only(vectors, None)) })
    }

    /// How a copy is made elsewhere: of a mapped file from its path, of other vectors from their bytes.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let (py, this, class) = (slf.py(), slf.get(), slf.get_type());
        let Content { vectors, file, is_writable, .. } = this.content();
        // If it is still the file that was mapped.
        if let Some(file) = file.filter(|file| py.detach(|| file.is_current())) {
            let fingerprint = py.detach(|| vectors.fingerprint());
            return Ok((class.getattr("open")?, (file.path(), fingerprint).into_pyobject(py)?));
        }
        let bytes = py.detach(|| formats::to_bytes(&vectors))?;
        let subwords = vectors.subwords().map(|subwords| {
            let Ngrams { min, max, buckets } = subwords.ngrams();
            (min, max, buckets, PyBytes::new(py, subwords.rows()))
        });
        Ok((class.getattr("from_bytes")?, (PyBytes::new(py, &bytes), is_writable, subwords).into_pyobject(py)?))
    }

    /// A copy in memory of its own, which may be written to.
    fn __deepcopy__(&self, py: Python<'_>, _memo: &Bound<'_, PyAny>) -> PyResult<Self> {
        let vectors = self.vectors();
        let vectors = py.detach(|| {
            let rows = Rows::from_vec(vectors.rows().to_buffer().to_vec(), vectors.vector_size());
            let (counts, config) = (vectors.counts().to_vec(), vectors.config().cloned());
            let copy = KeyedVectors::new(vectors.keys().clone(), counts, rows, config)?;
            match vectors.subwords() {
                Some(subwords) => copy.with_subwords(subwords.clone()),
                None => Ok(copy),
            }
        })?;
        Ok(Self::new(vectors))
    }
}

/// Adds the row of each key.
fn fill(dict: &Bound<'_, PyDict>, vectors: &KeyedVectors) -> PyResult<()> {
    vectors.keys().iter().enumerate().try_for_each(|(row, key)| dict.set_item(key, row))
}
