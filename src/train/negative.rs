//! Negative sampling: the targets of a centre are itself, labelled 1, and noise words, labelled 0.

use rand_core::Rng;

use super::Shared;
use super::rows::SharedRows;
use super::targets::{Noise, Targets};
use super::worker::Draws;
use crate::kernel::Matrix;
use crate::vocab::NoiseDistribution;

/// Blocks for which noise is drawn ahead, so that the cache has what the draws look up.
const BLOCKS_AHEAD: usize = 4;

/// Draws the targets of each block, one block ahead of use.
pub(crate) struct NegativeSampling<'a> {
    distribution: &'a NoiseDistribution,
    output: SharedRows<'a>,
    negative: usize,
    /// Centres in a block.
    centres: usize,
    /// Random bits for the noise of the next blocks, `negative` each, in a ring.
    bits: Vec<u64>,
    /// Where in it the next block's are.
    at: usize,
    noise: Noise,
    current: Targets,
    next: Targets,
}

impl<'a> NegativeSampling<'a> {
    pub(crate) fn new(distribution: &'a NoiseDistribution, output: &'a Matrix, shared: &Shared<'_>) -> Self {
        let negative = shared.config.negative;
        Self {
            distribution,
            output: SharedRows::words(output, shared),
            negative,
            centres: shared.centres_per_block(),
            bits: vec![0; BLOCKS_AHEAD * negative],
            at: 0,
            noise: Noise::new(negative),
            current: Targets::new(negative),
            next: Targets::new(negative),
        }
    }

    /// Begins a batch, of which these are the first centres: noise left over from another must not reach into it.
    pub(crate) fn start_batch(&mut self, centres: &[u32], draws: &mut Draws) {
        self.bits.iter_mut().for_each(|bits| *bits = draws.next_u64());
        self.at = 0;
        self.draw_targets(centres, draws);
    }

    /// The targets of the next block, and the rows of the one after it, which begins with the first of the centres
    /// `following`.
    #[inline(always)]
    pub(crate) fn targets(&mut self, following: &[u32], draws: &mut Draws) -> (&Targets, &[*mut f32]) {
        std::mem::swap(&mut self.current, &mut self.next);
        if following.is_empty() {
            return (&self.current, &[]);
        }
        self.draw_targets(following, draws);
        (&self.current, &self.next.rows)
    }

    /// The targets of one pair of words, with noise of its own.
    pub(crate) fn targets_of_pair(&mut self, centre: u32, draws: &mut Draws) -> &Targets {
        self.draw_targets(&[centre], draws);
        &self.next
    }

    /// Draws the next block's targets, of which the centres are the first of these.
    #[inline(always)]
    fn draw_targets(&mut self, centres: &[u32], draws: &mut Draws) {
        for (bits, word) in self.bits[self.at..self.at + self.negative].iter_mut().zip(self.noise.words_mut()) {
            *word = self.distribution.row_of(*bits);
            *bits = draws.next_u64();
            self.distribution.prefetch(*bits);
        }
        self.at += self.negative;
        if self.at == self.bits.len() {
            self.at = 0;
        }
        self.next.set(&centres[..self.centres.min(centres.len())], &self.noise, &mut self.output);
    }
}
