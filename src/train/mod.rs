//! Training: epochs, the learning-rate schedule, and the workers that share the weights.
//!
//! A model family is one short file that says which rows are inputs and which are targets ([`skipgram`], [`cbow`]);
//! where the targets come from is [`negative`]; what is done to the rows is [`kernel`].

mod cbow;
pub mod kernel;
mod negative;
mod rows;
mod schedule;
mod skipgram;
mod targets;
mod worker;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::encode::Spool;
use crate::error::{Error, Result};
use crate::model::Weights;
use crate::progress::{Phase, Progress};
use crate::vocab::{NoiseDistribution, Vocabulary, keep_thresholds};
use kernel::Isa;
use schedule::Schedule;
use worker::Worker;

/// What a training run did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trained {
    /// In-vocabulary tokens read, over all epochs.
    pub tokens: u64,
    /// Of these, the tokens that subsampling kept.
    pub kept: u64,
    /// Wall time of the epochs.
    pub elapsed: Duration,
    /// The instruction set used.
    pub isa: Isa,
}

impl Trained {
    /// In-vocabulary tokens a second.
    pub fn tokens_per_second(&self) -> f64 {
        self.tokens as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// Everything the workers share, and only read (but for the rows of `weights`).
pub(crate) struct Shared<'a> {
    config: &'a Config,
    weights: &'a Weights,
    noise: NoiseDistribution,
    keep: Vec<u32>,
    schedule: Schedule<'a>,
    isa: Isa,
}

/// Trains `weights` on an encoded corpus, `config.epochs` times over it, on an instruction set that is available
/// ([`Isa::detect`]).
///
/// # Errors
/// [`Error::Interrupted`] if `progress` was cancelled; [`Error::Parameter`] if the configuration is invalid or the
/// instruction set is not available.
pub fn train(
    isa: Isa,
    config: &Config,
    vocabulary: &Vocabulary,
    spool: &Spool,
    weights: &Weights,
    progress: &Progress,
) -> Result<Trained> {
    if !isa.is_available() {
        return Err(Error::parameter("isa", format!("this machine has no {isa}")));
    }
    config.validate()?;
    let total = spool.tokens() * config.epochs as u64;
    progress.enter(Phase::Training, total);
    let shared = Shared {
        config,
        weights,
        noise: NoiseDistribution::new(vocabulary.counts(), config.ns_exponent),
        keep: keep_thresholds(vocabulary.counts(), config.sample),
        schedule: Schedule::new(config, total, progress),
        isa,
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(config.worker_threads())
        .thread_name(|i| format!("polargram-{i}"))
        .build()
        .map_err(|error| {
            Error::parameter("workers", format!("cannot start {} threads: {error}", config.worker_threads()))
        })?;
    let start = Instant::now();
    let mut kept = 0;
    for epoch in 0..config.epochs {
        // Workers take the next batch as they come free; what is drawn for a batch depends on its number, not on who
        // takes it.
        let next = AtomicUsize::new(0);
        let by_worker = pool.broadcast(|_| {
            let mut worker = Worker::new(&shared);
            while let Some(batch) = spool.batches().get(next.fetch_add(1, Ordering::Relaxed)) {
                worker.train_batch(batch, epoch)?;
            }
            Ok(worker.kept())
        });
        kept += by_worker.into_iter().sum::<Result<u64>>()?;
    }
    debug_assert_eq!(progress.tokens(), total, "the schedule has seen every token");
    Ok(Trained { tokens: total, kept, elapsed: start.elapsed(), isa: shared.isa })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::ParquetCorpus;
    use crate::encode::encode;
    use crate::sample::write_corpus;
    use crate::vocab::{CountOptions, Trim, WordCounts};

    #[test]
    fn every_instruction_set_learns_the_same() {
        let directory = tempfile::tempdir().unwrap();
        write_corpus(directory.path(), 20_000, 1).unwrap();
        let corpus = ParquetCorpus::open([directory.path().to_str().unwrap()], "tokens").unwrap();
        let progress = Progress::default();
        let counts = WordCounts::count(&corpus, &CountOptions::default(), &progress).unwrap();
        let (vocabulary, _) = Vocabulary::new(&counts, &Trim::default()).unwrap();
        let spool = encode(&corpus, &vocabulary, u64::MAX, &progress).unwrap();
        for sg in [true, false] {
            let config = Config { sg, vector_size: 20, epochs: 1, workers: 1, ..Config::default() };
            let trained = |isa| {
                let mut weights = Weights::new(vocabulary.len(), config.vector_size, config.seed).unwrap();
                train(isa, &config, &vocabulary, &spool, &weights, &progress).unwrap();
                let input = std::sync::Arc::get_mut(&mut weights.input).unwrap();
                (0..vocabulary.len()).flat_map(|row| input.values(row).to_vec()).collect::<Vec<f32>>()
            };
            let all: Vec<_> =
                Isa::ALL.into_iter().filter(|isa| isa.is_available()).map(|isa| (isa, trained(isa))).collect();
            for (isa, vectors) in &all {
                let difference = vectors.iter().zip(&all[0].1).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(difference < 1e-3, "{isa} differs from {} by {difference}", all[0].0);
                assert!(vectors.iter().any(|&v| v.abs() > 0.1), "{isa} learnt nothing");
            }
        }
    }
}
