//! The vocabulary: which words there are, how often, and what follows from that for training.

mod count;
mod huffman;
mod keys;
mod noise;
mod spill;
mod subsample;
mod tally;
mod trim;
mod view;
mod word_counts;

pub use count::CountOptions;
pub(crate) use huffman::HuffmanTree;
pub use keys::{Key, KeyType, Keys, WordId};
pub(crate) use noise::NoiseDistribution;
pub(crate) use subsample::KeepThresholds;
pub use trim::{Rule, Trim, TrimReport};
pub(crate) use view::View;
pub use word_counts::WordCounts;

use crate::error::{Error, Result};
use trim::Extension;
use word_counts::checked_total;

/// Words with their counts. Rows are in the order of the [`WordCounts`] they come from; words that a later corpus adds
/// follow.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    keys: Keys,
    counts: Vec<u64>,
    raw_tokens: u64,
    raw_words: usize,
}

/// Pads windows at the ends of a sentence.
const NULL_WORD: &str = "\0";

impl Vocabulary {
    /// Keeps the words that `trim` says.
    ///
    /// # Errors
    /// [`Error::EmptyVocabulary`] if no word is left; [`Error::Parameter`] if more are left than there can be rows, or
    /// if there is not one rule for each word.
    pub fn new(counts: &WordCounts, trim: &Trim) -> Result<(Self, TrimReport)> {
        Self::empty().extended(counts, trim)
    }

    /// Adds a further corpus: words keep their rows and their counts grow, however rare they are in the new corpus, and
    /// the new words that `trim` keeps follow. The raw totals are then those of the new corpus.
    ///
    /// The report is on the new corpus too, but how much of a word subsampling leaves follows from the counts of the
    /// whole vocabulary, as it does in training. (gensim takes those of the new corpus alone.)
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn extended(&self, counts: &WordCounts, trim: &Trim) -> Result<(Self, TrimReport)> {
        let extension = Extension::new(self, counts, trim)?;
        if extension.counts.is_empty() {
            let min_count = extension.report.effective_min_count;
            return Err(Error::EmptyVocabulary { min_count, distinct: counts.len(), total: counts.raw_tokens() });
        }
        let known = self.keys.iter().filter_map(Key::as_text);
        let mut keys: Keys = known.chain(extension.new_words(self.len())).collect();
        let (mut totals, report) = (extension.counts, extension.report);
        if trim.null_word && keys.id(NULL_WORD).is_none() {
            keys = keys.iter().filter_map(Key::as_text).chain([NULL_WORD]).collect();
            totals.push(1);
        }
        Ok((Self::from_parts(keys, totals, counts.raw_tokens(), counts.len())?, report))
    }

    /// Puts a vocabulary together again. `raw_tokens` and `raw_words` are those of the corpus, before trimming.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a word has no count or two rows, or the counts add up to 2^64 or more.
    pub fn from_parts(keys: Keys, counts: Vec<u64>, raw_tokens: u64, raw_words: usize) -> Result<Self> {
        let refused = |reason: String| Err(Error::parameter("vocabulary", reason));
        if keys.len() != counts.len() {
            return refused(format!("{} words and {} counts", keys.len(), counts.len()));
        }
        if keys.has_repeats() {
            return refused("a word stands in several rows".into());
        }
        if checked_total(&counts).is_none() {
            return refused("the counts add up to more than fits 64 bits".into());
        }
        Ok(Self { keys, counts, raw_tokens, raw_words })
    }

    fn empty() -> Self {
        Self { keys: std::iter::empty().collect(), counts: Vec::new(), raw_tokens: 0, raw_words: 0 }
    }

    /// The key of each word, in row order.
    pub fn keys(&self) -> &Keys {
        &self.keys
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

#[cfg(test)]
mod tests;
