//! Whatever a Python user calls a corpus.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use pyo3::exceptions::{PyFileNotFoundError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyString, PyTuple};
use pyo3_arrow::{PyArray, PyArrayReader};

use super::errors::raised;
use super::files::files;
use super::frames::{ORIGIN, with_columns_read};
use super::phrased::PyPhrasedSource;
use super::sentences::SentenceBuilder;
use super::text::PyTextSource;
use crate::corpus::{Batch, Batches, Corpus, Partition, Query, ReadOptions, ResolvedColumns, candidates, is_list};
use crate::error::{Error, Result};
use crate::phrases::PhrasedCorpus;
use crate::process::catch_panic;
use crate::progress::Progress;
use crate::vocab::KeyType;

/// Sentences that are taken from a Python iterator at a time.
const SENTENCES_PER_BATCH: usize = 4096;

/// Rows that are requested from a dataset at a time.
const ROWS_PER_BATCH: usize = 8192;

/// What makes a string a glob.
const WILDCARDS: [char; 3] = ['*', '?', '['];

/// Added to errors about a list of strings.
const ABOUT_SENTENCES: &str = "A list of strings is a list of paths. If these are sentences, pass each as a list of \
                               words, as in [text.split() for text in texts].";

/// The time after which a smaller batch is passed on: between batches the job can be stopped.
const TIME_PER_BATCH: Duration = Duration::from_millis(100);

/// Recognises paths, text readers, Polars frames, whatever speaks Arrow, and iterables of lists of strings.
pub(super) fn corpus_from(object: &Bound<'_, PyAny>, options: &ReadOptions) -> PyResult<Box<dyn Corpus>> {
    let py = object.py();
    if let Some(paths) = paths_from(object)? {
        refuse_sentences(object, &paths)?;
        return files(py, &paths, options).map_err(|error| match may_be_sentences(object, &paths) {
            true => PyErr::from_type(error.get_type(py), format!("{}. {ABOUT_SENTENCES}", error.value(py))),
            false => error,
        });
    }
    if let Ok(source) = object.getattr("_text_source")
        && let Ok(source) = source.cast::<PyTextSource>()
    {
        return source.get().open(py, options);
    }
    if let Ok(source) = object.getattr("_phrased_source")
        && let Ok(source) = source.cast::<PyPhrasedSource>()
    {
        let (corpus, detectors) = source.get().parts(py)?;
        return Ok(Box::new(PhrasedCorpus::new(corpus_from(corpus, options)?, detectors)));
    }
    let kind = match object {
        _ if object.hasattr("collect_batches")? => Kind::LazyFrame,
        // That of an older Polars.
        _ if object.hasattr("collect_schema")? && object.hasattr("collect_async")? => Kind::LazyFrame,
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
            return Err(PyTypeError::new_err(format!("corpus: {} is not a corpus; {expected}", object.get_type())));
        }
    };
    if kind == Kind::Sentences && options.count_column.is_some() {
        return Err(PyTypeError::new_err("count_column: lists have no columns"));
    }
    let (column, query) = (options.column.clone(), Query::new(options)?);
    Ok(Box::new(PyCorpus { object: object.clone().unbind(), kind, column, query }))
}

/// True if it is a `pyarrow.dataset.Dataset`.
fn is_dataset(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(object.hasattr("scanner")? && object.hasattr("to_batches")? && object.hasattr("get_fragments")?)
}

/// True if it is a list of record batches, tables, or arrays of lists. The first item whose type is known decides:
/// arrays of strings or integers are sentences.
fn is_list_of_arrow(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    if !object.is_instance_of::<PyList>() && !object.is_instance_of::<PyTuple>() {
        return Ok(false);
    }
    for item in object.try_iter()? {
        if let Some(answer) = is_arrow_of_lists(&item?)? {
            return Ok(answer);
        }
    }
    Ok(false)
}

/// True for a table, or an array of lists; `None` for nulls, which may be either.
fn is_arrow_of_lists(item: &Bound<'_, PyAny>) -> PyResult<Option<bool>> {
    if item.is_none() {
        return Ok(None);
    }
    let data_type = match () {
        () if item.hasattr("__arrow_c_array__")? => match catch_panic(|| item.extract::<PyArray>()) {
            Some(array) => array?.field().data_type().clone(),
            None => return Ok(Some(true)),
        },
        // Tables, and what can be read only once, are not touched.
        () if !item.hasattr("__arrow_c_stream__")? => return Ok(Some(false)),
        () if item.hasattr("columns")? || item.hasattr("__next__")? => return Ok(Some(true)),
        () => item.extract::<PyArrayReader>().and_then(PyArrayReader::into_reader)?.field().data_type().clone(),
    };
    Ok(match data_type {
        DataType::Null => None,
        DataType::Struct(_) => Some(true),
        other => Some(is_list(&other)),
    })
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

/// Refuses a list of strings, each a sentence, which would be read as paths.
fn refuse_sentences(object: &Bound<'_, PyAny>, paths: &[String]) -> PyResult<()> {
    let Some(first) = paths.first().filter(|_| object.is_instance_of::<PyList>()) else { return Ok(()) };
    let may_be_path = first.contains("://") || first.contains(WILDCARDS) || Path::new(first).exists();
    if may_be_path {
        return Ok(());
    }
    let start: String = first.chars().take(80).collect();
    Err(PyFileNotFoundError::new_err(format!("corpus: there is no file {start:?}. {ABOUT_SENTENCES}")))
}

/// True for a list whose first string could be a glob, and a sentence such as "How are you?" too.
fn may_be_sentences(object: &Bound<'_, PyAny>, paths: &[String]) -> bool {
    let is_both = |first: &String| first.contains(char::is_whitespace) && first.contains(WILDCARDS);
    object.is_instance_of::<PyList>() && paths.first().is_some_and(|first| is_both(first) && !first.contains("://"))
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

/// A Python object that gives its tokens as often as asked, in one part and under the GIL.
struct PyCorpus {
    object: Py<PyAny>,
    kind: Kind,
    column: String,
    query: Query,
}

impl Corpus for PyCorpus {
    fn parts(&self) -> usize {
        1
    }

    fn read(&self, _part: usize, _progress: &Progress) -> Result<Batches<'_>> {
        Python::attach(|py| {
            let object = self.object.bind(py);
            // pyarrow, Polars and Hugging Face give one Arrow object after the other.
            let pieces = match self.kind {
                Kind::Sentences => {
                    let sentences = object.try_iter().map_err(raised)?.unbind();
                    return Ok(Box::new(PySentenceReader {
                        sentences,
                        column: self.column.clone(),
                        key_type: None,
                        number: 0,
                        is_done: false,
                    }) as Batches<'_>);
                }
                Kind::ArrowStream => return stream(object, &self.query),
                Kind::ArrowArray => return array(object, &self.query),
                Kind::LazyFrame => object
                    .call_method0("collect_schema")
                    .and_then(|schema| schema.call_method0("names"))
                    .and_then(|names| object.call_method1("select", (columns_read(&names, &self.query)?,)))
                    .and_then(|lists| match lists.hasattr("collect_batches")? {
                        true => lists.call_method0("collect_batches"),
                        // Older Polars has no batches to stream.
                        false => lists.call_method0("collect")?.call_method0("iter_slices"),
                    }),
                Kind::Dataset | Kind::Scanner => {
                    let scanner = match self.kind {
                        Kind::Dataset => {
                            object.call_method("scanner", (), Some(&columns_argument(object, &self.query)?))
                        }
                        _ => Ok(object.clone()),
                    };
                    let reader = scanner.and_then(|scanner| scanner.call_method0("to_reader")).map_err(raised)?;
                    return stream(&reader, &self.query);
                }
                Kind::HuggingFace => object
                    .getattr("column_names")
                    .and_then(|names| object.call_method1("select_columns", (columns_read(&names, &self.query)?,)))
                    .and_then(|columns| columns.call_method1("with_format", ("arrow",)))
                    .and_then(|arrow| arrow.call_method1("iter", (ROWS_PER_BATCH,))),
                Kind::ArrowList => Ok(object.clone()),
            };
            let pieces = pieces.and_then(|pieces| pieces.try_iter()).map_err(raised)?.unbind();
            Ok(Box::new(Pieces { pieces, query: &self.query }.flatten()) as Batches<'_>)
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
        &self.column
    }

    fn is_parallel(&self) -> bool {
        false
    }
}

/// The columns of these names that are read. A column that is not among them is requested all the same, so that the
/// owner of the data says which there are.
fn columns_read(names: &Bound<'_, PyAny>, query: &Query) -> PyResult<Vec<String>> {
    // Hugging Face may not know them before reading.
    let names: Vec<String> = if names.is_none() { Vec::new() } else { names.extract()? };
    let mut read: Vec<String> = Vec::new();
    for column in query.columns() {
        let mut found = candidates(column, &names);
        if found.is_empty() {
            found.push(column);
        }
        let new: Vec<_> = found.into_iter().filter(|name| !read.iter().any(|known| known == name)).collect();
        read.extend(new.into_iter().map(str::to_owned));
    }
    Ok(read)
}

fn columns_argument<'py>(dataset: &Bound<'py, PyAny>, query: &Query) -> Result<Bound<'py, PyDict>> {
    let names = dataset.getattr("schema").and_then(|schema| schema.getattr("names"));
    let arguments = PyDict::new(dataset.py());
    let columns = names.and_then(|names| columns_read(&names, query));
    columns.and_then(|columns| arguments.set_item("columns", columns)).map_err(raised)?;
    Ok(arguments)
}

/// The columns' batches of an object with `__arrow_c_stream__`: a stream of records has the columns, a stream of lists
/// is one itself.
fn stream(object: &Bound<'_, PyAny>, query: &Query) -> Result<Batches<'static>> {
    let object = with_columns_read(object, query).map_err(raised)?;
    let reader = object.extract::<PyArrayReader>().and_then(PyArrayReader::into_reader).map_err(raised)?;
    let columns = StreamColumns::of(reader.field().data_type(), query)?;
    let column = columns.name.clone();
    let invalid = move |error: &dyn std::fmt::Display| {
        Error::corpus(ORIGIN, format!("column {column:?} cannot be read: {error}"))
    };
    let mut reader = reader;
    Ok(Box::new(std::iter::from_fn(move || {
        // The producer is code of others.
        let batch =
            catch_panic(|| reader.next()).unwrap_or_else(|| Some(Err(ArrowError::CDataInterface(INVALID.into()))))?;
        let taken = batch.map_err(|error| invalid(&error)).and_then(|batch| columns.read(&batch));
        Some(taken.and_then(|batch| match catch_panic(|| batch.lists().to_data().validate_full()) {
            Some(Ok(())) => Ok(batch),
            Some(Err(error)) => Err(invalid(&error)),
            None => Err(invalid(&INVALID)),
        }))
    })))
}

/// What is known of an array that arrow-rs panics on.
const INVALID: &str = "it is not a valid Arrow array, or holds text that is not UTF-8";

/// The batch of an object with `__arrow_c_array__`: a record batch, a struct array or an array of lists.
fn array(object: &Bound<'_, PyAny>, query: &Query) -> Result<Batches<'static>> {
    let invalid = || {
        let column = query.columns().next().unwrap_or_default();
        Error::corpus(ORIGIN, format!("column {column:?} cannot be read: {INVALID}"))
    };
    let array = catch_panic(|| object.extract::<PyArray>()).ok_or_else(invalid)?.map_err(raised)?.into_inner().0;
    catch_panic(|| array.to_data().validate_full()).ok_or_else(invalid)?.map_err(|_| invalid())?;
    let batch = StreamColumns::of(array.data_type(), query)?.read(&array);
    Ok(Box::new(std::iter::once(batch)))
}

/// The columns of a stream's batches.
struct StreamColumns {
    name: String,
    /// `None` if the batches are the lists themselves.
    resolved: Option<ResolvedColumns>,
}

impl StreamColumns {
    fn of(data_type: &DataType, query: &Query) -> Result<Self> {
        let mut names = query.columns();
        let name = names.next().unwrap_or_default().to_owned();
        let resolved = match (data_type, names.next()) {
            (DataType::Struct(fields), _) => Some(query.resolve_columns(fields, &Partition::default(), ORIGIN)?),
            (_, Some(counts)) => {
                return Err(Error::corpus(ORIGIN, format!("has no columns, so none is called {counts:?}")));
            }
            (_, None) => None,
        };
        Ok(Self { name, resolved })
    }

    fn read(&self, batch: &ArrayRef) -> Result<Batch> {
        match &self.resolved {
            Some(columns) => columns.read(batch.as_struct().columns(), ORIGIN),
            None => Batch::new(batch.clone(), None, &self.name, ORIGIN),
        }
    }
}

/// Arrow objects from a Python iterator.
struct Pieces<'a> {
    pieces: Py<PyIterator>,
    query: &'a Query,
}

impl Iterator for Pieces<'_> {
    type Item = Batches<'static>;

    fn next(&mut self) -> Option<Self::Item> {
        Python::attach(|py| {
            let is_none = |piece: &PyResult<Bound<'_, PyAny>>| piece.as_ref().is_ok_and(|piece| piece.is_none());
            let piece = self.pieces.bind(py).clone().find(|piece| !is_none(piece))?.map_err(raised);
            let batches = piece.and_then(|piece| match piece.hasattr("__arrow_c_stream__").map_err(raised)? {
                true => stream(&piece, self.query),
                false => array(&piece, self.query),
            });
            Some(batches.unwrap_or_else(|error| Box::new(std::iter::once(Err(error)))))
        })
    }
}

/// An iterator of lists of strings or integers.
struct PySentenceReader {
    sentences: Py<PyIterator>,
    column: String,
    /// The type of the tokens that came.
    key_type: Option<KeyType>,
    number: usize,
    is_done: bool,
}

impl Iterator for PySentenceReader {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let batch = Python::attach(|py| self.take_batch(py)).map_err(raised);
        self.is_done |= batch.is_err();
        batch
            .and_then(|lists| lists.map(|lists| Batch::new(lists, None, &self.column, "sentences")).transpose())
            .transpose()
    }
}

impl PySentenceReader {
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
