//! The losses: what inputs are trained for.
//!
//! A loss is one file. It says which rows are the targets of a centre and what their labels are. With more than one loss
//! each block of inputs is trained for one after another.

mod hierarchical;
mod labels;
mod negative;
mod targets;

use super::rng::BatchRng;
use super::shared::Shared;
use super::stats::WorkerStats;
use crate::kernel::{self, Block, Scratch};
use crate::vocab::WordId;
use hierarchical::HierarchicalSoftmax;
pub(super) use labels::CentreMask;
use labels::Labels;
use negative::NegativeSampling;

/// The losses of a training run.
pub(super) struct Losses<'a> {
    shared: &'a Shared<'a>,
    negative: Option<NegativeSampling<'a>>,
    hierarchical: Option<HierarchicalSoftmax<'a>>,
    labels: Labels,
    /// The inputs without duplicates, if there were any.
    distinct: Vec<*mut f32>,
    scratch: Scratch,
    pub(super) stats: WorkerStats,
}

/// The inputs of a block.
#[derive(Clone, Copy)]
pub(super) struct InputRows<'b> {
    pub(super) rows: &'b [*mut f32],
    /// False if all rows are different.
    pub(super) may_have_duplicates: bool,
    /// Input rows that the next block needs and this one does not, to be prefetched.
    pub(super) prefetch: &'b [*mut f32],
}

impl<'b> InputRows<'b> {
    /// The rows without duplicates. The labels of duplicates are added.
    #[inline(always)]
    fn distinct(&self, labels: &mut Labels, distinct: &'b mut Vec<*mut f32>, targets: usize) -> &'b [*mut f32] {
        if !self.may_have_duplicates {
            return self.rows;
        }
        distinct.clear();
        distinct.extend_from_slice(self.rows);
        labels.merge_duplicates(distinct, targets);
        distinct
    }
}

impl<'a> Losses<'a> {
    pub(super) fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            negative: NegativeSampling::new(shared),
            hierarchical: HierarchicalSoftmax::new(shared),
            labels: Labels::default(),
            distinct: Vec::new(),
            scratch: Scratch::default(),
            stats: WorkerStats::default(),
        }
    }

    /// Starts a batch. `centres` are its first centres.
    pub(super) fn start_batch(&mut self, centres: &[WordId], rng: &mut BatchRng) {
        if let Some(negative) = &mut self.negative {
            negative.start_batch(centres, rng);
        }
        if let Some(hierarchical) = &mut self.hierarchical {
            hierarchical.start_batch(centres);
        }
    }

    /// True if there is hierarchical softmax.
    #[inline(always)]
    pub(super) fn has_hierarchical(&self) -> bool {
        self.hierarchical.is_some()
    }

    /// True if there is negative sampling.
    #[inline(always)]
    pub(super) fn has_negative(&self) -> bool {
        self.negative.is_some()
    }

    /// Trains inputs against the path of the next centre. `next_centres` are the centres after it.
    #[inline(always)]
    pub(super) fn train_hierarchical(&mut self, inputs: InputRows<'_>, next_centres: &[WordId], rate: f32) {
        let Some(hierarchical) = &mut self.hierarchical else { return };
        let (path, next) = hierarchical.path(next_centres);
        self.labels.repeat(inputs.rows.len(), &path.positive, path.rows.len());
        let rows = inputs.distinct(&mut self.labels, &mut self.distinct, path.rows.len());
        let block = block(self.shared, rows, &path.rows, &self.labels, [inputs.prefetch, next], rate);
        train_block(self.shared, &block, &mut self.scratch, &mut self.stats);
    }

    /// Trains inputs against the centres of the next block and their noise words: each input against the centres in its
    /// mask. `next_centres` are the centres after the block.
    #[inline(always)]
    pub(super) fn train_negative(
        &mut self,
        inputs: InputRows<'_>,
        masks: &[CentreMask],
        next_centres: &[WordId],
        rate: f32,
        rng: &mut BatchRng,
    ) {
        let Some(negative) = &mut self.negative else { return };
        let (targets, next) = negative.targets(next_centres, rng);
        self.labels.set(masks, targets.rows.len(), targets.patterns());
        let rows = inputs.distinct(&mut self.labels, &mut self.distinct, targets.rows.len());
        let block = block(self.shared, rows, &targets.rows, &self.labels, [inputs.prefetch, next], rate);
        train_block(self.shared, &block, &mut self.scratch, &mut self.stats);
    }

    /// Trains one input against one centre and noise words of their own.
    pub(super) fn train_pair(&mut self, input: *mut f32, centre: WordId, rate: f32, rng: &mut BatchRng) {
        let Some(negative) = &mut self.negative else { return };
        let targets = negative.targets_of_pair(centre, rng);
        self.labels.set(&[1], targets.rows.len(), targets.patterns());
        let inputs = [input];
        let block = block(self.shared, &inputs, &targets.rows, &self.labels, [&[], &[]], rate);
        train_block(self.shared, &block, &mut self.scratch, &mut self.stats);
    }
}

#[inline(always)]
fn block<'b>(
    shared: &Shared<'_>,
    inputs: &'b [*mut f32],
    targets: &'b [*mut f32],
    labels: &'b Labels,
    next: [&'b [*mut f32]; 2],
    rate: f32,
) -> Block<'b> {
    let stride = shared.stride();
    Block { inputs, targets, positive: &labels.positive, total: &labels.total, next, stride, rate }
}

#[inline(always)]
fn train_block(shared: &Shared<'_>, block: &Block<'_>, scratch: &mut Scratch, stats: &mut WorkerStats) {
    if block.inputs.is_empty() || block.targets.is_empty() {
        return;
    }
    // SAFETY: every block consists of rows of the weights' matrices or of scratch rows, all of one stride; the
    // instruction set was checked.
    unsafe { kernel::train_block(shared.isa, block, scratch) }
    if shared.config.compute_loss {
        stats.loss += scratch.loss(block);
    }
}
