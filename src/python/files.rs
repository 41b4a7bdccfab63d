//! Corpora in files, for the classes that open them.

use pyo3::prelude::*;

use super::job;
use crate::corpus::{Corpus, FileCorpus, ReadOptions};

/// Opens files and objects, which Ctrl-C can stop.
pub(super) fn files(py: Python<'_>, paths: &[String], options: &ReadOptions) -> PyResult<Box<dyn Corpus>> {
    Ok(Box::new(job::run(py, None, |progress, _| FileCorpus::open(paths, options, progress))?))
}
