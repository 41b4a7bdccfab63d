//! The random numbers of a batch.

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Draws everything random in the training of one batch.
pub(crate) type BatchRng = Xoshiro256PlusPlus;

/// The random numbers of a batch depend on the seed, the epoch and the number of the batch, never on the thread.
pub(crate) fn batch_rng(seed: u64, epoch: usize, batch: usize) -> BatchRng {
    let mut mixed = seed;
    for part in [epoch as u64, batch as u64] {
        mixed = (mixed ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        mixed ^= mixed >> 32;
    }
    BatchRng::seed_from_u64(mixed)
}

#[cfg(test)]
pub(crate) mod tests {
    /// Draws of a test that compares frequencies with probabilities.
    pub(crate) const DRAWS: usize = 200_000;

    /// Pearson's χ² of counts against the expected counts.
    pub(crate) fn chi_square(seen: &[f64], expected: &[f64]) -> f64 {
        seen.iter().zip(expected).map(|(s, e)| (s - e).powi(2) / e).sum()
    }
}
