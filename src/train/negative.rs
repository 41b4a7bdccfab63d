//! Negative sampling: the targets of a centre are itself, labelled 1, and noise words, labelled 0.

use super::Shared;
use super::rows::SharedRows;
use super::targets::Targets;
use super::worker::Draws;
use crate::model::Matrix;
use crate::vocab::NoiseDistribution;

/// Draws of noise that are made at a time: many in a row overlap their cache misses.
const DRAWN_TOGETHER: usize = 32;

/// Draws the targets of each block, one block ahead of use.
pub(crate) struct NegativeSampling<'a> {
    distribution: &'a NoiseDistribution,
    output: SharedRows<'a>,
    negative: usize,
    /// Centres in a block.
    centres: usize,
    /// Noise of the next blocks, `negative` words each.
    noise: Vec<u32>,
    /// How much of `noise` was used.
    used: usize,
    current: Targets,
    next: Targets,
}

impl<'a> NegativeSampling<'a> {
    pub(crate) fn new(distribution: &'a NoiseDistribution, output: &'a Matrix, shared: &Shared<'_>) -> Self {
        Self {
            distribution,
            output: SharedRows::new(output, shared),
            negative: shared.config.negative,
            centres: shared.centres_per_block(),
            noise: Vec::new(),
            used: 0,
            current: Targets::default(),
            next: Targets::default(),
        }
    }

    /// Begins a batch, of which these are the first centres: noise left over from another must not reach into it.
    pub(crate) fn start_batch(&mut self, centres: &[u32], draws: &mut Draws) {
        self.used = self.noise.len();
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
        if self.used == self.noise.len() {
            self.draw_noise(draws);
        }
        let noise = &self.noise[self.used..self.used + self.negative];
        self.used += self.negative;
        self.next.set(&centres[..self.centres.min(centres.len())], noise, &mut self.output);
    }

    fn draw_noise(&mut self, draws: &mut Draws) {
        // A copy of its own lets the generator live in registers.
        let mut rng = draws.clone();
        self.noise.resize(DRAWN_TOGETHER * self.negative, 0);
        self.noise.iter_mut().for_each(|word| *word = self.distribution.draw(&mut rng));
        self.used = 0;
        *draws = rng;
    }
}
