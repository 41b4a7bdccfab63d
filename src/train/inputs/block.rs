//! A block of centres and their windows.

use std::ops::Range;

use rand_core::Rng;

use crate::config::Config;
use crate::train::batches::SubsampledBatch;
use crate::train::rng::BatchRng;
use crate::train::rows::BatchRows;
use crate::vocab::WordId;

/// Neighbouring centres of a sentence that are trained together.
pub(crate) struct CentreBlock<'b> {
    /// The batch. All positions are indices into its tokens.
    pub(crate) batch: &'b SubsampledBatch,
    /// The input rows of the batch's tokens, acquired as far as this block and the next need them.
    pub(crate) rows: &'b BatchRows,
    /// The positions of the sentence.
    pub(crate) sentence: Range<usize>,
    /// The positions of the centres.
    pub(crate) centres: Range<usize>,
    /// The centres that are trained after this block; empty after the last block of a batch.
    pub(crate) next_centres: &'b [WordId],
    /// Input rows that the next block needs and this one does not, to be prefetched.
    pub(crate) prefetch_inputs: &'b [*mut f32],
}

impl<'b> CentreBlock<'b> {
    /// Input rows to prefetch while the centre at `at` is trained by itself.
    #[inline(always)]
    pub(super) fn prefetch_inputs_at(&self, at: usize) -> &'b [*mut f32] {
        if at + 1 == self.centres.end { self.prefetch_inputs } else { &[] }
    }

    /// The window of the centre at `at`: the positions of its context words, and its own.
    #[inline(always)]
    pub(super) fn window(&self, at: usize, config: &Config, rng: &mut BatchRng) -> Range<usize> {
        window(at, &self.sentence, config, rng)
    }
}

#[inline(always)]
fn window(at: usize, sentence: &Range<usize>, config: &Config, rng: &mut BatchRng) -> Range<usize> {
    let widest = config.window;
    let width = match config.shrink_windows {
        true => 1 + ((u64::from(rng.next_u32()) * widest as u64) >> 32) as usize,
        false => widest,
    };
    at.saturating_sub(width).max(sentence.start)..(at + width + 1).min(sentence.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::rng::batch_rng;
    use crate::train::rng::tests::{DRAWS, chi_square};

    #[test]
    fn windows_of_every_width_are_equally_frequent() {
        let config = Config { window: 8, ..Config::default() };
        let mut rng = batch_rng(1, 2, 3);
        let mut seen = [0.0; 8];
        for _ in 0..DRAWS {
            let window = window(50, &(0..100), &config, &mut rng);
            assert_eq!(50 - window.start, window.end - 51);
            seen[50 - window.start - 1] += 1.0;
        }
        // The 99.9 % quantile of 7 degrees of freedom.
        let chi = chi_square(&seen, &[DRAWS as f64 / 8.0; 8]);
        assert!(chi < 24.3, "χ²(7) = {chi}: {seen:?}");
    }

    #[test]
    fn windows_end_with_the_sentence_and_may_be_full() {
        let config = Config { window: 3, shrink_windows: false, ..Config::default() };
        let widths = [0, 2, 9].map(|at| window(at + 5, &(5..15), &config, &mut batch_rng(1, 2, 3)));
        assert_eq!(widths, [5..9, 5..11, 11..15]);
    }
}
