//! The noise distribution of negative sampling.

use std::hint::select_unpredictable;

use crate::kernel::prefetch;
use crate::vocab::keys::WordId;

/// Draws rows in proportion to their weight in constant time (Walker 1977, built as in Vose 1991).
#[derive(Debug, Clone)]
pub(crate) struct NoiseDistribution {
    cells: Vec<Cell>,
}

/// One cell of equal probability, split between two rows.
#[derive(Debug, Clone, Copy)]
struct Cell {
    /// The cell's own row is drawn below this threshold out of 2^32 …
    threshold: u32,
    /// … and this one at or above it.
    alias: u32,
}

impl NoiseDistribution {
    /// Builds the table for rows in proportion to `count^exponent` (Mikolov et al. 2013: 0.75).
    pub(crate) fn new(counts: &[u64], exponent: f64) -> Self {
        // Counts are scaled by the greatest, so that no power overflows with any exponent.
        let logs: Vec<f64> = counts.iter().map(|&c| exponent * (c.max(1) as f64).ln()).collect();
        let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logs.iter().map(|log| (log - greatest).exp()).collect();
        Self { cells: alias_cells(&weights) }
    }

    /// The word that random bits draw.
    #[inline(always)]
    pub(crate) fn word_of(&self, bits: u64) -> WordId {
        let own = self.cell_of(bits);
        let cell = self.cells[own];
        // The side of the cell cannot be predicted, so this is not a branch.
        select_unpredictable((bits as u32) < cell.threshold, own as u32, cell.alias)
    }

    /// Prefetches the cell that [`word_of`](Self::word_of) will look up.
    #[inline(always)]
    pub(crate) fn prefetch(&self, bits: u64) {
        prefetch(&raw const self.cells[self.cell_of(bits)]);
    }

    /// The high half of the bits picks a cell (multiply-shift; its bias is below 2^-32 · rows), the low half a side.
    #[inline(always)]
    fn cell_of(&self, bits: u64) -> usize {
        (((bits >> 32) * self.cells.len() as u64) >> 32) as usize
    }
}

fn alias_cells(weights: &[f64]) -> Vec<Cell> {
    let scale = weights.len() as f64 / weights.iter().sum::<f64>();
    let mut share: Vec<f64> = weights.iter().map(|w| w * scale).collect();
    let mut cells: Vec<Cell> = (0..weights.len() as u32).map(|row| Cell { threshold: u32::MAX, alias: row }).collect();
    let (mut poor, mut rich): (Vec<u32>, Vec<u32>) =
        (0..weights.len() as u32).partition(|&row| share[row as usize] < 1.0);
    while let (Some(low), Some(&high)) = (poor.pop(), rich.last()) {
        cells[low as usize] = Cell { threshold: (share[low as usize] * 2f64.powi(32)) as u32, alias: high };
        share[high as usize] -= 1.0 - share[low as usize];
        if share[high as usize] < 1.0 {
            rich.pop();
            poor.push(high);
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    /// Pearson's χ² of draws against the distribution, to be compared with its 99.9 % quantile.
    fn chi_square(counts: &[u64], exponent: f64, draws: usize) -> f64 {
        let noise = NoiseDistribution::new(counts, exponent);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        let mut seen = vec![0u64; counts.len()];
        (0..draws).for_each(|_| seen[noise.word_of(rng.next_u64()) as usize] += 1);
        let weights: Vec<f64> = counts.iter().map(|&c| (c as f64).powf(exponent)).collect();
        let total: f64 = weights.iter().sum();
        weights
            .iter()
            .zip(seen)
            .map(|(w, s)| (s as f64 - w / total * draws as f64).powi(2) / (w / total * draws as f64))
            .sum()
    }

    #[test]
    fn draws_follow_the_counts_to_the_power_of_the_exponent() {
        let counts: Vec<u64> = (1..=50).map(|i| 100_000 / i).collect();
        for exponent in [0.75, 1.0, 0.0, -0.5] {
            let chi = chi_square(&counts, exponent, 1_000_000);
            assert!(chi < 85.4, "χ²(49) = {chi} at exponent {exponent}");
        }
    }

    #[test]
    fn one_word_is_always_drawn() {
        assert_eq!(chi_square(&[3], 0.75, 1000), 0.0);
    }
}
