//! Counts of the words that one thread has seen.

use std::hash::BuildHasher;

use arrow::array::{Array, ArrayAccessor, AsArray, StringViewArray, UInt64Array};
use arrow::datatypes::DataType as ArrowType;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use polars::prelude::*;

use super::integers::{IntegerTally, Number};
use crate::error::{Error, Result};
use crate::vocab::bits::bits_of;
use crate::vocab::key::KeyType;
use crate::vocab::view::View;

/// Distinct words of one type, how often each was seen, and where first.
#[derive(Default)]
pub(super) struct Tally {
    /// If they are integers, their type.
    integer_type: Option<KeyType>,
    integers: IntegerTally,
    words: HashTable<Word>,
    hasher: FixedState,
    /// The text of the words that are longer than a view.
    text: String,
    /// Tokens seen, nulls among them.
    pub(super) tokens: usize,
}

/// A word in one cache line with its count: most words are short, and then nothing else is touched.
#[derive(Clone, Copy)]
struct Word {
    view: View,
    count: u64,
    first: u64,
}

impl Tally {
    /// The number of distinct words.
    pub(super) fn len(&self) -> usize {
        self.words.len() + self.integers.len()
    }

    /// Bytes of text besides what is in the views.
    pub(super) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Counts tokens, the first of which stands at `position` in the corpus; each as often as `counts` says, or once.
    ///
    /// # Errors
    /// [`Error::Corpus`] for an array that holds neither strings nor 64-bit integers.
    pub(super) fn add(
        &mut self,
        tokens: &dyn Array,
        counts: Option<&UInt64Array>,
        position: u64,
        origin: &str,
    ) -> Result<()> {
        self.tokens += tokens.len();
        // An array of nulls may be of any type, so it says nothing about the words.
        if tokens.null_count() == tokens.len() {
            return Ok(());
        }
        if let Some(bits) = bits_of(tokens) {
            self.integer_type = KeyType::of(tokens.data_type());
            self.integers.add_all(&bits, tokens.nulls(), counts, position);
            return Ok(());
        }
        match tokens.data_type() {
            ArrowType::Utf8 => self.add_strings(tokens.as_string::<i32>(), counts, position),
            ArrowType::LargeUtf8 => self.add_strings(tokens.as_string::<i64>(), counts, position),
            ArrowType::Utf8View => self.add_views(tokens.as_string_view(), counts, position),
            ArrowType::Dictionary(..) => return self.add_dictionary(tokens, counts, position, origin),
            other => {
                return Err(Error::corpus(origin, format!("tokens are {other}; expected strings or 64-bit integers")));
            }
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
                let token = tokens.value(i);
                self.add_word(token, counts.map_or(1, |counts| counts.value(i)), position + i as u64);
            }
        }
    }

    /// Looks up each value of a dictionary once.
    fn add_dictionary(
        &mut self,
        tokens: &dyn Array,
        counts: Option<&UInt64Array>,
        position: u64,
        origin: &str,
    ) -> Result<()> {
        let dictionary = tokens.as_any_dictionary();
        if dictionary.values().is_empty() {
            // All keys are null.
            return Ok(());
        }
        let mut seen = vec![(0, u64::MAX); dictionary.values().len()];
        for (i, key) in dictionary.normalized_keys().into_iter().enumerate() {
            if dictionary.keys().is_valid(i) {
                let (count, first) = &mut seen[key];
                *count += counts.map_or(1, |counts| counts.value(i));
                *first = (*first).min(position + i as u64);
            }
        }
        let values = dictionary.values();
        if let Some(bits) = bits_of(values) {
            self.integer_type = KeyType::of(values.data_type());
            for (i, (&bits, (count, first))) in bits.iter().zip(seen).enumerate() {
                if count > 0 && values.is_valid(i) {
                    self.integers.add(bits, count, first);
                }
            }
            return Ok(());
        }
        let values = arrow::compute::cast(values, &ArrowType::LargeUtf8)
            .map_err(|error| Error::corpus(origin, error.to_string()))?;
        for (value, (count, first)) in values.as_string::<i64>().iter().zip(seen) {
            if let Some(value) = value.filter(|_| count > 0) {
                self.add_word(value, count, first);
            }
        }
        Ok(())
    }

    fn add_views(&mut self, tokens: &StringViewArray, counts: Option<&UInt64Array>, position: u64) {
        for (i, &view) in tokens.views().iter().enumerate() {
            if tokens.is_null(i) {
                continue;
            }
            let (count, position) = (counts.map_or(1, |counts| counts.value(i)), position + i as u64);
            match View(view).is_whole() {
                true => self.add_short(View(view).padded(), count, position),
                // SAFETY: i is below the array's length.
                false => self.add_long(unsafe { tokens.value_unchecked(i) }, count, position),
            }
        }
    }

    fn add_word(&mut self, word: &str, count: u64, position: u64) {
        match View::holds(word) {
            true => self.add_short(View::of(word), count, position),
            false => self.add_long(word, count, position),
        }
    }

    #[inline]
    fn add_short(&mut self, view: View, count: u64, position: u64) {
        let hash = self.hasher.hash_one(view.0);
        match self.words.find_mut(hash, |word| word.view == view) {
            Some(known) => known.add(count, position),
            None => self.insert(hash, Word { view, count, first: position }),
        }
    }

    fn add_long(&mut self, word: &str, count: u64, position: u64) {
        let (hash, view) = (self.hasher.hash_one(word), View::of(word));
        let text = &self.text;
        let is_same = |known: &Word| known.view.prefix() == view.prefix() && known.view.in_text(text) == word;
        match self.words.find_mut(hash, is_same) {
            Some(known) => known.add(count, position),
            None => {
                let view = view.at(self.text.len());
                self.text.push_str(word);
                self.insert(hash, Word { view, count, first: position });
            }
        }
    }

    fn insert(&mut self, hash: u64, word: Word) {
        let hash_of = |word: &Word| match word.view.is_whole() {
            true => self.hasher.hash_one(word.view.0),
            false => self.hasher.hash_one(word.view.in_text(&self.text)),
        };
        self.words.insert_unique(hash, word, hash_of);
    }

    /// All counts as a frame, and the tally empty again.
    pub(super) fn take(&mut self, with_first: bool) -> Result<DataFrame> {
        let Self { integer_type, integers, words, text, .. } = std::mem::take(self);
        let name = PlSmallStr::from_static;
        if let Some(integer_type) = integer_type {
            let column =
                |name, of: fn(&Number) -> u64| UInt64Chunked::from_vec(name, integers.iter().map(of).collect());
            let keys = match integer_type {
                KeyType::UInt64 => column(name("word"), |number| number.bits).into_column(),
                _ => {
                    let signed = integers.iter().map(|number| number.bits.cast_signed()).collect();
                    Int64Chunked::from_vec(name("word"), signed).into_column()
                }
            };
            let mut columns = vec![keys, column(name("count"), |number| number.count).into_column()];
            if with_first {
                columns.push(column(name("first"), |number| number.first).into_column());
            }
            return Ok(DataFrame::new(integers.len(), columns)?);
        }
        let numbers = |name, number: fn(&Word) -> u64| {
            UInt64Chunked::from_vec(name, words.iter().map(number).collect()).into_column()
        };
        let mut texts = StringChunkedBuilder::new(name("word"), words.len());
        for word in &words {
            let bytes = word.view.0.to_le_bytes();
            match word.view.is_whole() {
                // SAFETY: the view was made of a string.
                true => texts.append_value(unsafe { str::from_utf8_unchecked(&bytes[4..4 + word.view.len()]) }),
                false => texts.append_value(word.view.in_text(&text)),
            }
        }
        let mut columns = vec![texts.finish().into_column(), numbers(name("count"), |word| word.count)];
        if with_first {
            columns.push(numbers(name("first"), |word| word.first));
        }
        Ok(DataFrame::new(words.len(), columns)?)
    }
}

impl Word {
    fn add(&mut self, count: u64, position: u64) {
        self.count += count;
        self.first = self.first.min(position);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, LargeStringArray, StringArray, StringViewArray};
    use proptest::prelude::*;

    use super::*;

    fn counted(arrays: &[ArrayRef]) -> HashMap<String, (u64, u64)> {
        let (mut tally, mut position) = (Tally::default(), 0);
        for array in arrays {
            tally.add(array, None, position, "test").unwrap();
            position += array.len() as u64;
        }
        assert_eq!(tally.tokens as u64, position);
        let frame = tally.take(true).unwrap();
        let number = |name: &str| frame.column(name).unwrap().u64().unwrap().into_no_null_iter().collect::<Vec<_>>();
        let words = frame.column("word").unwrap().str().unwrap().no_null_iter().map(str::to_owned).collect::<Vec<_>>();
        words.into_iter().zip(number("count").into_iter().zip(number("first"))).collect()
    }

    #[test]
    fn integers_are_counted_as_arrays_and_as_dictionaries() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None, Some(-3), Some(7)]));
        let key = Box::new(ArrowType::Int8);
        let dictionary =
            arrow::compute::cast(&numbers, &ArrowType::Dictionary(key, Box::new(ArrowType::Int64))).unwrap();
        let counts = UInt64Array::from(vec![1, 100, 2, 3]);
        for array in [&numbers, &dictionary] {
            let mut tally = Tally::default();
            tally.add(array, None, 10, "test").unwrap();
            tally.add(array, Some(&counts), 14, "test").unwrap();
            assert_eq!(tally.len(), 2);
            let frame = tally.take(true).unwrap().sort(["word"], SortMultipleOptions::default()).unwrap();
            let want = df!("word" => [-3i64, 7], "count" => [3u64, 6], "first" => [12u64, 10]).unwrap();
            assert_eq!(frame, want);
            assert_eq!(tally.len(), 0);
        }
    }

    #[test]
    fn an_array_of_nulls_changes_nothing_whatever_its_type() {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a"]));
        let nulls: ArrayRef = Arc::new(Int64Array::from(vec![None, None]));
        let expected = [("a".to_owned(), (2, 0)), ("b".to_owned(), (1, 1))];
        assert_eq!(counted(&[text.clone(), nulls]), HashMap::from(expected));
    }

    #[test]
    fn a_value_that_a_dictionary_repeats_has_its_first_position() {
        let keys = arrow::array::Int8Array::from(vec![1, 0]);
        let values: ArrayRef = Arc::new(Int64Array::from(vec![7, 7]));
        let dictionary = arrow::array::DictionaryArray::new(keys, values);
        let mut tally = Tally::default();
        tally.add(&dictionary, None, 10, "test").unwrap();
        assert_eq!(tally.take(true).unwrap(), df!("word" => [7i64], "count" => [2u64], "first" => [10u64]).unwrap());
    }

    proptest! {
        #[test]
        fn words_of_all_lengths_are_counted_as_in_a_map(words in prop::collection::vec(prop::option::of("[ab]{0,1}[aé\\x00]{0,14}"), 0..200)) {
            let mut expected: HashMap<String, (u64, u64)> = HashMap::new();
            // Two arrays of the same words.
            for (i, word) in words.iter().chain(&words).enumerate() {
                if let Some(word) = word {
                    expected.entry(word.clone()).or_insert((0, i as u64)).0 += 1;
                }
            }
            let views: ArrayRef = Arc::new(StringViewArray::from_iter(words.iter().map(Option::as_deref)));
            let small: ArrayRef = Arc::new(StringArray::from_iter(words.iter().map(Option::as_deref)));
            let large: ArrayRef = Arc::new(LargeStringArray::from_iter(words.iter().map(Option::as_deref)));
            let key = Box::new(ArrowType::Int32);
            let dictionary = arrow::compute::cast(&small, &ArrowType::Dictionary(key, Box::new(ArrowType::Utf8))).unwrap();
            for array in [&views, &small, &large, &dictionary] {
                prop_assert_eq!(&counted(&[array.clone(), views.clone()]), &expected);
            }
        }
    }
}
