//! The vectors that expressions find: files that are open, and vectors in memory.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;

use super::keyed_vectors::PyVectors;
use crate::expr::{Registered, registered, release};
use crate::formats::{close_files, close_models, open_files, open_models};
use crate::vectors::KeyedVectors;

/// The number of these vectors, that of the process, and the file that they are mapped from.
#[pyfunction]
pub(super) fn register(py: Python<'_>, vectors: &Bound<'_, PyVectors>) -> (u64, u64, Option<PathBuf>) {
    let vectors = vectors.get();
    let Registered { id, process, path } = py.detach(|| vectors.register());
    (id, process, path)
}

/// Of each: the path or the URL, if it is a file, as text, keys, dimensions, and whether they are mapped.
#[pyfunction]
pub(super) fn registry_list() -> Vec<(Option<OsString>, usize, usize, bool)> {
    let files = open_files().into_iter().map(|file| (Some(file.path.into_os_string()), file.vectors));
    let memory = registered().into_iter().map(|(_, vectors)| (None, vectors));
    let described = |(path, vectors): (Option<OsString>, Arc<KeyedVectors>)| {
        (path, vectors.len(), vectors.vector_size(), vectors.rows().is_mapped())
    };
    let models = open_models().into_iter();
    let models = models.map(|model| (Some(model.path.into_os_string()), model.len, model.vector_size, model.is_mapped));
    files.map(described).chain(models).chain(memory.map(described)).collect()
}

/// Lets go of all that nobody else holds, and says how many there were.
#[pyfunction]
pub(super) fn registry_clear(py: Python<'_>) -> usize {
    py.detach(|| close_files() + close_models() + release())
}
