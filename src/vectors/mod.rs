//! A table of keys and vectors: lookup, similarity and search.

mod analogies;
mod batch;
mod correlation;
mod counts;
mod edits;
mod filter;
mod fingerprint;
mod judgements;
mod length;
mod nearest;
mod norms;
mod parallel;
mod plane;
mod pooling;
mod prepared;
mod query;
mod rows;
mod search;
mod subwords;
mod unknown;
mod weighting;

use std::sync::RwLock;

pub use analogies::{AnalogyMethod, AnalogyOptions, AnalogyScores, AnalogySection, Question};
pub use batch::{Neighbours, SearchOptions};
pub use correlation::Correlation;
pub(crate) use counts::Counts;
pub use judgements::{JudgementOptions, JudgementScores};
pub(crate) use length::{exact_cosine, unit};
pub use plane::Plane;
pub use pooling::{Divisor, Pooling};
use prepared::Prepared;
pub use query::{ProductQuery, Query};
pub use rows::Rows;
pub use subwords::{Ngrams, Subwords};
pub use weighting::{TokenWeights, Weighting};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::vocab::{Key, Keys, WordId};

/// Word vectors: V keys (text or integers), their counts, and a V × d matrix, owned or memory-mapped.
///
/// ```
/// use polargram::KeyedVectors;
///
/// let wv = KeyedVectors::from_rows(["king", "queen", "car"], 2, &[1.0, 0.9, 0.9, 1.0, -1.0, 0.2])?;
/// assert_eq!(wv.vector("queen")?, [0.9, 1.0]);
/// assert_eq!(wv.most_similar(&["king"], &[], 1)?[0].0, "queen");
/// # Ok::<(), polargram::Error>(())
/// ```
#[derive(Debug)]
pub struct KeyedVectors {
    keys: Keys,
    counts: Counts,
    rows: Rows,
    config: Option<Config>,
    /// Of fastText: they give vectors to words that have no row.
    subwords: Option<Subwords>,
    /// What searches computed from the rows.
    prepared: RwLock<Option<Prepared>>,
}

impl KeyedVectors {
    /// A table of `keys`, each with its count and its row of `rows`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there are not as many counts and rows as keys.
    pub fn new(keys: Keys, counts: Vec<u64>, rows: Rows, config: Option<Config>) -> Result<Self> {
        Self::with_counts(keys, counts.into(), rows, config)
    }

    /// [`new`](Self::new), with counts that may be mapped.
    pub(crate) fn with_counts(keys: Keys, counts: Counts, rows: Rows, config: Option<Config>) -> Result<Self> {
        if keys.len() != rows.len() || counts.len() != rows.len() {
            let reason = format!("{} keys and {} counts for {} rows", keys.len(), counts.len(), rows.len());
            return Err(Error::parameter("vectors", reason));
        }
        Ok(Self { keys, counts, rows, config, subwords: None, prepared: RwLock::default() })
    }

    /// A table of `words` with a copy of `values`, `vector_size` floats a word. As in gensim, the counts are V, V − 1,
    /// …, 1.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there are not `vector_size` values for each word.
    pub fn from_rows<'a>(words: impl IntoIterator<Item = &'a str>, vector_size: usize, values: &[f32]) -> Result<Self> {
        let keys: Keys = words.into_iter().collect();
        if keys.len().checked_mul(vector_size) != Some(values.len()) {
            let reason = format!("{} values for {} words of {vector_size} dimensions", values.len(), keys.len());
            return Err(Error::parameter("vectors", reason));
        }
        let counts = (1..=keys.len() as u64).rev().collect();
        Self::new(keys, counts, Rows::from_vec(values.to_vec(), vector_size), None)
    }

    /// A table whose keys are the numbers of its rows.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there are more rows than there can be keys.
    #[cfg(feature = "python")]
    pub(crate) fn of_rows(rows: Rows) -> Result<Self> {
        let keys = Keys::new(&arrow::array::Int64Array::from_iter_values(0..rows.len() as i64))?;
        let counts = vec![1; rows.len()];
        Self::new(keys, counts, rows, None)
    }

    /// The keys and their numbers, which are their rows.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// How often each key occurred, in row order.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The matrix.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The configuration that trained these vectors, if it is known.
    pub fn config(&self) -> Option<&Config> {
        self.config.as_ref()
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Dimensions.
    pub fn vector_size(&self) -> usize {
        self.rows.vector_size()
    }

    /// The number of a key, which is its row.
    ///
    /// # Errors
    /// [`Error::UnknownKey`].
    pub fn id<'k>(&self, key: impl Into<Key<'k>>) -> Result<WordId> {
        let key = key.into();
        self.keys.id(key).ok_or_else(|| self.keys.unknown(key))
    }

    /// The vector of a key, `vector_size` floats.
    ///
    /// # Errors
    /// [`Error::UnknownKey`].
    pub fn vector<'k>(&self, key: impl Into<Key<'k>>) -> Result<&[f32]> {
        Ok(self.rows.row(self.id(key)? as usize))
    }

    /// The vector of a key scaled to length 1. One that has no direction, because it is of zeros or holds NaN or infinity,
    /// stays as it is.
    ///
    /// ```
    /// # use polargram::KeyedVectors;
    /// let wv = KeyedVectors::from_rows(["great", "none"], 2, &[3e38, 0.0, 0.0, 0.0])?;
    /// assert_eq!((wv.unit_vector("great")?, wv.unit_vector("none")?), (vec![1.0, 0.0], vec![0.0, 0.0]));
    /// # Ok::<(), polargram::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownKey`].
    pub fn unit_vector<'k>(&self, key: impl Into<Key<'k>>) -> Result<Vec<f32>> {
        Ok(length::unit(self.vector(key)?))
    }
}
