//! What the kernel needs of a vector register.

/// A register of `f32` lanes. The kernel is written once over this trait; each instruction set implements it.
///
/// # Safety
/// Every method may use the instruction set of its implementation: call it only where that set is present. Loads and
/// stores take pointers to at least [`WIDTH`](Lanes::WIDTH) floats, aligned to the register's size. The floats may be
/// written by other threads meanwhile (see [`Matrix`](super::Matrix)).
pub(super) unsafe trait Lanes: Copy {
    /// Lanes in a register.
    const WIDTH: usize;
    /// Registers of the machine.
    const REGISTERS: usize;
    /// Targets whose dot products with an input are accumulated in registers at the same time.
    const TILE: usize;
    /// Rows whose updates are held in registers at the same time.
    const HELD: usize;

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// As [`load`](Lanes::load), for floats with the alignment of a float that no other thread writes.
    unsafe fn load_unaligned(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// As [`store`](Lanes::store), for floats with the alignment of a float that no other thread reads.
    unsafe fn store_unaligned(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    /// `self` in the lanes where |`of`| < `limit`, 0 in the others.
    unsafe fn where_within(self, of: Self, limit: Self) -> Self;
    /// A bit for each lane, the first lane's lowest: 1 where `self` > `limit`.
    unsafe fn above(self, limit: Self) -> u32;
    /// `self · factor + addend`, rounded once where the hardware can.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// `addend − self · factor`, rounded like [`mul_add`](Lanes::mul_add).
    unsafe fn neg_mul_add(self, factor: Self, addend: Self) -> Self;
    /// `self · 2^w`, where `shifted` is w + 1.5 · 2²³ for an integer w within ±64: its lowest bits are then those of w.
    unsafe fn scale(self, shifted: Self) -> Self;
    /// `1 / self` with a relative error below 2e-7, for values from 1 to 1e14.
    unsafe fn reciprocal(self) -> Self;
    /// The sum over the lanes.
    unsafe fn sum(self) -> f32;
    /// Lane i of the result is the sum over the lanes of the i-th of `WIDTH` consecutive registers at `from`.
    unsafe fn sum_each(from: *const f32) -> Self;

    /// `1 / (1 + e^-x)` with an error below 2e-7 in lanes within ±6, and any value in other lanes. A block waits for it,
    /// so few of its steps depend on each other.
    #[inline(always)]
    unsafe fn sigmoid(self) -> Self {
        // Added to a small number, it leaves no bits for a fraction: the sum is rounded to an integer.
        const SHIFT: f32 = 1.5 * (1 << 23) as f32;
        // The minimax polynomial of 2^f on ±½, with a relative error below 8e-8.
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
