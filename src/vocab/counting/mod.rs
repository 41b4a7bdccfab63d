//! Counting the words of a corpus.

mod count;
mod integers;
mod options;
mod partials;
mod spill;
mod sums;
mod tally;
mod word_counts;

pub use options::CountOptions;
#[cfg(test)]
pub(super) use word_counts::Counts;
pub use word_counts::WordCounts;
pub(super) use word_counts::{Kept, checked_total};
