//! How far a training run has come.

use serde::{Deserialize, Serialize};

use super::stats::WorkerStats;
use crate::config::Config;
use crate::encode::Encoded;

/// How far a training run has come, and the sums over what it has trained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Completed epochs.
    pub epoch: usize,
    /// Completed batches of the next epoch.
    pub batch: usize,
    /// In-vocabulary tokens of these batches.
    pub tokens: u64,
    /// Tokens that subsampling kept, over all epochs.
    pub kept: u64,
    /// The sum of the losses of each epoch so far, including the epoch that has started.
    #[serde(with = "crate::exact::each")]
    pub losses: Vec<f64>,
    /// The number of examples in each of these sums: in skip-gram pairs of a centre and a context word, in CBOW centres.
    pub examples: Vec<u64>,
}

impl Position {
    /// Checks that a run of `config` over a corpus with these numbers can come to this position.
    ///
    /// # Errors
    /// Why this position cannot occur in such a run.
    pub(crate) fn check(&self, config: &Config, encoded: Encoded) -> Result<(), String> {
        let has_started = usize::from(self.batch > 0);
        if self.epoch > config.epochs - has_started {
            return Err(format!("has {} epochs and {} batches of {} epochs", self.epoch, self.batch, config.epochs));
        }
        let started = self.epoch + has_started;
        if self.losses.len() != started || self.examples.len() != started {
            let (losses, examples) = (self.losses.len(), self.examples.len());
            return Err(format!("has {losses} losses and {examples} example counts for {started} started epochs"));
        }
        // Every batch has at least one token.
        if self.batch as u64 > self.tokens || (self.batch == 0 && self.tokens > 0) || self.tokens > encoded.tokens {
            let (batch, tokens, all) = (self.batch, self.tokens, encoded.tokens);
            return Err(format!("has {tokens} tokens in {batch} batches, of {all} tokens in an epoch"));
        }
        let read = self.tokens_read(encoded);
        if self.kept > read {
            return Err(format!("has kept {} of {read} tokens", self.kept));
        }
        let most = encoded.tokens.saturating_mul(2 * config.window as u64);
        match self.examples.iter().find(|&&examples| examples > most) {
            Some(examples) => Err(format!("has {examples} examples in an epoch, but at most {most} are possible")),
            None => Ok(()),
        }
    }

    /// In-vocabulary tokens read up to here, over all epochs.
    pub(super) fn tokens_read(&self, encoded: Encoded) -> u64 {
        encoded.tokens.saturating_mul(self.epoch as u64).saturating_add(self.tokens)
    }

    /// Starts the next epoch.
    pub(super) fn start_epoch(&mut self) {
        self.losses.push(0.0);
        self.examples.push(0);
    }

    /// Adds what a worker has trained in the epoch that has started.
    pub(super) fn add(&mut self, stats: &WorkerStats) {
        self.tokens += stats.tokens;
        self.kept += stats.kept;
        self.losses[self.epoch] += stats.loss;
        self.examples[self.epoch] += stats.examples;
    }

    /// Ends the epoch that has started.
    pub(super) fn end_epoch(&mut self) {
        (self.epoch, self.batch, self.tokens) = (self.epoch + 1, 0, 0);
    }
}
