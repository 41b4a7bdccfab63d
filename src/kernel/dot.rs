//! The dot product of two slices, for search.

use super::dispatch::dispatched;
use super::isa::Isa;
use super::lanes::Lanes;
use super::matrix::MAX_WIDTH;
use super::prefetch::prefetch;

/// How many floats ahead the cache is asked for rows: the hardware alone does not look across pages. A scan took 1.5 ms
/// without and 1.3 ms with it (82,746 × 100, one thread).
const AHEAD: usize = 1024;

/// x · y. The floats need the alignment of a float only.
///
/// # Panics
/// If the lengths differ.
#[inline]
pub(crate) fn dot(x: &[f32], y: &[f32]) -> f32 {
    assert_eq!(x.len(), y.len(), "lengths of the factors");
    // SAFETY: the instruction set is available and the lengths are equal.
    unsafe { dot_on(Isa::of_search(), x, y) }
}

dispatched! {
    /// [`dot`] on an instruction set.
    ///
    /// # Safety
    /// `isa` is available; the lengths are equal.
    pub(super) fn dot_on(x: &[f32], y: &[f32]) -> f32 = sum_products
}

/// # Safety
/// As for [`dot_on`].
#[inline(always)]
unsafe fn sum_products<L: Lanes>(x: &[f32], y: &[f32]) -> f32 {
    // Sums that do not depend on each other hide the latency of a multiply-add.
    const SUMS: usize = 4;
    let (x, y, len) = (x.as_ptr(), y.as_ptr(), x.len());
    // SAFETY: every read is below `len`.
    unsafe {
        let mut sums = [L::splat(0.0); SUMS];
        let mut at = 0;
        while at + SUMS * L::WIDTH <= len {
            for i in 0..SUMS {
                let at = at + i * L::WIDTH;
                sums[i] = L::load_unaligned(x.add(at)).mul_add(L::load_unaligned(y.add(at)), sums[i]);
            }
            at += SUMS * L::WIDTH;
        }
        while at + L::WIDTH <= len {
            sums[0] = L::load_unaligned(x.add(at)).mul_add(L::load_unaligned(y.add(at)), sums[0]);
            at += L::WIDTH;
        }
        let mut rest = 0.0;
        while at < len {
            rest += *x.add(at) * *y.add(at);
            at += 1;
        }
        sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum() + rest
    }
}

/// x · y for each row y of `rows`, which lie one after another with `stride` floats from one to the next, as [`dot`]
/// computes it, bit by bit.
///
/// # Panics
/// If the rows are shorter than x, or there are not as many as sums.
pub(crate) fn dots(x: &[f32], rows: &[f32], stride: usize, sums: &mut [f32]) {
    assert!(stride >= x.len(), "a row is shorter than the other factor");
    let needed = sums.len().checked_sub(1).map_or(Some(0), |last| last.checked_mul(stride)?.checked_add(x.len()));
    assert!(needed.is_some_and(|needed| needed <= rows.len()), "rows of the factors");
    // SAFETY: the instruction set is available, and each row lies in `rows`.
    unsafe { dots_on(Isa::of_search(), x, rows.as_ptr(), stride, sums) }
}

dispatched! {
    /// [`dots`] on an instruction set.
    ///
    /// # Safety
    /// `isa` is available; at `rows` are as many rows as sums, `stride` floats apart, each as long as x.
    pub(super) fn dots_on(x: &[f32], rows: *const f32, stride: usize, sums: &mut [f32]) = sum_products_of_rows
}

/// # Safety
/// As for [`dots_on`].
#[inline(always)]
unsafe fn sum_products_of_rows<L: Lanes>(x: &[f32], rows: *const f32, stride: usize, sums: &mut [f32]) {
    for row in 0..sums.len() {
        // SAFETY: the caller's promise.
        unsafe {
            let y = std::slice::from_raw_parts(rows.add(row * stride), x.len());
            for at in (0..stride).step_by(MAX_WIDTH) {
                prefetch(y.as_ptr().wrapping_add(AHEAD + at));
            }
            sums[row] = sum_products::<L>(x, y);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn available() -> impl Iterator<Item = Isa> {
        Isa::ALL.into_iter().filter(|isa| isa.is_available())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 500 }))]

        #[test]
        fn a_dot_product_equals_the_f64_sum_on_every_path_at_every_length_and_alignment(
            pairs in prop::collection::vec((-2.0f32..2.0, -2.0f32..2.0), 0..200),
            skipped in (0usize..4, 0usize..4),
        ) {
            let padded = |skipped: usize, side: fn(&(f32, f32)) -> f32| -> Vec<f32> {
                std::iter::repeat_n(f32::NAN, skipped).chain(pairs.iter().map(side)).collect()
            };
            let (x, y) = (padded(skipped.0, |pair| pair.0), padded(skipped.1, |pair| pair.1));
            let (x, y) = (&x[skipped.0..], &y[skipped.1..]);
            let want: f64 = pairs.iter().map(|&(x, y)| f64::from(x) * f64::from(y)).sum();
            for isa in available() {
                // SAFETY: available, and of equal length.
                let got = unsafe { dot_on(isa, x, y) };
                prop_assert!((f64::from(got) - want).abs() < 1e-4, "{isa}: {got} instead of {want}");
                let (rows, mut sums) = ([y, &[f32::NAN; 3], y].concat(), [0.0; 2]);
                // SAFETY: as above; there are two rows.
                unsafe { dots_on(isa, x, rows.as_ptr(), y.len() + 3, &mut sums) };
                prop_assert_eq!(sums.map(f32::to_bits), [got.to_bits(); 2], "{}: rows give the same bits", isa);
            }
        }
    }

    #[test]
    fn the_fastest_path_is_taken_without_being_named() {
        let x: Vec<f32> = (0..100).map(|i| i as f32).collect();
        assert_eq!(dot(&x, &x), 328_350.0);
        assert_eq!(dot(&[], &[]), 0.0);
    }

    #[test]
    #[should_panic(expected = "lengths of the factors")]
    fn factors_of_different_lengths_are_a_bug() {
        dot(&[1.0], &[1.0, 2.0]);
    }
}
