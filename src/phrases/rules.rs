//! What counting is told, and what it gives.

use super::counts::PhraseCounts;
use super::delimiter::Delimiter;
use super::words::Words;

/// What is counted, and how.
pub(super) struct CountRules<'a> {
    pub(super) delimiter: &'a Delimiter,
    /// Words that may stand within a phrase.
    pub(super) connectors: &'a Words,
    /// When there are more texts than this, the rarest are dropped.
    pub(super) max_vocab_size: u64,
    /// True if the corpus can be read only once.
    pub(super) is_read_once: bool,
}

/// The counts of a corpus.
pub(super) struct Counted {
    pub(super) counts: PhraseCounts,
    /// Words of the corpus, connector words among them.
    pub(super) words: u64,
    pub(super) sentences: u64,
    /// Counts below this are dropped the next time that there are too many.
    pub(super) min_reduce: u64,
}
