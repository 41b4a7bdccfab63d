//! One error type for the whole crate. Each message says what was wrong, where, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong between a corpus and a column of vectors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A hyperparameter or an argument is outside its range.
    #[error("{name}: {reason}")]
    Parameter {
        /// The parameter's name as the user wrote it.
        name: &'static str,
        /// What is wrong with its value, and what is allowed.
        reason: String,
    },
    /// A file could not be opened, read, written or renamed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done: "read", "write", …
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A corpus, or a part of one, is not what it should be.
    #[error("{origin}: {reason}")]
    Corpus {
        /// The file, row group or object at fault.
        origin: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// No word is left to train on.
    #[error(
        "the vocabulary is empty: none of the {distinct} distinct words ({total} tokens) occurs at least min_count={min_count} \
         times. Lower min_count or use a larger corpus."
    )]
    EmptyVocabulary {
        /// The threshold in force.
        min_count: u64,
        /// Distinct words seen.
        distinct: usize,
        /// Tokens seen.
        total: u64,
    },
    /// A vectors file is damaged or of another kind than its name says.
    #[error("{}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A key that has no row: text in quotes or a number, and what keys are if it is of the wrong kind.
    #[error("the key {0} is not in the vocabulary")]
    UnknownKey(String),
    /// A forked child cannot use the thread pools that its parent started.
    #[error(
        "this process was forked after its parent started threads, which it lacks; start it with spawn or forkserver instead"
    )]
    Forked,
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// Polars refused a query.
    #[error("the vocabulary query failed: {0}")]
    Polars(#[from] polars::error::PolarsError),
    /// An error raised by the caller's own code (a Python source or callback), carried through unchanged.
    #[error("{0}")]
    Caller(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub(crate) fn parameter(name: &'static str, reason: impl Into<String>) -> Self {
        Self::Parameter { name, reason: reason.into() }
    }

    pub(crate) fn corpus(origin: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Corpus { origin: origin.into(), reason: reason.into() }
    }

    pub(crate) fn format(path: &Path, reason: impl Into<String>) -> Self {
        Self::Format { path: path.to_owned(), reason: reason.into() }
    }
}

/// Names the file in an [`io::Error`].
pub(crate) trait IoContext<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { action, path: path.to_owned(), source })
    }
}
