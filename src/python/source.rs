//! A corpus as it is handed to the steps of a training.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::corpus::corpus_from;
use super::files::files;
use super::location::storage_options as storage_options_of;
use crate::corpus::{Corpus, FileFormat, ReadOptions};
use crate::error::IoContext;
use crate::models::bounded;

/// Whatever the user calls a corpus, and how it is read.
#[pyclass(name = "CorpusSource", module = "polargram._polargram", frozen)]
pub(super) struct PyCorpusSource {
    object: Py<PyAny>,
    options: ReadOptions,
    is_text: bool,
    /// Opened when it is first needed, and then kept: what is read later must be what was counted.
    corpus: OnceLock<Arc<dyn Corpus>>,
}

#[pymethods]
impl PyCorpusSource {
    #[new]
    #[pyo3(signature = (object, column, is_text, count_column = None, storage_options = None))]
    fn new(
        object: Py<PyAny>,
        column: String,
        is_text: bool,
        count_column: Option<String>,
        storage_options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let storage = storage_options_of(storage_options)?;
        let options = ReadOptions { count_column, storage, ..ReadOptions::column(column) };
        Ok(Self { object, options, is_text, corpus: OnceLock::new() })
    }
}

impl PyCorpusSource {
    /// Opens the corpus; what is fetched ahead of it stays within the memory budget.
    pub(super) fn open(&self, py: Python<'_>, memory_budget: u64) -> PyResult<Arc<dyn Corpus>> {
        if let Some(corpus) = self.corpus.get() {
            return Ok(corpus.clone());
        }
        let corpus = self.opened(py, &bounded(self.options.clone(), memory_budget))?.into();
        Ok(self.corpus.get_or_init(|| corpus).clone())
    }

    fn opened(&self, py: Python<'_>, options: &ReadOptions) -> PyResult<Box<dyn Corpus>> {
        let object = self.object.bind(py);
        match self.is_text {
            true => {
                let path: PathBuf = object
                    .extract()
                    .map_err(|_| PyTypeError::new_err("corpus_file: must be the path of a text file"))?;
                if path.is_dir() {
                    return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory)).at("read", &path)?;
                }
                let text = ReadOptions { format: Some(FileFormat::Text), ..options.clone() };
                files(py, &[path.to_string_lossy().into_owned()], &text)
            }
            false => corpus_from(object, options),
        }
    }
}
