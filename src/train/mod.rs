//! Training: epochs, the learning-rate schedule, and the workers that share the weights.
//!
//! A model family is one short file that says which rows are inputs ([`skipgram`], [`cbow`]); what they are trained
//! for is [`objectives`], where the targets come from [`negative`] and [`softmax`]; what is done to the rows is
//! [`kernel`](crate::kernel). How the batches of an epoch reach the workers is [`source`].

mod cbow;
mod locks;
mod negative;
mod objectives;
mod rows;
mod schedule;
mod skipgram;
mod softmax;
mod source;
mod targets;
mod text;
mod weights;
mod worker;

use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::encode::Encoded;
use crate::error::{Error, Result};
use crate::kernel::{self, Block, Isa, Scratch};
use crate::progress::{Phase, Progress};
use crate::vocab::{HuffmanTree, KeepThresholds, NoiseDistribution, Vocabulary};
use negative::NegativeSampling;
pub(crate) use rows::{PRIVATE_NODES, PRIVATE_WORDS};
use schedule::Schedule;
use softmax::HierarchicalSoftmax;
pub use source::Source;
use source::Stretch;
pub(crate) use source::changed;
pub use weights::Weights;
use worker::Sums;

/// What to train, and on what.
pub struct Job<'a> {
    /// The hyperparameters.
    pub config: &'a Config,
    /// Its rows are those of the weights.
    pub vocabulary: &'a Vocabulary,
    /// What is trained, in place.
    pub weights: &'a Weights,
    /// For each word the share of its changes that its vector takes (gensim: `vectors_lockf`): 1 if it is trained as
    /// any other, 0 if it stays as it is.
    pub locks: Option<&'a [f32]>,
    /// The encoded corpus.
    pub source: Source<'a>,
    /// In-vocabulary tokens of an epoch by which the learning rate falls, where it is not those of `source`.
    pub expected_tokens: Option<u64>,
    /// Where to begin.
    pub start: Position,
    /// The instruction set; it must be available ([`Isa::detect`]).
    pub isa: Isa,
}

/// A place in a training run, and what was added up on the way to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Epochs that are complete.
    pub epoch: usize,
    /// Batches of the next epoch that are complete.
    pub batch: usize,
    /// In-vocabulary tokens of these batches.
    pub tokens: u64,
    /// Tokens that subsampling kept, over all epochs.
    pub kept: u64,
    /// For each epoch so far, the one begun among them, the sum of the losses.
    #[serde(with = "crate::exact::each")]
    pub losses: Vec<f64>,
    /// And how many examples they are of: pairs of a centre and a context word, or in CBOW centres.
    pub examples: Vec<u64>,
}

impl Position {
    /// # Errors
    /// What tells that a run of `config` over a corpus so `encoded` never stood here.
    pub(crate) fn check(&self, config: &Config, encoded: Encoded) -> Result<(), String> {
        let has_begun = usize::from(self.batch > 0);
        if self.epoch > config.epochs - has_begun {
            return Err(format!("has {} epochs and {} batches of {} epochs", self.epoch, self.batch, config.epochs));
        }
        let begun = self.epoch + has_begun;
        if self.losses.len() != begun || self.examples.len() != begun {
            let (losses, examples) = (self.losses.len(), self.examples.len());
            return Err(format!("has {losses} losses and {examples} numbers of examples for {begun} epochs begun"));
        }
        // No batch is empty.
        if self.batch as u64 > self.tokens || (self.batch == 0 && self.tokens > 0) || self.tokens > encoded.tokens {
            let (batch, tokens, all) = (self.batch, self.tokens, encoded.tokens);
            return Err(format!("has {tokens} tokens in {batch} batches, of {all} in an epoch"));
        }
        let read = self.read(encoded);
        if self.kept > read {
            return Err(format!("has kept {} of {read} tokens", self.kept));
        }
        let most = encoded.tokens.saturating_mul(2 * config.window as u64);
        match self.examples.iter().find(|&&examples| examples > most) {
            Some(examples) => Err(format!("has {examples} examples in an epoch, where {most} are possible")),
            None => Ok(()),
        }
    }

    /// In-vocabulary tokens read on the way.
    fn read(&self, encoded: Encoded) -> u64 {
        encoded.tokens.saturating_mul(self.epoch as u64).saturating_add(self.tokens)
    }
}

/// Told what happens, on the thread that called [`train`]. While it is, no worker runs.
pub trait Observer {
    /// An epoch begins, unless the answer is [`Next::Stop`].
    ///
    /// # Errors
    /// Any error stops the training and is passed on.
    fn epoch_begins(&mut self, _epoch: usize) -> Result<Next> {
        Ok(Next::Continue)
    }

    /// An epoch has ended; `position` stands at the beginning of the next. [`Next::Stop`] ends the training early.
    ///
    /// # Errors
    /// As for [`epoch_begins`](Self::epoch_begins).
    fn epoch_ends(&mut self, _epoch: usize, _position: &Position) -> Result<Next> {
        Ok(Next::Continue)
    }

    /// When to stop the workers within an epoch for [`paused`](Self::paused).
    fn next_pause(&self) -> Option<Instant> {
        None
    }

    /// The workers have stopped at `position`.
    ///
    /// # Errors
    /// As for [`epoch_begins`](Self::epoch_begins).
    fn paused(&mut self, _position: &Position) -> Result<()> {
        Ok(())
    }
}

/// Nobody watches.
impl Observer for () {}

/// Whether to train on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Go on.
    Continue,
    /// No epoch follows.
    Stop,
}

/// What a training run did.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// In-vocabulary tokens read, over all epochs.
    pub tokens: u64,
    /// Those of them that were read before this run went on from [`Job::start`].
    pub tokens_before: u64,
    /// Tokens read, those out of vocabulary among them.
    pub raw_tokens: u64,
    /// Tokens that subsampling kept.
    pub kept: u64,
    /// The learning rate at the end.
    pub learning_rate: f32,
    /// For each epoch the sum of the losses (0 unless [`Config::compute_loss`]) and the number of examples.
    pub losses: Vec<(f64, u64)>,
    /// Wall time of getting the corpus ready.
    pub encoding: Duration,
    /// Wall time of the epochs.
    pub elapsed: Duration,
    /// The instruction set used.
    pub isa: Isa,
}

impl Trained {
    /// In-vocabulary tokens a second, in this run.
    pub fn tokens_per_second(&self) -> f64 {
        (self.tokens - self.tokens_before) as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The sum of the losses of all epochs.
    pub fn loss(&self) -> f64 {
        self.losses.iter().map(|(loss, _)| loss).sum()
    }
}

/// Everything the workers share, and only read (but for the rows of `weights`).
pub(crate) struct Shared<'a> {
    config: &'a Config,
    weights: &'a Weights,
    locks: Option<&'a [f32]>,
    noise: Option<NoiseDistribution>,
    tree: Option<HuffmanTree>,
    /// How often the first nodes' rows were merged.
    node_merges: Vec<AtomicU32>,
    keep: KeepThresholds,
    schedule: Schedule<'a>,
    isa: Isa,
}

impl<'a> Shared<'a> {
    fn new(job: &Job<'a>, progress: &'a Progress) -> Self {
        let (config, counts) = (job.config, job.vocabulary.counts());
        let locks = job.locks.filter(|locks| locks.iter().any(|&factor| factor != 1.0));
        Self {
            config,
            weights: job.weights,
            locks,
            noise: (config.negative > 0).then(|| NoiseDistribution::new(counts, config.ns_exponent)),
            tree: config.hs.then(|| HuffmanTree::new(counts)),
            node_merges: std::iter::repeat_with(AtomicU32::default).take(PRIVATE_NODES).collect(),
            keep: KeepThresholds::new(counts, config.sample),
            schedule: Schedule::new(config, job.source.encoded().tokens, job.expected_tokens, progress),
            isa: job.isa,
        }
    }

    /// Centres that share their noise. In CBOW one: two would have so few inputs for it that analogies are 0.7 points
    /// worse.
    fn centres_per_block(&self) -> usize {
        let share_noise = self.config.sg && self.config.shared_negatives && self.config.negative > 0;
        if share_noise { targets::MAX_CENTRES } else { 1 }
    }

    fn negative_sampling(&self) -> Option<NegativeSampling<'_>> {
        let (noise, output) = (self.noise.as_ref()?, self.weights.output.as_deref()?);
        Some(NegativeSampling::new(noise, output, self))
    }

    fn hierarchical_softmax(&self) -> Option<HierarchicalSoftmax<'_>> {
        let (tree, nodes) = (self.tree.as_ref()?, self.weights.nodes.as_deref()?);
        Some(HierarchicalSoftmax::new(tree, nodes, self))
    }

    #[inline(always)]
    fn train_block(&self, block: &Block<'_>, scratch: &mut Scratch, sums: &mut Sums) {
        if block.inputs.is_empty() || block.targets.is_empty() {
            return;
        }
        // SAFETY: every block is made of rows of the weights' matrices or scratch rows, of one stride; the instruction
        // set was checked.
        unsafe { kernel::train_block(self.isa, block, scratch) }
        if self.config.compute_loss {
            sums.loss += scratch.loss(block);
        }
    }
}

/// Trains [`Config::epochs`] times over a corpus.
///
/// # Errors
/// [`Error::Interrupted`] if `progress` was cancelled; [`Error::Parameter`] if the configuration is invalid, does not
/// fit the weights, the start is not in such a run, or the instruction set is not available; what the corpus, if
/// streamed, or the observer fails with.
pub fn train(job: &Job<'_>, observer: &mut dyn Observer, progress: &Progress) -> Result<Trained> {
    check(job)?;
    let (config, encoded) = (job.config, job.source.encoded());
    progress.enter(Phase::Training, encoded.tokens.saturating_mul(config.epochs as u64));
    progress.advance(job.start.read(encoded));
    let shared = Shared::new(job, progress);
    let workers = config.worker_threads();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .thread_name(|i| format!("polargram-{i}"))
        .build()
        .map_err(|error| Error::parameter("workers", format!("cannot start {workers} threads: {error}")))?;
    let start = Instant::now();
    let mut position = job.start.clone();
    while position.epoch < config.epochs {
        let epoch = position.epoch;
        if position.batch == 0 {
            if observer.epoch_begins(epoch)? == Next::Stop {
                break;
            }
            position.losses.push(0.0);
            position.examples.push(0);
        }
        loop {
            let is_over = train_until(observer.next_pause(), job, &shared, &pool, &mut position)?;
            if is_over {
                break;
            }
            observer.paused(&position)?;
        }
        (position.epoch, position.batch, position.tokens) = (epoch + 1, 0, 0);
        if observer.epoch_ends(epoch, &position)? == Next::Stop {
            break;
        }
    }
    Ok(Trained {
        tokens: position.read(encoded),
        tokens_before: job.start.read(encoded),
        raw_tokens: encoded.raw_tokens.saturating_mul(position.epoch as u64),
        kept: position.kept,
        learning_rate: shared.schedule.reached(),
        losses: position.losses.into_iter().zip(position.examples).collect(),
        encoding: Duration::ZERO,
        elapsed: start.elapsed(),
        isa: job.isa,
    })
}

fn check(job: &Job<'_>) -> Result<()> {
    if !job.isa.is_available() {
        return Err(Error::parameter("isa", format!("this machine has no {}", job.isa)));
    }
    job.config.validate()?;
    job.weights.check(job.config)?;
    let rows = job.vocabulary.len();
    if job.weights.input.rows() != rows {
        let reason = format!("has {rows} words for {} rows of weights", job.weights.input.rows());
        return Err(Error::parameter("vocabulary", reason));
    }
    if let Some(locks) = job.locks
        && locks.len() != rows
    {
        return Err(Error::parameter("vectors_lockf", format!("has {} factors for {rows} words", locks.len())));
    }
    let start = job.start.check(job.config, job.source.encoded());
    start.map_err(|reason| Error::parameter("start", format!("is not in this run: it {reason}")))
}

/// Trains a [`Stretch`] from `position` on, and tells whether the epoch is over.
fn train_until(
    pause: Option<Instant>,
    job: &Job<'_>,
    shared: &Shared<'_>,
    pool: &rayon::ThreadPool,
    position: &mut Position,
) -> Result<bool> {
    let (epoch, first) = (position.epoch, position.batch);
    let done = Stretch { job, shared, pool, epoch, first, pause }.train()?;
    position.batch = done.next;
    for sums in done.by_worker {
        position.kept += sums.kept;
        position.tokens += sums.tokens;
        position.losses[epoch] += sums.loss;
        position.examples[epoch] += sums.examples;
    }
    Ok(done.is_over)
}

#[cfg(test)]
mod tests;
