//! A batch of encoded sentences, and what is known of all of them.

use std::sync::Arc;

use arrow::array::{Array, ListArray, UInt32Array};
use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};

/// The unit of work: sentences as lists of word ids.
pub(crate) struct EncodedBatch {
    /// Its place in the corpus, which its random numbers depend on.
    pub(crate) number: usize,
    /// `List<UInt32>` without nulls; no list is empty.
    pub(crate) lists: ListArray,
    /// How many times in a row each list comes, if not once.
    pub(crate) multiplicity: Option<UInt32Array>,
}

impl EncodedBatch {
    /// How many times a list comes.
    pub(crate) fn multiplicity(&self, list: usize) -> u32 {
        self.multiplicity.as_ref().map_or(1, |times| times.value(list))
    }

    /// Tokens; those of a list as many times as it comes.
    pub(crate) fn tokens(&self) -> u64 {
        match &self.multiplicity {
            None => self.lists.values().len() as u64,
            Some(_) => {
                let lengths = self.lists.offsets().lengths().enumerate();
                lengths.map(|(list, length)| length as u64 * u64::from(self.multiplicity(list))).sum()
            }
        }
    }
}

/// What was read of a corpus while it was encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoded {
    /// In-vocabulary tokens.
    pub tokens: u64,
    /// Tokens that are not null, including those out of vocabulary.
    pub raw_tokens: u64,
    /// Lists that are not null.
    pub raw_sentences: u64,
    /// A hash of the word ids in order, by which the same corpus is known again.
    pub fingerprint: u64,
}

/// The item of the lists of a batch.
pub(super) fn item_field() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::UInt32, false))
}
