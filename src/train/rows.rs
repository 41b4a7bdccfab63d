//! A worker's way to the rows of a matrix that all workers share.

use std::hint::select_unpredictable;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Shared;
use crate::kernel::Matrix;
use crate::kernel::{Isa, Pooled, pool_rows, prefetch_row, spread_change};

/// Rows of a shared matrix.
///
/// A row that several workers write moves from core to core with every write, and the busiest rows would move most of
/// the time. So each worker trains the first rows, which are the most frequent words' or nearest the root, in a copy of
/// its own. Every few times that it takes up such a row it merges what it has changed into the shared row, and sees
/// what the others have. A worker thus misses a few of the others' latest updates, as all asynchronous training does;
/// and two workers that merge into a row at the same moment may lose one of the two changes (see [`Matrix`]).
pub(crate) struct SharedRows<'a> {
    matrix: &'a Matrix,
    private: Option<PrivateRows<'a>>,
    isa: Isa,
}

struct PrivateRows<'a> {
    /// The rows as this worker has trained them, and one that stands for all others.
    copies: Matrix,
    /// The rows as they were when last merged.
    merged: Matrix,
    /// How often each row will be taken up before it is merged; likewise one for all others.
    uses_left: Vec<u16>,
    uses_per_merge: u16,
    merging: Merging<'a>,
    /// How many merges by all workers each row had seen when it was last merged here, if they are counted.
    merges_seen: Vec<u32>,
}

/// How the changes of several workers to a row become one.
#[derive(Clone, Copy)]
pub(crate) enum Merging<'a> {
    /// They are added up.
    Sum,
    /// Their mean is taken: each counts as one of as many as have been merged since this worker's last one, whose
    /// number is counted here for every row. So workers that correct the same error between two merges do not correct
    /// it twice.
    Mean(&'a [AtomicU32]),
}

/// Rows of words of which a worker has its own copies: as many as its second cache holds beside the others.
pub(crate) const PRIVATE_WORDS: usize = 2048;

/// Rows of inner nodes, likewise. Farther from the root two workers seldom meet.
pub(crate) const PRIVATE_NODES: usize = 256;

/// Uses of a row between two merges, with two workers.
const USES_PER_MERGE: usize = 64;

impl<'a> SharedRows<'a> {
    /// The rows of words. Sums: a word's row seldom has enough updates between two merges to come to rest.
    pub(crate) fn words(matrix: &'a Matrix, shared: &Shared<'_>) -> Self {
        Self::new(matrix, PRIVATE_WORDS, Merging::Sum, shared)
    }

    /// The rows of inner nodes, of which those near the root are in so many paths that they come to rest between two
    /// merges: with sums in place of means each would then overshoot, and analogies be worse by half a point.
    pub(crate) fn nodes(matrix: &'a Matrix, shared: &'a Shared<'_>) -> Self {
        Self::new(matrix, PRIVATE_NODES, Merging::Mean(&shared.node_merges), shared)
    }

    /// With two workers a row is taken up [`USES_PER_MERGE`] times between two merges. With more it is less, so that no
    /// more of the others' updates are missed.
    fn new(matrix: &'a Matrix, private_rows: usize, merging: Merging<'a>, shared: &Shared<'_>) -> Self {
        let others = shared.config.worker_threads() - 1;
        let rows = matrix.rows().min(private_rows);
        let uses_per_merge = || USES_PER_MERGE.div_ceil(others);
        let private = (others > 0).then(|| PrivateRows::new(matrix, rows, uses_per_merge(), merging, shared.isa));
        Self { matrix, private: private.flatten(), isa: shared.isa }
    }

    /// Rows that no other worker trains.
    #[cfg(test)]
    pub(crate) fn alone(matrix: &'a Matrix) -> Self {
        Self { matrix, private: None, isa: Isa::Portable }
    }

    /// Appends rows that will be trained.
    #[inline(always)]
    pub(crate) fn take_up(&mut self, indices: &[u32], rows: &mut Vec<*mut f32>) {
        let (matrix, isa) = (self.matrix, self.isa);
        match &mut self.private {
            Some(private) => rows.extend(indices.iter().map(|&index| private.row(index, matrix, isa))),
            None => rows.extend(indices.iter().map(|&index| matrix.row(index))),
        }
    }
}

/// The input rows of a batch's tokens: each is taken up once, though it is in the windows of several centres.
#[derive(Default)]
pub(crate) struct TextRows {
    rows: Vec<*mut f32>,
}

impl TextRows {
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
    }

    /// Takes up the rows of the tokens before the position `to`.
    pub(crate) fn take_up(&mut self, tokens: &[u32], to: usize, rows: &mut SharedRows<'_>) {
        let to = to.min(tokens.len());
        if let Some(tokens) = tokens.get(self.rows.len()..to) {
            rows.take_up(tokens, &mut self.rows);
        }
    }

    /// The rows of some positions.
    #[inline(always)]
    pub(crate) fn get(&self, positions: Range<usize>) -> &[*mut f32] {
        &self.rows[positions]
    }

    /// The rows of the positions that there are among these.
    #[inline(always)]
    pub(crate) fn get_some(&self, positions: Range<usize>) -> &[*mut f32] {
        let end = self.rows.len();
        &self.rows[positions.start.min(end)..positions.end.min(end)]
    }
}

impl<'a> PrivateRows<'a> {
    /// None if there is no memory for them: they only save time.
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
        (0..rows as u32).for_each(|index| this.take(index, matrix, isa));
        Some(this)
    }

    #[inline(always)]
    fn row(&mut self, index: u32, shared: &Matrix, isa: Isa) -> *mut f32 {
        let rows = self.merged.rows() as u32;
        // Which kind of row it is cannot be predicted, so no branch.
        let own = index.min(rows);
        let left = &mut self.uses_left[own as usize];
        if *left <= 1 {
            self.count_down(own, shared, isa);
        } else {
            *left -= 1;
        }
        select_unpredictable(index < rows, self.copies.row(own), shared.row(index))
    }

    /// Before its last use a row's merge is prepared, and the use after that merges it.
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
            // The use that follows.
            *left = self.uses_per_merge - 1;
            if is_own {
                self.merge(own, shared, isa);
            }
        }
    }

    fn pooled(&self, index: u32) -> Pooled {
        Pooled { row: self.copies.row(index), before: self.merged.row(index) }
    }

    /// Adds to the shared row what has changed here, or its share of that, and takes over what has changed there.
    #[inline(never)]
    fn merge(&mut self, index: u32, shared: &Matrix, isa: Isa) {
        let share = self.share(index as usize);
        // SAFETY: rows of matrices of equal stride; the instruction set was detected.
        unsafe { spread_change(isa, self.pooled(index), &[shared.row(index)], share, shared.stride()) };
        self.take(index, shared, isa);
    }

    /// What of this worker's change is merged now.
    fn share(&mut self, index: usize) -> f32 {
        let Merging::Mean(merges) = self.merging else { return 1.0 };
        let before = merges[index].fetch_add(1, Ordering::Relaxed);
        let by_others = before.wrapping_sub(self.merges_seen[index]);
        self.merges_seen[index] = before.wrapping_add(1);
        1.0 / (1.0 + by_others as f32)
    }

    fn take(&self, index: u32, shared: &Matrix, isa: Isa) {
        // SAFETY: as for `merge`.
        unsafe { pool_rows(isa, &[shared.row(index)], 1.0, self.pooled(index), shared.stride()) };
    }
}

impl Drop for SharedRows<'_> {
    /// What has changed here must not be lost.
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
        let mut taken = Vec::new();
        rows.take_up(&[index], &mut taken);
        let row = taken[0];
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
    fn changes_of_workers_that_merge_by_turns_are_averaged() {
        let mut matrix = Matrix::zeros(3, 3).unwrap();
        let merges = [0, 0].map(AtomicU32::new);
        let [mut a, mut b] = workers(&matrix, Merging::Mean(&merges));
        // Both move a row from wherever it is to 8.
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
    fn a_worker_alone_loses_nothing_to_the_mean() {
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
