//! Models of phrases: the native side of `polargram.Phrases` and `polargram.FrozenPhrases`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::corpus::corpus_from;
use super::errors::raised;
use super::job::{self, Report};
use super::location::{location, storage_options as storage_options_of};
use super::phrased::{PyPhrasedSource, SharedPhrases};
use super::source::PyCorpusSource;
use super::text::{PySentences, sentences_of_corpus};
use crate::corpus::ReadOptions;
use crate::error::Result;
use crate::phrases::{Candidate, CorpusCounts, Pass, Phrase, PhraseModel, PhraseOptions, Scorer, Scoring, register};

/// Bytes that may be fetched ahead of a corpus in a store.
const MEMORY_BUDGET: u64 = 256 << 20;

/// A model of phrases.
#[pyclass(name = "PhraseModel", module = "polargram._polargram", frozen)]
pub(super) struct PyPhraseModel(Arc<SharedPhrases>);

/// A function of Python's, which takes the counts of many candidates.
struct PyScorer(Py<PyAny>);

impl Scorer for PyScorer {
    fn scores(&self, candidates: &[Candidate], corpus: &CorpusCounts) -> Result<Vec<f64>> {
        Python::attach(|py| {
            let column = |of: fn(&Candidate) -> u64| PyArray1::from_iter(py, candidates.iter().map(of));
            let counts = (
                column(|candidate| candidate.count_a),
                column(|candidate| candidate.count_b),
                column(|candidate| candidate.count_ab),
                corpus.len_vocab,
                corpus.min_count,
                corpus.corpus_word_count,
            );
            let scores = self.0.call1(py, counts).map_err(raised)?;
            let scores = scores.extract::<PyReadonlyArray1<'_, f64>>(py).map_err(|error| raised(error.into()))?;
            Ok(scores.as_array().to_vec())
        })
    }
}

/// The options of a model from Python's keyword arguments.
fn options_of(given: &Bound<'_, PyDict>) -> PyResult<PhraseOptions> {
    let get = |name: &str| given.get_item(name)?.ok_or_else(|| PyTypeError::new_err(format!("{name}: is missing")));
    let scoring = match get("scorer")? {
        function if !function.is_none() => Scoring::Custom(Arc::new(PyScorer(function.unbind()))),
        _ => match get("scoring")?.extract::<Option<String>>()? {
            Some(name) => Scoring::parse(&name)?,
            None => Scoring::Forgotten,
        },
    };
    Ok(PhraseOptions {
        min_count: get("min_count")?.extract()?,
        threshold: get("threshold")?.extract()?,
        max_vocab_size: get("max_vocab_size")?.extract()?,
        delimiter: get("delimiter")?.extract()?,
        scoring,
        connector_words: get("connector_words")?.extract::<Vec<String>>()?.into_iter().collect(),
    })
}

impl PyPhraseModel {
    fn of(model: PhraseModel) -> Self {
        Self(Arc::new(SharedPhrases::new(model)))
    }
}

#[pymethods]
impl PyPhraseModel {
    /// That has counted nothing yet.
    #[new]
    fn new(options: &Bound<'_, PyDict>, passes: usize) -> PyResult<Self> {
        Ok(Self::of(PhraseModel::empty(options_of(options)?, passes)?))
    }

    #[staticmethod]
    #[pyo3(signature = (path, storage_options = None))]
    fn load(py: Python<'_>, path: PathBuf, storage_options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let location = location(path, storage_options)?;
        Ok(Self::of(job::run(py, None, |progress, _| PhraseModel::load_with(location, progress))?))
    }

    #[pyo3(signature = (path, storage_options = None))]
    fn save(&self, py: Python<'_>, path: PathBuf, storage_options: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        let (location, model) = (location(path, storage_options)?, self.0.model(py));
        job::run(py, None, |progress, _| model.save_with(location, progress))
    }

    /// The options of the last pass, but for its scoring function.
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let model = self.0.model(py);
        let (options, dict) = (model.last().options(), PyDict::new(py));
        dict.set_item("min_count", options.min_count)?;
        dict.set_item("threshold", options.threshold)?;
        dict.set_item("max_vocab_size", options.max_vocab_size)?;
        dict.set_item("delimiter", &options.delimiter)?;
        dict.set_item("connector_words", options.connector_words.iter().collect::<Vec<_>>())?;
        let scoring = match &options.scoring {
            Scoring::Custom(_) | Scoring::Forgotten => None,
            known => Some(known.name()),
        };
        dict.set_item("scoring", scoring)?;
        Ok(dict)
    }

    /// Changes the options, but for the delimiter.
    fn set_options(&self, py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<()> {
        let options = options_of(options)?;
        let mut model = self.0.model(py);
        model.set_options(&options)?;
        self.0.set(py, model);
        Ok(())
    }

    /// Counts a corpus, and returns how many sentences it has.
    #[pyo3(signature = (corpus, is_read_once, report = None))]
    fn add(
        &self,
        py: Python<'_>,
        corpus: &PyCorpusSource,
        is_read_once: bool,
        report: Option<(Bound<'_, PyAny>, f64)>,
    ) -> PyResult<u64> {
        let corpus = corpus.open(py, MEMORY_BUDGET)?;
        let report = report
            .map(|(function, interval)| Report { function, interval: Duration::from_secs_f64(interval.max(0.1)) });
        // Without a second hold on the counts, they are added to in place.
        let mut model = self.0.model_to_change(py);
        let (model, sentences) = job::run(py, report.as_ref(), |progress, _| {
            let sentences = match is_read_once {
                true => model.add_once(corpus.as_ref(), progress)?,
                false => model.add(corpus.as_ref(), progress)?,
            };
            Ok((model, sentences))
        })?;
        self.0.set(py, model);
        Ok(sentences)
    }

    /// The number of passes.
    #[getter]
    fn passes(&self, py: Python<'_>) -> usize {
        self.0.model(py).passes().len()
    }

    #[getter]
    fn is_frozen(&self, py: Python<'_>) -> bool {
        matches!(self.0.model(py).last(), Pass::Frozen(_))
    }

    /// Words of the corpora, and the count below which texts are dropped the next time.
    #[getter]
    fn totals(&self, py: Python<'_>) -> (u64, u64) {
        match self.0.model(py).last() {
            Pass::Learning(phrases) => (phrases.corpus_word_count(), phrases.min_reduce()),
            Pass::Frozen(_) => (0, 1),
        }
    }

    /// Distinct words and pairs of the last pass, or its phrases.
    fn __len__(&self, py: Python<'_>) -> usize {
        match self.0.model(py).last() {
            Pass::Learning(phrases) => phrases.len(),
            Pass::Frozen(phrases) => phrases.phrases().len(),
        }
    }

    /// How often the last pass has seen a text.
    fn count(&self, py: Python<'_>, text: &str) -> u64 {
        match self.0.model(py).last() {
            Pass::Learning(phrases) => phrases.count(text),
            Pass::Frozen(_) => 0,
        }
    }

    /// All texts that the last pass has seen, and how often.
    fn texts(&self, py: Python<'_>) -> Vec<(String, u64)> {
        let model = self.0.model(py);
        py.detach(|| {
            let mut texts = Vec::new();
            if let Pass::Learning(phrases) = model.last() {
                let told: std::result::Result<(), ()> = phrases.each(|text, count| {
                    texts.push((text.to_owned(), count));
                    Ok(())
                });
                debug_assert!(told.is_ok());
            }
            texts
        })
    }

    /// The joined text and the score of two words and those between them, if the last pass finds them to be a phrase.
    fn score_candidate(
        &self,
        py: Python<'_>,
        first: &str,
        last: &str,
        between: Vec<String>,
    ) -> PyResult<Option<(String, f64)>> {
        let detectors = self.0.detectors(py)?;
        let between: Vec<&str> = between.iter().map(String::as_str).collect();
        Ok(py.detach(|| detectors.score_candidate(first, last, &between))?)
    }

    /// The tokens of a sentence with phrases in place of their words, each phrase with its score.
    fn analyze(&self, py: Python<'_>, sentence: Vec<String>) -> PyResult<Vec<(String, Option<f64>)>> {
        let detectors = self.0.detectors(py)?;
        Ok(py.detach(|| detectors.analyze(&sentence))?)
    }

    /// The tokens of a sentence with phrases in place of their words.
    fn apply(&self, py: Python<'_>, sentence: Vec<String>) -> PyResult<Vec<String>> {
        Ok(self.analyze(py, sentence)?.into_iter().map(|(token, _)| token).collect())
    }

    /// The phrases that stand in a corpus, and their scores.
    fn find(&self, py: Python<'_>, corpus: &PyCorpusSource) -> PyResult<HashMap<String, f64>> {
        let (corpus, detectors) = (corpus.open(py, MEMORY_BUDGET)?, self.0.detectors(py)?);
        job::run(py, None, |progress, _| detectors.find(corpus.as_ref(), progress))
    }

    /// All phrases, the highest score first.
    fn export(&self, py: Python<'_>) -> PyResult<Vec<(String, f64, Option<u64>)>> {
        let model = self.0.model(py);
        let phrases = job::run(py, None, |_, _| model.export())?;
        Ok(phrases.into_iter().map(|Phrase { phrase, score, count }| (phrase, score, count)).collect())
    }

    fn freeze(&self, py: Python<'_>) -> PyResult<Self> {
        let model = self.0.model(py);
        let frozen = Self::of(job::run(py, None, |_, _| model.freeze())?);
        // A frozen model is there to be applied.
        frozen.0.detectors(py)?;
        Ok(frozen)
    }

    /// What reads a corpus with the phrases of the model joined.
    fn phrased(&self, corpus: Py<PyAny>) -> PyPhrasedSource {
        PyPhrasedSource::new(self.0.clone(), corpus)
    }

    /// The number under which an expression finds the model as it is now, and that of this process.
    fn register(&self, py: Python<'_>) -> PyResult<(u64, u64)> {
        Ok(register(&self.0.detectors(py)?))
    }
}

/// The sentences of a corpus of phrases, as lists of strings.
#[pyfunction]
#[pyo3(signature = (corpus, column, storage_options = None))]
pub(super) fn phrased_sentences(
    corpus: &Bound<'_, PyAny>,
    column: String,
    storage_options: Option<&Bound<'_, PyDict>>,
) -> PyResult<PySentences> {
    let options = ReadOptions { storage: storage_options_of(storage_options)?, ..ReadOptions::column(column) };
    Ok(sentences_of_corpus(corpus_from(corpus, &options)?))
}

/// Articles, prepositions and conjunctions that may stand within an English phrase.
#[pyfunction]
pub(super) fn english_connector_words() -> Vec<&'static str> {
    crate::phrases::ENGLISH_CONNECTOR_WORDS.to_vec()
}
