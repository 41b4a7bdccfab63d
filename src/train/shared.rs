//! What all workers share.

use std::sync::atomic::AtomicU32;

use super::rows::PRIVATE_NODES;
use super::run::TrainingRun;
use super::schedule::Schedule;
use super::weights::Weights;
use crate::config::Config;
use crate::kernel::Isa;
use crate::progress::Progress;
use crate::vocab::{HuffmanTree, KeepThresholds, NoiseDistribution};

/// Centres in a block of skip-gram, at most. They share their noise words, and each of their context words is read and
/// written once for all of them. With 3 training is 1.2 times as fast and analogies are as good, but SimLex-999 falls
/// by 0.01.
pub(crate) const MAX_CENTRES: usize = 2;

/// What all workers share. They write the rows of `weights` and the counters in `node_merges`, and only read the rest.
pub(crate) struct Shared<'a> {
    pub(crate) config: &'a Config,
    pub(crate) weights: &'a Weights,
    /// The lock factors, if any of them is not 1.
    pub(crate) locks: Option<&'a [f32]>,
    pub(crate) noise: Option<NoiseDistribution>,
    pub(crate) tree: Option<HuffmanTree>,
    /// How often the rows of the first nodes were merged.
    pub(crate) node_merges: Vec<AtomicU32>,
    pub(crate) keep: KeepThresholds,
    pub(crate) schedule: Schedule<'a>,
    pub(crate) isa: Isa,
}

impl<'a> Shared<'a> {
    pub(crate) fn new(run: &TrainingRun<'a>, progress: &'a Progress) -> Self {
        let (config, counts) = (run.config, run.vocabulary.counts());
        let locks = run.locks.filter(|locks| locks.iter().any(|&factor| factor != 1.0));
        Self {
            config,
            weights: run.weights,
            locks,
            noise: (config.negative > 0).then(|| NoiseDistribution::new(counts, config.ns_exponent)),
            tree: config.hs.then(|| HuffmanTree::new(counts)),
            node_merges: std::iter::repeat_with(AtomicU32::default).take(PRIVATE_NODES).collect(),
            keep: KeepThresholds::new(counts, config.sample),
            schedule: Schedule::new(config, run.source.encoded().tokens, run.expected_tokens, progress),
            isa: run.isa,
        }
    }

    /// Centres that are trained as one block because they share their noise. In CBOW it is one: two centres would have
    /// too few inputs for their noise, and analogies would be 0.7 points worse.
    pub(crate) fn centres_per_block(&self) -> usize {
        let share_noise = self.config.sg && self.config.shared_negatives && self.config.negative > 0;
        if share_noise { MAX_CENTRES } else { 1 }
    }

    /// Floats from one row to the next in every matrix of the weights.
    #[inline(always)]
    pub(crate) fn stride(&self) -> usize {
        self.weights.input.stride()
    }
}
