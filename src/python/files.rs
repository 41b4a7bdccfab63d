//! Corpora in files, for the classes that open them.

use pyo3::prelude::*;

use super::job;
use crate::corpus::{Corpus, FileCorpus, ReadOptions};

/// Opens files and objects, which Ctrl-C can stop. What is read, and what is left out, is logged, also where it fails.
pub(super) fn files(py: Python<'_>, paths: &[String], options: &ReadOptions) -> PyResult<Box<dyn Corpus>> {
    let (corpus, notes) = job::run(py, None, |progress, _| {
        let corpus = FileCorpus::open(paths, options, progress);
        Ok((corpus, progress.take_notes()))
    })?;
    let logger = py.import("logging")?.call_method1("getLogger", ("polargram",))?;
    for note in notes {
        logger.call_method1("info", ("%s", note))?;
    }
    Ok(Box::new(corpus?))
}
