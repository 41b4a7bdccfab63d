//! What a file gives, as a table of keys and vectors.

use std::path::Path;

use arrow::array::{ArrayRef, AsArray, LargeStringBuilder};
use arrow::datatypes::{Int64Type, UInt64Type};

use super::options::LoadOptions;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::vectors::{Counts, KeyedVectors, Rows};
use crate::vocab::{KeyType, Keys};

/// Err says what is wrong with the file.
pub(super) type Parsed<T> = std::result::Result<T, String>;

/// The keys, counts and rows of a file.
pub(super) struct Parts {
    pub(super) keys: Keys,
    /// If the file has none, they fall from row to row as in gensim: V, V − 1, …, 1.
    pub(super) counts: Option<Counts>,
    pub(super) rows: Rows,
    pub(super) config: Option<Config>,
}

impl Parts {
    /// The table of them.
    ///
    /// # Errors
    /// [`Error::Format`] if they do not belong together, or a key repeats.
    pub(super) fn into_vectors(self, options: &LoadOptions, path: &Path) -> Result<KeyedVectors> {
        let fault = |reason: String| Error::format(path, reason);
        let Self { keys, counts, rows, config } = self;
        if keys.len() != rows.len() {
            return Err(fault(format!("has {} keys for {} vectors", keys.len(), rows.len())));
        }
        if let Some(counts) = counts.as_ref().filter(|counts| counts.len() != rows.len()) {
            return Err(fault(format!("has {} counts for {} vectors", counts.len(), rows.len())));
        }
        let keys = options.keys(keys, |id| format!("row {id}")).map_err(fault)?;
        if let Some((key, row)) = first_repeat(&keys) {
            return Err(fault(format!("holds a key in more than one row: {key} is also in row {row}")));
        }
        let counts = counts.unwrap_or_else(|| (1..=rows.len() as u64).rev().collect::<Vec<_>>().into());
        KeyedVectors::with_counts(keys, counts, rows, config).map_err(|error| fault(error.to_string()))
    }
}

/// A key that stands in an earlier row too, and its row.
fn first_repeat(keys: &Keys) -> Option<(String, usize)> {
    if !keys.has_repeats() {
        return None;
    }
    let repeats = |(row, key): &(usize, _)| keys.id(*key).is_some_and(|id| (id as usize) < *row);
    keys.iter().enumerate().find(repeats).map(|(row, key)| (format!("{key:?}"), row))
}

/// Text as one run of UTF-8 bytes, with the start of each word and the end of the last; or integers.
pub(super) enum KeyBytes {
    Text { bytes: Vec<u8>, offsets: Vec<i64> },
    Int64(Vec<i64>),
    UInt64(Vec<u64>),
}

impl KeyBytes {
    pub(super) fn of(keys: &Keys) -> Self {
        let array: ArrayRef = keys.array();
        match keys.key_type() {
            KeyType::Int64 => Self::Int64(array.as_primitive::<Int64Type>().values().to_vec()),
            KeyType::UInt64 => Self::UInt64(array.as_primitive::<UInt64Type>().values().to_vec()),
            KeyType::Text => {
                let (mut bytes, mut offsets) = (Vec::new(), vec![0]);
                for word in keys.iter().filter_map(|key| key.as_text()) {
                    bytes.extend_from_slice(word.as_bytes());
                    offsets.push(bytes.len() as i64);
                }
                Self::Text { bytes, offsets }
            }
        }
    }
}

/// Words from a run of UTF-8 bytes and the start of each, as [`KeyBytes::Text`] has them.
///
/// # Errors
/// Which word is not within the bytes, or not UTF-8.
pub(super) fn words_of(bytes: &[u8], offsets: &[i64]) -> Parsed<Keys> {
    let mut words = LargeStringBuilder::new();
    for (row, ends) in offsets.windows(2).enumerate() {
        let word = match (usize::try_from(ends[0]), usize::try_from(ends[1])) {
            (Ok(start), Ok(end)) => bytes.get(start..end),
            _ => None,
        };
        let word = word.ok_or_else(|| format!("has offsets of words that do not fit its bytes (row {row})"))?;
        words.append_value(str::from_utf8(word).map_err(|_| format!("the word in row {row} is not UTF-8"))?);
    }
    Keys::new(&words.finish()).map_err(|error| error.to_string())
}

/// Counts from integers with a sign.
///
/// # Errors
/// Which count is negative.
pub(super) fn counts_of(values: &[i64]) -> Parsed<Vec<u64>> {
    let count = |(row, &value): (usize, &i64)| {
        u64::try_from(value).map_err(|_| format!("the count in row {row} is {value}; expected 0 or more"))
    };
    values.iter().enumerate().map(count).collect()
}
