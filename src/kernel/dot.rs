//! The dot product of two slices, for search.

use super::dispatch::dispatched;
use super::isa::Isa;
use super::lanes::Lanes;

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
