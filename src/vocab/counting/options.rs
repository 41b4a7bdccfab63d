//! How a corpus is counted.

/// Words of partial counts that are held before they are added up, at most.
const HELD_WORDS: u64 = 8_000_000;
/// And at least: fewer would be added up again and again.
const LEAST_HELD_WORDS: u64 = 200_000;

/// Bytes that a held word takes, about; most of them while counts are added up.
pub(super) const WORD_BYTES: u64 = 256;

/// How a corpus is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountOptions {
    /// The most words that are left when counts are added up: beyond, the rarest are dropped, all of one count
    /// together, and those that come again count from zero. Between times up to twice as many are held, and the words
    /// of 250,000 tokens.
    ///
    /// One thread then counts part by part, so that every run drops the same words. `None` keeps all.
    pub max_vocab_size: Option<usize>,
    /// True if words are ordered by descending count, then by key; if not, by first occurrence.
    pub sorted: bool,
    /// Bytes of counts that are held in memory, about; beyond, they go to temporary files. With `max_vocab_size` they
    /// never do.
    pub memory_budget: u64,
}

impl Default for CountOptions {
    fn default() -> Self {
        Self { max_vocab_size: None, sorted: true, memory_budget: 256 << 20 }
    }
}

impl CountOptions {
    /// Words that are held in memory.
    pub(super) fn held_words(&self) -> usize {
        (self.memory_budget / WORD_BYTES).clamp(LEAST_HELD_WORDS, HELD_WORDS) as usize
    }
}
