//! The most multiply-adds that one core can do.

use super::buffer::AlignedBuffer;
use super::dispatch::dispatched;
use super::isa::Isa;
use super::lanes::Lanes;

/// Keeps the multiply-add units of one core as busy as possible, and returns the number of floating-point operations
/// done: time it to learn the machine's peak. Returns 0 if `isa` is not available.
pub fn fma_peak(isa: Isa, rounds: u64) -> u64 {
    // SAFETY: available.
    if isa.is_available() { unsafe { run_chains(isa, rounds) } } else { 0 }
}

dispatched! {
    /// # Safety
    /// `isa` is available.
    fn run_chains(rounds: u64) -> u64 = chains
}

/// Runs as many independent chains of multiply-adds as hide their latency, for `rounds` steps each. Returns the number
/// of floating-point operations.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn chains<L: Lanes>(rounds: u64) -> u64 {
    const CHAINS: usize = 12;
    // SAFETY: only registers, and one store to a buffer that fits every width.
    unsafe {
        let (factor, addend) = (L::splat(std::hint::black_box(0.999)), L::splat(std::hint::black_box(0.5)));
        // Each chain starts from another value that the compiler does not know. Otherwise it would compute one for all.
        let mut sums = [L::splat(0.0); CHAINS];
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = L::splat(std::hint::black_box(i as f32));
        }
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = sum.mul_add(factor, addend);
            }
        }
        let mut sink = AlignedBuffer::default();
        let sink = sink.at_least(CHAINS * L::WIDTH);
        for (i, sum) in sums.into_iter().enumerate() {
            sum.store(sink.add(i * L::WIDTH));
        }
        std::hint::black_box(sink);
    }
    rounds * (2 * CHAINS * L::WIDTH) as u64
}
