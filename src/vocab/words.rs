//! Words and their row numbers.

use arrow::array::{Array, GenericStringArray, LargeStringArray, OffsetSizeTrait};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use foldhash::quality::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// A list of distinct words, and for each its place in the list.
///
/// The text stays in one Arrow buffer, which may be memory-mapped; the index holds row numbers only.
#[derive(Debug, Clone)]
pub struct Words {
    text: LargeStringArray,
    index: HashTable<u32>,
    hasher: FixedState,
}

impl Words {
    /// Indexes words by their row. Of a word that occurs twice the first row is found.
    pub fn new<O: OffsetSizeTrait>(text: &GenericStringArray<O>) -> Self {
        let text = with_long_offsets(text);
        let hasher = FixedState::default();
        let mut index = HashTable::with_capacity(text.len());
        let hash_at = |row: u32| hasher.hash_one(text.value(row as usize));
        for row in 0..text.len() as u32 {
            let word = text.value(row as usize);
            let entry = index.entry(hasher.hash_one(word), |&r| text.value(r as usize) == word, |&r| hash_at(r));
            entry.or_insert(row);
        }
        Self { text, index, hasher }
    }

    /// The row of a word.
    #[inline]
    pub fn row(&self, word: &str) -> Option<u32> {
        self.index.find(self.hasher.hash_one(word), |&row| self.text.value(row as usize) == word).copied()
    }

    /// The word of a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn word(&self, row: usize) -> &str {
        self.text.value(row)
    }

    /// The number of words.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether a word stands in several rows.
    pub fn has_repeats(&self) -> bool {
        self.index.len() < self.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The words in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|row| self.text.value(row))
    }

    /// The words in order, as an Arrow array.
    pub fn array(&self) -> &LargeStringArray {
        &self.text
    }
}

impl<'a> FromIterator<&'a str> for Words {
    fn from_iter<I: IntoIterator<Item = &'a str>>(words: I) -> Self {
        Self::new(&LargeStringArray::from_iter_values(words))
    }
}

/// The same text under 64-bit offsets, without copying the text itself.
fn with_long_offsets<O: OffsetSizeTrait>(text: &GenericStringArray<O>) -> LargeStringArray {
    let first = text.offsets()[0].as_usize();
    let last = text.offsets()[text.len()].as_usize();
    let offsets: ScalarBuffer<i64> = text.offsets().iter().map(|o| (o.as_usize() - first) as i64).collect();
    // Only the text that the offsets span is known to be UTF-8, so no more of the buffer is taken.
    let text = text.values().slice_with_length(first, last - first);
    LargeStringArray::new(OffsetBuffer::new(offsets), text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_at_its_row_and_others_are_not() {
        let words: Vec<String> = (0..5000).map(|i| format!("w{i}")).collect();
        let table: Words = words.iter().map(String::as_str).collect();
        for (row, word) in words.iter().enumerate() {
            assert_eq!(table.row(word), Some(row as u32));
        }
        assert_eq!(table.row("w5000"), None);
        assert_eq!(table.row(""), None);
    }

    #[test]
    fn of_a_repeated_word_the_first_row_counts() {
        let table: Words = ["a", "b", "a"].into_iter().collect();
        assert_eq!((table.row("a"), table.len()), (Some(0), 3));
    }
}
