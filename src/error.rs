//! The error type of the crate. Each message says what is wrong, where, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong between a corpus and a column of vectors. The message says what is wrong, where, and what
/// to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A hyperparameter or an argument is outside its range.
    #[error("{name}: {reason}")]
    Parameter {
        /// The name of the parameter as the user wrote it.
        name: &'static str,
        /// What is wrong with the value, and what is allowed.
        reason: String,
    },
    /// The system refused an operation on a file, an object in a store, or memory.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The operation: "read", "write", …
        action: &'static str,
        /// The file, directory or object.
        path: PathBuf,
        /// The answer of the system.
        source: io::Error,
    },
    /// A corpus, or a part of it, cannot be used.
    #[error("{origin}: {reason}")]
    Corpus {
        /// The file, row group or object at fault.
        origin: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// No word occurs often enough to get a vector.
    #[error(
        "the vocabulary is empty: none of the {distinct} distinct words ({total} tokens) occurs at least min_count={min_count} \
         times. Lower min_count or use a larger corpus."
    )]
    EmptyVocabulary {
        /// The threshold.
        min_count: u64,
        /// Distinct words in the corpus.
        distinct: usize,
        /// Tokens in the corpus.
        total: u64,
    },
    /// A file of vectors or a model is damaged, or has another format than expected.
    #[error("{}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of vectors or a model ends before what it announces.
    #[error("{}: {reason}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What there is of it.
        reason: String,
    },
    /// A key that has no vector: text in quotes, or a number. It is followed by the type of the keys if the key has another
    /// type.
    #[error("the key {0} is not in the vocabulary")]
    UnknownKey(String),
    /// A forked process cannot use the thread pools that its parent started.
    #[error(
        "this process was forked after its parent started threads, and a fork does not copy threads; start the process with \
         spawn or forkserver instead"
    )]
    Forked,
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// Polars refused a query.
    #[error("the query failed: {0}")]
    Polars(#[from] polars::error::PolarsError),
    /// An error of the caller's own code, such as a Python source or callback, unchanged.
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

    pub(crate) fn truncated(path: &Path, reason: impl Into<String>) -> Self {
        Self::Truncated { path: path.to_owned(), reason: reason.into() }
    }

    /// The error of a file, with more to say.
    pub(crate) fn with_note(self, note: &str) -> Self {
        match self {
            Self::Io { action, path, source } => {
                let source = io::Error::new(source.kind(), format!("{source}; {note}"));
                Self::Io { action, path, source }
            }
            Self::Format { path, reason } => Self::Format { path, reason: format!("{reason}; {note}") },
            Self::Truncated { path, reason } => Self::Truncated { path, reason: format!("{reason}; {note}") },
            other => other,
        }
    }
}

/// Adds the operation and the file to an [`io::Error`].
pub(crate) trait IoContext<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { action, path: path.to_owned(), source: without_temporary_name(source) })
    }
}

/// What an error of another library says, in one line, without the plan that Polars adds.
pub(crate) fn one_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let text = text.split("Resolved plan until failure").next().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The system's own error. The library for temporary files adds a name that the user has never heard of.
fn without_temporary_name(error: io::Error) -> io::Error {
    let text = error.get_ref().map(ToString::to_string).unwrap_or_default();
    match text.rsplit_once(" at path \"") {
        Some((reason, _)) => io::Error::new(error.kind(), reason),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_names_a_temporary_file() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let error = tempfile::Builder::new().prefix("hidden").tempfile_in(&missing).unwrap_err();
        assert!(error.to_string().contains("hidden"), "{error}");
        let error = Err::<(), _>(error).at("write", Path::new("v.txt")).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write v.txt: {}", io::Error::from_raw_os_error(2)));
        assert!(matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound));
    }
}
