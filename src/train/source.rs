//! Where an epoch's batches come from, and how the workers get them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::worker::{Sums, Worker};
use super::{Job, Shared};
use crate::encode::{Encoded, EncodedBatch, Encoder, Spool};
use crate::error::{Error, Result};

/// Where an epoch's batches come from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// Encoded before.
    Spool(&'a Spool),
    /// Encoded anew in every epoch, while the workers train: slower, but nothing of the corpus is kept.
    Stream {
        /// Runs in every epoch.
        encoder: Encoder<'a>,
        /// What it gives.
        encoded: Encoded,
    },
}

impl Source<'_> {
    /// What it holds.
    pub fn encoded(&self) -> Encoded {
        match self {
            Self::Spool(spool) => spool.encoded(),
            Self::Stream { encoded, .. } => *encoded,
        }
    }
}

/// A stretch of an epoch: from a batch on, one at the least, until a time has come or the epoch is over.
pub(super) struct Stretch<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) shared: &'a Shared<'a>,
    pub(super) pool: &'a rayon::ThreadPool,
    pub(super) epoch: usize,
    pub(super) first: usize,
    pub(super) pause: Option<Instant>,
}

/// Batches after which the memory of a mapped spool is let go; some MiB.
const BATCHES_PER_RELEASE: usize = 64;

/// What a worker does with a batch.
type TrainBatch<'a> = dyn Fn(&mut Worker<'_>, &EncodedBatch) -> Result<()> + Sync + 'a;

/// What was done in a stretch.
pub(super) struct Done {
    pub(super) by_worker: Vec<Sums>,
    /// The batch that follows.
    pub(super) next: usize,
    pub(super) is_over: bool,
}

impl Stretch<'_> {
    /// Workers take the next batch as they come free; what is drawn for a batch depends on its number, not on who takes
    /// it.
    pub(super) fn train(&self) -> Result<Done> {
        let train_batch = |worker: &mut Worker<'_>, batch: &EncodedBatch| worker.train_batch(batch, self.epoch);
        match self.job.source {
            Source::Spool(spool) => self.train_spool(spool, &train_batch),
            Source::Stream { encoder, encoded } => self.train_stream(encoder, encoded, &train_batch),
        }
    }

    fn train_spool(&self, spool: &Spool, train_batch: &TrainBatch<'_>) -> Result<Done> {
        let taken = AtomicUsize::new(self.first);
        let order = self.job.config.shuffle.then(|| shuffled(spool.len(), self.job.config.seed, self.epoch));
        let batch_at = |place: usize| match &order {
            Some(order) => spool.batch(*order.get(place)? as usize),
            None => spool.batch(place),
        };
        let by_worker = self.on_workers(&|worker| {
            loop {
                let place = taken.fetch_add(1, Ordering::Relaxed);
                let Some(batch) = batch_at(place) else { break };
                train_batch(worker, &batch)?;
                if place.is_multiple_of(BATCHES_PER_RELEASE) {
                    spool.release();
                }
                if self.is_due() {
                    break;
                }
            }
            Ok(())
        })?;
        // Each worker that found none has counted one too many.
        let next = taken.into_inner().min(spool.len());
        Ok(Done { by_worker, next, is_over: next == spool.len() })
    }

    pub(super) fn train_stream(
        &self,
        encoder: Encoder<'_>,
        encoded: Encoded,
        train_batch: &TrainBatch<'_>,
    ) -> Result<Done> {
        let taken = AtomicUsize::new(self.first);
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(2 * self.pool.current_num_threads());
            // Dropped when a worker panics, before the scope waits for the reader, which would else wait for room.
            let receive = Mutex::new(Some(receive));
            let reader = scope.spawn(move || self.read(encoder, &mut |batch| send.send(batch).is_ok()));
            let next_batch = || {
                let mut receive = receive.lock().unwrap_or_else(PoisonError::into_inner);
                if self.is_due() && taken.load(Ordering::Relaxed) > self.first {
                    // Without a receiver the reader stops.
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
                Some((read, _)) if read != encoded => Err(changed(encoded, read)),
                // Batches that waited when the workers stopped come again.
                read => Ok(Done { by_worker: by_worker?, next, is_over: read.is_some_and(|(_, all)| all == next) }),
            }
        })
    }

    /// Passes the batches of the corpus on, as long as they are taken; what it holds and in how many batches, if it was
    /// read to the end.
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

    fn is_due(&self) -> bool {
        self.pause.is_some_and(|pause| Instant::now() >= pause)
    }

    /// One worker on each thread of the pool, until each has done its work.
    fn on_workers(&self, work: &(dyn Fn(&mut Worker<'_>) -> Result<()> + Sync)) -> Result<Vec<Sums>> {
        let by_worker = self.pool.broadcast(|_| {
            let mut worker = Worker::new(self.shared);
            work(&mut worker).map(|()| worker.sums())
        });
        by_worker.into_iter().collect()
    }
}

/// The numbers of the batches in the order of an epoch (Fisher and Yates), which follows from the seed.
fn shuffled(batches: usize, seed: u64, epoch: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..batches as u32).collect();
    let mut draws = Xoshiro256PlusPlus::seed_from_u64(seed ^ (epoch as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for last in (1..order.len()).rev() {
        // The 64 bits of a draw make the bias of a product immeasurable for so few batches.
        let other = (u128::from(draws.next_u64()) * (last as u128 + 1)) >> 64;
        order.swap(last, other as usize);
    }
    order
}

/// A corpus that is not the same when it is read again.
pub(crate) fn changed(first: Encoded, second: Encoded) -> Error {
    let reason = match first.raw_tokens == second.raw_tokens {
        true => "gave other tokens when read again".to_owned(),
        false => format!("gave {} tokens when read first and {} when read again", first.raw_tokens, second.raw_tokens),
    };
    Error::corpus(
        "corpus",
        format!(
            "{reason}. A corpus must give the same each time: pass a list, or an object whose __iter__ starts again."
        ),
    )
}
