//! What the kernel needs of a vector register, and a portable stand-in for one.

/// A register of `f32` lanes. The kernel is written once over this trait; each instruction set implements it.
///
/// # Safety
/// Every method may use the instruction set of its implementation: call it only where that set is present. Loads and
/// stores take pointers to at least [`WIDTH`](Lanes::WIDTH) floats, aligned to the register's size. The floats may be
/// written by other threads meanwhile (see [`Matrix`](crate::kernel::Matrix)).
pub(super) unsafe trait Lanes: Copy {
    /// Lanes in a register.
    const WIDTH: usize;
    /// Registers there are.
    const REGISTERS: usize;
    /// Targets whose dot products with an input are accumulated in registers at once.
    const TILE: usize;
    /// Rows whose updates are held in registers at once.
    const HELD: usize;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// As [`load`](Lanes::load), of floats that are aligned as such only and that no other thread writes.
    unsafe fn load_unaligned(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    /// `self` in the lanes where |`of`| < `limit`, 0 in the others.
    unsafe fn where_within(self, of: Self, limit: Self) -> Self;
    /// `self · factor + addend`, rounded once where the hardware can.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// `addend − self · factor`, rounded as [`mul_add`](Lanes::mul_add).
    unsafe fn neg_mul_add(self, factor: Self, addend: Self) -> Self;
    /// `self · 2^w`, where `shifted` is w + 1.5 · 2²³ for a whole w within ±64: its lowest bits are then those of w.
    unsafe fn scale(self, shifted: Self) -> Self;
    /// `1 / self` to within 2e-7 of itself, for values from 1 to 1e14.
    unsafe fn reciprocal(self) -> Self;
    /// Lane i of the result is the sum over the lanes of the i-th of `WIDTH` consecutive registers at `from`.
    unsafe fn sum_each(from: *const f32) -> Self;

    /// `1 / (1 + e^-x)` to within 2e-7 in lanes within ±6, anything in others. A block waits for it, so that few steps
    /// depend on each other.
    #[inline(always)]
    unsafe fn sigmoid(self) -> Self {
        // Added to a small number, it leaves no bits for a fraction: the sum is rounded to a whole number.
        const SHIFT: f32 = 1.5 * (1 << 23) as f32;
        // The minimax polynomial of 2^f on ±½, to within 8e-8 of itself.
        const POWER: [f32; 6] = [1.000_000_1, 0.693_146_94, 0.240_221_2, 0.055_507_13, 0.009_675_541, 0.001_327_647_2];
        unsafe {
            let factor = Self::splat(-std::f32::consts::LOG2_E);
            let shifted = self.mul_add(factor, Self::splat(SHIFT));
            let f = self.mul_add(factor, Self::splat(SHIFT).sub(shifted));
            let square = f.mul_add(f, Self::splat(0.0));
            let low = f.mul_add(Self::splat(POWER[1]), Self::splat(POWER[0]));
            let middle = f.mul_add(Self::splat(POWER[3]), Self::splat(POWER[2]));
            let high = f.mul_add(Self::splat(POWER[5]), Self::splat(POWER[4]));
            let power = high.mul_add(square, middle).mul_add(square, low);
            Self::splat(1.0).add(power.scale(shifted)).reciprocal()
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
    const HELD: usize = 6;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 8])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller gives eight aligned floats; a float and an AtomicU32 share size and alignment.
        Self(std::array::from_fn(|i| unsafe { crate::kernel::load_relaxed(from.add(i)) }))
    }
    #[inline(always)]
    unsafe fn load_unaligned(from: *const f32) -> Self {
        unsafe { Self(from.cast::<[f32; 8]>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        for (i, value) in self.0.into_iter().enumerate() {
            // SAFETY: as for `load`.
            unsafe { crate::kernel::store_relaxed(to.add(i), value) }
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
    unsafe fn sum_each(from: *const f32) -> Self {
        // SAFETY: the caller gives WIDTH registers.
        Self(std::array::from_fn(|i| unsafe { Self::load(from.add(i * Self::WIDTH)).0.iter().sum() }))
    }
}
