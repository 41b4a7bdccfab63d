//! Errors as Polars raises them.

use polars::prelude::PolarsError;

use crate::error::Error;

/// An error while a column is computed.
pub(super) fn compute_error(error: Error) -> PolarsError {
    PolarsError::ComputeError(error.to_string().into())
}
