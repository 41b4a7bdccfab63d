//! What a model of any family consists of: all that checkpoints and saved models need to know of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::Result;
use crate::kernel::Matrix;
use crate::train::Weights;
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::{Trim, TrimReport, Vocabulary, WordCounts};

/// A family of models, such as [`Word2Vec`](crate::Word2Vec). A new family that implements this can be fitted by the
/// [`Job`](super::Job), saved, and resumed from checkpoints. Its training goes through [`Weights`], which has one input row
/// for each word.
pub trait Family: Clone {
    /// Its name in saved models.
    const NAME: &'static str;
    /// The files of the tables that a model may have beside the word vectors.
    const TABLES: &'static [&'static str];

    /// An untrained model of the words that `trim` keeps.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a value out of range,
    /// [`Error::EmptyVocabulary`](crate::Error::EmptyVocabulary), [`Error::Io`](crate::Error::Io) if there is no memory
    /// for the weights.
    fn new(config: Config, counts: &WordCounts, trim: &Trim<'_>) -> Result<(Self, TrimReport)>;

    /// The shape that one of the [`TABLES`](Self::TABLES) has for so many words.
    fn table_shape(table: &str, config: &Config, words: usize) -> TableShape;

    /// The parts of the model. They share its weights.
    fn state(&self) -> State;

    /// The model of these parts.
    fn from_state(state: State) -> Self;

    /// The weights that are trained.
    fn weights(&self) -> &Weights;
}

/// The shape of a table, and whether a model must have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableShape {
    /// Its rows.
    pub rows: usize,
    /// Its columns.
    pub columns: usize,
    /// True if a model of this configuration cannot be trained without it.
    pub is_needed: bool,
}

/// The parts of a model. Clones share the tables.
#[derive(Clone)]
pub struct State {
    /// The hyperparameters.
    pub config: Config,
    /// The vocabulary.
    pub vocabulary: Arc<Vocabulary>,
    /// The size of the corpus that the vocabulary is from.
    pub corpus: CorpusSize,
    /// How often a word of that corpus had to occur for a vector.
    pub effective_min_count: u64,
    /// The word vectors, words × `vector_size`.
    pub vectors: Arc<Matrix>,
    /// The other tables, by the names of their files.
    pub tables: Vec<(&'static str, Arc<Matrix>)>,
}

impl State {
    /// The word vectors with their words. They share the memory of the model.
    ///
    /// # Errors
    /// Only if there is a bug: there are as many counts and rows as words.
    pub fn keyed_vectors(&self) -> Result<KeyedVectors> {
        let rows = Rows::from_matrix(self.vectors.clone());
        let counts = self.vocabulary.counts().to_vec();
        KeyedVectors::new(self.vocabulary.keys().clone(), counts, rows, Some(self.config.clone()))
    }

    /// A table by the name of its file.
    pub fn table(&self, name: &str) -> Option<&Arc<Matrix>> {
        self.tables.iter().find(|(table, _)| *table == name).map(|(_, rows)| rows)
    }
}

/// The size of a corpus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorpusSize {
    /// Lists that are not null.
    pub sentences: u64,
    /// Tokens that are not null, including those out of vocabulary.
    pub tokens: u64,
}

impl From<&WordCounts> for CorpusSize {
    fn from(counts: &WordCounts) -> Self {
        Self { sentences: counts.sentences(), tokens: counts.raw_tokens() }
    }
}
