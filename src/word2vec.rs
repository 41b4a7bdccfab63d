//! The whole way in one call.

use std::time::{Duration, Instant};

use crate::config::Config;
use crate::corpus::Corpus;
use crate::encode::encode;
use crate::error::{Error, Result};
use crate::model::Weights;
use crate::process::need_threads;
use crate::progress::Progress;
use crate::train::kernel::Isa;
use crate::train::{Trained, train};
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::{CountOptions, Trim, Vocabulary, WordCounts};

/// A word2vec model: its vocabulary and weights (Mikolov et al. 2013).
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
/// let model = Word2Vec::fit(&corpus, config, &Progress::default())?;
/// assert_eq!(model.vectors()?.vector("cat")?.len(), 16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Word2Vec {
    config: Config,
    vocabulary: Vocabulary,
    weights: Weights,
    corpus: CorpusSize,
    preparation: Preparation,
    trained: Trained,
}

/// How long it took to get a corpus ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preparation {
    /// Counting words.
    pub vocabulary: Duration,
    /// Turning tokens into row numbers.
    pub encoding: Duration,
}

/// What was read of a corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorpusSize {
    /// Lists that are not null.
    pub sentences: u64,
    /// Tokens that are not null, those out of vocabulary among them.
    pub tokens: u64,
}

/// Bytes of encoded corpus that stay in memory; a larger one goes to a temporary file.
pub const DEFAULT_MEMORY_BUDGET: u64 = 256 << 20;

impl Word2Vec {
    /// Counts, encodes and trains.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a value out of range, what the corpus fails with,
    /// [`Error::EmptyVocabulary`](crate::Error::EmptyVocabulary), or [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn fit(corpus: &dyn Corpus, config: Config, progress: &Progress) -> Result<Self> {
        config.validate()?;
        need_threads()?;
        let isa = Isa::detect()?;
        let start = Instant::now();
        let vocabulary = count(corpus, &config, progress)?;
        let counted = start.elapsed();
        let spool = encode(corpus, &vocabulary, DEFAULT_MEMORY_BUDGET, progress)?;
        if spool.raw_tokens() != vocabulary.raw_tokens() {
            let (first, second) = (vocabulary.raw_tokens(), spool.raw_tokens());
            let reason = format!(
                "gave {first} tokens when read first and {second} when read again. A corpus must give the same each time: pass a \
                 list, or an object whose __iter__ starts again."
            );
            return Err(Error::corpus("corpus", reason));
        }
        let preparation = Preparation { vocabulary: counted, encoding: start.elapsed() - counted };
        let weights = Weights::new(vocabulary.len(), config.vector_size, config.seed)?;
        let trained = train(isa, &config, &vocabulary, &spool, &weights, progress)?;
        let corpus = CorpusSize { sentences: spool.raw_sentences(), tokens: spool.raw_tokens() };
        Ok(Self { config, vocabulary, weights, corpus, preparation, trained })
    }

    /// The word vectors, which share the model's memory.
    ///
    /// # Errors
    /// None but a bug's: words, counts and rows are of one number.
    pub fn vectors(&self) -> Result<KeyedVectors> {
        let rows = Rows::from_matrix(self.weights.input.clone());
        let counts = self.vocabulary.counts().to_vec();
        KeyedVectors::new(self.vocabulary.words().clone(), counts, rows, Some(self.config.clone()))
    }

    /// The hyperparameters.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// What was read of the corpus.
    pub fn corpus(&self) -> CorpusSize {
        self.corpus
    }

    /// How long it took to get the corpus ready.
    pub fn preparation(&self) -> Preparation {
        self.preparation
    }

    /// What training did.
    pub fn trained(&self) -> Trained {
        self.trained
    }
}

/// The vocabulary of a corpus. What was dropped of it is freed here, before anything is encoded.
fn count(corpus: &dyn Corpus, config: &Config, progress: &Progress) -> Result<Vocabulary> {
    let counts = WordCounts::count(corpus, &CountOptions::default(), progress)?;
    let trim = Trim { min_count: config.min_count, sample: config.sample, ..Trim::default() };
    Ok(Vocabulary::new(&counts, &trim)?.0)
}
