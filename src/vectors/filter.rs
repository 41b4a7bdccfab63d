//! The filter of a search for many queries: which of a panel's rows may be near enough to which query.

use crate::kernel::{CodedQueries, Codes, Found, PANEL, Panel, Queries, find_above, find_above_in_codes, has_codes};

/// Queries, and a panel of rows to compare with them.
pub(super) enum Filter {
    /// In codes of 8 bits: the fastest, where it is there and tells rows apart.
    Codes { queries: CodedQueries, panel: Codes },
    /// In whole.
    Values { queries: Queries, panel: Panel, margin: f32 },
}

impl Filter {
    /// For queries of length 1 and of `size` values, one after another.
    pub(super) fn new(queries: &[f32], size: usize) -> Self {
        match has_codes(size) {
            true => Self::Codes { queries: CodedQueries::new(queries, size), panel: Codes::new(size) },
            false => Self::of_values(queries, size),
        }
    }

    /// The same without codes.
    pub(super) fn of_values(queries: &[f32], size: usize) -> Self {
        let queries = Queries::new(queries, size);
        // Twice what the rounding of two sums of products of vectors of length 1 can amount to.
        let margin = 4.0 * (size + 4) as f32 * f32::EPSILON;
        Self::Values { panel: Panel::of(&queries), queries, margin }
    }

    pub(super) fn is_of_codes(&self) -> bool {
        matches!(self, Self::Codes { .. })
    }

    /// The most rows at once, at most 64.
    pub(super) fn room(&self) -> usize {
        match self {
            Self::Codes { .. } => PANEL,
            Self::Values { panel, .. } => panel.room(),
        }
    }

    /// What [`find`](Self::find) takes as the limit of a query's cosines.
    pub(super) fn threshold(&self, query: usize, limit: f32) -> f32 {
        match self {
            Self::Codes { queries, .. } => queries.threshold(query, limit),
            Self::Values { margin, .. } => limit - margin,
        }
    }

    /// Adds to `found` each query of which some of these rows may have a cosine of the limit or above, and a bit for each
    /// row. Rows come with the factor that gives them length 1; those of factor 0 may have any cosine.
    ///
    /// # Panics
    /// If there are more rows than [`room`](Self::room).
    pub(super) fn find<'r>(
        &mut self,
        rows: impl ExactSizeIterator<Item = (&'r [f32], f32)>,
        thresholds: &[f32],
        found: &mut Vec<Found>,
    ) {
        match self {
            Self::Codes { queries, panel } => {
                panel.fill(rows);
                assert!(panel.len() <= PANEL, "more rows than a panel has");
                find_above_in_codes(panel, 0, queries, thresholds, found);
            }
            Self::Values { queries, panel, .. } => {
                panel.fill(rows);
                find_above(panel, queries, thresholds, found);
            }
        }
    }
}
