//! A model of phrases that several objects of Python share, and a corpus that is read with its phrases joined.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

use crate::phrases::{Detectors, PhraseModel};

/// A model that may change.
pub(super) struct SharedPhrases(Mutex<State>);

struct State {
    model: PhraseModel,
    /// Made when they are needed, and again when the model has changed.
    detectors: Option<Arc<Detectors>>,
}

impl SharedPhrases {
    pub(super) fn new(model: PhraseModel) -> Self {
        Self(Mutex::new(State { model, detectors: None }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the model is now. It is taken without the interpreter, which a scoring function may wait for.
    pub(super) fn model(&self, py: Python<'_>) -> PhraseModel {
        py.detach(|| self.state().model.clone())
    }

    /// What the model is now, to be changed: without another hold on the counts, they are added to in place.
    pub(super) fn model_to_change(&self, py: Python<'_>) -> PhraseModel {
        py.detach(|| {
            let mut state = self.state();
            state.detectors = None;
            state.model.clone()
        })
    }

    /// The model, ready to be applied.
    pub(super) fn detectors(&self, py: Python<'_>) -> PyResult<Arc<Detectors>> {
        py.detach(|| {
            let mut state = self.state();
            if let Some(detectors) = &state.detectors {
                return Ok(detectors.clone());
            }
            let detectors = Arc::new(state.model.detectors()?);
            state.detectors = Some(detectors.clone());
            Ok(detectors)
        })
    }

    pub(super) fn set(&self, py: Python<'_>, model: PhraseModel) {
        py.detach(|| *self.state() = State { model, detectors: None });
    }
}

/// A corpus, and the model whose phrases are joined while it is read.
#[pyclass(name = "PhrasedSource", module = "polargram._polargram", frozen)]
pub(super) struct PyPhrasedSource {
    model: Arc<SharedPhrases>,
    corpus: Py<PyAny>,
}

impl PyPhrasedSource {
    pub(super) fn new(model: Arc<SharedPhrases>, corpus: Py<PyAny>) -> Self {
        Self { model, corpus }
    }

    /// The corpus, and the phrases of the model as it is now.
    pub(super) fn parts<'py>(&self, py: Python<'py>) -> PyResult<(&Bound<'py, PyAny>, Arc<Detectors>)> {
        Ok((self.corpus.bind(py), self.model.detectors(py)?))
    }
}
