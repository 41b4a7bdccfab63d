//! The words that have ids, and their counts.

use super::counting::checked_total;
use super::keys::Keys;
use crate::error::{Error, Result};

/// Words with their counts. Ids are in the order of the [`WordCounts`] they come from; words that a later corpus adds
/// follow.
///
/// [`WordCounts`]: super::WordCounts
#[derive(Debug, Clone)]
pub struct Vocabulary {
    keys: Keys,
    counts: Vec<u64>,
    raw_tokens: u64,
    raw_words: usize,
}

impl Vocabulary {
    /// Puts a vocabulary together again. `raw_tokens` and `raw_words` are those of the corpus, before trimming.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a key has no count or two ids, or the counts add up to 2^64 or more.
    pub fn from_parts(keys: Keys, counts: Vec<u64>, raw_tokens: u64, raw_words: usize) -> Result<Self> {
        let refused = |reason: String| Err(Error::parameter("vocabulary", reason));
        if keys.len() != counts.len() {
            return refused(format!("{} words and {} counts", keys.len(), counts.len()));
        }
        if keys.has_repeats() {
            return refused("a key stands in several rows".into());
        }
        if checked_total(&counts).is_none() {
            return refused("the counts add up to more than fits 64 bits".into());
        }
        Ok(Self { keys, counts, raw_tokens, raw_words })
    }

    /// No words.
    pub(crate) fn empty() -> Self {
        Self { keys: std::iter::empty().collect(), counts: Vec::new(), raw_tokens: 0, raw_words: 0 }
    }

    /// The key of each word, in order of ids.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// How often each word occurs, in order of ids.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The number of words.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// True if there are no words; a counted vocabulary always has some.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Tokens of the corpus, including those of dropped words.
    pub fn raw_tokens(&self) -> u64 {
        self.raw_tokens
    }

    /// Distinct words of the corpus, including dropped ones.
    pub fn raw_words(&self) -> usize {
        self.raw_words
    }

    /// Tokens of the words kept.
    pub fn tokens(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Tokens that are the empty string, if it is kept: it is a word like any other.
    pub fn empty_tokens(&self) -> u64 {
        self.keys.id("").map_or(0, |id| self.counts[id as usize])
    }
}
