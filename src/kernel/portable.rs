//! A register in plain Rust.

use super::lanes::Lanes;
use super::matrix::{load_relaxed, store_relaxed};

/// Eight floats in plain Rust, each read and written as a relaxed atomic: the path for machines that have no SIMD path,
/// and the one that Miri and ThreadSanitizer can follow.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 8]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

// SAFETY: uses only instructions of the target's baseline; every access to shared memory is atomic.
unsafe impl Lanes for Portable {
    const WIDTH: usize = 8;
    const REGISTERS: usize = 16;
    const TILE: usize = 6;
    const HELD: usize = 6;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller gives eight aligned floats; a float and an AtomicU32 share size and alignment.
        Self(std::array::from_fn(|i| unsafe { load_relaxed(from.add(i)) }))
    }
    #[inline(always)]
    unsafe fn load_unaligned(from: *const f32) -> Self {
        unsafe { Self(from.cast::<[f32; 8]>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn store_unaligned(self, to: *mut f32) {
        unsafe { to.cast::<[f32; 8]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        for (i, value) in self.0.into_iter().enumerate() {
            // SAFETY: as for `load`.
            unsafe { store_relaxed(to.add(i), value) }
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn where_within(self, of: Self, limit: Self) -> Self {
        let is_within = of.zip(limit, |of, limit| f32::from(u8::from(of.abs() < limit)));
        self.zip(is_within, |value, is_within| if is_within == 1.0 { value } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn above(self, limit: Self) -> u32 {
        let mut bits = 0;
        for i in 0..8 {
            bits |= u32::from(self.0[i] > limit.0[i]) << i;
        }
        bits
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * factor.0[i] + addend.0[i]))
    }
    #[inline(always)]
    unsafe fn neg_mul_add(self, factor: Self, addend: Self) -> Self {
        Self(std::array::from_fn(|i| addend.0[i] - self.0[i] * factor.0[i]))
    }
    #[inline(always)]
    unsafe fn scale(self, shifted: Self) -> Self {
        self.zip(shifted, |a, w| f32::from_bits(a.to_bits().wrapping_add(w.to_bits() << 23)))
    }
    #[inline(always)]
    unsafe fn reciprocal(self) -> Self {
        Self(std::array::from_fn(|i| 1.0 / self.0[i]))
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        self.0.iter().sum()
    }
    #[inline(always)]
    unsafe fn sum_each(from: *const f32) -> Self {
        // SAFETY: the caller gives WIDTH registers.
        Self(std::array::from_fn(|i| unsafe { Self::load(from.add(i * Self::WIDTH)).0.iter().sum() }))
    }
}
