//! Pictures: maps of words and curves of trainings.

use std::io::Write;
use std::path::PathBuf;

use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::job;
use super::keyed_vectors::PyVectors;
use super::location::location;
use crate::models::Moment;
use crate::output::Output;
use crate::plot::{WordMap, training_page, training_picture};

/// A map of words.
#[pyclass(name = "WordMap", module = "polargram._polargram", frozen)]
pub(super) struct PyWordMap(WordMap);

#[pymethods]
impl PyWordMap {
    /// Of some rows at given points, with a note that says how they were found. Without points, by principal components.
    #[new]
    #[pyo3(signature = (vectors, rows, title, points = None, note = ""))]
    fn new(
        vectors: &Bound<'_, PyVectors>,
        rows: Vec<usize>,
        title: &str,
        points: Option<PyReadonlyArray2<'_, f64>>,
        note: &str,
    ) -> PyResult<Self> {
        let (py, vectors) = (vectors.py(), vectors.get().inner());
        if let Some(row) = rows.iter().find(|&&row| row >= vectors.len()) {
            return Err(PyIndexError::new_err(format!("row {row} of {}", vectors.len())));
        }
        let points = points.map(|points| match *points.shape() {
            [count, 2] if count == rows.len() => {
                Ok(points.as_array().rows().into_iter().map(|point| [point[0], point[1]]).collect::<Vec<_>>())
            }
            _ => Err(PyValueError::new_err(format!(
                "points: of shape {:?} for {} words; expected ({1}, 2)",
                points.shape(),
                rows.len()
            ))),
        });
        let points = points.transpose()?;
        let map = job::run(py, None, |progress, _| match points {
            Some(points) => WordMap::placed(&vectors, &rows, &points, title, note, progress),
            None => WordMap::of(&vectors, &rows, title, progress),
        })?;
        Ok(Self(map))
    }

    fn svg(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.svg())
    }

    fn page(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.page())
    }
}

/// A moment of a training: seconds, words, the learning rate, and the mean loss if that was added up.
pub(super) type MomentRow = (f64, u64, f64, Option<f64>);

pub(super) fn moment_row(&Moment { seconds, words, rate, loss }: &Moment) -> MomentRow {
    (seconds, words, rate, loss)
}

/// The charts of a training as SVG and as a page.
#[pyfunction]
pub(super) fn training_charts(title: &str, moments: Vec<MomentRow>) -> (String, String) {
    let moment = |(seconds, words, rate, loss)| Moment { seconds, words, rate, loss };
    let moments: Vec<Moment> = moments.into_iter().map(moment).collect();
    (training_picture(title, &moments), training_page(title, &moments))
}

/// Writes a file, or an object at a URL, whole or not at all.
#[pyfunction]
#[pyo3(signature = (path, content, storage_options = None))]
pub(super) fn write_file(
    py: Python<'_>,
    path: PathBuf,
    content: &[u8],
    storage_options: Option<&Bound<'_, PyDict>>,
) -> PyResult<()> {
    let location = location(path, storage_options)?;
    job::run(py, None, |progress, _| {
        let mut output = Output::files(&location, progress);
        output.write(location.path(), |out| out.write_all(content))?;
        output.commit().map(drop)
    })
}
