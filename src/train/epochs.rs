//! The epochs of a training run.

use std::time::{Duration, Instant};

use super::observer::{Next, Observer};
use super::run::TrainingRun;
use super::segment::EpochSegment;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::progress::{Phase, Progress};

/// What a training run did.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// In-vocabulary tokens read, over all epochs.
    pub tokens: u64,
    /// The part of these tokens that was read before [`TrainingRun::start`].
    pub tokens_before: u64,
    /// Tokens read, including those out of vocabulary.
    pub raw_tokens: u64,
    /// Tokens that subsampling kept.
    pub kept: u64,
    /// The learning rate at the end.
    pub learning_rate: f32,
    /// For each epoch the sum of the losses (0 unless [`Config::compute_loss`](crate::Config::compute_loss)) and the
    /// number of examples.
    pub losses: Vec<(f64, u64)>,
    /// Wall time of preparing the corpus.
    pub encoding: Duration,
    /// Wall time of the epochs.
    pub elapsed: Duration,
    /// The instruction set in use.
    pub isa: Isa,
}

impl Trained {
    /// In-vocabulary tokens per second in this run.
    pub fn tokens_per_second(&self) -> f64 {
        (self.tokens - self.tokens_before) as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The sum of the losses of all epochs.
    pub fn loss(&self) -> f64 {
        self.losses.iter().map(|(loss, _)| loss).sum()
    }
}

/// Trains [`Config::epochs`](crate::Config::epochs) times over a corpus.
///
/// # Errors
/// [`Error::Interrupted`] if `progress` was cancelled; [`Error::Parameter`] if the configuration is invalid or does not
/// fit the weights, if the start cannot occur in this run, or if the instruction set is not available; every error of
/// the observer, and of the corpus if it is streamed.
pub fn train(run: &TrainingRun<'_>, observer: &mut dyn Observer, progress: &Progress) -> Result<Trained> {
    run.check()?;
    let (config, encoded) = (run.config, run.source.encoded());
    progress.enter(Phase::Training, encoded.tokens.saturating_mul(config.epochs as u64));
    progress.advance(run.start.tokens_read(encoded));
    let shared = Shared::new(run, progress);
    let pool = thread_pool(config.worker_threads())?;
    let start = Instant::now();
    let mut position = run.start.clone();
    while position.epoch < config.epochs {
        let epoch = position.epoch;
        if position.batch == 0 {
            if observer.epoch_begins(epoch)? == Next::Stop {
                break;
            }
            position.start_epoch();
        }
        loop {
            let (first, pause) = (position.batch, observer.next_pause());
            let trained = EpochSegment { run, shared: &shared, pool: &pool, epoch, first, pause }.train()?;
            trained.by_worker.iter().for_each(|stats| position.add(stats));
            position.batch = trained.next;
            if trained.is_last {
                break;
            }
            observer.paused(&position)?;
        }
        position.end_epoch();
        if observer.epoch_ends(epoch, &position)? == Next::Stop {
            break;
        }
    }
    Ok(Trained {
        tokens: position.tokens_read(encoded),
        tokens_before: run.start.tokens_read(encoded),
        raw_tokens: encoded.raw_tokens.saturating_mul(position.epoch as u64),
        kept: position.kept,
        learning_rate: shared.schedule.reached(),
        losses: position.losses.into_iter().zip(position.examples).collect(),
        encoding: Duration::ZERO,
        elapsed: start.elapsed(),
        isa: run.isa,
    })
}

fn thread_pool(workers: usize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .thread_name(|i| format!("polargram-{i}"))
        .build()
        .map_err(|error| Error::parameter("workers", format!("cannot start {workers} threads: {error}")))
}
