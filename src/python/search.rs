//! Searches for many queries at once.

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::job;
use super::keyed_vectors::PyVectors;
use super::keys::{is_key, list_of, row_of, vector_of};
use crate::vectors::{KeyedVectors, Neighbours, Rows, SearchOptions};
use crate::vocab::WordId;

/// Queries of [`nearest_rows`] that are searched together.
const QUERIES: usize = 8192;

/// What was asked: vectors one after another, and for each the rows that are left out.
struct Asked {
    values: Vec<f32>,
    excluded: Vec<Vec<usize>>,
}

impl Asked {
    /// A matrix of vectors, or a list of keys and vectors. A key is left out of what is near to it.
    fn of(vectors: &KeyedVectors, queries: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(matrix) = queries.extract::<PyReadonlyArray2<'_, f32>>() {
            ensure_size(vectors, matrix.shape()[1])?;
            let values = matrix.as_array().iter().copied().collect();
            return Ok(Self { values, excluded: Vec::new() });
        }
        let (mut values, mut excluded) = (Vec::new(), Vec::new());
        for query in list_of(vectors, queries)? {
            let query = query?;
            if is_key(&query) {
                values.extend_from_slice(&vector_of(vectors, &query)?);
                excluded.push(row_of(vectors, &query).into_iter().collect());
            } else {
                let vector: Vec<f32> = query.extract()?;
                ensure_size(vectors, vector.len())?;
                values.extend(vector);
                excluded.push(Vec::new());
            }
        }
        Ok(Self { values, excluded })
    }
}

fn ensure_size(vectors: &KeyedVectors, size: usize) -> PyResult<()> {
    match vectors.vector_size() {
        expected if expected == size => Ok(()),
        expected => {
            Err(PyValueError::new_err(format!("queries: a query has {size} values; the vectors have {expected}")))
        }
    }
}

fn find(
    py: Python<'_>,
    vectors: &KeyedVectors,
    queries: &Bound<'_, PyAny>,
    topn: usize,
    rows: (usize, usize),
) -> PyResult<Neighbours> {
    let asked = Asked::of(vectors, queries)?;
    let end = rows.1.min(vectors.len());
    job::run(py, None, |progress, _| {
        let options = SearchOptions { topn, rows: rows.0.min(end)..end, excluded: &asked.excluded };
        vectors.search(&asked.values, &options, progress)
    })
}

/// For each query the `topn` nearest keys of the rows from `start` to `end`, as (key, cosine).
#[pyfunction]
pub(super) fn search<'py>(
    py: Python<'py>,
    vectors: &Bound<'py, PyVectors>,
    queries: &Bound<'py, PyAny>,
    topn: usize,
    start: usize,
    end: usize,
) -> PyResult<Bound<'py, PyList>> {
    let vectors = vectors.get().inner();
    let found = find(py, &vectors, queries, topn, (start, end))?;
    // A row is a word's number.
    let keyed = |(row, cosine)| (vectors.keys().key(row as WordId), cosine);
    let lists = found.into_iter().map(|found| PyList::new(py, found.into_iter().map(keyed).collect::<Vec<_>>()));
    PyList::new(py, lists.collect::<PyResult<Vec<_>>>()?)
}

/// The same as two matrices, of rows and of cosines. Where there are too few rows, they are -1 and NaN.
#[pyfunction]
pub(super) fn search_arrays<'py>(
    py: Python<'py>,
    vectors: &Bound<'py, PyVectors>,
    queries: &Bound<'py, PyAny>,
    topn: usize,
    start: usize,
    end: usize,
) -> PyResult<Bound<'py, PyTuple>> {
    let vectors = vectors.get().inner();
    let found = find(py, &vectors, queries, topn, (start, end))?;
    let width = topn.min(end.min(vectors.len()).saturating_sub(start));
    let mut rows = vec![-1i64; found.len() * width];
    let mut cosines = vec![f32::NAN; found.len() * width];
    for (query, found) in found.iter().enumerate() {
        for (i, &(row, cosine)) in found.iter().enumerate() {
            (rows[query * width + i], cosines[query * width + i]) = (row as i64, cosine);
        }
    }
    let shape = [found.len(), width];
    let rows = PyArray1::from_vec(py, rows).reshape(shape)?;
    PyTuple::new(py, [rows.into_any(), PyArray1::from_vec(py, cosines).reshape(shape)?.into_any()])
}

/// The queries of a search as a matrix, and for each the row that is left out, or -1.
#[pyfunction]
pub(super) fn query_matrix<'py>(
    py: Python<'py>,
    vectors: &Bound<'py, PyVectors>,
    queries: &Bound<'py, PyAny>,
) -> PyResult<(Bound<'py, PyArray2<f32>>, Vec<i64>)> {
    let vectors = vectors.get().inner();
    let Asked { values, excluded } = Asked::of(&vectors, queries)?;
    let count = values.len() / vectors.vector_size().max(1);
    let left_out = |query: usize| excluded.get(query).and_then(|rows| rows.first()).map_or(-1, |&row| row as i64);
    let matrix = PyArray1::from_vec(py, values).reshape([count, vectors.vector_size()])?;
    Ok((matrix, (0..count).map(left_out).collect()))
}

/// The cosines of each query with the rows of its line, as [`search`] computes them. Rows below 0 give NaN.
#[pyfunction]
pub(super) fn cosines_of<'py>(
    py: Python<'py>,
    vectors: &Bound<'py, PyVectors>,
    queries: PyReadonlyArray2<'py, f32>,
    rows: PyReadonlyArray2<'py, i64>,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let vectors = vectors.get().inner();
    let shape = [rows.shape()[0], rows.shape()[1]];
    let mut cosines = Vec::with_capacity(shape[0] * shape[1]);
    for (query, rows) in queries.as_array().rows().into_iter().zip(rows.as_array().rows()) {
        let known: Vec<usize> = rows.iter().filter_map(|&row| usize::try_from(row).ok()).collect();
        if let Some(row) = known.iter().find(|&&row| row >= vectors.len()) {
            return Err(PyValueError::new_err(format!("rows: there are {}, and no row {row}", vectors.len())));
        }
        let mut found = vectors.cosines(&query.to_vec(), &known)?.into_iter();
        cosines.extend(rows.iter().map(|&row| if row < 0 { f32::NAN } else { found.next().unwrap_or(f32::NAN) }));
    }
    PyArray1::from_vec(py, cosines).reshape(shape)
}

/// A number that other vectors of the same shape do not share, but by chance.
#[pyfunction]
pub(super) fn fingerprint(py: Python<'_>, vectors: &Bound<'_, PyVectors>) -> u64 {
    let vectors = vectors.get().inner();
    py.detach(|| vectors.fingerprint())
}

/// For each row of one matrix the nearest rows of another by cosine: two matrices, of rows and of cosines, as
/// [`search_arrays`] gives them. Rows of zeros have the cosine 0 to all.
#[pyfunction]
pub(super) fn nearest_rows<'py>(
    py: Python<'py>,
    queries: PyReadonlyArray2<'py, f32>,
    rows: PyReadonlyArray2<'py, f32>,
    topn: usize,
) -> PyResult<Bound<'py, PyTuple>> {
    let (queries, rows) = (queries.as_array(), rows.as_array());
    let (len, size) = rows.dim();
    if queries.dim().1 != size || size == 0 {
        return Err(PyValueError::new_err(format!(
            "the vectors of one column have {} dimensions, those of the other {size}",
            queries.dim().1
        )));
    }
    let count = queries.dim().0;
    let queries: Vec<f32> = queries.iter().copied().collect();
    let values: Vec<f32> = rows.iter().copied().collect();
    let width = topn.min(len);
    let (rows, cosines) = job::run(py, None, |progress, _| {
        let vectors = KeyedVectors::of_rows(Rows::from_vec(values, size))?;
        let mut rows = Vec::with_capacity(count * width);
        let mut cosines = Vec::with_capacity(count * width);
        // What is found for some is kept until all are known.
        for queries in queries.chunks(QUERIES * size) {
            let options = SearchOptions { topn: width, rows: 0..len, excluded: &[] };
            for (row, cosine) in vectors.search(queries, &options, progress)?.into_iter().flatten() {
                rows.push(row as i64);
                cosines.push(cosine);
            }
        }
        Ok((rows, cosines))
    })?;
    let shape = [count, width];
    (PyArray1::from_vec(py, rows).reshape(shape)?, PyArray1::from_vec(py, cosines).reshape(shape)?).into_pyobject(py)
}
