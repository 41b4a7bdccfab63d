//! The learning rate.

use crate::config::Config;
use crate::error::Result;
use crate::progress::Progress;

/// Linear decay from `alpha` to `min_alpha` by tokens trained, all workers counted.
pub(crate) struct Schedule<'a> {
    start: f32,
    end: f32,
    total: u64,
    progress: &'a Progress,
}

impl<'a> Schedule<'a> {
    /// A schedule over `total` tokens.
    pub(crate) fn new(config: &Config, total: u64, progress: &'a Progress) -> Self {
        Self { start: config.alpha, end: config.min_alpha, total, progress }
    }

    /// Counts `tokens` about to be trained and gives their rate.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted) if the user asked to stop.
    pub(crate) fn rate_for(&self, tokens: u64) -> Result<f32> {
        self.progress.check()?;
        let done = self.progress.advance(tokens);
        let share = done as f64 / self.total.max(1) as f64;
        let rate = (f64::from(self.start) + (f64::from(self.end) - f64::from(self.start)) * share.min(1.0)) as f32;
        self.progress.set_learning_rate(rate);
        Ok(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_linearly_from_alpha_to_min_alpha() {
        let progress = Progress::default();
        let schedule = Schedule::new(&Config { alpha: 1.0, min_alpha: 0.0, ..Config::default() }, 100, &progress);
        let rates: Vec<f32> = (0..4).map(|_| schedule.rate_for(25).unwrap()).collect();
        assert_eq!(rates, [1.0, 0.75, 0.5, 0.25]);
        assert_eq!(schedule.rate_for(1).unwrap(), 0.0);
    }

    #[test]
    fn a_cancelled_job_gets_no_rate() {
        let progress = Progress::default();
        progress.cancel();
        assert!(Schedule::new(&Config::default(), 100, &progress).rate_for(1).is_err());
    }
}
