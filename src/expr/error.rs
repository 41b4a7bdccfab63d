//! Errors as Polars raises them.

use polars::prelude::PolarsError;

use crate::error::Error;

/// The error of a computation.
pub(super) fn compute_error(error: Error) -> PolarsError {
    PolarsError::ComputeError(error.to_string().into())
}
