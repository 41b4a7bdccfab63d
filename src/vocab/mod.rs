//! The vocabulary: which words there are, how often, and what follows from that for training.

mod count;
mod noise;
mod subsample;
mod words;

pub(crate) use noise::NoiseDistribution;
pub(crate) use subsample::keep_thresholds;
pub use words::Words;

use crate::corpus::Corpus;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// Words with their counts, by descending count, then by word (as UTF-8 bytes).
#[derive(Debug, Clone)]
pub struct Vocabulary {
    words: Words,
    counts: Vec<u64>,
    raw_tokens: u64,
    raw_words: usize,
}

/// Row numbers stay below the two that stand for unknown words and nulls.
const MAX_WORDS: usize = u32::MAX as usize - 2;

impl Vocabulary {
    /// Counts a corpus and keeps the words that occur at least `min_count` times.
    ///
    /// # Errors
    /// What the corpus fails with; [`Error::EmptyVocabulary`] if no word is left; [`Error::Interrupted`].
    pub fn count(corpus: &dyn Corpus, min_count: u64, progress: &Progress) -> Result<Self> {
        let counted = count::count_words(corpus, min_count, progress)?;
        if counted.counts.is_empty() {
            return Err(Error::EmptyVocabulary { min_count, distinct: counted.distinct, total: counted.tokens });
        }
        if counted.counts.len() > MAX_WORDS {
            return Err(Error::parameter(
                "min_count",
                format!("{} words are left; at most {MAX_WORDS} fit", counted.counts.len()),
            ));
        }
        Ok(Self {
            words: counted.words,
            counts: counted.counts,
            raw_tokens: counted.tokens,
            raw_words: counted.distinct,
        })
    }

    /// The words, in row order.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// How often each word occurs, in row order.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The number of words.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there are none; a counted vocabulary never is.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Tokens of the corpus, those of words that were dropped among them.
    pub fn raw_tokens(&self) -> u64 {
        self.raw_tokens
    }

    /// Distinct words of the corpus, those that were dropped among them.
    pub fn raw_words(&self) -> usize {
        self.raw_words
    }

    /// Tokens of the words kept.
    pub fn tokens(&self) -> u64 {
        self.counts.iter().sum()
    }
}
