//! The learning rate.

use crate::config::Config;
use crate::error::Result;
use crate::progress::Progress;

/// Linear decay from `alpha` to `min_alpha` with the tokens that all workers have trained.
pub(crate) struct Schedule<'a> {
    start: f64,
    end: f64,
    epochs: u64,
    /// In-vocabulary tokens in an epoch.
    tokens: u64,
    /// In-vocabulary tokens in an epoch as the decay expects them.
    expected: u64,
    progress: &'a Progress,
}

impl<'a> Schedule<'a> {
    /// A schedule over `config.epochs` epochs of `tokens` tokens. In each epoch the rate falls by 1 / `config.epochs` of
    /// its decay within `expected` tokens.
    pub(crate) fn new(config: &Config, tokens: u64, expected: Option<u64>, progress: &'a Progress) -> Self {
        Self {
            start: f64::from(config.alpha),
            end: f64::from(config.min_alpha),
            epochs: config.epochs as u64,
            tokens: tokens.max(1),
            expected: expected.unwrap_or(tokens).max(1),
            progress,
        }
    }

    /// Counts tokens that are about to be trained, and returns their learning rate.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted) if the user asked to stop.
    pub(crate) fn rate_for(&self, tokens: u64) -> Result<f32> {
        self.progress.check()?;
        let rate = self.rate_after(self.progress.advance(tokens));
        self.progress.set_learning_rate(rate);
        Ok(rate)
    }

    /// Tells what a batch has lost.
    pub(crate) fn add_loss(&self, loss: f64, examples: u64) {
        self.progress.add_loss(loss, examples);
    }

    /// The rate that the training has reached. At the end of an epoch it is the last rate of that epoch, not the first of
    /// the next.
    pub(crate) fn reached(&self) -> f32 {
        let done = self.progress.tokens();
        self.rate_in(done.saturating_sub(1) / self.tokens, done)
    }

    /// The rate after this number of tokens.
    fn rate_after(&self, done: u64) -> f32 {
        self.rate_in(done / self.tokens, done)
    }

    fn rate_in(&self, epoch: u64, done: u64) -> f32 {
        let epoch = epoch.min(self.epochs);
        let within = (done - epoch * self.tokens) as f64 / self.expected as f64;
        let share = ((epoch as f64 + within.min(1.0)) / self.epochs as f64).min(1.0);
        (self.start + (self.end - self.start) * share) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(epochs: usize, tokens: u64, expected: Option<u64>) -> Vec<f32> {
        let progress = Progress::default();
        let config = Config { alpha: 1.0, min_alpha: 0.0, epochs, ..Config::default() };
        let schedule = Schedule::new(&config, tokens, expected, &progress);
        (0..5).map(|_| schedule.rate_for(25).unwrap()).collect()
    }

    #[test]
    fn the_rate_falls_linearly_from_alpha_to_min_alpha() {
        assert_eq!(rates(1, 100, None), [1.0, 0.75, 0.5, 0.25, 0.0]);
        assert_eq!(rates(2, 50, None), [1.0, 0.75, 0.5, 0.25, 0.0]);
    }

    #[test]
    fn the_rate_falls_less_within_an_epoch_that_was_expected_to_be_longer() {
        assert_eq!(rates(2, 50, Some(100)), [1.0, 0.875, 0.5, 0.375, 0.0]);
    }

    #[test]
    fn a_cancelled_job_gets_an_error_instead_of_a_rate() {
        let progress = Progress::default();
        progress.cancel();
        assert!(Schedule::new(&Config::default(), 100, None, &progress).rate_for(1).is_err());
    }
}
