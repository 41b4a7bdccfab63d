//! What the kernel needs of a vector register, and a portable stand-in for one.

/// A register of `f32` lanes. The kernel is written once over this trait; each instruction set implements it.
///
/// # Safety
/// Every method may use the instruction set of its implementation: call it only where that set is present. Loads and
/// stores take pointers to at least [`WIDTH`](Lanes::WIDTH) floats, aligned to the register's size. The floats may be
/// written by other threads meanwhile (see [`Matrix`](crate::model::Matrix)).
pub(super) unsafe trait Lanes: Copy {
    /// Lanes in a register.
    const WIDTH: usize;
    /// Registers there are.
    const REGISTERS: usize;
    /// Targets whose rows and updates are held in registers at once.
    const TILE: usize;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// As [`load`](Lanes::load), of floats that are aligned as such only and that no other thread writes.
    unsafe fn load_unaligned(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    unsafe fn min(self, other: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    /// `self · factor + addend`, rounded once where the hardware can.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// The nearest whole number.
    unsafe fn round(self) -> Self;
    /// `self · 2^exponent` for whole exponents within ±64.
    unsafe fn scale(self, exponent: Self) -> Self;
    /// Lane i of the result is the sum over the lanes of the i-th of `WIDTH` consecutive registers at `from`.
    unsafe fn sum_each(from: *const f32) -> Self;

    /// `1 / (1 + e^-x)` in every lane, to within 2e-7. Coefficients: the Taylor series of 2^f on ±½.
    #[inline(always)]
    unsafe fn sigmoid(self) -> Self {
        unsafe {
            let limit = Self::splat(30.0);
            let x = self.min(limit).max(Self::splat(-30.0));
            let exponent = x.mul_add(Self::splat(-std::f32::consts::LOG2_E), Self::splat(0.0));
            let whole = exponent.round();
            let f = whole.mul_add(Self::splat(-1.0), exponent);
            let mut power = Self::splat(1.540_353e-4);
            for coefficient in [1.333_355_8e-3, 9.618_129e-3, 5.550_411e-2, 2.402_265e-1, std::f32::consts::LN_2, 1.0] {
                power = power.mul_add(f, Self::splat(coefficient));
            }
            let one = Self::splat(1.0);
            one.div(one.add(power.scale(whole)))
        }
    }
}

/// Eight floats in plain Rust, each read and written as a relaxed atomic: the path for machines without a SIMD path of
/// their own, and the one that Miri and ThreadSanitizer can follow.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; 8]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

// SAFETY: uses no instruction beyond the target's baseline; all access to memory is atomic.
unsafe impl Lanes for Portable {
    const WIDTH: usize = 8;
    const REGISTERS: usize = 16;
    const TILE: usize = 6;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller gives eight aligned floats; a float and an AtomicU32 share size and alignment.
        Self(std::array::from_fn(|i| unsafe { crate::model::load_relaxed(from.add(i)) }))
    }
    #[inline(always)]
    unsafe fn load_unaligned(from: *const f32) -> Self {
        unsafe { Self(from.cast::<[f32; 8]>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        for (i, value) in self.0.into_iter().enumerate() {
            // SAFETY: as for `load`.
            unsafe { crate::model::store_relaxed(to.add(i), value) }
        }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        self.zip(other, f32::min)
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, f32::max)
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * factor.0[i] + addend.0[i]))
    }
    #[inline(always)]
    unsafe fn round(self) -> Self {
        Self(self.0.map(f32::round_ties_even))
    }
    #[inline(always)]
    unsafe fn scale(self, exponent: Self) -> Self {
        self.zip(exponent, |a, e| a * f32::from_bits(((e as i32 + 127) as u32) << 23))
    }
    #[inline(always)]
    unsafe fn sum_each(from: *const f32) -> Self {
        // SAFETY: the caller gives WIDTH registers.
        Self(std::array::from_fn(|i| unsafe { Self::load(from.add(i * Self::WIDTH)).0.iter().sum() }))
    }
}
