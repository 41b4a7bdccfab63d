//! How a training went: its learning rate and its loss over time.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::progress::{Phase, Progress};

/// The numbers of a training at one time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Since the training began.
    pub seconds: f64,
    /// In-vocabulary tokens trained, over all epochs.
    pub words: u64,
    /// The learning rate.
    pub rate: f64,
    /// The mean loss of the examples since the moment before; none if the loss is not added up.
    pub loss: Option<f64>,
}

/// The numbers of a training as it goes on. However long it takes, only some hundreds of moments are kept.
#[derive(Debug, Clone, Default)]
pub struct History {
    start: Option<Instant>,
    samples: Vec<Sample>,
    /// Less time between two samples is too little.
    step: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    time: Duration,
    words: u64,
    rate: f32,
    loss: f64,
    examples: u64,
}

/// When there are so many, every other one is dropped.
const MOST_SAMPLES: usize = 400;
/// The time between the first samples.
const FIRST_STEP: Duration = Duration::from_millis(20);

impl History {
    /// Takes the numbers of now, if the job is training and the last ones are some time ago.
    pub fn observe(&mut self, progress: &Progress) {
        self.take(progress, false);
    }

    /// Takes the numbers of now, at the end of an epoch.
    pub fn observe_end(&mut self, progress: &Progress) {
        self.take(progress, true);
    }

    fn take(&mut self, progress: &Progress, is_end: bool) {
        if progress.phase() != Phase::Training || progress.tokens() == 0 {
            return;
        }
        let time = self.start.get_or_insert_with(Instant::now).elapsed();
        let is_due = self.samples.last().is_none_or(|last| time - last.time >= self.step.max(FIRST_STEP));
        if !is_due && !is_end {
            return;
        }
        let (loss, examples) = progress.loss();
        self.samples.push(Sample { time, words: progress.tokens(), rate: progress.learning_rate(), loss, examples });
        if self.samples.len() >= MOST_SAMPLES {
            let mut number = 0;
            // The last one stays.
            self.samples.retain(|_| (number += 1, number % 2 == 0).1);
            self.step = 2 * self.step.max(FIRST_STEP);
        }
    }

    /// The moments, the first one first.
    pub fn moments(&self) -> Vec<Moment> {
        let mut before = (0.0, 0);
        let moment = |sample: &Sample| {
            let examples = sample.examples.saturating_sub(before.1);
            let loss = (examples > 0).then(|| (sample.loss - before.0) / examples as f64);
            if examples > 0 {
                before = (sample.loss, sample.examples);
            }
            // The shortest decimal of a single-precision float.
            let rate = sample.rate.to_string().parse().unwrap_or_default();
            Moment { seconds: sample.time.as_secs_f64(), words: sample.words, rate, loss }
        };
        self.samples.iter().map(moment).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_training_keeps_few_moments_whose_losses_are_means() {
        let (mut history, progress) = (History::default(), Progress::default());
        history.observe_end(&progress);
        progress.enter(Phase::Training, 10_000);
        for step in 0..2_000u32 {
            progress.advance(5);
            progress.set_learning_rate(0.025);
            progress.add_loss(f64::from(step % 2) * 3.0, 1);
            history.observe_end(&progress);
        }
        let moments = history.moments();
        assert!((100..400).contains(&moments.len()), "{}", moments.len());
        assert!(moments.iter().all(|moment| moment.rate == 0.025));
        assert!(moments[1..].iter().all(|moment| (0.0..=3.0).contains(&moment.loss.unwrap())));
        assert_eq!(moments.last().unwrap().words, 10_000);
        assert!(moments.windows(2).all(|pair| pair[0].words < pair[1].words));
    }

    #[test]
    fn without_a_loss_there_is_none() {
        let (mut history, progress) = (History::default(), Progress::default());
        progress.enter(Phase::Training, 10);
        progress.advance(5);
        history.observe(&progress);
        history.observe(&progress);
        assert_eq!(history.moments().len(), 1);
        assert_eq!(history.moments()[0].loss, None);
    }
}
