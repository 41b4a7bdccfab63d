//! A word2vec model: fitted in one call, or step by step.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::gensim;
use super::job::{Fitted, Job};
use super::saved::{self, Saved};
use super::state::{CorpusSize, Family, State, TableShape};
use super::training::{TrainOptions, train_model};
use crate::config::Config;
use crate::corpus::Corpus;
use crate::error::{Error, Result};
use crate::kernel::Matrix;
use crate::progress::Progress;
use crate::store::Location;
use crate::train::{Observer, Trained, Weights};
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::{Trim, TrimReport, Vocabulary, WordCounts, WordId};

/// A word2vec model: its vocabulary and weights (Mikolov et al. 2013). Clones share the weights.
///
/// ```
/// use polargram::corpus::ArrowCorpus;
/// use polargram::{Config, Progress, Word2Vec};
/// # use std::sync::Arc;
/// # use arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder};
/// # let mut lists = ListBuilder::new(StringBuilder::new());
/// # for _ in 0..100 { lists.append_value(["the", "cat", "sat"].map(Some)); }
/// # let batch = RecordBatch::try_from_iter([("tokens", Arc::new(lists.finish()) as ArrayRef)])?;
///
/// let corpus = ArrowCorpus::new(&[batch], "tokens")?;
/// let config = Config { vector_size: 16, sg: true, ..Config::default() };
/// let (model, trained) = Word2Vec::fit(&corpus, config, &Progress::default())?;
/// assert_eq!(model.vectors()?.vector("cat")?.len(), 16);
/// assert_eq!(trained.tokens, 5 * 300);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Step by step, with a vocabulary that grows:
///
/// ```
/// use polargram::vocab::{Trim, WordCounts};
/// use polargram::models::TrainOptions;
/// # use polargram::{Config, Progress, Word2Vec, corpus::ArrowCorpus};
/// # use std::sync::Arc;
/// # use arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder};
/// # let corpus_of = |words: [&'static str; 3]| {
/// #     let mut lists = ListBuilder::new(StringBuilder::new());
/// #     for _ in 0..100 { lists.append_value(words.map(Some)); }
/// #     let batch = RecordBatch::try_from_iter([("tokens", Arc::new(lists.finish()) as ArrayRef)]).unwrap();
/// #     ArrowCorpus::new(&[batch], "tokens").unwrap()
/// # };
/// # let (corpus, later) = (corpus_of(["the", "cat", "sat"]), corpus_of(["the", "dog", "ran"]));
/// let config = Config { vector_size: 16, hs: true, negative: 0, sample: 0.0, compute_loss: true, ..Config::default() };
/// let progress = Progress::default();
/// let counts = WordCounts::count(&corpus, &Default::default(), &progress)?;
/// let (model, _) = Word2Vec::new(config, &counts, &Trim::default())?;
/// model.train(&corpus, &TrainOptions::default(), &mut (), &progress)?;
///
/// let counts = WordCounts::count(&later, &Default::default(), &progress)?;
/// let (model, _) = model.updated(&counts, &Trim::default())?;
/// let trained = model.train(&later, &TrainOptions::default(), &mut (), &progress)?;
/// assert_eq!(model.vocabulary().len(), 5);
/// assert!(trained.losses[4].0 < trained.losses[0].0);
/// # Ok::<(), polargram::Error>(())
/// ```
#[derive(Clone)]
pub struct Word2Vec {
    pub(super) config: Config,
    pub(super) vocabulary: Arc<Vocabulary>,
    pub(super) weights: Weights,
    pub(super) corpus: CorpusSize,
    pub(super) effective_min_count: u64,
}

/// Values that no training makes infinite: the greatest float32 is 3.4e38.
const TRAINABLE: RangeInclusive<f32> = -1e30..=1e30;

const OUTPUT: &str = "output.npy";
const NODES: &str = "nodes.npy";

impl Family for Word2Vec {
    const NAME: &'static str = "word2vec";
    const TABLES: &'static [&'static str] = &[OUTPUT, NODES];

    fn new(config: Config, counts: &WordCounts, trim: &Trim<'_>) -> Result<(Self, TrimReport)> {
        Self::new(config, counts, trim)
    }

    fn table_shape(table: &str, config: &Config, words: usize) -> TableShape {
        let is_needed = if table == NODES { config.hs } else { config.negative > 0 };
        TableShape { rows: words, columns: config.vector_size, is_needed }
    }

    fn state(&self) -> State {
        let Weights { input, output, nodes } = self.weights.clone();
        let tables = [(OUTPUT, output), (NODES, nodes)].into_iter();
        State {
            config: self.config.clone(),
            vocabulary: self.vocabulary.clone(),
            corpus: self.corpus,
            effective_min_count: self.effective_min_count,
            vectors: input,
            tables: tables.filter_map(|(name, rows)| Some((name, rows?))).collect(),
        }
    }

    fn from_state(state: State) -> Self {
        let (output, nodes) = (state.table(OUTPUT).cloned(), state.table(NODES).cloned());
        Self {
            config: state.config,
            vocabulary: state.vocabulary,
            weights: Weights { input: state.vectors, output, nodes },
            corpus: state.corpus,
            effective_min_count: state.effective_min_count,
        }
    }

    fn weights(&self) -> &Weights {
        &self.weights
    }
}

impl Word2Vec {
    /// Counts, encodes and trains.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a value out of range, what the corpus fails with, [`Error::EmptyVocabulary`], or
    /// [`Error::Interrupted`].
    pub fn fit(corpus: &dyn Corpus, config: Config, progress: &Progress) -> Result<(Self, Trained)> {
        let Fitted { model, trained, .. } = Job::new(config).run(corpus, &mut (), progress)?;
        Ok((model, trained))
    }

    /// Counts a corpus, and makes an untrained model of its words.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit).
    pub fn count(corpus: &dyn Corpus, config: Config, progress: &Progress) -> Result<Self> {
        let counts = Job::new(config.clone()).count(corpus, progress)?;
        let trim = Trim::from(&config);
        Ok(Self::new(config, &counts, &trim)?.0)
    }

    /// An untrained model of the words that `trim` keeps.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a value out of range, [`Error::EmptyVocabulary`], [`Error::Io`] if there is no memory
    /// for the weights.
    pub fn new(config: Config, counts: &WordCounts, trim: &Trim<'_>) -> Result<(Self, TrimReport)> {
        config.validate()?;
        let (vocabulary, report) = Vocabulary::new(counts, trim)?;
        let weights = Weights::new(vocabulary.len(), &config)?;
        let model = Self {
            config,
            vocabulary: Arc::new(vocabulary),
            weights,
            corpus: CorpusSize::from(counts),
            effective_min_count: report.effective_min_count,
        };
        Ok((model, report))
    }

    /// A model of the same words and the new words of another corpus. Known words keep their vectors, and new words get
    /// their first ones. The counts of both corpora are added up; noise, subsampling and tree follow from the sums.
    /// The weights are copied: this model stays as it is when the new one is trained.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn updated(&self, counts: &WordCounts, trim: &Trim<'_>) -> Result<(Self, TrimReport)> {
        self.with_more(counts, trim, Weights::extended)
    }

    /// [`updated`](Self::updated), but the known words share the memory of this model, where that has room for more.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn grown(&self, counts: &WordCounts, trim: &Trim<'_>) -> Result<(Self, TrimReport)> {
        self.with_more(counts, trim, Weights::grown)
    }

    fn with_more(
        &self,
        counts: &WordCounts,
        trim: &Trim<'_>,
        extend: impl FnOnce(&Weights, usize, u64) -> Result<Weights>,
    ) -> Result<(Self, TrimReport)> {
        let (vocabulary, report) = self.vocabulary.extended(counts, trim)?;
        let weights = extend(&self.weights, vocabulary.len(), self.config.seed)?;
        let model = Self {
            config: self.config.clone(),
            vocabulary: Arc::new(vocabulary),
            weights,
            corpus: CorpusSize::from(counts),
            effective_min_count: report.effective_min_count,
        };
        Ok((model, report))
    }

    /// An untrained model of the same words, with weights of its own.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn reset(&self, config: Config) -> Result<Self> {
        config.validate()?;
        let weights = Weights::new(self.vocabulary.len(), &config)?;
        Ok(Self { config, weights, ..self.clone() })
    }

    /// [`reset`](Self::reset), but in the memory of this model, whose weights are lost, where they have the same shape.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn renewed(&self, config: Config) -> Result<Self> {
        config.validate()?;
        let weights = self.weights.renewed(self.vocabulary.len(), &config)?;
        Ok(Self { config, weights, ..self.clone() })
    }

    /// The same model with weights of its own.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no memory for them.
    pub fn copied(&self) -> Result<Self> {
        Ok(Self { weights: self.weights.copied()?, ..self.clone() })
    }

    /// The same model with other hyperparameters. Those that shaped the vocabulary and the weights have no effect now.
    #[must_use]
    pub fn with_config(&self, config: Config) -> Self {
        Self { config, ..self.clone() }
    }

    /// The same model with other counts of its words. Noise, subsampling and tree follow from them.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is not one for each word, or if they add up to 2^64 or more.
    pub fn with_counts(&self, counts: Vec<u64>) -> Result<Self> {
        let known = &self.vocabulary;
        let vocabulary = Vocabulary::from_parts(known.keys().clone(), counts, known.raw_tokens(), known.raw_words())?;
        Ok(Self { vocabulary: Arc::new(vocabulary), ..self.clone() })
    }

    /// Trains [`Config::epochs`] times over a corpus, in place: clones of this model and vectors taken from it change
    /// too.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a value out of range, what the corpus or the observer fails with,
    /// [`Error::Interrupted`].
    pub fn train(
        &self,
        corpus: &dyn Corpus,
        options: &TrainOptions<'_>,
        observer: &mut dyn Observer,
        progress: &Progress,
    ) -> Result<Trained> {
        train_model(self, corpus, options, observer, progress)
    }

    /// Saves the model to a directory, which appears whole or not at all: an older model there is replaced when the new
    /// one is complete. Other files in it stay, and so does a link to it. `attributes` are for the caller to keep.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; [`Error::Format`] if there is something other than a model at this place.
    pub fn save(&self, location: impl Into<Location>, attributes: serde_json::Value) -> Result<()> {
        self.save_with(location, attributes, &Progress::default())
    }

    /// [`save`](Self::save), interrupted if `progress` is cancelled.
    ///
    /// # Errors
    /// As for [`save`](Self::save); [`Error::Interrupted`].
    pub fn save_with(
        &self,
        location: impl Into<Location>,
        attributes: serde_json::Value,
        progress: &Progress,
    ) -> Result<()> {
        saved::save(self, &location.into(), None, attributes, progress)
    }

    /// Loads what [`save`](Self::save) wrote, to train on; or the file of a model of gensim's, with the arrays beside it.
    /// Nothing in it can run code.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Format`] if it is damaged.
    pub fn load(location: impl Into<Location>) -> Result<Saved<Self>> {
        Self::load_with(location, &Progress::default())
    }

    /// [`load`](Self::load); a model in a store is copied to this machine first, and cancelling `progress` interrupts
    /// that.
    ///
    /// # Errors
    /// As for [`load`](Self::load); [`Error::Interrupted`].
    pub fn load_with(location: impl Into<Location>, progress: &Progress) -> Result<Saved<Self>> {
        let location = location.into();
        if location.url().is_none() && location.path().is_file() {
            let Saved { model, resume, attributes } = gensim::load(location.path(), [OUTPUT, NODES], progress)?;
            return Ok(Saved { model: Self::from_state(model), resume, attributes });
        }
        saved::load(&location, progress)
    }

    /// The word vectors, which share the model's memory.
    ///
    /// # Errors
    /// Only if there is a bug: there are as many counts and rows as words.
    pub fn vectors(&self) -> Result<KeyedVectors> {
        self.state().keyed_vectors()
    }

    /// The hyperparameters.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The size of the corpus that the vocabulary is from, or of the last one if there were several.
    pub fn corpus(&self) -> CorpusSize {
        self.corpus
    }

    /// How often a word of that corpus had to occur for a vector: [`Config::min_count`], raised as far as
    /// [`Config::max_final_vocab`] required.
    pub fn effective_min_count(&self) -> u64 {
        self.effective_min_count
    }

    /// Copies the vectors of words that `vectors` has too, and returns the number of these words (gensim 3:
    /// `intersect_word2vec_format`). Clones of this model and vectors taken from it change too.
    ///
    /// # Errors
    /// [`Error::Parameter`] if they have other dimensions, or text for keys where the model has integers, or the reverse;
    /// or if one of the vectors holds NaN, infinity, or values that training would make so.
    pub fn adopt(&self, vectors: &KeyedVectors) -> Result<usize> {
        if vectors.vector_size() != self.config.vector_size {
            let (theirs, ours) = (vectors.vector_size(), self.config.vector_size);
            return Err(Error::parameter(
                "vector_size",
                format!("is {ours}, but the vectors have {theirs} dimensions"),
            ));
        }
        let (theirs, ours) = (vectors.keys(), self.vocabulary.keys());
        let is_other = theirs.key_type().is_integer() != ours.key_type().is_integer();
        if is_other && !theirs.is_empty() && !ours.is_empty() {
            let reason =
                format!("have keys that are {}, but those of the model are {}", theirs.key_type(), ours.key_type());
            return Err(Error::parameter("vectors", reason));
        }
        let rows = self.vocabulary.keys().iter().enumerate();
        let known = rows.filter_map(|(row, key)| Some((row, vectors.keys().id(key)? as usize)));
        let known: Vec<(usize, usize)> = known.collect();
        for &(_, theirs) in &known {
            if let Some(value) = vectors.rows().row(theirs).iter().find(|value| !TRAINABLE.contains(*value)) {
                let key = vectors.keys().key(theirs as WordId);
                let reason =
                    format!("hold {value:e} for {key:?}, which training would spread; values must be within ±1e30");
                return Err(Error::parameter("vectors", reason));
            }
        }
        let mut values = vec![0.0; vectors.vector_size()];
        for &(row, theirs) in &known {
            // They may be the model's own.
            values.copy_from_slice(vectors.rows().row(theirs));
            self.weights.input.write(row, &values);
        }
        self.weights.input.changed();
        Ok(known.len())
    }

    fn rows_of(matrix: &Arc<Matrix>) -> Rows {
        Rows::from_matrix(matrix.clone())
    }

    /// The rows trained against noise, V × d, if there is negative sampling (gensim: `syn1neg`).
    pub fn output_rows(&self) -> Option<Rows> {
        self.weights.output.as_ref().map(Self::rows_of)
    }

    /// The rows of the inner nodes, V × d, if there is hierarchical softmax (gensim: `syn1`, in another order: here the
    /// root comes first).
    pub fn node_rows(&self) -> Option<Rows> {
        self.weights.nodes.as_ref().map(Self::rows_of)
    }
}
