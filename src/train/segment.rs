//! A segment of an epoch: how its batches reach the workers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::run::TrainingRun;
use super::shared::Shared;
use super::source::{Source, corpus_changed};
use super::stats::WorkerStats;
use super::workers::Worker;
use crate::encode::{Encoded, EncodedBatch, Encoder, Spool};
use crate::error::{Error, Result};

/// A segment of an epoch: from the batch `first` until the time `pause` or the end of the epoch, but at least one batch.
pub(super) struct EpochSegment<'a> {
    pub(super) run: &'a TrainingRun<'a>,
    pub(super) shared: &'a Shared<'a>,
    pub(super) pool: &'a rayon::ThreadPool,
    pub(super) epoch: usize,
    pub(super) first: usize,
    pub(super) pause: Option<Instant>,
}

/// Batches, of some MiB together, after which the memory of a mapped spool is released.
const BATCHES_PER_RELEASE: usize = 64;

/// What a worker does with a batch.
type TrainBatch<'a> = dyn Fn(&mut Worker<'_>, &EncodedBatch) -> Result<()> + Sync + 'a;

/// What was trained in a segment.
pub(super) struct TrainedSegment {
    pub(super) by_worker: Vec<WorkerStats>,
    /// The batch that follows.
    pub(super) next: usize,
    /// True if no batch follows in this epoch.
    pub(super) is_last: bool,
}

impl EpochSegment<'_> {
    /// Trains the segment. A worker that is free takes the next batch. The random numbers of a batch depend on its number,
    /// not on the worker.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the user asked to stop; every error of a streamed corpus.
    pub(super) fn train(&self) -> Result<TrainedSegment> {
        let train_batch = |worker: &mut Worker<'_>, batch: &EncodedBatch| worker.train_batch(batch, self.epoch);
        match self.run.source {
            Source::Spool(spool) => self.train_spool(spool, &train_batch),
            Source::Stream { encoder, encoded } => self.train_stream(encoder, encoded, &train_batch),
        }
    }

    fn train_spool(&self, spool: &Spool, train_batch: &TrainBatch<'_>) -> Result<TrainedSegment> {
        let taken = AtomicUsize::new(self.first);
        let order = self.run.config.shuffle.then(|| shuffled(spool.len(), self.run.config.seed, self.epoch));
        let batch_at = |index: usize| match &order {
            Some(order) => spool.batch(*order.get(index)? as usize),
            None => spool.batch(index),
        };
        let by_worker = self.on_workers(&|worker| {
            loop {
                let index = taken.fetch_add(1, Ordering::Relaxed);
                let Some(batch) = batch_at(index) else { break };
                train_batch(worker, &batch)?;
                if index.is_multiple_of(BATCHES_PER_RELEASE) {
                    spool.release();
                }
                if self.is_pause_due() {
                    break;
                }
            }
            Ok(())
        })?;
        // Each worker that found no batch has counted one too many.
        let next = taken.into_inner().min(spool.len());
        Ok(TrainedSegment { by_worker, next, is_last: next == spool.len() })
    }

    pub(super) fn train_stream(
        &self,
        encoder: Encoder<'_>,
        encoded: Encoded,
        train_batch: &TrainBatch<'_>,
    ) -> Result<TrainedSegment> {
        let taken = AtomicUsize::new(self.first);
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(2 * self.pool.current_num_threads());
            // If a worker panics, this is dropped before the scope waits for the reader. Otherwise the reader would wait
            // for room in the channel forever.
            let receive = Mutex::new(Some(receive));
            let reader = scope.spawn(move || self.read(encoder, &mut |batch| send.send(batch).is_ok()));
            let next_batch = || {
                let mut receive = receive.lock().unwrap_or_else(PoisonError::into_inner);
                if self.is_pause_due() && taken.load(Ordering::Relaxed) > self.first {
                    // The reader stops when there is no receiver.
                    receive.take();
                }
                receive.as_ref().map(Receiver::recv)
            };
            let by_worker = self.on_workers(&|worker| {
                while let Some(Ok(batch)) = next_batch() {
                    taken.fetch_add(1, Ordering::Relaxed);
                    train_batch(worker, &batch)?;
                }
                Ok(())
            });
            drop(receive);
            let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            let next = taken.load(Ordering::Relaxed);
            match read {
                Some((read, _)) if read != encoded => Err(corpus_changed(encoded, read)),
                // Batches that were in the channel when the workers stopped are read again in the next segment.
                read => {
                    let is_last = read.is_some_and(|(_, batches)| batches == next);
                    Ok(TrainedSegment { by_worker: by_worker?, next, is_last })
                }
            }
        })
    }

    /// Reads the corpus and passes its batches to `pass_on` until that returns false. Returns what the corpus holds and
    /// the number of its batches, or `None` if it was not read to the end.
    fn read(
        &self,
        encoder: Encoder<'_>,
        pass_on: &mut dyn FnMut(EncodedBatch) -> bool,
    ) -> Result<Option<(Encoded, usize)>> {
        let (mut is_stopped, mut batches) = (false, 0);
        let read = encoder.run(&|_| {}, &mut |batch| {
            batches = batch.number + 1;
            is_stopped = is_stopped || (batch.number >= self.first && !pass_on(batch));
            if is_stopped { Err(Error::Interrupted) } else { Ok(()) }
        });
        if is_stopped { Ok(None) } else { read.map(|read| Some((read, batches))) }
    }

    fn is_pause_due(&self) -> bool {
        self.pause.is_some_and(|pause| Instant::now() >= pause)
    }

    /// Runs one worker on each thread of the pool.
    fn on_workers(&self, work: &(dyn Fn(&mut Worker<'_>) -> Result<()> + Sync)) -> Result<Vec<WorkerStats>> {
        let by_worker = self.pool.broadcast(|_| {
            let mut worker = Worker::new(self.shared);
            work(&mut worker).map(|()| worker.stats())
        });
        by_worker.into_iter().collect()
    }
}

/// The numbers of the batches in the order of an epoch, which depends on the seed (Fisher and Yates 1938).
fn shuffled(batches: usize, seed: u64, epoch: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..batches as u32).collect();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ (epoch as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for last in (1..order.len()).rev() {
        // Multiply-shift of 64 random bits: its bias cannot be measured for so few batches.
        let other = (u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64;
        order.swap(last, other as usize);
    }
    order
}
