//! One worker: batches in, updates out.

use super::batches::{CentreRun, SubsampledBatch, TOKENS_PER_RUN};
use super::inputs::{CentreBlock, Inputs};
use super::losses::Losses;
use super::rng::{BatchRng, batch_rng};
use super::rows::{BatchRows, SharedRows};
use super::shared::Shared;
use super::stats::WorkerStats;
use crate::encode::EncodedBatch;
use crate::error::Result;

/// What a worker owns. No other worker sees it.
pub(crate) struct Worker<'a> {
    shared: &'a Shared<'a>,
    input: SharedRows<'a>,
    inputs: Inputs<'a>,
    losses: Losses<'a>,
    batch: SubsampledBatch,
    rows: BatchRows,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            input: SharedRows::words(&shared.weights.input, shared.config.worker_threads(), shared.isa),
            inputs: Inputs::new(shared),
            losses: Losses::new(shared),
            // Two words of a block may be at the two ends of two windows.
            batch: SubsampledBatch::new(2 * shared.config.window + shared.centres_per_block()),
            rows: BatchRows::default(),
        }
    }

    /// What it has counted so far.
    pub(crate) fn stats(&self) -> WorkerStats {
        self.losses.stats
    }

    /// Trains every sentence of a batch.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted) if the user asked to stop.
    pub(crate) fn train_batch(&mut self, batch: &EncodedBatch, epoch: usize) -> Result<()> {
        let Shared { config, keep, schedule, .. } = self.shared;
        let WorkerStats { loss, examples, .. } = self.losses.stats;
        let mut rng = batch_rng(config.seed, epoch, batch.number);
        self.batch.set(batch, keep, &mut rng);
        self.rows.clear();
        self.acquire_rows(0);
        self.losses.start_batch(self.batch.centres(0), &mut rng);
        let mut rate = schedule.rate_for(0)?;
        let mut read = 0;
        for run in 0..self.batch.runs.len() {
            read += self.batch.runs[run].read;
            if read >= TOKENS_PER_RUN {
                rate = schedule.rate_for(read as u64)?;
                read = 0;
            }
            self.train_run(run, rate, &mut rng);
        }
        schedule.rate_for((read + self.batch.read_after_runs) as u64)?;
        let stats = &mut self.losses.stats;
        stats.tokens += batch.tokens();
        stats.kept += self.batch.kept;
        if config.compute_loss {
            schedule.add_loss(stats.loss - loss, stats.examples - examples);
        }
        Ok(())
    }

    /// Acquires the input rows of a run and of the block after it.
    fn acquire_rows(&mut self, run: usize) {
        if let Some(run) = self.batch.runs.get(run) {
            let to = run.centres.end + self.shared.config.window + self.shared.centres_per_block();
            self.rows.acquire(&self.batch.tokens, to, &mut self.input);
        }
    }

    /// Trains a run of centres, block after block.
    fn train_run(&mut self, run: usize, rate: f32, rng: &mut BatchRng) {
        self.acquire_rows(run + 1);
        let (batch, next_run) = (&self.batch, self.batch.centres(run + 1));
        let CentreRun { sentence, centres, .. } = &batch.runs[run];
        let (window, per_block) = (self.shared.config.window, self.shared.centres_per_block());
        for first in centres.clone().step_by(per_block) {
            let end = (first + per_block).min(centres.end);
            let block = CentreBlock {
                batch,
                rows: &self.rows,
                sentence: sentence.clone(),
                centres: first..end,
                next_centres: if end == centres.end { next_run } else { &batch.tokens[end..centres.end] },
                prefetch_inputs: self.rows.get_acquired(end + window..end + window + per_block),
            };
            self.inputs.train(&block, &mut self.losses, rate, rng);
        }
    }
}
