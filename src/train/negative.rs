//! Negative sampling: the targets of a centre are itself, labelled 1, and noise words, labelled 0.

use super::Shared;
use super::rows::SharedRows;
use super::targets::{CENTRES, Targets};
use super::worker::Draws;

/// Draws of noise that are made at a time: many in a row overlap their cache misses.
const DRAWN_TOGETHER: usize = 32;

/// Blocks between asking for a row and using it. Any of 1, 2 and 4 centres trained as fast on one core.
const FETCHED_AHEAD: usize = 1;

/// Slots of the ring: more than are fetched and not yet used.
const SLOTS: usize = 2;

/// Draws the targets of each block of a run of centres, and fetches their rows ahead of use.
pub(crate) struct NegativeSampling<'a> {
    shared: &'a Shared<'a>,
    output: SharedRows<'a>,
    /// Noise of the next blocks, `negative` words each.
    noise: Vec<u32>,
    /// How much of `noise` was used.
    used: usize,
    /// The fetched targets of a few blocks.
    ring: [Targets; SLOTS],
}

impl<'a> NegativeSampling<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>, output: &'a crate::model::Matrix) -> Self {
        Self {
            shared,
            output: SharedRows::new(output, shared),
            noise: vec![],
            used: 0,
            ring: std::array::from_fn(|_| Targets::default()),
        }
    }

    /// Begins a batch: noise left over from another must not reach into this one.
    pub(crate) fn start_batch(&mut self) {
        self.used = self.noise.len();
    }

    /// Begins a run of centres.
    pub(crate) fn start(&mut self, centres: &[u32], draws: &mut Draws) {
        for block in 0..FETCHED_AHEAD {
            self.fetch(block, centres, draws);
        }
    }

    /// The targets of a block, which comes one after the last.
    #[inline(always)]
    pub(crate) fn targets(&mut self, block: usize, centres: &[u32], draws: &mut Draws) -> (&Targets, &[*mut f32]) {
        let is_last = (block + FETCHED_AHEAD) * CENTRES >= centres.len();
        self.fetch(block + FETCHED_AHEAD, centres, draws);
        let next = if is_last { &[][..] } else { &self.ring[(block + FETCHED_AHEAD) % SLOTS].rows };
        (&self.ring[block % SLOTS], next)
    }

    /// Takes the noise of a block and asks the cache for its rows.
    #[inline(always)]
    fn fetch(&mut self, block: usize, centres: &[u32], draws: &mut Draws) {
        let start = block * CENTRES;
        if start >= centres.len() {
            return;
        }
        let negative = self.shared.config.negative;
        if self.used == self.noise.len() {
            self.draw(draws);
        }
        let noise = &self.noise[self.used..self.used + negative];
        self.used += negative;
        let centres = &centres[start..(start + CENTRES).min(centres.len())];
        self.ring[block % SLOTS].set(centres, noise, &mut self.output);
    }

    /// Draws noise for the next blocks.
    fn draw(&mut self, draws: &mut Draws) {
        // A copy of its own lets the generator live in registers.
        let mut rng = draws.clone();
        self.noise.resize(DRAWN_TOGETHER * self.shared.config.negative, 0);
        self.noise.iter_mut().for_each(|word| *word = self.shared.noise.draw(&mut rng));
        self.used = 0;
        *draws = rng;
    }
}
