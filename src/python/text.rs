//! Readers of plain text.

use std::ops::Range;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Mutex, TryLockError};
use std::vec::IntoIter;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::files::files;
use super::job::SIGNAL_INTERVAL;
use crate::corpus::{Batch, Corpus, FileFormat, Lists, ReadOptions, TextLayout, TextOptions};
use crate::error::{Error, Result};
use crate::process::catch_panic;
use crate::progress::Progress;

/// Files of plain text, and how they are read. `polargram.LineSentence` and others are built on it.
#[pyclass(name = "TextSource", module = "polargram._polargram", frozen)]
pub(super) struct PyTextSource {
    paths: Vec<String>,
    options: TextOptions,
}

#[pymethods]
impl PyTextSource {
    #[new]
    fn new(
        paths: Vec<String>,
        layout: &str,
        max_sentence_length: Option<usize>,
        limit: Option<usize>,
        errors: &str,
    ) -> PyResult<Self> {
        let layout = match layout {
            "lines" => TextLayout::Lines,
            "text8" => TextLayout::Text8,
            _ => TextLayout::Brown,
        };
        let errors = errors.parse().map_err(|reason| PyValueError::new_err(format!("errors: {reason}")))?;
        let options = TextOptions { layout, max_sentence_length, limit, errors };
        options.check()?;
        Ok(Self { paths, options })
    }

    /// The sentences, as lists of strings.
    fn __iter__(&self, py: Python<'_>) -> PyResult<PySentences> {
        Ok(sentences_of_corpus(self.open(py, &ReadOptions::column("lines"))?))
    }
}

/// The sentences of a corpus of text, one after the other.
pub(super) fn sentences_of_corpus(corpus: Box<dyn Corpus>) -> PySentences {
    // A thread reads one batch ahead; it ends when nobody takes the batch.
    let (send, batches) = sync_channel(1);
    let progress = Progress::default();
    let watched = progress.clone();
    std::thread::spawn(move || {
        let batches = (0..corpus.parts()).flat_map(|part| match corpus.read(part, &progress) {
            Ok(batches) => batches,
            Err(error) => Box::new(std::iter::once(Err(error))),
        });
        let mut sentences = batches.map(|batch| sentences_of(&batch?, corpus.column()));
        loop {
            let unsound = || Some(Err(Error::corpus("text", "cannot be read: this is a bug")));
            let Some(batch) = catch_panic(|| sentences.next()).unwrap_or_else(unsound) else { break };
            let is_last = batch.is_err();
            if send.send(batch).is_err() || is_last {
                break;
            }
        }
    });
    PySentences(Mutex::new(SentenceReader { batches, progress: watched, sentences: Vec::new().into_iter() }))
}

impl PyTextSource {
    pub(super) fn open(&self, py: Python<'_>, options: &ReadOptions) -> PyResult<Box<dyn Corpus>> {
        // As gensim's readers, which read the files of a directory alone.
        let text = ReadOptions {
            text: self.options.clone(),
            format: Some(FileFormat::Text),
            subdirectories: false,
            ..options.clone()
        };
        files(py, &self.paths, &text)
    }
}

/// Sentences of a text, one after the other.
#[pyclass(module = "polargram._polargram", frozen)]
pub(super) struct PySentences(Mutex<SentenceReader>);

struct SentenceReader {
    batches: Receiver<Result<Vec<Vec<String>>>>,
    /// The progress of the thread that reads.
    progress: Progress,
    /// The sentences of the last batch that are left.
    sentences: IntoIter<Vec<String>>,
}

#[pymethods]
impl PySentences {
    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Vec<String>>> {
        py.detach(|| match self.0.try_lock() {
            Ok(mut reader) => reader.next().transpose(),
            Err(TryLockError::Poisoned(reader)) => reader.into_inner().next().transpose(),
            // As a generator does: the caller may be a signal handler on the thread that reads.
            Err(TryLockError::WouldBlock) => Err(PyValueError::new_err("the next sentence is being read already")),
        })
    }
}

impl Iterator for SentenceReader {
    type Item = PyResult<Vec<String>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(sentence) = self.sentences.next() {
                return Some(Ok(sentence));
            }
            match self.batches.recv_timeout(SIGNAL_INTERVAL) {
                Ok(Ok(batch)) => self.sentences = batch.into_iter(),
                Ok(Err(error)) => return Some(Err(error.into())),
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(error) = Python::attach(|py| py.check_signals()) {
                        return Some(Err(error));
                    }
                }
                // The thread has ended.
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

impl Drop for SentenceReader {
    /// Stops the thread, which may wait for a server.
    fn drop(&mut self) {
        self.progress.cancel();
    }
}

fn sentences_of(batch: &Batch, column: &str) -> Result<Vec<Vec<String>>> {
    let lists = Lists::new(batch, column, column)?;
    let failed = |error: ArrowError| Error::corpus(column, error.to_string());
    let text = cast(&lists.values, &DataType::LargeUtf8).map_err(failed)?;
    let text = text.as_string::<i64>();
    let words =
        |range: Range<usize>| range.filter(|&at| text.is_valid(at)).map(|at| text.value(at).to_owned()).collect();
    Ok(lists.ranges.into_iter().map(words).collect())
}
