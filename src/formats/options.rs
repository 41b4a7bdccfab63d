//! How vectors are loaded.

use crate::corpus::Utf8Errors;

/// How to load vectors. The defaults suit every file that [`save`](crate::KeyedVectors::save) writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOptions {
    /// Load only the first rows, at most this many.
    pub limit: Option<usize>,
    /// The file starts with the first word (word2vec text only; GloVe's files do).
    pub no_header: bool,
    /// What to do about words that are not UTF-8 (word2vec formats only).
    pub errors: Utf8Errors,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { limit: None, no_header: false, errors: Utf8Errors::Strict }
    }
}

impl LoadOptions {
    /// How many of `rows` to load.
    pub(super) fn rows_of(&self, rows: usize) -> usize {
        self.limit.unwrap_or(usize::MAX).min(rows)
    }
}
