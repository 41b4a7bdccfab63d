//! Queries by keys and vectors, and evaluations.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use numpy::{
    PyArray1, PyArray2, PyArrayDescrMethods, PyArrayMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use super::job;
use super::keyed_vectors::PyVectors;
use super::keys::{self, is_key, known_row, list_of, row_of};
use super::location::location;
use crate::formats;
use crate::vectors::{AnalogyOptions, AnalogySection, KeyedVectors, ProductQuery, Query, Question, exact_cosine, unit};
use crate::vocab::{Key, WordId};

/// A key or a vector.
enum Term {
    Row(usize),
    Vector(Vec<f64>),
}

impl Term {
    fn of(vectors: &KeyedVectors, object: &Bound<'_, PyAny>) -> PyResult<Self> {
        match vector_of(object)? {
            Some(vector) => Ok(Self::Vector(vector)),
            None => row_of(vectors, object).map(Self::Row).or_else(|error| {
                // Of a word's n-grams: as the row of a key would be, of length 1.
                let vector = keys::vector_of(vectors, object).map_err(|_| error)?;
                Ok(Self::Vector(unit(&vector).into_iter().map(f64::from).collect()))
            }),
        }
    }

    fn add_to(self, query: &mut Query<'_>, weight: f64) -> PyResult<()> {
        match self {
            Self::Row(row) => query.add_row(row, weight),
            Self::Vector(vector) => query.add_vector(&vector, weight)?,
        }
        Ok(())
    }
}

/// Terms and their weights: of one key or vector, or of a list of those and of pairs of one and its weight.
fn terms(vectors: &KeyedVectors, object: Option<&Bound<'_, PyAny>>, weight: f64) -> PyResult<Vec<(Term, f64)>> {
    let Some(object) = object else { return Ok(Vec::new()) };
    if is_one(object) {
        return Ok(vec![(Term::of(vectors, object)?, weight)]);
    }
    let term = |item: Bound<'_, PyAny>| match item.is_instance_of::<PyTuple>() || item.is_instance_of::<PyList>() {
        true => pair(vectors, &item),
        false => Ok((Term::of(vectors, &item)?, weight)),
    };
    list_of(vectors, object)?.map(|item| term(item?)).collect()
}

/// A key or vector with the weight that is its second item.
fn pair(vectors: &KeyedVectors, object: &Bound<'_, PyAny>) -> PyResult<(Term, f64)> {
    if object.len()? != 2 {
        let reason = format!("expected a pair of a key or vector and its weight, not one of {}", object.len()?);
        return Err(PyTypeError::new_err(reason));
    }
    Ok((Term::of(vectors, &object.get_item(0)?)?, object.get_item(1)?.extract()?))
}

/// True for a key and for a vector, false for a list of them.
fn is_one(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<PyString>() || numbers(object).is_some_and(|array| array.ndim() == 1) || is_key(object)
}

/// An array of numbers, which is vectors.
fn numbers<'a, 'py>(object: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, PyUntypedArray>> {
    let array = object.cast::<PyUntypedArray>().ok()?;
    matches!(array.dtype().kind(), b'f' | b'i' | b'u').then_some(array)
}

/// The values of an array of one dimension.
fn vector_of(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<f64>>> {
    let Some(array) = numbers(object).filter(|array| array.ndim() == 1) else { return Ok(None) };
    if let Ok(array) = object.extract::<PyReadonlyArray1<'_, f32>>() {
        return Ok(Some(array.as_array().iter().map(|&value| value.into()).collect()));
    }
    let array = array.call_method1("astype", ("float64",))?;
    let array = array.extract::<PyReadonlyArray1<'_, f64>>().map_err(PyErr::from)?;
    Ok(Some(array.as_array().to_vec()))
}

/// The sum of unit vectors of keys, and of vectors as they are.
fn query<'v>(
    vectors: &'v KeyedVectors,
    positive: Option<&Bound<'_, PyAny>>,
    negative: Option<&Bound<'_, PyAny>>,
) -> PyResult<Query<'v>> {
    let mut query = Query::new(vectors);
    for (terms, weight) in [(positive, 1.0), (negative, -1.0)] {
        for (term, weight) in self::terms(vectors, terms, weight)? {
            term.add_to(&mut query, weight)?;
        }
    }
    Ok(query)
}

/// Rows as keys with their scores.
fn keyed<'py>(py: Python<'py>, vectors: &KeyedVectors, found: Vec<(usize, f32)>) -> PyResult<Bound<'py, PyAny>> {
    // A row is a word's number.
    let keyed = found.into_iter().map(|(row, score)| (vectors.keys().key(row as WordId), score));
    Ok(PyList::new(py, keyed.collect::<Vec<_>>())?.into_any())
}

/// Rows that the table has.
fn among(vectors: &KeyedVectors, (start, end): (usize, usize)) -> Range<usize> {
    let end = end.min(vectors.len());
    start.min(end)..end
}

/// The `topn` nearest keys among some rows, or without `topn` the cosines of all of these.
#[pyfunction]
pub(super) fn most_similar<'py>(
    py: Python<'py>,
    vectors: &Bound<'py, PyVectors>,
    positive: Option<&Bound<'py, PyAny>>,
    negative: Option<&Bound<'py, PyAny>>,
    topn: Option<usize>,
    rows: (usize, usize),
) -> PyResult<Bound<'py, PyAny>> {
    let vectors = vectors.get().inner();
    let query = query(&vectors, positive, negative)?;
    let rows = among(&vectors, rows);
    match topn {
        Some(topn) => keyed(py, &vectors, py.detach(|| query.nearest(topn, rows))?),
        None => Ok(PyArray1::from_vec(py, py.detach(|| query.cosines(rows))?).into_any()),
    }
}

/// What the query of [`most_similar`] compares with: a vector of length 1.
#[pyfunction]
pub(super) fn query_direction<'py>(
    py: Python<'py>,
    vectors: &Bound<'py, PyVectors>,
    positive: Option<&Bound<'py, PyAny>>,
    negative: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let vectors = vectors.get().inner();
    Ok(PyArray1::from_vec(py, query(&vectors, positive, negative)?.direction()))
}

/// The `topn` keys with the greatest products of cosines among some rows, or without `topn` the products of all of these.
#[pyfunction]
pub(super) fn most_similar_cosmul<'py>(
    py: Python<'py>,
    vectors: &Bound<'py, PyVectors>,
    positive: Option<&Bound<'py, PyAny>>,
    negative: Option<&Bound<'py, PyAny>>,
    topn: Option<usize>,
    rows: (usize, usize),
) -> PyResult<Bound<'py, PyAny>> {
    let vectors = vectors.get().inner();
    let mut query = ProductQuery::new(&vectors);
    for (objects, is_positive) in [(positive, true), (negative, false)] {
        let Some(objects) = objects else { continue };
        let terms = match is_one(objects) {
            true => vec![Term::of(&vectors, objects)?],
            false => list_of(&vectors, objects)?.map(|term| Term::of(&vectors, &term?)).collect::<PyResult<_>>()?,
        };
        for term in terms {
            match term {
                Term::Row(row) => query.add_row(row, is_positive),
                Term::Vector(vector) => query.add_vector(&vector, is_positive)?,
            }
        }
    }
    let rows = among(&vectors, rows);
    match topn {
        Some(topn) => keyed(py, &vectors, py.detach(|| query.nearest(topn, rows))?),
        None => Ok(PyArray1::from_vec(py, py.detach(|| query.scores(rows))?).into_any()),
    }
}

/// The cosines of a key or vector with keys, or with all rows.
#[pyfunction]
#[pyo3(signature = (vectors, key_or_vector, keys = None))]
pub(super) fn cosines_with<'py>(
    py: Python<'py>,
    vectors: &Bound<'py, PyVectors>,
    key_or_vector: &Bound<'py, PyAny>,
    keys: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let vectors = vectors.get().inner();
    let mut query = Query::new(&vectors);
    Term::of(&vectors, key_or_vector)?.add_to(&mut query, 1.0)?;
    let cosines = match keys {
        Some(keys) => query.cosines_of(&rows_of(&vectors, keys)?),
        None => py.detach(|| query.cosines(0..vectors.len()))?,
    };
    Ok(PyArray1::from_vec(py, cosines))
}

/// The rows of one key or a list of keys.
fn rows_of(vectors: &KeyedVectors, keys: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    match is_key(keys) {
        true => Ok(vec![row_of(vectors, keys)?]),
        false => list_of(vectors, keys)?.map(|key| row_of(vectors, &key?)).collect(),
    }
}

/// A table with a row for each of the keys, and these rows: another table if some words have only n-grams.
fn with_rows(vectors: Arc<KeyedVectors>, keys: &Bound<'_, PyAny>) -> PyResult<(Arc<KeyedVectors>, Vec<usize>)> {
    let error = match rows_of(&vectors, keys) {
        Ok(rows) => return Ok((vectors, rows)),
        Err(error) if vectors.subwords().is_none() || is_key(keys) => return Err(error),
        Err(error) => error,
    };
    let found = list_of(&vectors, keys)?.map(|key| super::keys::vector_of(&vectors, &key?));
    let found = found.collect::<PyResult<Vec<_>>>().map_err(|_| error)?;
    let names: Vec<String> = (0..found.len()).map(|row| row.to_string()).collect();
    let table = KeyedVectors::from_rows(names.iter().map(String::as_str), vectors.vector_size(), &found.concat())?;
    Ok((Arc::new(table), (0..names.len()).collect()))
}

/// The cosine of two keys' vectors.
#[pyfunction]
pub(super) fn similarity(
    vectors: &Bound<'_, PyVectors>,
    w1: &Bound<'_, PyAny>,
    w2: &Bound<'_, PyAny>,
) -> PyResult<f32> {
    let vectors = vectors.get().inner();
    match (row_of(&vectors, w1), row_of(&vectors, w2)) {
        (Ok(a), Ok(b)) => Ok(vectors.cosine_of_rows(a, b)),
        _ => Ok(exact_cosine(&keys::vector_of(&vectors, w1)?, &keys::vector_of(&vectors, w2)?)),
    }
}

/// The keys that are closer to `key1` than `key2` is.
#[pyfunction]
pub(super) fn closer_than<'py>(
    py: Python<'py>,
    vectors: &Bound<'py, PyVectors>,
    key1: &Bound<'py, PyAny>,
    key2: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    let vectors = vectors.get().inner();
    let rows = closer_rows(py, &vectors, key1, key2)?;
    let keys: Vec<Key<'_>> = rows.into_iter().map(|row| vectors.keys().key(row as WordId)).collect();
    PyList::new(py, keys)
}

/// How many there are of them, and one.
#[pyfunction]
pub(super) fn rank(
    py: Python<'_>,
    vectors: &Bound<'_, PyVectors>,
    key1: &Bound<'_, PyAny>,
    key2: &Bound<'_, PyAny>,
) -> PyResult<usize> {
    let vectors = vectors.get().inner();
    Ok(closer_rows(py, &vectors, key1, key2)?.len() + 1)
}

fn closer_rows(
    py: Python<'_>,
    vectors: &KeyedVectors,
    key1: &Bound<'_, PyAny>,
    key2: &Bound<'_, PyAny>,
) -> PyResult<Vec<usize>> {
    let (row, other) = (row_of(vectors, key1)?, row_of(vectors, key2)?);
    Ok(py.detach(|| vectors.closer_than(row, other)))
}

/// The product of each key's vector with the direction of their mean.
#[pyfunction]
pub(super) fn centralities(
    vectors: &Bound<'_, PyVectors>,
    keys: &Bound<'_, PyAny>,
    use_norm: bool,
) -> PyResult<Vec<f32>> {
    let vectors = vectors.get().inner();
    let (vectors, rows) = with_rows(vectors, keys)?;
    Ok(vectors.centralities(&rows, use_norm))
}

/// The cosine of the means of two sets of keys and vectors. Unknown keys are left out.
#[pyfunction]
pub(super) fn mean_similarity(
    vectors: &Bound<'_, PyVectors>,
    ws1: &Bound<'_, PyAny>,
    ws2: &Bound<'_, PyAny>,
) -> PyResult<f32> {
    let vectors = vectors.get().inner();
    Ok(sum_of_known(&vectors, ws1)?.cosine(&sum_of_known(&vectors, ws2)?))
}

fn sum_of_known<'v>(vectors: &'v KeyedVectors, objects: &Bound<'_, PyAny>) -> PyResult<Query<'v>> {
    let mut sum = Query::new(vectors);
    let mut add = |object: &Bound<'_, PyAny>| -> PyResult<()> {
        if let Some(vector) = vector_of(object)? {
            sum.add_vector(&vector, 1.0)?;
        } else if let Some(row) = known_row(vectors, object)? {
            sum.add_unscaled_row(row);
        } else if let Ok(vector) = keys::vector_of(vectors, object) {
            sum.add_vector(&vector.iter().copied().map(f64::from).collect::<Vec<_>>(), 1.0)?;
        }
        Ok(())
    };
    match is_one(objects) {
        true => add(objects)?,
        false => list_of(vectors, objects)?.try_for_each(|object| add(&object?))?,
    }
    Ok(sum)
}

/// The Euclidean distances of keys to keys.
#[pyfunction]
pub(super) fn euclidean_distances<'py>(
    py: Python<'py>,
    vectors: &Bound<'py, PyVectors>,
    keys1: &Bound<'py, PyAny>,
    keys2: &Bound<'py, PyAny>,
    norm: bool,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let vectors = vectors.get().inner();
    let keys = keys1.try_iter()?.chain(keys2.try_iter()?).collect::<PyResult<Vec<_>>>()?;
    let (vectors, from) = with_rows(vectors, PyList::new(py, keys)?.as_any())?;
    let (from, to) = from.split_at(keys1.len()?);
    let distances = py.detach(|| vectors.euclidean_distances(from, to, norm));
    PyArray1::from_vec(py, distances).reshape([from.len(), to.len()])
}

/// The bytes of a file, which may be in a store and compressed.
#[pyfunction]
pub(super) fn file_bytes<'py>(
    py: Python<'py>,
    path: PathBuf,
    storage_options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyBytes>> {
    let location = location(path, storage_options)?;
    let bytes = job::run(py, None, |progress, _| formats::file_bytes(&location, progress))?;
    Ok(PyBytes::new(py, &bytes))
}

type Words = (String, String, String, String);
type Section = (String, Vec<Words>, Vec<Words>);

/// Sections of a text with the questions that were answered right and wrong; how many questions there are, and how many
/// with an unknown word; and the numbers of the lines that are no questions.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "gensim's parameters")]
pub(super) fn evaluate_analogies(
    py: Python<'_>,
    vectors: &Bound<'_, PyVectors>,
    name: &str,
    text: &[u8],
    rows: usize,
    ignore_case: bool,
    unknown_is_wrong: bool,
    method: &str,
) -> PyResult<(Vec<Section>, usize, usize, Vec<usize>)> {
    let vectors = vectors.get().inner();
    let options = AnalogyOptions { rows, ignore_case, unknown_is_wrong, method: method.parse()? };
    let scores = job::run(py, None, |progress, _| vectors.evaluate_analogies(name, text, &options, progress))?;
    let words = |questions: Vec<Question>| questions.into_iter().map(|[a, b, c, d]| (a, b, c, d)).collect();
    let section = |section: AnalogySection| (section.name, words(section.correct), words(section.incorrect));
    Ok((scores.sections.into_iter().map(section).collect(), scores.questions, scores.unknown, scores.invalid_lines))
}

/// The cosines of pairs of words, or None where one is not among the first `rows`.
#[pyfunction]
pub(super) fn similarities_of_words(
    py: Python<'_>,
    vectors: &Bound<'_, PyVectors>,
    pairs: Vec<(String, String)>,
    rows: usize,
    ignore_case: bool,
) -> Vec<Option<f32>> {
    let vectors = vectors.get().inner();
    py.detach(|| vectors.similarities_of_words(&pairs, rows, ignore_case))
}
