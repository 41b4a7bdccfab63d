//! The rows of a matrix that all workers share, as one worker sees them.

use std::hint::select_unpredictable;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::kernel::{Isa, Matrix, Pooled, pool_rows, prefetch_row, spread_change};
use crate::vocab::WordId;

/// The rows of a shared matrix, as one worker sees them.
///
/// A row that several workers write moves from core to core with every write, and the busiest rows would move most of
/// the time. So each worker has a private copy of the first rows, which are those of the most frequent words or of the
/// nodes nearest the root. Every few uses of such a row the worker merges its own changes into the shared row, and takes
/// over the changes of the others. So a worker misses a few of the latest updates of the others, as in all asynchronous
/// training; and if two workers merge into a row at the same moment, one of the two changes may be lost (see [`Matrix`]).
pub(crate) struct SharedRows<'a> {
    matrix: &'a Matrix,
    private: Option<PrivateRows<'a>>,
    isa: Isa,
}

struct PrivateRows<'a> {
    /// The private copies, and one more row, which stands for all rows without a copy.
    copies: Matrix,
    /// The private copies as they were after the last merge.
    merged: Matrix,
    /// Uses of each copy until it is merged. The last count is for all rows without a copy.
    uses_left: Vec<u16>,
    uses_per_merge: u16,
    merging: Merging<'a>,
    /// For each copy, the number of merges by all workers at the last merge of this worker, if they are counted.
    merges_seen: Vec<u32>,
}

/// How the changes of several workers to a row are combined.
#[derive(Clone, Copy)]
pub(crate) enum Merging<'a> {
    /// They are added.
    Sum,
    /// Their mean is taken: a change is divided by the number of merges since this worker's last merge of the row. The
    /// slice counts the merges of every row. So two workers that correct the same error between two merges do not correct
    /// it twice.
    Mean(&'a [AtomicU32]),
}

/// Words whose rows a worker copies: as many as its L2 cache holds besides everything else.
pub(crate) const PRIVATE_WORDS: usize = 2048;

/// Inner nodes whose rows a worker copies. Farther from the root two workers rarely write the same row.
pub(crate) const PRIVATE_NODES: usize = 256;

/// Uses of a row between two merges, with two workers.
const USES_PER_MERGE: usize = 64;

impl<'a> SharedRows<'a> {
    /// The rows of words. Their changes are added: a word's row rarely has so many updates between two merges that it
    /// converges.
    pub(crate) fn words(matrix: &'a Matrix, workers: usize, isa: Isa) -> Self {
        Self::new(matrix, PRIVATE_WORDS, Merging::Sum, workers, isa)
    }

    /// The rows of inner nodes. Nodes near the root are on so many paths that their rows converge between two merges. The
    /// sum of two such changes would overshoot, and analogies would be worse by half a point; so the mean is taken, for
    /// which `merges` counts the merges of every row.
    pub(crate) fn nodes(matrix: &'a Matrix, merges: &'a [AtomicU32], workers: usize, isa: Isa) -> Self {
        Self::new(matrix, PRIVATE_NODES, Merging::Mean(merges), workers, isa)
    }

    /// With two workers a row is used [`USES_PER_MERGE`] times between two merges. With more workers it is used less
    /// often, so that a worker does not miss more updates of the others.
    fn new(matrix: &'a Matrix, private_rows: usize, merging: Merging<'a>, workers: usize, isa: Isa) -> Self {
        let others = workers - 1;
        let rows = matrix.rows().min(private_rows);
        let uses_per_merge = || USES_PER_MERGE.div_ceil(others);
        let private = (others > 0).then(|| PrivateRows::new(matrix, rows, uses_per_merge(), merging, isa));
        Self { matrix, private: private.flatten(), isa }
    }

    /// Appends pointers to rows that are about to be trained to `rows`. Each counts as a use.
    #[inline(always)]
    pub(crate) fn acquire(&mut self, indices: &[u32], rows: &mut Vec<*mut f32>) {
        let (matrix, isa) = (self.matrix, self.isa);
        match &mut self.private {
            Some(private) => rows.extend(indices.iter().map(|&index| private.row(index, matrix, isa))),
            None => rows.extend(indices.iter().map(|&index| matrix.row(index))),
        }
    }
}

/// The input rows of a batch's tokens. Each token's row is acquired once, although the token is in the windows of several
/// centres.
#[derive(Default)]
pub(crate) struct BatchRows {
    rows: Vec<*mut f32>,
}

impl BatchRows {
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
    }

    /// Acquires the rows of the tokens before the position `to` that were not acquired yet.
    pub(crate) fn acquire(&mut self, tokens: &[WordId], to: usize, rows: &mut SharedRows<'_>) {
        let to = to.min(tokens.len());
        if let Some(tokens) = tokens.get(self.rows.len()..to) {
            rows.acquire(tokens, &mut self.rows);
        }
    }

    /// The rows of these positions, all of which were acquired.
    #[inline(always)]
    pub(crate) fn get(&self, positions: Range<usize>) -> &[*mut f32] {
        &self.rows[positions]
    }

    /// The rows of those of these positions that were acquired.
    #[inline(always)]
    pub(crate) fn get_acquired(&self, positions: Range<usize>) -> &[*mut f32] {
        let end = self.rows.len();
        &self.rows[positions.start.min(end)..positions.end.min(end)]
    }
}

impl<'a> PrivateRows<'a> {
    /// Returns `None` if there is no memory for the copies: they only save time.
    fn new(matrix: &Matrix, rows: usize, uses_per_merge: usize, merging: Merging<'a>, isa: Isa) -> Option<Self> {
        let copies = Matrix::zeros(rows + 1, matrix.columns()).ok()?;
        let merged = Matrix::zeros(rows, matrix.columns()).ok()?;
        let uses_per_merge = u16::try_from(uses_per_merge).unwrap_or(u16::MAX);
        let merges_seen = match merging {
            Merging::Sum => Vec::new(),
            Merging::Mean(merges) => merges.iter().map(|merges| merges.load(Ordering::Relaxed)).collect(),
        };
        let uses_left = vec![uses_per_merge; rows + 1];
        let this = Self { copies, merged, uses_left, uses_per_merge, merging, merges_seen };
        (0..rows as u32).for_each(|index| this.copy(index, matrix, isa));
        Some(this)
    }

    #[inline(always)]
    fn row(&mut self, index: u32, shared: &Matrix, isa: Isa) -> *mut f32 {
        let rows = self.merged.rows() as u32;
        // No branch: which kind of row it is cannot be predicted.
        let own = index.min(rows);
        let left = &mut self.uses_left[own as usize];
        if *left <= 1 {
            self.count_down(own, shared, isa);
        } else {
            *left -= 1;
        }
        select_unpredictable(index < rows, self.copies.row(own), shared.row(index))
    }

    /// The last use before a merge prefetches the shared row, and the next use merges it.
    #[cold]
    fn count_down(&mut self, own: u32, shared: &Matrix, isa: Isa) {
        let is_own = (own as usize) < self.merged.rows();
        let left = &mut self.uses_left[own as usize];
        if *left > 0 {
            *left -= 1;
            if is_own {
                prefetch_row(shared.row(own), shared.stride());
            }
        } else {
            // This call is the first use after the merge.
            *left = self.uses_per_merge - 1;
            if is_own {
                self.merge(own, shared, isa);
            }
        }
    }

    fn pooled(&self, index: u32) -> Pooled {
        Pooled { row: self.copies.row(index), before: self.merged.row(index) }
    }

    /// Adds the change of a private row, or a share of it, to the shared row, and copies the shared row.
    #[inline(never)]
    fn merge(&mut self, index: u32, shared: &Matrix, isa: Isa) {
        let share = self.share(index as usize);
        // SAFETY: rows of matrices of equal stride; the instruction set was detected.
        unsafe { spread_change(isa, self.pooled(index), &[shared.row(index)], share, shared.stride()) };
        self.copy(index, shared, isa);
    }

    /// The share of this worker's change that is merged now.
    fn share(&mut self, index: usize) -> f32 {
        let Merging::Mean(merges) = self.merging else { return 1.0 };
        let before = merges[index].fetch_add(1, Ordering::Relaxed);
        let by_others = before.wrapping_sub(self.merges_seen[index]);
        self.merges_seen[index] = before.wrapping_add(1);
        1.0 / (1.0 + by_others as f32)
    }

    /// Copies the shared row.
    fn copy(&self, index: u32, shared: &Matrix, isa: Isa) {
        // SAFETY: as for `merge`.
        unsafe { pool_rows(isa, &[shared.row(index)], 1.0, self.pooled(index), shared.stride()) };
    }
}

impl Drop for SharedRows<'_> {
    /// Merges the changes that were not merged yet, so that none is lost.
    fn drop(&mut self) {
        let Some(private) = &mut self.private else { return };
        for index in 0..private.merged.rows() as u32 {
            if private.uses_left[index as usize] < private.uses_per_merge {
                private.merge(index, self.matrix, self.isa);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers<'a>(matrix: &'a Matrix, merging: Merging<'a>) -> [SharedRows<'a>; 2] {
        let rows = matrix.rows() - 1;
        let private = || PrivateRows::new(matrix, rows, 4, merging, Isa::Portable);
        [private(), private()].map(|private| SharedRows { matrix, private, isa: Isa::Portable })
    }

    fn add(rows: &mut SharedRows<'_>, index: u32, change: f32) -> f32 {
        let mut acquired = Vec::new();
        rows.acquire(&[index], &mut acquired);
        let row = acquired[0];
        // SAFETY: a row of the matrix or of this test's copy of it.
        unsafe {
            *row += change;
            *row
        }
    }

    #[test]
    fn no_update_of_any_worker_is_lost() {
        let mut matrix = Matrix::zeros(10, 3).unwrap();
        let [mut a, mut b] = workers(&matrix, Merging::Sum);
        for _ in 0..50 {
            for index in [0, 7, 9] {
                add(&mut a, index, 1.0);
                add(&mut b, index, 10.0);
            }
        }
        drop((a, b));
        assert_eq!([0, 7, 9].map(|row| matrix.values(row)[0]), [550.0; 3]);
    }

    #[test]
    fn a_worker_sees_the_others_updates_after_a_few_of_its_own() {
        let matrix = Matrix::zeros(3, 3).unwrap();
        let [mut a, mut b] = workers(&matrix, Merging::Sum);
        (0..5).for_each(|_| {
            add(&mut a, 1, 1.0);
        });
        let seen: Vec<f32> = (0..5).map(|_| add(&mut b, 1, 0.0)).collect();
        assert_eq!(seen, [0.0, 0.0, 0.0, 0.0, 4.0]);
    }

    #[test]
    fn changes_of_workers_that_take_turns_to_merge_are_averaged() {
        let mut matrix = Matrix::zeros(3, 3).unwrap();
        let merges = [0, 0].map(AtomicU32::new);
        let [mut a, mut b] = workers(&matrix, Merging::Mean(&merges));
        // Both move a row from its present value to 8.
        for _ in 0..50 {
            for rows in [&mut a, &mut b] {
                let here = add(rows, 1, 0.0);
                add(rows, 1, 8.0 - here);
            }
        }
        drop((a, b));
        assert_eq!(matrix.values(1)[0], 8.0);
    }

    #[test]
    fn the_mean_takes_nothing_from_the_only_worker_that_changes_a_row() {
        let mut matrix = Matrix::zeros(3, 3).unwrap();
        let merges = [0, 0].map(AtomicU32::new);
        let [mut a, b] = workers(&matrix, Merging::Mean(&merges));
        (0..50).for_each(|_| {
            add(&mut a, 1, 1.0);
        });
        drop((a, b));
        assert_eq!(matrix.values(1)[0], 50.0);
    }
}
