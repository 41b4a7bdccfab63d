//! Why a pickle cannot be read.

/// Why bytes are not a pickle that can be read. A message puts it after the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct PickleError {
    reason: String,
}

impl PickleError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// A result whose error is a [`PickleError`].
pub(crate) type Result<T, E = PickleError> = std::result::Result<T, E>;
