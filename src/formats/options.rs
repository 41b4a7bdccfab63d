//! How vectors are loaded and saved.

use crate::utf8::Utf8Errors;
use crate::vocab::Keys;

/// How to load vectors. The defaults suit every file that [`save`](crate::KeyedVectors::save) writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOptions {
    /// Load only the first rows, at most this many.
    pub limit: Option<usize>,
    /// The file starts with the first word (word2vec text only; GloVe's files do).
    pub no_header: bool,
    /// What to do about words that are not UTF-8 (word2vec formats only).
    pub errors: Utf8Errors,
    /// Keys are integers, which text formats write as decimals. Otherwise the keys of text formats are text.
    pub integer_keys: bool,
}

/// How values are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FloatType {
    /// Single precision.
    #[default]
    Float32,
    /// Half precision: half the file. What is loaded is float32 again.
    Float16,
}

/// How to save vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SaveOptions {
    /// The type of the values in the file.
    pub float: FloatType,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { limit: None, no_header: false, errors: Utf8Errors::Strict, integer_keys: false }
    }
}

impl LoadOptions {
    /// The keys as they are wanted. `place` says where the key of a number stands.
    ///
    /// # Errors
    /// Which key is not an integer.
    pub(super) fn keys(&self, keys: Keys, place: impl Fn(usize) -> String) -> Result<Keys, String> {
        if !self.integer_keys {
            return Ok(keys);
        }
        keys.to_integers().map_err(|id| {
            format!(
                "{}: the key {:?} is not an integer; load it without key_dtype=int",
                place(id as usize),
                keys.key(id)
            )
        })
    }

    /// How many of `rows` to load.
    pub(super) fn rows_of(&self, rows: usize) -> usize {
        self.limit.unwrap_or(usize::MAX).min(rows)
    }
}
