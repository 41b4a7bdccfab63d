//! The training side.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::corpus::corpus_from;
use super::job;
use super::keyed_vectors::PyKeyedVectors;
use crate::config::Config;
use crate::word2vec::Word2Vec;

/// A trained model. `polargram.Word2Vec` is its face.
#[pyclass(name = "Model", module = "polargram._polargram", frozen)]
pub(super) struct PyModel(Word2Vec);

#[pymethods]
impl PyModel {
    /// Counts, encodes and trains.
    #[staticmethod]
    fn fit(py: Python<'_>, corpus: &Bound<'_, PyAny>, column: &str, parameters: &Bound<'_, PyDict>) -> PyResult<Self> {
        let config = config_from(&Parameters(parameters))?;
        config.validate()?;
        let corpus = corpus_from(corpus, column)?;
        job::run(py, |progress| Word2Vec::fit(corpus.as_ref(), config, progress)).map(Self)
    }

    /// The word vectors, which share the model's memory.
    fn vectors(&self) -> PyResult<PyKeyedVectors> {
        Ok(PyKeyedVectors::new(self.0.vectors()?, true))
    }

    /// Lists of the corpus that are not null.
    #[getter]
    fn corpus_count(&self) -> u64 {
        self.0.corpus().sentences
    }

    /// Tokens of the corpus that are not null.
    #[getter]
    fn corpus_total_words(&self) -> u64 {
        self.0.corpus().tokens
    }

    /// Seconds that counting the vocabulary took.
    #[getter]
    fn total_vocabulary_time(&self) -> f64 {
        self.0.preparation().vocabulary.as_secs_f64()
    }

    /// Seconds that training took.
    #[getter]
    fn total_train_time(&self) -> f64 {
        self.0.trained().elapsed.as_secs_f64()
    }
}

/// Keyword arguments, named when one is of the wrong type or out of range.
struct Parameters<'a, 'py>(&'a Bound<'py, PyDict>);

impl<'py> Parameters<'_, 'py> {
    fn get<T: FromPyObjectOwned<'py>>(&self, name: &str, expected: &str) -> PyResult<T> {
        let value = self.0.get_item(name)?.ok_or_else(|| PyValueError::new_err(format!("{name}: is missing")))?;
        let refused = |_| PyValueError::new_err(format!("{name}: {value:?} is not {expected}"));
        value.extract::<T>().map_err(|error| refused(error.into()))
    }

    fn count<T: FromPyObjectOwned<'py>>(&self, name: &str) -> PyResult<T> {
        self.get(name, "a whole number of at least 0 that fits 64 bits")
    }

    fn number<T: FromPyObjectOwned<'py>>(&self, name: &str) -> PyResult<T> {
        self.get(name, "a number")
    }

    /// True, False, 1 or 0.
    fn switch(&self, name: &str) -> PyResult<bool> {
        self.get::<bool>(name, "").or_else(|_| match self.get(name, "0 or 1")? {
            0u8 => Ok(false),
            1u8 => Ok(true),
            other => Err(PyValueError::new_err(format!("{name}: {other} is not 0 or 1"))),
        })
    }
}

fn config_from(parameters: &Parameters<'_, '_>) -> PyResult<Config> {
    Ok(Config {
        vector_size: parameters.count("vector_size")?,
        window: parameters.count("window")?,
        min_count: parameters.count("min_count")?,
        sg: parameters.switch("sg")?,
        negative: parameters.count("negative")?,
        ns_exponent: parameters.number("ns_exponent")?,
        sample: parameters.number("sample")?,
        alpha: parameters.number("alpha")?,
        min_alpha: parameters.number("min_alpha")?,
        epochs: parameters.count("epochs")?,
        workers: parameters.count("workers")?,
        seed: parameters.count("seed")?,
        cbow_mean: parameters.switch("cbow_mean")?,
        shrink_windows: parameters.switch("shrink_windows")?,
        ..Config::default()
    })
}
