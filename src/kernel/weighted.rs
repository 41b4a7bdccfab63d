//! The weighted sum of rows that lie anywhere, for lookups.

use super::dispatch::dispatched;
use super::isa::Isa;
use super::lanes::Lanes;

/// Registers that hold sums while the rows stream by.
const SUMS: usize = 8;

/// Writes `share · Σ weight · row` to `to`. The floats need the alignment of a float only.
///
/// # Panics
/// If a row is not as long as `to`, or there are not as many weights as rows.
pub(crate) fn weighted_sum(rows: &[&[f32]], weights: &[f32], share: f32, to: &mut [f32]) {
    assert_eq!(rows.len(), weights.len(), "a weight for each row");
    assert!(rows.iter().all(|row| row.len() == to.len()), "lengths of the rows");
    // SAFETY: the instruction set is available, and the lengths are equal.
    unsafe { weighted_sum_on(Isa::of_search(), rows, weights, share, to) }
}

dispatched! {
    /// [`weighted_sum`] on an instruction set.
    ///
    /// # Safety
    /// `isa` is available; each row is as long as `to`; there are as many weights as rows.
    pub(super) fn weighted_sum_on(rows: &[&[f32]], weights: &[f32], share: f32, to: &mut [f32]) = sum_rows
}

/// # Safety
/// As for [`weighted_sum_on`].
#[inline(always)]
unsafe fn sum_rows<L: Lanes>(rows: &[&[f32]], weights: &[f32], share: f32, to: &mut [f32]) {
    let registers = to.len().div_ceil(L::WIDTH);
    // SAFETY: the caller's promise.
    unsafe {
        if to.len() < L::WIDTH {
            return sum_few(rows, weights, share, to);
        }
        let mut first = 0;
        while first + SUMS <= registers {
            sum_columns::<L, SUMS>(rows, weights, share, to, first);
            first += SUMS;
        }
        match registers - first {
            0 => {}
            1 => sum_columns::<L, 1>(rows, weights, share, to, first),
            2 => sum_columns::<L, 2>(rows, weights, share, to, first),
            3 => sum_columns::<L, 3>(rows, weights, share, to, first),
            4 => sum_columns::<L, 4>(rows, weights, share, to, first),
            5 => sum_columns::<L, 5>(rows, weights, share, to, first),
            6 => sum_columns::<L, 6>(rows, weights, share, to, first),
            _ => sum_columns::<L, 7>(rows, weights, share, to, first),
        }
    }
}

/// Sums `N` registers of columns, from the one numbered `first` on. The last of all ends where the row ends: some of its
/// columns are those of the one before, which get the same sums.
///
/// # Safety
/// As for [`weighted_sum_on`]; the row has so many registers, and at least `WIDTH` floats.
#[inline(always)]
unsafe fn sum_columns<L: Lanes, const N: usize>(
    rows: &[&[f32]],
    weights: &[f32],
    share: f32,
    to: &mut [f32],
    first: usize,
) {
    // SAFETY: each register lies within a row.
    unsafe {
        let last = to.len() - L::WIDTH;
        let mut at = [0; N];
        for i in 0..N {
            let column = (first + i) * L::WIDTH;
            at[i] = if column < last { column } else { last };
        }
        let mut sums = [L::splat(0.0); N];
        let mut row = 0;
        while row < rows.len() {
            let (from, weight) = (rows.get_unchecked(row).as_ptr(), L::splat(*weights.get_unchecked(row)));
            for i in 0..N {
                sums[i] = L::load_unaligned(from.add(at[i])).mul_add(weight, sums[i]);
            }
            row += 1;
        }
        let share = L::splat(share);
        for i in 0..N {
            sums[i].mul_add(share, L::splat(0.0)).store_unaligned(to.as_mut_ptr().add(at[i]));
        }
    }
}

/// The same where a row does not fill a register.
///
/// # Safety
/// As for [`weighted_sum_on`].
#[inline(always)]
unsafe fn sum_few(rows: &[&[f32]], weights: &[f32], share: f32, to: &mut [f32]) {
    for column in 0..to.len() {
        let mut sum = 0.0;
        let mut row = 0;
        while row < rows.len() {
            // SAFETY: the caller's promise.
            unsafe { sum += *weights.get_unchecked(row) * *rows.get_unchecked(row).get_unchecked(column) };
            row += 1;
        }
        to[column] = share * sum;
    }
}
