//! Counts of the words that one thread has seen.

use std::hash::BuildHasher;

use arrow::array::{Array, ArrayAccessor, AsArray, UInt64Array};
use arrow::datatypes::DataType as ArrowType;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use polars::prelude::*;

use crate::error::{Error, Result};

/// Distinct words, how often each was seen, and where first.
#[derive(Default)]
pub(super) struct Tally {
    /// Places in `words`.
    index: HashTable<u32>,
    hasher: FixedState,
    /// The text of all words.
    text: String,
    words: Vec<Word>,
    /// Tokens seen, nulls among them.
    pub(super) tokens: usize,
}

struct Word {
    start: usize,
    end: usize,
    count: u64,
    first: u64,
}

impl Tally {
    /// The number of distinct words.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// Counts tokens, the first of which stands at `position` in the corpus; each as often as `counts` says, or once.
    ///
    /// # Errors
    /// [`Error::Corpus`] for an array that holds no strings.
    pub(super) fn add(
        &mut self,
        tokens: &dyn Array,
        counts: Option<&UInt64Array>,
        position: u64,
        origin: &str,
    ) -> Result<()> {
        self.tokens += tokens.len();
        match tokens.data_type() {
            ArrowType::Utf8 => self.add_strings(tokens.as_string::<i32>(), counts, position),
            ArrowType::LargeUtf8 => self.add_strings(tokens.as_string::<i64>(), counts, position),
            ArrowType::Utf8View => self.add_strings(tokens.as_string_view(), counts, position),
            ArrowType::Dictionary(..) => return self.add_dictionary(tokens, counts, position, origin),
            other => return Err(Error::corpus(origin, format!("tokens are {other}; expected strings"))),
        }
        Ok(())
    }

    fn add_strings<'a>(
        &mut self,
        tokens: impl ArrayAccessor<Item = &'a str>,
        counts: Option<&UInt64Array>,
        position: u64,
    ) {
        for i in 0..tokens.len() {
            if tokens.is_valid(i) {
                // SAFETY: i is below the array's length.
                let token = unsafe { tokens.value_unchecked(i) };
                self.add_word(token, counts.map_or(1, |counts| counts.value(i)), position + i as u64);
            }
        }
    }

    /// Of a dictionary each value is looked up once.
    fn add_dictionary(
        &mut self,
        tokens: &dyn Array,
        counts: Option<&UInt64Array>,
        position: u64,
        origin: &str,
    ) -> Result<()> {
        let dictionary = tokens.as_any_dictionary();
        let mut seen = vec![(0, u64::MAX); dictionary.values().len()];
        for (i, key) in dictionary.normalized_keys().into_iter().enumerate() {
            if dictionary.keys().is_valid(i) {
                let (count, first) = &mut seen[key];
                *count += counts.map_or(1, |counts| counts.value(i));
                *first = (*first).min(position + i as u64);
            }
        }
        let values = dictionary.values();
        let values = arrow::compute::cast(values, &ArrowType::LargeUtf8)
            .map_err(|error| Error::corpus(origin, error.to_string()))?;
        for (value, (count, first)) in values.as_string::<i64>().iter().zip(seen) {
            if let Some(value) = value.filter(|_| count > 0) {
                self.add_word(value, count, first);
            }
        }
        Ok(())
    }

    #[inline]
    fn add_word(&mut self, word: &str, count: u64, position: u64) {
        let hash = self.hasher.hash_one(word);
        let (text, words) = (&mut self.text, &mut self.words);
        if let Some(&known) =
            self.index.find(hash, |&at| text[words[at as usize].start..words[at as usize].end] == *word)
        {
            let known = &mut words[known as usize];
            known.count += count;
            known.first = known.first.min(position);
            return;
        }
        let start = text.len();
        text.push_str(word);
        words.push(Word { start, end: text.len(), count, first: position });
        let hash_at = |&at: &u32| self.hasher.hash_one(&text[words[at as usize].start..words[at as usize].end]);
        self.index.insert_unique(hash, words.len() as u32 - 1, hash_at);
    }

    /// All counts as a frame, and the tally empty again.
    pub(super) fn take(&mut self, with_first: bool) -> Result<DataFrame> {
        let Self { text, words, .. } = std::mem::take(self);
        let name = PlSmallStr::from_static;
        let numbers = |name, number: fn(&Word) -> u64| {
            UInt64Chunked::from_vec(name, words.iter().map(number).collect()).into_column()
        };
        let texts = words.iter().map(|word| &text[word.start..word.end]);
        let texts = StringChunked::from_iter_values(name("word"), texts).into_column();
        let mut columns = vec![texts, numbers(name("count"), |word| word.count)];
        if with_first {
            columns.push(numbers(name("first"), |word| word.first));
        }
        Ok(DataFrame::new(words.len(), columns)?)
    }
}
