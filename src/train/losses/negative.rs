//! Negative sampling: the targets of a centre are its own row with the label 1, and the rows of noise words with the
//! label 0 (Mikolov et al. 2013).

use rand_core::Rng;

use super::targets::{Noise, Targets};
use crate::train::rng::BatchRng;
use crate::train::rows::SharedRows;
use crate::train::shared::Shared;
use crate::vocab::{NoiseDistribution, WordId};

/// Blocks between drawing the random bits of a noise word and looking it up, so that the cache has its cell by then.
const BLOCKS_AHEAD: usize = 4;

/// Draws the targets of each block, one block ahead of their use.
pub(super) struct NegativeSampling<'a> {
    distribution: &'a NoiseDistribution,
    output: SharedRows<'a>,
    negative: usize,
    /// Centres in a block.
    centres: usize,
    /// Random bits for the noise words of the next blocks, a ring of `negative` for each block.
    bits: Vec<u64>,
    /// The start of the next block's bits in the ring.
    at: usize,
    noise: Noise,
    current: Targets,
    next: Targets,
}

impl<'a> NegativeSampling<'a> {
    /// Returns `None` if there is no negative sampling.
    pub(super) fn new(shared: &'a Shared<'a>) -> Option<Self> {
        let (distribution, output) = (shared.noise.as_ref()?, shared.weights.output.as_deref()?);
        let negative = shared.config.negative;
        Some(Self {
            distribution,
            output: SharedRows::words(output, shared.config.worker_threads(), shared.isa),
            negative,
            centres: shared.centres_per_block(),
            bits: vec![0; BLOCKS_AHEAD * negative],
            at: 0,
            noise: Noise::new(negative),
            current: Targets::new(negative),
            next: Targets::new(negative),
        })
    }

    /// Starts a batch. `centres` are its first centres. All random bits are drawn again, so that those of another batch
    /// are not used in this one.
    pub(super) fn start_batch(&mut self, centres: &[WordId], rng: &mut BatchRng) {
        self.bits.iter_mut().for_each(|bits| *bits = rng.next_u64());
        self.at = 0;
        self.draw_targets(centres, rng);
    }

    /// The targets of the next block, and the rows of the block after it, which starts with the first of `next_centres`.
    #[inline(always)]
    pub(super) fn targets(&mut self, next_centres: &[WordId], rng: &mut BatchRng) -> (&Targets, &[*mut f32]) {
        std::mem::swap(&mut self.current, &mut self.next);
        if next_centres.is_empty() {
            return (&self.current, &[]);
        }
        self.draw_targets(next_centres, rng);
        (&self.current, &self.next.rows)
    }

    /// The targets of one pair of words, with its own noise.
    pub(super) fn targets_of_pair(&mut self, centre: WordId, rng: &mut BatchRng) -> &Targets {
        self.draw_targets(&[centre], rng);
        &self.next
    }

    /// Draws the targets of the next block, which starts with the first of `centres`.
    #[inline(always)]
    fn draw_targets(&mut self, centres: &[WordId], rng: &mut BatchRng) {
        for (bits, word) in self.bits[self.at..self.at + self.negative].iter_mut().zip(self.noise.words_mut()) {
            *word = self.distribution.word_of(*bits);
            *bits = rng.next_u64();
            self.distribution.prefetch(*bits);
        }
        self.at += self.negative;
        if self.at == self.bits.len() {
            self.at = 0;
        }
        self.next.set(&centres[..self.centres.min(centres.len())], &self.noise, &mut self.output);
    }
}
