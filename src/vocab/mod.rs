//! The vocabulary: which words there are, how often, and what follows from that for training.

mod bits;
mod column;
mod counting;
mod growing_keys;
mod huffman;
mod key;
mod key_index;
mod keys;
mod noise;
mod rule;
mod stored_index;
mod subsample;
mod texts;
mod trim;
mod view;
mod vocabulary;

pub(crate) use bits::bits_of;
pub use counting::{CountOptions, WordCounts};
pub(crate) use huffman::HuffmanTree;
pub use key::{Key, KeyType};
pub use keys::{Keys, WordId};
pub(crate) use noise::NoiseDistribution;
pub use rule::Rule;
pub(crate) use subsample::KeepThresholds;
pub use trim::{Trim, TrimReport};
pub(crate) use view::View;
pub use vocabulary::Vocabulary;

#[cfg(test)]
mod tests;
