//! Whatever a Python user calls a corpus.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyString};
use pyo3_arrow::{PyArray, PyArrayReader};

use super::errors::raised;
use super::job;
use super::sentences::SentenceBuilder;
use super::text::PyTextSource;
use crate::corpus::{Batch, Batches, Corpus, FileCorpus, ReadOptions, counts_of, missing_column};
use crate::error::{Error, Result};
use crate::process::catch_panic;
use crate::progress::Progress;
use crate::vocab::KeyType;

/// What messages call a stream.
const ORIGIN: &str = "Arrow stream";

/// Sentences that are taken from a Python iterator at a time.
const SENTENCES_PER_BATCH: usize = 4096;

/// Rows that are asked of a dataset at a time.
const ROWS_PER_BATCH: usize = 8192;

/// Or fewer, where they come slowly: between batches the job can be stopped.
const TIME_PER_BATCH: Duration = Duration::from_millis(100);

/// Recognises paths, text readers, Polars frames, whatever speaks Arrow, and iterables of lists of strings.
pub(super) fn corpus_from(object: &Bound<'_, PyAny>, options: &ReadOptions) -> PyResult<Box<dyn Corpus>> {
    let py = object.py();
    if let Some(paths) = paths_from(object)? {
        return files(py, &paths, options);
    }
    if let Ok(source) = object.getattr("_text_source")
        && let Ok(source) = source.cast::<PyTextSource>()
    {
        return source.get().open(py, options);
    }
    let kind = match object {
        _ if object.hasattr("collect_batches")? => Kind::LazyFrame,
        _ if is_dataset(object)? => Kind::Dataset,
        _ if object.hasattr("to_reader")? && object.hasattr("dataset_schema")? => Kind::Scanner,
        _ if object.hasattr("with_format")? && object.hasattr("iter")? => Kind::HuggingFace,
        _ if object.hasattr("__next__")? => return Err(refused(object)),
        _ if object.hasattr("__arrow_c_stream__")? => Kind::ArrowStream,
        _ if object.hasattr("__arrow_c_array__")? => Kind::ArrowArray,
        _ if is_list_of_arrow(object)? => Kind::ArrowList,
        _ if object.hasattr("__iter__")? || object.hasattr("__getitem__")? => Kind::Sentences,
        _ => {
            let expected = "expected paths or URLs, a Polars frame, a pyarrow or Hugging Face dataset, an Arrow stream, \
                            or an iterable of lists of strings or integers";
            return Err(PyTypeError::new_err(format!("corpus: {} is no corpus; {expected}", object.get_type())));
        }
    };
    if kind == Kind::Sentences && options.count_column.is_some() {
        return Err(PyTypeError::new_err("count_column: lists have no columns"));
    }
    let columns = Columns { tokens: options.column.clone(), counts: options.count_column.clone() };
    Ok(Box::new(PyCorpus { object: object.clone().unbind(), kind, columns }))
}

/// Opens files and objects, which Ctrl-C can stop.
pub(super) fn files(py: Python<'_>, paths: &[String], options: &ReadOptions) -> PyResult<Box<dyn Corpus>> {
    Ok(Box::new(job::run(py, None, |progress, _| FileCorpus::open(paths, options, progress))?))
}

/// Whether it is a `pyarrow.dataset.Dataset`.
fn is_dataset(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(object.hasattr("scanner")? && object.hasattr("to_batches")? && object.hasattr("get_fragments")?)
}

/// Whether it is a list of record batches, tables or arrays.
fn is_list_of_arrow(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let Ok(items) = object.cast::<PyList>() else { return Ok(false) };
    let is_arrow = |item: &Bound<'_, PyAny>| -> PyResult<bool> {
        Ok(item.hasattr("__arrow_c_stream__")? || item.hasattr("__arrow_c_array__")?)
    };
    Ok(!items.is_empty() && is_arrow(&items.get_item(0)?)?)
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
    let Ok(items) = object.cast::<PyList>() else { return Ok(None) };
    if items.is_empty() {
        return Ok(None);
    }
    items.iter().map(|item| path_of(&item)).collect()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    LazyFrame,
    /// Of pyarrow.
    Dataset,
    Scanner,
    HuggingFace,
    ArrowStream,
    ArrowArray,
    ArrowList,
    Sentences,
}

/// The columns that are read.
#[derive(Debug, Clone)]
struct Columns {
    tokens: String,
    counts: Option<String>,
}

impl Columns {
    fn names(&self) -> Vec<&str> {
        std::iter::once(self.tokens.as_str()).chain(self.counts.as_deref()).collect()
    }
}

/// A Python object that gives its tokens as often as asked, in one part and under the GIL.
struct PyCorpus {
    object: Py<PyAny>,
    kind: Kind,
    columns: Columns,
}

impl Corpus for PyCorpus {
    fn parts(&self) -> usize {
        1
    }

    fn read(&self, _part: usize, _progress: &Progress) -> Result<Batches<'_>> {
        Python::attach(|py| {
            let object = self.object.bind(py);
            // What pyarrow, Polars and Hugging Face give is one Arrow object after the other.
            let pieces = match self.kind {
                Kind::Sentences => {
                    let sentences = object.try_iter().map_err(raised)?.unbind();
                    return Ok(
                        Box::new(Sentences { sentences, key_type: None, number: 0, is_done: false }) as Batches<'_>
                    );
                }
                Kind::ArrowStream => return stream(object, &self.columns),
                Kind::ArrowArray => return array(object, &self.columns),
                Kind::LazyFrame => object
                    .call_method1("select", (self.columns.names(),))
                    .and_then(|lists| lists.call_method0("collect_batches")),
                Kind::Dataset | Kind::Scanner => {
                    let scanner = match self.kind {
                        Kind::Dataset => object.call_method("scanner", (), Some(&columns_argument(py, &self.columns)?)),
                        _ => Ok(object.clone()),
                    };
                    let reader = scanner.and_then(|scanner| scanner.call_method0("to_reader")).map_err(raised)?;
                    return stream(&reader, &self.columns);
                }
                Kind::HuggingFace => object
                    .call_method1("select_columns", (self.columns.names(),))
                    .and_then(|columns| columns.call_method1("with_format", ("arrow",)))
                    .and_then(|arrow| arrow.call_method1("iter", (ROWS_PER_BATCH,))),
                Kind::ArrowList => Ok(object.clone()),
            };
            let pieces = pieces.and_then(|pieces| pieces.try_iter()).map_err(raised)?.unbind();
            Ok(Box::new(Pieces { pieces, columns: &self.columns }.flatten()) as Batches<'_>)
        })
    }

    fn origin(&self, _part: usize) -> String {
        match self.kind {
            Kind::LazyFrame => "LazyFrame",
            Kind::Dataset | Kind::Scanner | Kind::HuggingFace => "dataset",
            Kind::Sentences => "sentences",
            Kind::ArrowStream | Kind::ArrowArray | Kind::ArrowList => ORIGIN,
        }
        .into()
    }

    fn column(&self) -> &str {
        &self.columns.tokens
    }

    fn is_parallel(&self) -> bool {
        false
    }
}

fn columns_argument<'py>(py: Python<'py>, columns: &Columns) -> Result<Bound<'py, PyDict>> {
    let arguments = PyDict::new(py);
    arguments.set_item("columns", columns.names()).map_err(raised)?;
    Ok(arguments)
}

/// Of a Polars frame the frame of these columns: others may be of types that only Polars knows.
fn polars_columns<'py>(object: &Bound<'py, PyAny>, columns: &Columns) -> PyResult<Result<Option<Bound<'py, PyAny>>>> {
    let is_polars = object.get_type().module()?.to_cow()?.starts_with("polars.");
    if !is_polars || !object.hasattr("columns")? || !object.getattr("columns")?.contains(&columns.tokens)? {
        return Ok(Ok(None));
    }
    let frame = object.call_method1("select", (columns.names(),))?;
    // Polars exports its type Null in a way that arrow-rs refuses without naming the column.
    let data_type = frame.getattr("dtypes")?.get_item(0)?.str()?.to_string();
    let column = &columns.tokens;
    Ok(match data_type.contains("Null") {
        true => Err(Error::corpus(
            ORIGIN,
            format!("column {column:?} is {data_type}; expected a list of strings or integers"),
        )),
        false => Ok(Some(frame)),
    })
}

/// The columns' batches of an object with `__arrow_c_stream__`: of a stream of records the columns, of a stream of
/// lists itself.
fn stream(object: &Bound<'_, PyAny>, columns: &Columns) -> Result<Batches<'static>> {
    let object = polars_columns(object, columns).map_err(raised)??.unwrap_or_else(|| object.clone());
    let reader = object.extract::<PyArrayReader>().and_then(PyArrayReader::into_reader).map_err(raised)?;
    let places = Places::of(reader.field().data_type(), columns)?;
    let column = columns.tokens.clone();
    let unsound = move |error: &dyn std::fmt::Display| {
        Error::corpus(ORIGIN, format!("column {column:?} cannot be read: {error}"))
    };
    let mut reader = reader;
    Ok(Box::new(std::iter::from_fn(move || {
        // Its producer is somebody else.
        let batch =
            catch_panic(|| reader.next()).unwrap_or_else(|| Some(Err(ArrowError::CDataInterface(NOT_SOUND.into()))))?;
        let taken = batch.map_err(|error| unsound(&error)).and_then(|batch| places.take(&batch));
        Some(taken.and_then(|batch| match catch_panic(|| batch.lists.to_data().validate_full()) {
            Some(Ok(())) => Ok(batch),
            Some(Err(error)) => Err(unsound(&error)),
            None => Err(unsound(&NOT_SOUND)),
        }))
    })))
}

/// What can be said of an array that arrow-rs panics on.
const NOT_SOUND: &str = "it is no sound Arrow array, or holds text that is not UTF-8";

/// The batch of an object with `__arrow_c_array__`: a record batch, a struct array or an array of lists.
fn array(object: &Bound<'_, PyAny>, columns: &Columns) -> Result<Batches<'static>> {
    let unsound = || Error::corpus(ORIGIN, format!("column {:?} cannot be read: {NOT_SOUND}", columns.tokens));
    let array = catch_panic(|| object.extract::<PyArray>()).ok_or_else(unsound)?.map_err(raised)?.into_inner().0;
    catch_panic(|| array.to_data().validate_full()).ok_or_else(unsound)?.map_err(|_| unsound())?;
    let batch = Places::of(array.data_type(), columns)?.take(&array);
    Ok(Box::new(std::iter::once(batch)))
}

/// Where the columns stand in a struct; nowhere if the array is the lists themselves.
struct Places {
    tokens: Option<usize>,
    counts: Option<(usize, String)>,
}

impl Places {
    fn of(data_type: &DataType, columns: &Columns) -> Result<Self> {
        let place = |name: &str| match data_type {
            DataType::Struct(fields) => match fields.iter().position(|field| field.name() == name) {
                None => Err(missing_column(name, &Schema::new(fields.clone()), ORIGIN)),
                place => Ok(place),
            },
            _ => Ok(None),
        };
        let counts = match &columns.counts {
            None => None,
            Some(name) => match place(name)? {
                Some(at) => Some((at, name.clone())),
                None => return Err(Error::corpus(ORIGIN, format!("has no columns, so none is called {name:?}"))),
            },
        };
        Ok(Self { tokens: place(&columns.tokens)?, counts })
    }

    fn take(&self, batch: &ArrayRef) -> Result<Batch> {
        let column = |at: usize| batch.as_struct().column(at).clone();
        let counts = match &self.counts {
            Some((at, name)) => Some(counts_of(&column(*at), name, ORIGIN)?),
            None => None,
        };
        Ok(Batch { lists: self.tokens.map_or_else(|| batch.clone(), column), counts })
    }
}

/// Arrow objects from a Python iterator.
struct Pieces<'a> {
    pieces: Py<PyIterator>,
    columns: &'a Columns,
}

impl Iterator for Pieces<'_> {
    type Item = Batches<'static>;

    fn next(&mut self) -> Option<Self::Item> {
        Python::attach(|py| {
            let piece = self.pieces.bind(py).clone().next()?.map_err(raised);
            let batches = piece.and_then(|piece| match piece.hasattr("__arrow_c_stream__").map_err(raised)? {
                true => stream(&piece, self.columns),
                false => array(&piece, self.columns),
            });
            Some(batches.unwrap_or_else(|error| Box::new(std::iter::once(Err(error)))))
        })
    }
}

/// An iterator of lists of strings or integers.
struct Sentences {
    sentences: Py<PyIterator>,
    /// The type of the tokens that came.
    key_type: Option<KeyType>,
    number: usize,
    is_done: bool,
}

impl Iterator for Sentences {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let batch = Python::attach(|py| self.take_batch(py)).map_err(raised);
        self.is_done |= batch.is_err();
        batch.map(|lists| lists.map(Batch::from)).transpose()
    }
}

impl Sentences {
    fn take_batch(&mut self, py: Python<'_>) -> PyResult<Option<ArrayRef>> {
        let mut lists = SentenceBuilder::new(self.key_type, self.number);
        let mut sentences = self.sentences.bind(py).clone();
        let start = Instant::now();
        while lists.len() < SENTENCES_PER_BATCH && start.elapsed() < TIME_PER_BATCH {
            let Some(sentence) = sentences.next() else {
                self.is_done = true;
                break;
            };
            lists.push(&sentence?)?;
        }
        self.key_type = lists.key_type();
        self.number += lists.len();
        if lists.len() == 0 { Ok(None) } else { lists.finish().map(Some) }
    }
}
