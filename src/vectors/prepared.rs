//! What searches compute from the rows once and keep: norms, and codes of 8 bits if they are asked for.

use std::sync::Arc;

use crate::kernel::Codes;

/// Rows that a thread takes at a time in a search for one query.
pub(super) const ROWS_PER_SPAN: usize = 2048;

/// What is kept of the rows as they were at a version.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) version: u64,
    /// Euclidean norms, in row order, or 0 for those that are not [`ORDINARY`].
    pub(super) norms: Arc<[f32]>,
    /// The rows in codes, span by span.
    pub(super) codes: Option<Arc<[Codes]>>,
}

/// What gives a row of this norm length 1, or 0 if nothing does.
pub(super) fn factor(norm: f32) -> f32 {
    if norm > 0.0 { norm.recip() } else { 0.0 }
}
