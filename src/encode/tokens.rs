//! Row numbers of an array of tokens.

use std::hash::BuildHasher;

use arrow::array::{Array, ArrayAccessor, AsArray, PrimitiveArray, StringViewArray};
use arrow::datatypes::{
    ArrowDictionaryKeyType, ArrowNativeType, DataType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::error::{Error, Result};
use crate::vocab::{Key, Keys, View};

/// Stands for a token that has no row; every row number is below it.
pub(crate) const UNKNOWN: u32 = u32::MAX - 1;
/// Stands for a null.
pub(crate) const NULL: u32 = u32::MAX;

/// The row of each token, or [`UNKNOWN`], or [`NULL`]. Of a dictionary each value is looked up once.
///
/// # Errors
/// [`Error::Corpus`] naming `origin`, for an array that holds no strings.
pub(crate) fn rows_of_tokens(tokens: &dyn Array, words: &RowIndex<'_>, origin: &str) -> Result<Vec<u32>> {
    match tokens.data_type() {
        DataType::Utf8 => Ok(rows_of_strings(tokens.as_string::<i32>(), words)),
        DataType::LargeUtf8 => Ok(rows_of_strings(tokens.as_string::<i64>(), words)),
        DataType::Utf8View => Ok(rows_of_views(tokens.as_string_view(), words)),
        DataType::Dictionary(key, _) => match key.as_ref() {
            DataType::Int8 => rows_of_dictionary::<Int8Type>(tokens, words, origin),
            DataType::Int16 => rows_of_dictionary::<Int16Type>(tokens, words, origin),
            DataType::Int32 => rows_of_dictionary::<Int32Type>(tokens, words, origin),
            DataType::Int64 => rows_of_dictionary::<Int64Type>(tokens, words, origin),
            DataType::UInt8 => rows_of_dictionary::<UInt8Type>(tokens, words, origin),
            DataType::UInt16 => rows_of_dictionary::<UInt16Type>(tokens, words, origin),
            DataType::UInt32 => rows_of_dictionary::<UInt32Type>(tokens, words, origin),
            _ => rows_of_dictionary::<UInt64Type>(tokens, words, origin),
        },
        other => Err(Error::corpus(origin, format!("tokens are {other}; expected strings"))),
    }
}

/// The rows of words. Short ones are found by their string view, in one cache line: most tokens are short.
pub(crate) struct RowIndex<'a> {
    words: &'a Keys,
    short: HashTable<(View, u32)>,
    hasher: FixedState,
}

impl<'a> RowIndex<'a> {
    pub(crate) fn new(words: &'a Keys) -> Self {
        let (mut short, hasher) = (
            HashTable::with_capacity(words.iter().filter_map(Key::as_text).filter(|word| View::holds(word)).count()),
            FixedState::default(),
        );
        let hash_of = |(view, _): &(View, u32)| hasher.hash_one(view.0);
        for (row, word) in words.iter().filter_map(Key::as_text).enumerate().filter(|(_, word)| View::holds(word)) {
            let entry = (View::of(word), row as u32);
            short.insert_unique(hash_of(&entry), entry, hash_of);
        }
        Self { words, short, hasher }
    }

    fn row(&self, word: &str) -> Option<u32> {
        if View::holds(word) { self.row_of_short(View::of(word)) } else { self.words.id(word) }
    }

    #[inline]
    fn row_of_short(&self, view: View) -> Option<u32> {
        self.short.find(self.hasher.hash_one(view.0), |(known, _)| *known == view).map(|(_, row)| *row)
    }
}

fn rows_of_views(tokens: &StringViewArray, words: &RowIndex<'_>) -> Vec<u32> {
    let row = |(i, &view): (usize, &u128)| match View(view) {
        _ if tokens.is_null(i) => NULL,
        view if view.is_whole() => words.row_of_short(view.padded()).unwrap_or(UNKNOWN),
        // SAFETY: i is below the array's length.
        _ => words.row(unsafe { tokens.value_unchecked(i) }).unwrap_or(UNKNOWN),
    };
    tokens.views().iter().enumerate().map(row).collect()
}

fn rows_of_strings<'a>(tokens: impl ArrayAccessor<Item = &'a str>, words: &RowIndex<'_>) -> Vec<u32> {
    let row = |i| match tokens.is_null(i) {
        true => NULL,
        // SAFETY: i is below the array's length.
        false => words.row(unsafe { tokens.value_unchecked(i) }).unwrap_or(UNKNOWN),
    };
    (0..tokens.len()).map(row).collect()
}

fn rows_of_dictionary<K: ArrowDictionaryKeyType>(
    tokens: &dyn Array,
    words: &RowIndex<'_>,
    origin: &str,
) -> Result<Vec<u32>> {
    let dictionary = tokens.as_dictionary::<K>();
    let rows = rows_of_tokens(dictionary.values().as_ref(), words, origin)?;
    let keys: &PrimitiveArray<K> = dictionary.keys();
    Ok(keys.iter().map(|key| key.map_or(NULL, |key| rows[key.as_usize()])).collect())
}
