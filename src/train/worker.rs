//! One worker: sentences in, updates out.

use std::ops::Range;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Shared;
use super::cbow::Cbow;
use super::objectives::Objectives;
use super::rows::{SharedRows, TextRows};
use super::skipgram::SkipGram;
use super::text::{Run, TOKENS_PER_RUN, Text};
use crate::config::Config;
use crate::encode::EncodedBatch;
use crate::error::Result;

/// The random numbers of a batch.
pub(crate) type Draws = Xoshiro256PlusPlus;

/// What a worker owns: nothing here is seen by another.
pub(crate) struct Worker<'a> {
    shared: &'a Shared<'a>,
    input: SharedRows<'a>,
    objectives: Objectives<'a>,
    family: Family<'a>,
    text: Text,
    rows: TextRows,
}

enum Family<'a> {
    SkipGram(SkipGram<'a>),
    Cbow(Cbow<'a>),
}

/// A few neighbouring centres of a sentence, which are trained together.
pub(crate) struct Neighbours<'b> {
    /// The batch, to which all positions refer.
    pub(crate) text: &'b Text,
    /// The input rows of its tokens, as far as they are needed.
    pub(crate) rows: &'b TextRows,
    pub(crate) sentence: Range<usize>,
    pub(crate) centres: Range<usize>,
    /// Centres that are trained after them, if any are.
    pub(crate) following: &'b [u32],
    /// Input rows that these will need besides.
    pub(crate) entering: &'b [*mut f32],
}

impl<'b> Neighbours<'b> {
    /// Input rows that will be needed besides once the centre at `at` was trained.
    #[inline(always)]
    pub(crate) fn entering_after(&self, at: usize) -> &'b [*mut f32] {
        if at + 1 == self.centres.end { self.entering } else { &[] }
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

impl<'a> Worker<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        let family = match shared.config.sg {
            true => Family::SkipGram(SkipGram::new(shared)),
            false => Family::Cbow(Cbow::new(shared)),
        };
        Self {
            shared,
            input: SharedRows::words(&shared.weights.input, shared),
            objectives: Objectives::new(shared),
            family,
            // Two words of a block may be the ends of two windows.
            text: Text::new(2 * shared.config.window + shared.centres_per_block()),
            rows: TextRows::default(),
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
        let mut draws = draws_for(self.shared.config.seed, epoch, batch.number);
        self.text.set(batch, &self.shared.keep, &mut draws);
        self.rows.clear();
        self.take_up(0);
        self.objectives.start_batch(self.text.centres(0), &mut draws);
        let mut rate = self.shared.schedule.rate_for(0)?;
        let mut read = 0;
        for run in 0..self.text.runs.len() {
            read += self.text.runs[run].read;
            if read >= TOKENS_PER_RUN {
                rate = self.shared.schedule.rate_for(read as u64)?;
                read = 0;
            }
            self.train_run(run, rate, &mut draws);
        }
        self.shared.schedule.rate_for((read + self.text.unused) as u64)?;
        let sums = &mut self.objectives.sums;
        sums.tokens += batch.lists.values().len() as u64;
        sums.kept += self.text.kept;
        Ok(())
    }

    /// Takes up the input rows that a run needs, and those of the block after it.
    fn take_up(&mut self, run: usize) {
        if let Some(run) = self.text.runs.get(run) {
            let to = run.centres.end + self.shared.config.window + self.shared.centres_per_block();
            self.rows.take_up(&self.text.tokens, to, &mut self.input);
        }
    }

    /// Trains a run of centres, a few neighbours at a time.
    fn train_run(&mut self, run: usize, rate: f32, draws: &mut Draws) {
        self.take_up(run + 1);
        let (text, next_centres) = (&self.text, self.text.centres(run + 1));
        let Run { sentence, centres, .. } = &text.runs[run];
        let (window, together) = (self.shared.config.window, self.shared.centres_per_block());
        for first in centres.clone().step_by(together) {
            let end = (first + together).min(centres.end);
            let block = Neighbours {
                text,
                rows: &self.rows,
                sentence: sentence.clone(),
                centres: first..end,
                following: if end == centres.end { next_centres } else { &text.tokens[end..centres.end] },
                entering: self.rows.get_some(end + window..end + window + together),
            };
            match &mut self.family {
                Family::SkipGram(family) => family.train(&block, &mut self.objectives, rate, draws),
                Family::Cbow(family) => family.train(&block, &mut self.objectives, rate, draws),
            }
        }
    }
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
pub(crate) fn window(at: usize, sentence: &Range<usize>, config: &Config, draws: &mut Draws) -> Range<usize> {
    let widest = config.window;
    let width = match config.shrink_windows {
        true => 1 + ((u64::from(draws.next_u32()) * widest as u64) >> 32) as usize,
        false => widest,
    };
    at.saturating_sub(width).max(sentence.start)..(at + width + 1).min(sentence.end)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const DRAWS: usize = 200_000;

    /// Pearson's χ² of counts against what was expected.
    pub(crate) fn chi_square(seen: &[f64], expected: &[f64]) -> f64 {
        seen.iter().zip(expected).map(|(s, e)| (s - e).powi(2) / e).sum()
    }

    #[test]
    fn windows_are_as_often_of_each_width() {
        let config = Config { window: 8, ..Config::default() };
        let mut draws = draws_for(1, 2, 3);
        let mut seen = [0.0; 8];
        for _ in 0..DRAWS {
            let window = window(50, &(0..100), &config, &mut draws);
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
        let widths = [0, 2, 9].map(|at| window(at + 5, &(5..15), &config, &mut draws_for(1, 2, 3)));
        assert_eq!(widths, [5..9, 5..11, 11..15]);
    }
}
