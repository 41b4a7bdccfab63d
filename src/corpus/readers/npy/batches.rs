//! Arrays to batches.

use arrow::array::ArrayRef;

use crate::corpus::query::ListsOf;
use crate::error::Result;

/// Sentences that are passed on at a time.
pub(super) const SENTENCES_PER_BATCH: usize = 4096;

/// Batches up to and with the first error.
pub(super) fn until_error<'a>(mut next: impl FnMut() -> Option<Result<ArrayRef>> + Send + 'a) -> ListsOf<'a> {
    let mut has_failed = false;
    Box::new(std::iter::from_fn(move || {
        let batch = if has_failed { None } else { next() };
        has_failed = matches!(batch, Some(Err(_)));
        batch
    }))
}
