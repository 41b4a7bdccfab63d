//! A worker's way to the rows of a matrix that all workers share.

use std::hint::select_unpredictable;
use std::ops::Range;

use super::Shared;
use super::kernel::{Isa, Pooled, pool_rows, prefetch_row, spread_change};
use crate::model::Matrix;

/// Rows of a shared matrix.
///
/// A row that several workers write moves from core to core with every write, and the busiest rows would move most of
/// the time. So each worker trains the first rows, which are the most frequent words', in a copy of its own. Every few
/// times that it takes up such a row it adds what it has changed to the shared row, and sees what the others have
/// added. A worker thus misses a few of the others' latest updates, as all asynchronous training does; and two workers
/// that add to a row at the same moment may lose one of the two changes (see [`Matrix`]).
pub(crate) struct SharedRows<'a> {
    matrix: &'a Matrix,
    private: Option<PrivateRows>,
    isa: Isa,
}

struct PrivateRows {
    /// The rows as this worker has trained them, and one that stands for all others.
    copies: Matrix,
    /// The rows as they were when last merged.
    merged: Matrix,
    /// How often each row will be taken up before it is merged; likewise one for all others.
    uses_left: Vec<u16>,
    uses_per_merge: u16,
}

/// Rows of which a worker has its own copies: as many as its second cache holds beside the others.
pub(crate) const PRIVATE_ROWS: usize = 2048;

/// Uses of a word's row between two merges, with two workers.
pub(crate) const USES_OF_WORD: usize = 64;

/// Uses of a node's row between two merges, with two workers: the nodes near the root are in so many paths that with 64
/// their updates would be too old, and analogies worse by 0.6 points.
pub(crate) const USES_OF_NODE: usize = 8;

impl<'a> SharedRows<'a> {
    /// With two workers, `uses` is how often a row is taken up between two merges. With more it is less, so that no
    /// more of the others' updates are missed.
    pub(crate) fn new(matrix: &'a Matrix, uses: usize, shared: &Shared<'_>) -> Self {
        let others = shared.config.worker_threads() - 1;
        let uses_per_merge = || uses.div_ceil(others);
        let private = (others > 0).then(|| PrivateRows::new(matrix, uses_per_merge(), shared.isa)).flatten();
        Self { matrix, private, isa: shared.isa }
    }

    /// Rows that no other worker trains.
    #[cfg(test)]
    pub(crate) fn alone(matrix: &'a Matrix) -> Self {
        Self { matrix, private: None, isa: Isa::Portable }
    }

    /// A row that will be trained.
    #[inline(always)]
    pub(crate) fn row(&mut self, index: u32) -> *mut f32 {
        match &mut self.private {
            Some(private) => private.row(index, self.matrix, self.isa),
            None => self.matrix.row(index),
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
            self.rows.extend(tokens.iter().map(|&word| rows.row(word)));
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

impl PrivateRows {
    /// None if there is no memory for them: they only save time.
    fn new(matrix: &Matrix, uses_per_merge: usize, isa: Isa) -> Option<Self> {
        let rows = matrix.rows().min(PRIVATE_ROWS);
        let copies = Matrix::zeros(rows + 1, matrix.columns()).ok()?;
        let merged = Matrix::zeros(rows, matrix.columns()).ok()?;
        let uses_per_merge = u16::try_from(uses_per_merge).unwrap_or(u16::MAX);
        let this = Self { copies, merged, uses_left: vec![uses_per_merge; rows + 1], uses_per_merge };
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

    /// Adds to the shared row what has changed here, and takes over what has changed there.
    #[inline(never)]
    fn merge(&self, index: u32, shared: &Matrix, isa: Isa) {
        // SAFETY: rows of matrices of equal stride; the instruction set was detected.
        unsafe { spread_change(isa, self.pooled(index), &[shared.row(index)], 1.0, shared.stride()) };
        self.take(index, shared, isa);
    }

    fn take(&self, index: u32, shared: &Matrix, isa: Isa) {
        // SAFETY: as for `merge`.
        unsafe { pool_rows(isa, &[shared.row(index)], 1.0, self.pooled(index), shared.stride()) };
    }
}

impl Drop for SharedRows<'_> {
    /// What has changed here must not be lost.
    fn drop(&mut self) {
        let Some(private) = &self.private else { return };
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

    fn workers<'a>(matrix: &'a Matrix, uses_per_merge: usize) -> [SharedRows<'a>; 2] {
        let private = || PrivateRows::new(matrix, uses_per_merge, Isa::Portable);
        [private(), private()].map(|private| SharedRows { matrix, private, isa: Isa::Portable })
    }

    fn add(rows: &mut SharedRows<'_>, index: u32, change: f32) -> f32 {
        let row = rows.row(index);
        // SAFETY: a row of the matrix or of this test's copy of it.
        unsafe {
            *row += change;
            *row
        }
    }

    #[test]
    fn no_update_of_any_worker_is_lost() {
        let mut matrix = Matrix::zeros(PRIVATE_ROWS + 1, 3).unwrap();
        let [mut a, mut b] = workers(&matrix, 4);
        for _ in 0..50 {
            for index in [0, 7, PRIVATE_ROWS as u32] {
                add(&mut a, index, 1.0);
                add(&mut b, index, 10.0);
            }
        }
        drop((a, b));
        assert_eq!([0, 7, PRIVATE_ROWS].map(|row| matrix.values(row)[0]), [550.0; 3]);
    }

    #[test]
    fn a_worker_sees_the_others_updates_after_a_few_of_its_own() {
        let matrix = Matrix::zeros(3, 3).unwrap();
        let [mut a, mut b] = workers(&matrix, 4);
        (0..5).for_each(|_| {
            add(&mut a, 1, 1.0);
        });
        let seen: Vec<f32> = (0..5).map(|_| add(&mut b, 1, 0.0)).collect();
        assert_eq!(seen, [0.0, 0.0, 0.0, 0.0, 4.0]);
    }
}
