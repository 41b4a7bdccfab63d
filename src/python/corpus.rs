//! Whatever a Python user calls a corpus.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayBuilder, ArrayRef, AsArray, LargeListBuilder, LargeStringBuilder};
use arrow::datatypes::{DataType, Schema};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyString};
use pyo3_arrow::PyArrayReader;

use super::errors::raised;
use crate::corpus::{Batches, Corpus, ParquetCorpus, missing_column};
use crate::error::{Error, Result};

/// What messages call a stream.
const ORIGIN: &str = "Arrow stream";

/// Sentences that are taken from a Python iterator at a time.
const SENTENCES_PER_BATCH: usize = 4096;

/// Or fewer, where they come slowly: between batches the job can be stopped.
const TIME_PER_BATCH: Duration = Duration::from_millis(100);

/// Recognises paths, Polars LazyFrames, anything with an Arrow stream, and iterables of lists of strings.
pub(super) fn corpus_from(object: &Bound<'_, PyAny>, column: &str) -> PyResult<Box<dyn Corpus>> {
    if let Some(paths) = paths_from(object)? {
        return Ok(Box::new(object.py().detach(|| ParquetCorpus::open(paths, column))?));
    }
    let kind = match object {
        _ if object.hasattr("collect_batches")? => Kind::LazyFrame,
        _ if object.hasattr("__next__")? => return Err(refused(object)),
        _ if object.hasattr("__arrow_c_stream__")? => Kind::ArrowStream,
        _ if object.hasattr("__iter__")? || object.hasattr("__getitem__")? => Kind::Sentences,
        _ => {
            let expected =
                "expected Parquet paths, a Polars frame, an Arrow stream, or an iterable of lists of strings";
            return Err(PyTypeError::new_err(format!("corpus: {} is no corpus; {expected}", object.get_type())));
        }
    };
    Ok(Box::new(PyCorpus { object: object.clone().unbind(), kind, column: column.to_owned() }))
}

fn refused(object: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!(
        "corpus: {} can be iterated only once, but a corpus is read again: to count words, then to train. Pass a list, or an object \
         whose __iter__ starts again, not a generator or iterator.",
        object.get_type()
    ))
}

/// A path, or a sequence that holds paths and nothing else.
fn paths_from(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<String>>> {
    let path_of = |item: &Bound<'_, PyAny>| -> PyResult<Option<String>> {
        match item.is_instance_of::<PyString>() || item.hasattr("__fspath__")? {
            true => Ok(Some(item.extract::<PathBuf>()?.to_string_lossy().into_owned())),
            false => Ok(None),
        }
    };
    if let Some(path) = path_of(object)? {
        return Ok(Some(vec![path]));
    }
    let Ok(items) = object.cast::<pyo3::types::PyList>() else { return Ok(None) };
    if items.is_empty() {
        return Ok(None);
    }
    items.iter().map(|item| path_of(&item)).collect()
}

enum Kind {
    LazyFrame,
    ArrowStream,
    Sentences,
}

/// A Python object that gives its tokens as often as asked, in one part and under the GIL.
struct PyCorpus {
    object: Py<PyAny>,
    kind: Kind,
    column: String,
}

impl Corpus for PyCorpus {
    fn parts(&self) -> usize {
        1
    }

    fn read(&self, _part: usize) -> Result<Batches<'_>> {
        Python::attach(|py| {
            let object = self.object.bind(py);
            let batches: Batches<'_> = match self.kind {
                Kind::LazyFrame => {
                    let lists = object.call_method1("select", (&self.column,)).map_err(raised)?;
                    let frames =
                        lists.call_method0("collect_batches").and_then(|batches| batches.try_iter()).map_err(raised)?;
                    Box::new(Frames { frames: frames.unbind(), column: &self.column }.flatten())
                }
                Kind::ArrowStream => Box::new(stream(object, &self.column)?),
                Kind::Sentences => Box::new(Sentences {
                    sentences: object.try_iter().map_err(raised)?.unbind(),
                    number: 0,
                    is_done: false,
                }),
            };
            Ok(batches)
        })
    }

    fn origin(&self, _part: usize) -> String {
        match self.kind {
            Kind::LazyFrame => "LazyFrame".into(),
            Kind::ArrowStream => ORIGIN.into(),
            Kind::Sentences => "sentences".into(),
        }
    }

    fn column(&self) -> &str {
        &self.column
    }

    fn is_parallel(&self) -> bool {
        false
    }
}

/// Of a Polars frame the frame of this one column: others may be of types that only Polars knows.
fn polars_column<'py>(object: &Bound<'py, PyAny>, column: &str) -> PyResult<Result<Option<Bound<'py, PyAny>>>> {
    if !object.hasattr("lazy")? || !object.getattr("columns")?.contains(column)? {
        return Ok(Ok(None));
    }
    let frame = object.call_method1("select", (column,))?;
    // Polars exports its type Null in a way that arrow-rs refuses without naming the column.
    let data_type = frame.getattr("dtypes")?.get_item(0)?.str()?.to_string();
    Ok(match data_type.contains("Null") {
        true => Err(Error::corpus(ORIGIN, format!("column {column:?} is {data_type}; expected a list of strings"))),
        false => Ok(Some(frame)),
    })
}

/// The column's batches of an object with `__arrow_c_stream__`: of a stream of records the column, of a stream of lists
/// itself.
fn stream(object: &Bound<'_, PyAny>, column: &str) -> Result<impl Iterator<Item = Result<ArrayRef>> + Send + use<>> {
    let object = polars_column(object, column).map_err(raised)??.unwrap_or_else(|| object.clone());
    let reader = object.extract::<PyArrayReader>().and_then(PyArrayReader::into_reader).map_err(raised)?;
    let field = reader.field();
    let index = match field.data_type() {
        DataType::Struct(fields) => {
            let index = fields.iter().position(|field| field.name() == column);
            Some(index.ok_or_else(|| missing_column(column, &Schema::new(fields.clone()), ORIGIN))?)
        }
        _ => None,
    };
    let column = column.to_owned();
    Ok(reader.map(move |batch| {
        let batch =
            batch.map_err(|error| Error::corpus(ORIGIN, format!("column {column:?} cannot be read: {error}")))?;
        Ok(index.map_or_else(|| batch.clone(), |index| batch.as_struct().column(index).clone()))
    }))
}

/// Polars frames from `collect_batches`, each as an Arrow stream.
struct Frames<'a> {
    frames: Py<PyIterator>,
    column: &'a str,
}

impl Iterator for Frames<'_> {
    type Item = Vec<Result<ArrayRef>>;

    fn next(&mut self) -> Option<Self::Item> {
        Python::attach(|py| {
            let frame = self.frames.bind(py).clone().next()?;
            match frame.map_err(raised).and_then(|frame| stream(&frame, self.column)) {
                Ok(batches) => Some(batches.collect()),
                Err(error) => Some(vec![Err(error)]),
            }
        })
    }
}

/// An iterator of lists of strings.
struct Sentences {
    sentences: Py<PyIterator>,
    number: usize,
    is_done: bool,
}

impl Iterator for Sentences {
    type Item = Result<ArrayRef>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let batch = Python::attach(|py| self.take_batch(py)).map_err(raised);
        self.is_done |= batch.is_err();
        batch.transpose()
    }
}

impl Sentences {
    fn take_batch(&mut self, py: Python<'_>) -> PyResult<Option<ArrayRef>> {
        // Offsets of 32 bits would overflow in sentences of more than 2 GiB.
        let mut lists = LargeListBuilder::new(LargeStringBuilder::new());
        let mut sentences = self.sentences.bind(py).clone();
        let start = Instant::now();
        while lists.len() < SENTENCES_PER_BATCH && start.elapsed() < TIME_PER_BATCH {
            let Some(sentence) = sentences.next() else {
                self.is_done = true;
                break;
            };
            self.append(&sentence?, &mut lists)?;
            self.number += 1;
        }
        Ok((!lists.is_empty()).then(|| Arc::new(lists.finish()) as ArrayRef))
    }

    fn append(&self, sentence: &Bound<'_, PyAny>, lists: &mut LargeListBuilder<LargeStringBuilder>) -> PyResult<()> {
        let fault = |what: &str| PyTypeError::new_err(format!("corpus: sentence {}: {what}", self.number));
        if sentence.is_none() {
            lists.append_null();
            return Ok(());
        }
        if sentence.is_instance_of::<PyString>() {
            return Err(fault("is a string; expected a list of strings, its words"));
        }
        for token in sentence.try_iter().map_err(|_| fault("is no list of strings"))? {
            let token = token?;
            match token.cast::<PyString>() {
                Ok(word) => lists.values().append_value(word.to_cow()?),
                Err(_) if token.is_none() => lists.values().append_null(),
                Err(_) => return Err(fault(&format!("holds {}; expected strings", token.get_type()))),
            }
        }
        lists.append(true);
        Ok(())
    }
}
