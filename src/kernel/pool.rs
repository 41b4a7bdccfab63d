//! Pooling: several rows summed into one, and the change of that one given back to them.

use super::dispatch::dispatched;
use super::lanes::Lanes;

/// A row into which others are pooled.
#[derive(Clone, Copy)]
pub(crate) struct Pooled {
    pub(crate) row: *mut f32,
    /// A copy of the row from before its update.
    pub(crate) before: *mut f32,
}

dispatched! {
    /// Writes `share · Σ rows` to both rows of `to`.
    ///
    /// # Safety
    /// As for [`train_block`](super::train_block).
    pub(crate) fn pool_rows(rows: &[*mut f32], share: f32, to: Pooled, stride: usize) = pool
}

dispatched! {
    /// Adds to each row `share` times the change of `from` since [`pool_rows`] wrote it.
    ///
    /// # Safety
    /// As for [`train_block`](super::train_block).
    pub(crate) fn spread_change(from: Pooled, rows: &[*mut f32], share: f32, stride: usize) = spread
}

/// # Safety
/// As for [`pool_rows`].
#[inline(always)]
unsafe fn pool<L: Lanes>(rows: &[*mut f32], share: f32, to: Pooled, stride: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let share = L::splat(share);
        for at in (0..stride).step_by(L::WIDTH) {
            let mut sum = L::splat(0.0);
            for &row in rows {
                sum = sum.add(L::load(row.add(at)));
            }
            let pooled = sum.mul_add(share, L::splat(0.0));
            pooled.store(to.row.add(at));
            pooled.store(to.before.add(at));
        }
    }
}

/// # Safety
/// As for [`spread_change`].
#[inline(always)]
unsafe fn spread<L: Lanes>(from: Pooled, rows: &[*mut f32], share: f32, stride: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let (share, minus) = (L::splat(share), L::splat(-1.0));
        for at in (0..stride).step_by(L::WIDTH) {
            let change = L::load(from.before.add(at)).mul_add(minus, L::load(from.row.add(at)));
            for &row in rows {
                change.mul_add(share, L::load(row.add(at))).store(row.add(at));
            }
        }
    }
}
