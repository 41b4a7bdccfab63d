//! The training side.

use pyo3::prelude::*;
use serde::Deserialize;

use super::corpus::corpus_from;
use super::job;
use super::keyed_vectors::PyKeyedVectors;
use crate::config::Config;
use crate::error::Error;
use crate::word2vec::Word2Vec;

/// A trained model. `polargram.Word2Vec` is its face.
#[pyclass(name = "Model", module = "polargram._polargram", frozen)]
pub(super) struct PyModel(Word2Vec);

#[pymethods]
impl PyModel {
    /// Counts, encodes and trains. `config` is the hyperparameters as JSON.
    #[staticmethod]
    fn fit(py: Python<'_>, corpus: &Bound<'_, PyAny>, column: &str, config: &str) -> PyResult<Self> {
        let config = Config::deserialize(&mut serde_json::Deserializer::from_str(config))
            .map_err(|error| Error::parameter("config", error.to_string()))?;
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
