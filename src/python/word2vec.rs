//! A model and its steps: the native side of `polargram.Word2Vec`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use numpy::{PyArray1, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde::Serialize;

use super::job::{self, Caller, Report};
use super::keyed_vectors::PyVectors;
use super::keys::PyKey;
use super::location::location;
use super::parameters::Parameters;
use super::plot::{MomentRow, moment_row};
use super::source::PyCorpusSource;
use super::table::{Content, PyTable};
use super::views::Views;
use crate::encode::SpoolOptions;
use crate::error::Result;
use crate::kernel::Matrix;
use crate::models::{CorpusSize, History, Job, Memory, Resume, Saved, TrainOptions, Word2Vec};
use crate::progress::Progress;
use crate::train::{Next, Observer, Position, Trained, Weights};
use crate::vectors::KeyedVectors;
use crate::vocab::{Key, Rule, Trim, TrimReport, WordCounts};

/// A model, also while it has no vocabulary yet. `polargram.Word2Vec` is the class that users see.
#[pyclass(name = "Model", module = "polargram._polargram", frozen)]
pub(super) struct PyModel {
    /// Replaced as a whole, never changed: a callback may read it during training.
    model: Mutex<Option<Arc<Word2Vec>>>,
    /// What `KeyedVectors` look keys up in. It is the same one as long as the model lives.
    table: Py<PyTable>,
    /// The views of the rows trained against noise, and of those of the inner nodes.
    views: Mutex<[Views; 2]>,
    /// The counts that are not trimmed yet.
    counts: Mutex<Option<Arc<WordCounts>>>,
    /// Where a run was that is to be resumed.
    resume: Mutex<Option<Resume>>,
    is_training: AtomicBool,
    /// A Python function that is told which views are about to be left behind.
    warn: Py<PyAny>,
}

/// For each epoch the sum of the losses and the number of examples.
type Losses = Vec<(f64, u64)>;

/// While it exists, a model is being trained, and nothing else trains or replaces it.
struct Training<'a>(&'a AtomicBool);

impl Drop for Training<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl PyModel {
    fn model(&self) -> PyResult<Arc<Word2Vec>> {
        let missing = || PyRuntimeError::new_err("you must first build vocabulary: call build_vocab");
        self.model_if_made()?.ok_or_else(missing)
    }

    /// The model, with the counts of words that a user has set in its vectors.
    fn model_if_made(&self) -> PyResult<Option<Arc<Word2Vec>>> {
        let mut model = lock(&self.model);
        if let Some(made) = &*model
            && let Some(updated) = self.table.get().with_new_counts(|counts| made.with_counts(counts))?
        {
            *model = Some(Arc::new(updated));
        }
        Ok(model.clone())
    }

    fn counts(&self) -> PyResult<Arc<WordCounts>> {
        let missing = || PyRuntimeError::new_err("no words were counted: call scan_vocab first");
        lock(&self.counts).clone().ok_or_else(missing)
    }

    /// Replaces the model. What shows its vectors follows; views whose rows are elsewhere now cannot, so that the user
    /// is warned of them. If that raises, the model stays.
    fn set(&self, py: Python<'_>, model: Word2Vec) -> PyResult<()> {
        let vectors = model.vectors()?;
        let before = lock(&self.model).clone();
        let same = |rows: fn(&Weights) -> Option<&Arc<Matrix>>| {
            let start = |model: &Word2Vec| rows(model.weights()).map(|matrix| matrix.start());
            before.as_ref().is_some_and(|before| start(before) == start(&model))
        };
        let [output, nodes] = lock(&self.views).clone();
        let views = [
            ("wv.vectors", self.table.get().content().views, same(|weights| Some(&weights.input))),
            ("syn1neg", output, same(|weights| weights.output.as_ref())),
            ("syn1", nodes, same(|weights| weights.nodes.as_ref())),
        ];
        let left: Vec<&str> =
            views.iter().filter(|(_, views, same)| !same && views.exist()).map(|(name, ..)| *name).collect();
        if !left.is_empty() {
            self.warn.call1(py, (left,))?;
        }
        let [vector_views, output, nodes] = views.map(|(_, views, same)| if same { views } else { Views::default() });
        *lock(&self.views) = [output, nodes];
        *lock(&self.model) = Some(Arc::new(model));
        self.table.get().replace(py, Content::new(vectors, vector_views))
    }

    fn begin_training(&self) -> PyResult<Training<'_>> {
        match self.is_training.swap(true, Ordering::Acquire) {
            true => Err(PyRuntimeError::new_err("the model is being trained; wait until that is over")),
            false => Ok(Training(&self.is_training)),
        }
    }
}

fn json(value: &impl Serialize) -> PyResult<serde_json::Value> {
    serde_json::to_value(value).map_err(|error| PyValueError::new_err(error.to_string()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[pymethods]
impl PyModel {
    /// Without a vocabulary yet. `warn` is called with the names of views that a change of the model leaves behind.
    #[new]
    fn new(py: Python<'_>, vector_size: NonZeroUsize, warn: Py<PyAny>) -> PyResult<Self> {
        Ok(Self {
            model: Mutex::default(),
            table: Py::new(py, PyTable::live(KeyedVectors::from_rows([], vector_size.get(), &[])?))?,
            views: Mutex::default(),
            counts: Mutex::default(),
            resume: Mutex::default(),
            is_training: AtomicBool::default(),
            warn,
        })
    }

    /// The word vectors, which share the model's memory: always the same table, of what the model has.
    #[getter]
    fn table(&self, py: Python<'_>) -> Py<PyTable> {
        self.table.clone_ref(py)
    }

    /// Sets the dimensions of the vectors while there are none.
    fn set_vector_size(&self, py: Python<'_>, vector_size: NonZeroUsize) -> PyResult<()> {
        match &*lock(&self.model) {
            Some(_) => Ok(()),
            None => {
                let empty = KeyedVectors::from_rows([], vector_size.get(), &[])?;
                self.table.get().replace(py, Content::new(empty, Views::default()))
            }
        }
    }

    /// A model that shares nothing with this one. A callback may make one, as it may save: no worker runs then.
    fn __deepcopy__(&self, py: Python<'_>, _memo: &Bound<'_, PyAny>) -> PyResult<Self> {
        let vector_size = self.table.get().vectors().vector_size();
        let copy = Self::new(py, NonZeroUsize::new(vector_size).unwrap_or(NonZeroUsize::MIN), self.warn.clone_ref(py))?;
        if let Some(model) = self.model_if_made()? {
            copy.set(py, py.detach(|| model.copied())?)?;
        }
        lock(&copy.counts).clone_from(&lock(&self.counts));
        lock(&copy.resume).clone_from(&lock(&self.resume));
        Ok(copy)
    }

    /// Raises ValueError for a parameter out of range.
    #[staticmethod]
    fn check(parameters: &Bound<'_, PyDict>) -> PyResult<()> {
        Ok(Parameters(parameters).config()?.validate()?)
    }

    /// Counts a corpus, and returns its numbers of tokens and sentences.
    #[pyo3(signature = (corpus, parameters, memory_budget, report = None))]
    fn scan_vocab(
        &self,
        py: Python<'_>,
        corpus: &PyCorpusSource,
        parameters: &Bound<'_, PyDict>,
        memory_budget: u64,
        report: Option<(Bound<'_, PyAny>, f64)>,
    ) -> PyResult<(u64, u64)> {
        let spool = SpoolOptions { memory_budget, ..SpoolOptions::default() };
        let fit = Job { spool, ..Job::new(Parameters(parameters).config()?) };
        let corpus = corpus.open(py, memory_budget)?;
        let report = report_from(report);
        let counts = job::run(py, report.as_ref(), |progress, _| fit.count(corpus.as_ref(), progress))?;
        let size = (counts.raw_tokens(), counts.sentences());
        *lock(&self.counts) = Some(Arc::new(counts));
        Ok(size)
    }

    /// Sets counts that are known already, and returns their sum.
    fn set_counts(&self, frequencies: &Bound<'_, PyDict>, sentences: u64, sorted: bool) -> PyResult<u64> {
        let frequencies = frequencies.iter().map(|(word, count)| {
            let expected = |error: PyErr| {
                PyValueError::new_err(format!("word_freq: {word:?}: {count:?} is not a count of a word: {error}"))
            };
            let is_no_key = || {
                PyTypeError::new_err(format!(
                    "word_freq: {word:?} is not a key; expected a string or an integer of 64 bits"
                ))
            };
            Ok((PyKey::of(&word).ok_or_else(is_no_key)?, count.extract::<u64>().map_err(expected)?))
        });
        let frequencies = frequencies.collect::<PyResult<Vec<_>>>()?;
        let frequencies = frequencies.iter().map(|(key, count)| (key.key(), *count));
        let counts = WordCounts::from_frequencies(frequencies, sentences, sorted)?;
        let total = counts.raw_tokens();
        *lock(&self.counts) = Some(Arc::new(counts));
        Ok(total)
    }

    /// The counted words and their counts, in the order of the rules for [`prepare_vocab`](Self::prepare_vocab).
    fn counted<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyList>, Bound<'py, PyArray1<u64>>)> {
        let (keys, counts) = self.counts()?.columns()?;
        Ok((PyList::new(py, keys.iter())?, PyArray1::from_vec(py, counts)))
    }

    /// Drops the counts.
    fn forget_counts(&self) {
        lock(&self.counts).take();
    }

    /// The occurrences that a word needs to get a vector, given the counts.
    fn least_count(&self, parameters: &Bound<'_, PyDict>) -> PyResult<u64> {
        Ok(Trim::from(&Parameters(parameters).config()?).effective_min_count(&*self.counts()?)?)
    }

    /// Decides which words get a vector. Unless it is a `dry_run`, makes the model, or with `update` adds to it.
    #[pyo3(signature = (parameters, rules, update, dry_run))]
    fn prepare_vocab<'py>(
        &self,
        py: Python<'py>,
        parameters: &Bound<'py, PyDict>,
        rules: Option<PyReadonlyArray1<'py, u8>>,
        update: bool,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyDict>> {
        let config = Parameters(parameters).config()?;
        let counts = self.counts()?;
        let rules = rules.map(|rules| -> PyResult<Vec<Rule>> {
            rules.as_slice()?.iter().map(|&rule| Ok(Rule::try_from(rule)?)).collect()
        });
        let rules = rules.transpose()?;
        let trim = Trim { rules: rules.as_deref(), ..Trim::from(&config) };
        let known = if update { Some(self.model()?) } else { None };
        if dry_run {
            return report_dict(py, trim.report(&counts, known.as_ref().map(|model| model.vocabulary()))?);
        }
        let _training = self.begin_training()?;
        let (model, report) = py.detach(|| match &known {
            Some(model) => model.with_config(config).grown(&counts, &trim),
            None => Word2Vec::new(config, &counts, &trim),
        })?;
        self.set(py, model)?;
        report_dict(py, report)
    }

    /// Adds a last word "\0" of count 1. Counts that are not trimmed yet stay.
    fn add_null_word(&self, py: Python<'_>, parameters: &Bound<'_, PyDict>) -> PyResult<()> {
        let _training = self.begin_training()?;
        let (model, config) = (self.model()?, Parameters(parameters).config()?);
        let counts = WordCounts::from_frequencies([("\0", 1)], 0, true)?;
        let trim = Trim { rules: Some(&[Rule::Keep]), max_final_vocab: None, ..Trim::from(&config) };
        let (model, _) = py.detach(|| model.with_config(config).grown(&counts, &trim))?;
        self.set(py, model)
    }

    /// Resets all weights to those before any training.
    fn reset_weights(&self, py: Python<'_>, parameters: &Bound<'_, PyDict>) -> PyResult<()> {
        let _training = self.begin_training()?;
        let (model, config) = (self.model()?, Parameters(parameters).config()?);
        self.set(py, py.detach(|| model.renewed(config))?)
    }

    /// Takes the vocabulary of another model, with new weights.
    fn reset_from(&self, py: Python<'_>, other: &Self, parameters: &Bound<'_, PyDict>) -> PyResult<()> {
        let _training = self.begin_training()?;
        let (model, config) = (other.model()?, Parameters(parameters).config()?);
        self.set(py, py.detach(|| model.reset(config))?)
    }

    /// Sets the vectors of the words that are in `vectors` too, and returns the number of these words.
    fn adopt(&self, py: Python<'_>, vectors: &PyVectors) -> PyResult<usize> {
        let _training = self.begin_training()?;
        let (model, vectors) = (self.model()?, vectors.inner());
        Ok(py.detach(|| model.adopt(&vectors))?)
    }

    /// Trains. Returns the number of tokens that subsampling kept, of all tokens, the last learning rate, the losses,
    /// the seconds that training took, and how it went over time. `hooks` has methods `epoch_begins(epoch)` and `epoch_ends(epoch, losses)`,
    /// which return true to stop.
    #[pyo3(signature = (corpus, parameters, options, hooks = None, report = None))]
    fn train(
        &self,
        py: Python<'_>,
        corpus: &PyCorpusSource,
        parameters: &Bound<'_, PyDict>,
        options: &Bound<'_, PyDict>,
        hooks: Option<Py<PyAny>>,
        report: Option<(Bound<'_, PyAny>, f64)>,
    ) -> PyResult<(u64, u64, f32, Losses, f64, Vec<MomentRow>)> {
        let _training = self.begin_training()?;
        let config = Parameters(parameters).config()?;
        config.validate()?;
        let options = Parameters(options);
        let spool = options.spool()?;
        let expected =
            CorpusSize { sentences: options.count("total_examples")?, tokens: options.count("total_words")? };
        let expected = Some(expected).filter(|expected| *expected != CorpusSize::default());
        let loss = options.get(RUNNING_LOSS, "a number")?;
        let is_vocabulary_corpus = options.switch("is_vocabulary_corpus")?;
        let checkpoint = options.checkpoint()?;
        let model = self.model()?.with_config(config);
        let vectors = self.table.get().vectors();
        let locks = locks_of(options.get("vectors_lockf", "an array of floats")?, model.vocabulary().len())?;
        let resume = lock(&self.resume).take();
        let corpus = corpus.open(py, spool.memory_budget)?;
        let report = report_from(report);
        let history = Mutex::<History>::default();
        let watch = |progress: &Progress| lock(&history).observe(progress);
        let trained = job::run_watched(py, report.as_ref(), watch, |progress, caller| {
            let options = TrainOptions {
                spool,
                is_vocabulary_corpus,
                expected,
                locks: locks.as_deref(),
                checkpoint: checkpoint.as_ref(),
                resume: resume.as_ref(),
            };
            let mut hooks = Hooks { hooks, vectors: &vectors, caller, progress, history: &history, loss };
            model.train(corpus.as_ref(), &options, &mut hooks, progress)
        });
        vectors.forget_norms();
        let trained = trained?;
        *lock(&self.model) = Some(Arc::new(model));
        let Trained { kept, raw_tokens, learning_rate, losses, elapsed, .. } = trained;
        let moments = lock(&history).moments().iter().map(moment_row).collect();
        Ok((kept, raw_tokens, learning_rate, losses, elapsed.as_secs_f64(), moments))
    }

    /// Resumes the run of a checkpoint, if there is one. Returns the losses of its completed epochs, and the sum that the
    /// user saw last.
    fn resume(
        &self,
        py: Python<'_>,
        parameters: &Bound<'_, PyDict>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Option<(Losses, Option<f64>)>> {
        let _training = self.begin_training()?;
        let config = Parameters(parameters).config()?;
        let Some(checkpoint) = Parameters(options).checkpoint()? else { return Ok(None) };
        let Some((model, resume, kept)) = py.detach(|| checkpoint.saved(&config))? else { return Ok(None) };
        self.set(py, model)?;
        let Position { epoch, losses, examples, .. } = &resume.position;
        let losses = losses.iter().copied().zip(examples.iter().copied()).take(*epoch).collect();
        let loss = kept.get(RUNNING_LOSS).and_then(|loss| loss.as_str()?.parse().ok());
        *lock(&self.resume) = Some(resume);
        Ok(Some((losses, loss)))
    }

    /// The rows trained against noise, V × d: a view.
    fn syn1neg(&self, py: Python<'_>) -> PyResult<Option<Py<PyArray2<f32>>>> {
        let [views, _] = lock(&self.views).clone();
        self.model()?.output_rows().map(|rows| Ok(views.matrix(py, &rows)?.unbind())).transpose()
    }

    /// The rows of the inner nodes, V × d: a view.
    fn syn1(&self, py: Python<'_>) -> PyResult<Option<Py<PyArray2<f32>>>> {
        let [_, views] = lock(&self.views).clone();
        self.model()?.node_rows().map(|rows| Ok(views.matrix(py, &rows)?.unbind())).transpose()
    }

    /// The sentences and tokens of the corpus that the vocabulary is from.
    #[getter]
    fn corpus(&self) -> PyResult<(u64, u64)> {
        let size = self.model()?.corpus();
        Ok((size.sentences, size.tokens))
    }

    /// The occurrences that a word of that corpus needed to get a vector.
    #[getter]
    fn effective_min_count(&self) -> PyResult<u64> {
        Ok(self.model()?.effective_min_count())
    }

    /// The log-probability of each sentence.
    fn score(
        &self,
        py: Python<'_>,
        parameters: &Bound<'_, PyDict>,
        sentences: Vec<Vec<Bound<'_, PyAny>>>,
    ) -> PyResult<Vec<f64>> {
        let model = self.model()?.with_config(Parameters(parameters).config()?);
        let keys = model.vocabulary().keys();
        let word_of = |object| PyKey::word_of(object, keys).transpose();
        let owned: Vec<Vec<PyKey>> =
            sentences.iter().map(|sentence| sentence.iter().filter_map(word_of).collect()).collect::<PyResult<_>>()?;
        let sentences: Vec<Vec<Key<'_>>> = owned.iter().map(|keys| keys.iter().map(PyKey::key).collect()).collect();
        job::run(py, None, |progress, _| model.score(&sentences, progress))
    }

    /// The most probable words between those of `context`, by row, and their probabilities.
    fn predict_output_word(
        &self,
        py: Python<'_>,
        parameters: &Bound<'_, PyDict>,
        context: Vec<u32>,
        topn: usize,
    ) -> PyResult<Vec<(u32, f64)>> {
        let model = self.model()?.with_config(Parameters(parameters).config()?);
        Ok(py.detach(|| model.probable_words(&context, topn))?)
    }

    /// Saves to a directory, with the caller's attributes as JSON.
    #[pyo3(signature = (parameters, directory, attributes, storage_options = None))]
    fn save(
        &self,
        py: Python<'_>,
        parameters: &Bound<'_, PyDict>,
        directory: PathBuf,
        attributes: &str,
        storage_options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let (model, mut config) = (self.model()?, Parameters(parameters).config()?);
        let mut attributes: serde_json::Value =
            serde_json::from_str(attributes).map_err(|error| PyValueError::new_err(error.to_string()))?;
        if config.validate().and_then(|()| model.weights().check(&config)).is_err() {
            // They were set for weights that are not made yet. The saved weights are those that there are.
            for name in WEIGHT_PARAMETERS {
                attributes[name] = json(&config.get(name)?)?;
                config.set(name, model.config().get(name)?)?;
            }
        }
        let model = model.with_config(config);
        let location = location(directory, storage_options)?;
        job::run(py, None, |progress, _| model.save_with(location, attributes, progress))
    }

    /// Loads from a directory. Returns the parameters and the caller's attributes as JSON.
    #[pyo3(signature = (directory, storage_options = None))]
    fn load(
        &self,
        py: Python<'_>,
        directory: PathBuf,
        storage_options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<(String, String)> {
        let _training = self.begin_training()?;
        let location = location(directory, storage_options)?;
        let Saved { model, attributes, .. } =
            job::run(py, None, |progress, _| Word2Vec::load_with(location, progress))?;
        let parameters = json(model.config())?.to_string();
        self.set(py, model)?;
        Ok((parameters, attributes.to_string()))
    }

    /// Bytes by purpose, for so many words and tokens in the vocabulary. Without `tokens`, those of the model's
    /// vocabulary.
    fn estimate_memory<'py>(
        &self,
        py: Python<'py>,
        parameters: &Bound<'py, PyDict>,
        words: u64,
        tokens: Option<u64>,
        options: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyDict>> {
        if words > u64::from(u32::MAX) {
            return Err(PyValueError::new_err(format!(
                "vocab_size: {words} is more than the greatest number of rows, 2^32"
            )));
        }
        let model = self.model_if_made()?;
        let tokens = tokens.or(model.as_ref().map(|model| model.vocabulary().tokens())).unwrap_or(0);
        let spool = Parameters(options).spool()?;
        let memory = Memory::estimate(&Parameters(parameters).config()?, words, tokens, spool);
        let dict = PyDict::new(py);
        let parts =
            [("vocab", memory.vocab), ("vectors", memory.vectors), ("syn1", memory.syn1), ("syn1neg", memory.syn1neg)];
        for (name, bytes) in parts.into_iter().filter(|&(_, bytes)| bytes > 0) {
            dict.set_item(name, bytes)?;
        }
        dict.set_item("total", memory.model())?;
        dict.set_item("training", memory.total())?;
        let is_made = model.is_some_and(|model| model.vocabulary().len() as u64 == words);
        dict.set_item("peak", memory.peak(is_made))?;
        Ok(dict)
    }
}

/// The hyperparameters that decide which weights there are, and of which shape.
const WEIGHT_PARAMETERS: [&str; 3] = ["vector_size", "hs", "negative"];

/// What a checkpoint calls the sum of the losses.
const RUNNING_LOSS: &str = "running_training_loss";

/// Reports the training's events to Python, on the thread that called.
struct Hooks<'a> {
    hooks: Option<Py<PyAny>>,
    vectors: &'a KeyedVectors,
    caller: &'a Caller<'a>,
    progress: &'a Progress,
    history: &'a Mutex<History>,
    /// The sum of the losses as the hooks have left it.
    loss: f64,
}

impl Hooks<'_> {
    fn call(&mut self, call: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<(bool, f64)> + Send + 'static) -> Result<Next> {
        let (send, receive) = std::sync::mpsc::channel();
        let hooks = Python::attach(|py| self.hooks.as_ref().map(|hooks| hooks.clone_ref(py)));
        let Some(hooks) = hooks else { return Ok(Next::Continue) };
        self.vectors.forget_norms();
        self.caller.call(move |py| {
            let answer = call(hooks.bind(py))?;
            // Received below.
            let _ = send.send(answer);
            Ok(())
        })?;
        let Ok((stop, loss)) = receive.recv() else { return Ok(Next::Continue) };
        self.loss = loss;
        Ok(if stop { Next::Stop } else { Next::Continue })
    }
}

impl Observer for Hooks<'_> {
    fn epoch_begins(&mut self, epoch: usize) -> Result<Next> {
        self.call(move |hooks| hooks.call_method1("epoch_begins", (epoch,))?.extract())
    }

    fn epoch_ends(&mut self, epoch: usize, position: &Position) -> Result<Next> {
        lock(self.history).observe_end(self.progress);
        let (losses, examples) = (position.losses.iter().copied(), position.examples.iter().copied());
        let losses: Losses = losses.zip(examples).collect();
        let rate = self.progress.learning_rate();
        self.call(move |hooks| hooks.call_method1("epoch_ends", (epoch, losses, rate))?.extract())
    }

    fn kept(&self) -> serde_json::Value {
        // As text, which keeps every bit.
        serde_json::json!({ RUNNING_LOSS: format!("{:?}", self.loss) })
    }
}

/// The lock factors that a user has set, one for each row, unless all are 1.
fn locks_of(factors: Vec<f32>, rows: usize) -> PyResult<Option<Vec<f32>>> {
    if let Some(factor) = factors.iter().find(|factor| !factor.is_finite()) {
        return Err(PyValueError::new_err(format!("vectors_lockf: {factor} is not a finite number")));
    }
    match *factors.as_slice() {
        [1.0] => Ok(None),
        [factor] => Ok(Some(vec![factor; rows])),
        _ if factors.len() == rows => Ok(Some(factors)),
        _ => Err(PyValueError::new_err(format!(
            "vectors_lockf: has {} factors for {rows} words; it must have one, or one for each",
            factors.len()
        ))),
    }
}

fn report_from(report: Option<(Bound<'_, PyAny>, f64)>) -> Option<Report<'_>> {
    report.map(|(function, seconds)| Report {
        function,
        interval: Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1)),
    })
}

fn report_dict(py: Python<'_>, report: TrimReport) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("drop_unique", report.drop_unique)?;
    dict.set_item("retain_total", report.retain_total)?;
    dict.set_item("downsample_unique", report.downsample_unique)?;
    dict.set_item("downsample_total", report.downsample_total)?;
    dict.set_item("num_retained_words", report.num_retained_words)?;
    dict.set_item("effective_min_count", report.effective_min_count)?;
    Ok(dict)
}
