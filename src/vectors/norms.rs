//! The norms of rows, and what else searches compute from the rows and keep.

use std::sync::{Arc, PoisonError};

use rayon::prelude::*;

use super::KeyedVectors;
use super::length::{ORDINARY, length};
use super::parallel::map_rows;
use super::prepared::{Prepared, ROWS_PER_SPAN, factor};
use crate::kernel::{Codes, dot, has_codes};
use crate::process::can_use_thread_pools;

impl KeyedVectors {
    /// Computes what searches use: the norms, which any search computes and keeps, and codes of 8 bits of the vectors, with
    /// which a search for one key reads about a quarter of the memory. They take a quarter of the memory of the vectors, and
    /// the answers are the same. There are codes on processors with AVX-512 VNNI only. They are forgotten when the vectors
    /// change.
    ///
    /// ```
    /// let wv = polargram::KeyedVectors::from_rows(["east", "west"], 2, &[1.0, 0.1, -1.0, 0.1])?;
    /// wv.fill_norms();
    /// assert_eq!(wv.nearest(&[2.0, 0.2], 1, &[])?[0].0, 0);
    /// # Ok::<(), polargram::Error>(())
    /// ```
    pub fn fill_norms(&self) {
        let known = self.prepared();
        if known.codes.is_some() || !has_codes(self.vector_size()) {
            return;
        }
        let span = |span: usize| {
            let rows = span * ROWS_PER_SPAN..self.len().min((span + 1) * ROWS_PER_SPAN);
            let mut codes = Codes::new(self.vector_size());
            codes.fill(rows.map(|row| (self.rows.row(row), factor(known.norms[row]))));
            codes
        };
        let spans = self.len().div_ceil(ROWS_PER_SPAN);
        let codes = match spans > 2 && can_use_thread_pools() {
            true => (0..spans).into_par_iter().map(span).collect(),
            false => (0..spans).map(span).collect(),
        };
        self.keep(Prepared { codes: Some(codes), ..known.clone() });
    }

    /// Euclidean norms, in row order, or 0 for those that are not [`ORDINARY`]; computed at the first call.
    pub(super) fn norms(&self) -> Arc<[f32]> {
        self.prepared().norms
    }

    /// What is known of the rows as they are; the norms at least.
    pub(super) fn prepared(&self) -> Prepared {
        // Before the rows are read: what changes meanwhile counts as later.
        let version = self.rows.version();
        let known = self.prepared.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.filter(|known| known.version == version).unwrap_or_else(|| {
            let norms = map_rows(0..self.len(), |row| ordinary_norm(self.rows.row(row)));
            let prepared = Prepared { version, norms, codes: None };
            self.keep(prepared.clone());
            prepared
        })
    }

    fn keep(&self, prepared: Prepared) {
        *self.prepared.write().unwrap_or_else(PoisonError::into_inner) = Some(prepared);
    }

    /// Forgets what was computed from the rows. To be called when they have changed, as by training.
    pub fn forget_norms(&self) {
        self.rows.changed();
        self.prepared.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The norm of a row, or 0 if it is not [`ORDINARY`].
fn ordinary_norm(row: &[f32]) -> f32 {
    let square = dot(row, row);
    let norm = if ORDINARY.contains(&square) { square.sqrt() } else { length(row) as f32 };
    if ORDINARY.contains(&norm) { norm } else { 0.0 }
}
