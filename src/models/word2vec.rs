//! A word2vec model: the whole way in one call, or step by step.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Checkpoint;
use crate::config::Config;
use crate::corpus::Corpus;
use crate::encode::{Encoded, Encoder, SpoolOptions, encode, measure};
use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::kernel::Matrix;
use crate::process::ensure_not_forked;
use crate::progress::Progress;
use crate::train::Weights;
use crate::train::{Job, Observer, Position, Source, Trained, corpus_changed, train};
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::{CountOptions, Trim, TrimReport, Vocabulary, WordCounts};

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

/// What was read of a corpus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorpusSize {
    /// Lists that are not null.
    pub sentences: u64,
    /// Tokens that are not null, those out of vocabulary among them.
    pub tokens: u64,
}

impl From<&WordCounts> for CorpusSize {
    fn from(counts: &WordCounts) -> Self {
        Self { sentences: counts.sentences(), tokens: counts.raw_tokens() }
    }
}

/// What [`Word2Vec::train`] may be told besides the hyperparameters.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrainOptions<'a> {
    /// Whether and where the encoded corpus is kept.
    pub spool: SpoolOptions,
    /// Whether the corpus is the one that the vocabulary is from, so that it must have the same tokens.
    pub is_counted: bool,
    /// The size of the corpus by which the learning rate falls, where it is not that of the corpus trained on.
    pub expected: Option<CorpusSize>,
    /// For each word the share of its changes that its vector takes; 0 freezes it.
    pub locks: Option<&'a [f32]>,
    /// Where to save the state now and then, to train on after a crash.
    pub checkpoint: Option<&'a Checkpoint>,
    /// Where the training was when it was saved.
    pub resume: Option<&'a Resume>,
}

/// A place in a training run, and the corpus it is in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    /// The place.
    pub position: Position,
    /// The corpus.
    pub encoded: Encoded,
}

impl Word2Vec {
    /// Counts, encodes and trains.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a value out of range, what the corpus fails with, [`Error::EmptyVocabulary`], or
    /// [`Error::Interrupted`].
    pub fn fit(corpus: &dyn Corpus, config: Config, progress: &Progress) -> Result<(Self, Trained)> {
        let model = Self::count(corpus, config, progress)?;
        let options = TrainOptions { is_counted: true, ..TrainOptions::default() };
        let trained = model.train(corpus, &options, &mut (), progress)?;
        Ok((model, trained))
    }

    /// Counts a corpus, and makes an untrained model of its words.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit).
    pub fn count(corpus: &dyn Corpus, config: Config, progress: &Progress) -> Result<Self> {
        config.validate()?;
        let counts = WordCounts::count(corpus, &CountOptions::from(&config), progress)?;
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

    /// A model of the same words and further ones from a new corpus. Words keep their vectors, new ones get their
    /// first, and the counts of both corpora are added up: noise, subsampling and tree follow them.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn updated(&self, counts: &WordCounts, trim: &Trim<'_>) -> Result<(Self, TrimReport)> {
        let (vocabulary, report) = self.vocabulary.extended(counts, trim)?;
        let weights = self.weights.extended(vocabulary.len(), self.config.seed)?;
        let model = Self {
            config: self.config.clone(),
            vocabulary: Arc::new(vocabulary),
            weights,
            corpus: CorpusSize::from(counts),
            effective_min_count: report.effective_min_count,
        };
        Ok((model, report))
    }

    /// The same words with weights as before any training.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn reset(&self, config: Config) -> Result<Self> {
        config.validate()?;
        let weights = Weights::new(self.vocabulary.len(), &config)?;
        Ok(Self { config, weights, ..self.clone() })
    }

    /// The same model with other hyperparameters. Those that shaped the vocabulary and the weights have no effect any
    /// more.
    #[must_use]
    pub fn with_config(&self, config: Config) -> Self {
        Self { config, ..self.clone() }
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
        self.config.validate()?;
        ensure_not_forked()?;
        let isa = Isa::detect()?;
        if let Some(checkpoint) = options.checkpoint {
            checkpoint.check_place()?;
        }
        let start = Instant::now();
        let (config, vocabulary) = (&self.config, self.vocabulary.as_ref());
        let memory_budget = options.spool.memory_budget;
        let spool = match options.spool.spool {
            true => Some(encode(corpus, vocabulary, config.batch_words, memory_budget, progress)?),
            false => None,
        };
        let source = match &spool {
            Some(spool) => Source::Spool(spool),
            None => {
                if config.shuffle {
                    return Err(Error::parameter(
                        "shuffle",
                        "needs the spool: batches that are streamed come in order",
                    ));
                }
                let encoder = Encoder { corpus, vocabulary, batch_words: config.batch_words, memory_budget, progress };
                Source::Stream { encoded: measure(&encoder)?, encoder }
            }
        };
        let encoded = source.encoded();
        if encoded.raw_tokens == 0 {
            return Err(Error::corpus("corpus", "holds no tokens; if it gave some before, it can be read only once"));
        }
        if options.is_counted && encoded.raw_tokens != self.corpus.tokens {
            return Err(corpus_changed(Encoded { raw_tokens: self.corpus.tokens, ..encoded }, encoded));
        }
        // Words that were left out while counting make the counts of others smaller than they are.
        let is_exact = options.is_counted && config.max_vocab_size.is_none() && !config.null_word;
        if is_exact && encoded.tokens != vocabulary.tokens() {
            let reason = "gave other words when it was read again; a corpus must be the same each time";
            return Err(Error::corpus("corpus", reason));
        }
        if let Some(resume) = options.resume.filter(|resume| resume.encoded != encoded) {
            return Err(match resume.encoded.raw_tokens == encoded.raw_tokens {
                true => Error::corpus("corpus", "is not the one that the checkpoint was made from"),
                false => corpus_changed(resume.encoded, encoded),
            });
        }
        let job = Job {
            config,
            vocabulary,
            weights: &self.weights,
            locks: options.locks,
            source,
            expected_tokens: options.expected.map(|expected| expected_tokens(encoded, expected)),
            start: options.resume.map(|resume| resume.position.clone()).unwrap_or_default(),
            isa,
        };
        let encoding = start.elapsed();
        let trained = match options.checkpoint {
            Some(checkpoint) => train(&job, &mut checkpoint.observer(self, encoded, observer), progress),
            None => train(&job, observer, progress),
        }?;
        Ok(Trained { encoding, ..trained })
    }

    /// The word vectors, which share the model's memory.
    ///
    /// # Errors
    /// None but a bug's: words, counts and rows are of one number.
    pub fn vectors(&self) -> Result<KeyedVectors> {
        let rows = Rows::from_matrix(self.weights.input.clone());
        let counts = self.vocabulary.counts().to_vec();
        KeyedVectors::new(self.vocabulary.keys().clone(), counts, rows, Some(self.config.clone()))
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

    /// What was read of the corpus that the vocabulary is from, the last one if there were several.
    pub fn corpus(&self) -> CorpusSize {
        self.corpus
    }

    /// The occurrences that a word of that corpus needed for a row: [`Config::min_count`], or what
    /// [`Config::max_final_vocab`] made of it.
    pub fn effective_min_count(&self) -> u64 {
        self.effective_min_count
    }

    /// Sets the vectors of words that `vectors` knows too, and gives their number (gensim 3:
    /// `intersect_word2vec_format`).
    ///
    /// # Errors
    /// [`Error::Parameter`] if they are of other dimensions.
    pub fn adopt(&mut self, vectors: &KeyedVectors) -> Result<usize> {
        if vectors.vector_size() != self.config.vector_size {
            let (theirs, ours) = (vectors.vector_size(), self.config.vector_size);
            return Err(Error::parameter(
                "vector_size",
                format!("is {ours}, but the vectors have {theirs} dimensions"),
            ));
        }
        let mut input = self.weights.input.extended(self.vocabulary.len())?;
        let rows = self.vocabulary.keys().iter().enumerate();
        let known = rows.filter_map(|(row, key)| Some((row, vectors.keys().id(key)?)));
        let adopted =
            known.map(|(row, theirs)| input.values(row).copy_from_slice(vectors.rows().row(theirs as usize))).count();
        self.weights.input = Arc::new(input);
        Ok(adopted)
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

/// In-vocabulary tokens in an epoch of the size expected, as in the corpus read.
fn expected_tokens(encoded: Encoded, expected: CorpusSize) -> u64 {
    let share = |expected: u64, read: u64| match expected {
        0 => 1.0,
        _ => expected as f64 / read.max(1) as f64,
    };
    let share = match expected.sentences {
        0 => share(expected.tokens, encoded.raw_tokens),
        sentences => share(sentences, encoded.raw_sentences),
    };
    (encoded.tokens as f64 * share).round() as u64
}

impl From<&Config> for CountOptions {
    fn from(config: &Config) -> Self {
        Self { max_vocab_size: config.max_vocab_size, sorted: config.sorted_vocab, ..Self::default() }
    }
}

impl From<&Config> for Trim<'_> {
    fn from(config: &Config) -> Self {
        Self {
            min_count: config.min_count,
            max_final_vocab: config.max_final_vocab,
            rules: None,
            sample: config.sample,
            null_word: config.null_word,
        }
    }
}
