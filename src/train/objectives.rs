//! What inputs are trained for: to tell a centre from noise, to find its path in a tree, or both. A model family says
//! which rows are the inputs, and of which centres.

use super::Shared;
use super::negative::NegativeSampling;
use super::softmax::HierarchicalSoftmax;
use super::targets::{Mask, Pairs};
use super::worker::{Draws, Sums};
use crate::kernel::{Block, Scratch};

pub(crate) struct Objectives<'a> {
    shared: &'a Shared<'a>,
    negative: Option<NegativeSampling<'a>>,
    softmax: Option<HierarchicalSoftmax<'a>>,
    pairs: Pairs,
    /// The inputs, where some of them were equal.
    merged: Vec<*mut f32>,
    scratch: Scratch,
    pub(crate) sums: Sums,
}

/// The inputs of a block.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'b> {
    pub(crate) rows: &'b [*mut f32],
    /// Whether some of them may be equal.
    pub(crate) may_repeat: bool,
    /// Input rows that the next block will need besides.
    pub(crate) entering: &'b [*mut f32],
}

impl<'b> Inputs<'b> {
    /// Each once, and the pairs accordingly.
    #[inline(always)]
    fn distinct(&self, pairs: &mut Pairs, merged: &'b mut Vec<*mut f32>, targets: usize) -> &'b [*mut f32] {
        if !self.may_repeat {
            return self.rows;
        }
        merged.clear();
        merged.extend_from_slice(self.rows);
        pairs.merge_equal(merged, targets);
        merged
    }
}

impl<'a> Objectives<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            negative: shared.negative_sampling(),
            softmax: shared.hierarchical_softmax(),
            pairs: Pairs::default(),
            merged: Vec::new(),
            scratch: Scratch::default(),
            sums: Sums::default(),
        }
    }

    /// Begins a batch, of which these are the first centres.
    pub(crate) fn start_batch(&mut self, centres: &[u32], draws: &mut Draws) {
        if let Some(negative) = &mut self.negative {
            negative.start_batch(centres, draws);
        }
        if let Some(softmax) = &mut self.softmax {
            softmax.start_batch(centres);
        }
    }

    /// Whether there is a path to find.
    #[inline(always)]
    pub(crate) fn has_softmax(&self) -> bool {
        self.softmax.is_some()
    }

    /// Whether there is noise to tell a centre from.
    #[inline(always)]
    pub(crate) fn has_negative(&self) -> bool {
        self.negative.is_some()
    }

    /// Trains inputs against the path of the next centre, after which come the centres `following`.
    #[inline(always)]
    pub(crate) fn train_softmax(&mut self, inputs: Inputs<'_>, following: &[u32], rate: f32) {
        let Some(softmax) = &mut self.softmax else { return };
        let (path, next) = softmax.path(following);
        self.pairs.repeat(inputs.rows.len(), &path.positive, path.rows.len());
        let rows = inputs.distinct(&mut self.pairs, &mut self.merged, path.rows.len());
        let block = block(self.shared, rows, &path.rows, &self.pairs, [inputs.entering, next], rate);
        self.shared.train_block(&block, &mut self.scratch, &mut self.sums);
    }

    /// Trains inputs, each against those of the block's centres that its mask says, and their noise. After the block
    /// come the centres `following`.
    #[inline(always)]
    pub(crate) fn train_negative(
        &mut self,
        inputs: Inputs<'_>,
        masks: &[Mask],
        following: &[u32],
        rate: f32,
        draws: &mut Draws,
    ) {
        let Some(negative) = &mut self.negative else { return };
        let (targets, next) = negative.targets(following, draws);
        self.pairs.set(masks, targets);
        let rows = inputs.distinct(&mut self.pairs, &mut self.merged, targets.rows.len());
        let block = block(self.shared, rows, &targets.rows, &self.pairs, [inputs.entering, next], rate);
        self.shared.train_block(&block, &mut self.scratch, &mut self.sums);
    }

    /// Trains one input against one centre and noise of its own.
    pub(crate) fn train_pair(&mut self, input: *mut f32, centre: u32, rate: f32, draws: &mut Draws) {
        let Some(negative) = &mut self.negative else { return };
        let targets = negative.targets_of_pair(centre, draws);
        self.pairs.set(&[1], targets);
        let inputs = [input];
        let block = block(self.shared, &inputs, &targets.rows, &self.pairs, [&[], &[]], rate);
        self.shared.train_block(&block, &mut self.scratch, &mut self.sums);
    }
}

#[inline(always)]
fn block<'b>(
    shared: &Shared<'_>,
    inputs: &'b [*mut f32],
    targets: &'b [*mut f32],
    pairs: &'b Pairs,
    next: [&'b [*mut f32]; 2],
    rate: f32,
) -> Block<'b> {
    let stride = shared.weights.input.stride();
    Block { inputs, targets, positive: &pairs.positive, total: &pairs.total, next, stride, rate }
}
