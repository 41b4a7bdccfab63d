//! One worker: sentences in, updates out.

use std::ops::Range;

use arrow::array::AsArray;
use arrow::datatypes::UInt32Type;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Shared;
use super::cbow::Cbow;
use super::objectives::Objectives;
use super::rows::{RunRows, SharedRows};
use super::skipgram::SkipGram;
use crate::config::Config;
use crate::encode::EncodedBatch;
use crate::error::Result;
use crate::vocab::KeepThresholds;

/// The random numbers of a batch.
pub(crate) type Draws = Xoshiro256PlusPlus;

/// What a worker owns: nothing here is seen by another.
pub(crate) struct Worker<'a> {
    shared: &'a Shared<'a>,
    input: SharedRows<'a>,
    objectives: Objectives<'a>,
    family: Family<'a>,
    /// The tokens of a sentence that subsampling kept.
    sentence: Vec<u32>,
    /// The input rows of a run of them.
    rows: RunRows,
}

enum Family<'a> {
    SkipGram(SkipGram<'a>),
    Cbow(Cbow<'a>),
}

/// A few neighbouring centres of a sentence, which are trained together.
pub(crate) struct Neighbours<'b> {
    pub(crate) sentence: &'b [u32],
    /// The input rows of all words in their windows.
    pub(crate) rows: &'b RunRows,
    pub(crate) centres: Range<usize>,
    /// Where the run of centres ends that they are of.
    end: usize,
}

impl Neighbours<'_> {
    /// The centre after the one at `at`, if the run has one.
    #[inline(always)]
    pub(crate) fn after(&self, at: usize) -> Option<u32> {
        self.sentence[..self.end].get(at + 1).copied()
    }

    /// The centres of the run that follow.
    #[inline(always)]
    pub(crate) fn rest(&self) -> &[u32] {
        &self.sentence[self.centres.end..self.end]
    }
}

/// What a worker has added up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    /// In-vocabulary tokens read.
    pub(crate) tokens: u64,
    /// Tokens that subsampling kept.
    pub(crate) kept: u64,
    pub(crate) loss: f64,
    /// Examples trained: pairs of a centre and a context word, or in CBOW centres.
    pub(crate) examples: u64,
}

/// Tokens between two looks at the schedule.
const TOKENS_PER_RATE: usize = 1_000;

impl<'a> Worker<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        let family = match shared.config.sg {
            true => Family::SkipGram(SkipGram::new(shared)),
            false => Family::Cbow(Cbow::new(shared)),
        };
        Self {
            shared,
            input: SharedRows::new(&shared.weights.input, shared),
            objectives: Objectives::new(shared),
            family,
            sentence: Vec::new(),
            rows: RunRows::default(),
        }
    }

    /// What it has added up so far.
    pub(crate) fn sums(&self) -> Sums {
        self.objectives.sums
    }

    /// Trains every sentence of a batch.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted) if the user asked to stop.
    pub(crate) fn train_batch(&mut self, batch: &EncodedBatch, epoch: usize) -> Result<()> {
        self.objectives.start_batch();
        let mut draws = draws_for(self.shared.config.seed, epoch, batch.number);
        let values = batch.lists.values().as_primitive::<UInt32Type>().values();
        let mut rate = self.shared.schedule.rate_for(0)?;
        let mut tokens = 0;
        for bounds in batch.lists.offsets().windows(2) {
            let ids = &values[bounds[0] as usize..bounds[1] as usize];
            subsample(ids, &self.shared.keep, &mut self.sentence, &mut draws);
            self.objectives.sums.kept += self.sentence.len() as u64;
            // A long sentence is trained piece by piece, so that the rate falls within it and a user can stop it.
            let pieces = ids.len().div_ceil(TOKENS_PER_RATE);
            for piece in 0..pieces {
                let part_of = |length: usize| length * piece / pieces..length * (piece + 1) / pieces;
                tokens += part_of(ids.len()).len();
                if tokens >= TOKENS_PER_RATE {
                    rate = self.shared.schedule.rate_for(tokens as u64)?;
                    tokens = 0;
                }
                self.train_run(part_of(self.sentence.len()), rate, &mut draws);
            }
        }
        self.shared.schedule.rate_for(tokens as u64)?;
        self.objectives.sums.tokens += values.len() as u64;
        Ok(())
    }

    /// Trains a run of centres of the sentence, a few neighbours at a time.
    fn train_run(&mut self, centres: Range<usize>, rate: f32, draws: &mut Draws) {
        if self.sentence.len() < 2 || centres.is_empty() {
            return;
        }
        let window = self.shared.config.window;
        self.rows.set(&self.sentence, centres.clone(), window, &mut self.input);
        self.objectives.start_run(&self.sentence[centres.clone()], draws);
        let together = self.shared.centres_per_block();
        for first in centres.clone().step_by(together) {
            let last = (first + together).min(centres.end);
            let block =
                Neighbours { sentence: &self.sentence, rows: &self.rows, centres: first..last, end: centres.end };
            self.objectives.start_block(self.rows.get_some(last + window, together));
            match &mut self.family {
                Family::SkipGram(family) => family.train(&block, &mut self.objectives, rate, draws),
                Family::Cbow(family) => family.train(&block, &mut self.objectives, rate, draws),
            }
        }
    }
}

/// Keeps each token with its word's probability.
fn subsample(ids: &[u32], keep: &KeepThresholds, sentence: &mut Vec<u32>, draws: &mut Draws) {
    sentence.resize(sentence.len().max(ids.len()), 0);
    let mut rng = draws.clone();
    let mut kept = 0;
    for &id in ids {
        // Every token is written, and overwritten by the next if it is dropped: whether it is cannot be predicted.
        sentence[kept] = id;
        kept += usize::from(rng.next_u32() <= keep.of(id));
    }
    *draws = rng;
    sentence.truncate(kept);
}

/// The draws of a batch follow from the seed, the epoch and the batch's number, never from the thread.
fn draws_for(seed: u64, epoch: usize, batch: usize) -> Draws {
    let mut mixed = seed;
    for part in [epoch as u64, batch as u64] {
        mixed = (mixed ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        mixed ^= mixed >> 32;
    }
    Draws::seed_from_u64(mixed)
}

/// The window of the centre at `at`: the positions of its context words, the centre's own among them.
#[inline(always)]
pub(crate) fn window(at: usize, len: usize, config: &Config, draws: &mut Draws) -> Range<usize> {
    let widest = config.window;
    let width = match config.shrink_windows {
        true => 1 + ((u64::from(draws.next_u32()) * widest as u64) >> 32) as usize,
        false => widest,
    };
    at.saturating_sub(width)..(at + width + 1).min(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 200_000;

    /// Pearson's χ² of counts against what was expected.
    fn chi_square(seen: &[f64], expected: &[f64]) -> f64 {
        seen.iter().zip(expected).map(|(s, e)| (s - e).powi(2) / e).sum()
    }

    #[test]
    fn windows_are_as_often_of_each_width() {
        let config = Config { window: 8, ..Config::default() };
        let mut draws = draws_for(1, 2, 3);
        let mut seen = [0.0; 8];
        for _ in 0..DRAWS {
            let window = window(50, 100, &config, &mut draws);
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
        let widths = [0, 2, 9].map(|at| window(at, 10, &config, &mut draws_for(1, 2, 3)));
        assert_eq!(widths, [0..4, 0..6, 6..10]);
    }

    #[test]
    fn tokens_are_kept_with_their_words_probability() {
        let counts = [60_000_000, 3_000_000, 200_000, 50_000, 1_000];
        let keep = KeepThresholds::new(&counts, 1e-3);
        let total: u64 = counts.iter().sum();
        let mut draws = draws_for(1, 2, 3);
        let mut sentence = Vec::new();
        let (mut seen, mut expected) = (Vec::new(), Vec::new());
        for (word, &count) in counts.iter().enumerate() {
            subsample(&vec![word as u32; DRAWS], &keep, &mut sentence, &mut draws);
            let ratio = 1e-3 * total as f64 / count as f64;
            let probability = (ratio.sqrt() + ratio).min(1.0);
            if probability == 1.0 {
                assert_eq!(sentence.len(), DRAWS);
                continue;
            }
            let kept = sentence.len() as f64;
            seen.extend([kept, DRAWS as f64 - kept]);
            expected.extend([probability * DRAWS as f64, (1.0 - probability) * DRAWS as f64]);
        }
        // The 99.9 % quantile of 3 degrees of freedom: three words are frequent enough to be thinned.
        assert_eq!(seen.len(), 6);
        let chi = chi_square(&seen, &expected);
        assert!(chi < 16.3, "χ²(3) = {chi}: {seen:?} for {expected:?}");
    }
}
