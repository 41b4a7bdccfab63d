//! What inputs are trained for: to tell a centre from noise, to find its path in a tree, or both. A model family says
//! which rows are the inputs, and of which centres.

use super::Shared;
use super::kernel::{Block, Scratch};
use super::negative::NegativeSampling;
use super::softmax::HierarchicalSoftmax;
use super::targets::{Mask, Pairs};
use super::worker::{Draws, Sums};

pub(crate) struct Objectives<'a> {
    shared: &'a Shared<'a>,
    negative: Option<NegativeSampling<'a>>,
    softmax: Option<HierarchicalSoftmax<'a>>,
    /// Rows of the next block, for the cache.
    next: Vec<*mut f32>,
    pairs: Pairs,
    scratch: Scratch,
    pub(crate) sums: Sums,
}

impl<'a> Objectives<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            negative: shared.negative_sampling(),
            softmax: shared.hierarchical_softmax(),
            next: Vec::new(),
            pairs: Pairs::default(),
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

    /// Begins a run of centres, which others will follow.
    pub(crate) fn start_run(&mut self, following: &[u32]) {
        if let Some(softmax) = &mut self.softmax {
            softmax.start_run(following);
        }
    }

    /// Begins a block; the next ones will need these input rows besides this one's: of the same run, and of the one
    /// after it.
    #[inline(always)]
    pub(crate) fn start_block(&mut self, entering: &[*mut f32], of_next_run: &[*mut f32]) {
        self.next.clear();
        self.next.extend_from_slice(entering);
        self.next.extend_from_slice(of_next_run);
    }

    /// Whether there is a path to find.
    #[inline(always)]
    pub(crate) fn has_softmax(&self) -> bool {
        self.softmax.is_some()
    }

    /// Trains inputs against the path of the next centre, after which comes the centre `after`.
    #[inline(always)]
    pub(crate) fn train_softmax(&mut self, inputs: &mut Vec<*mut f32>, after: Option<u32>, rate: f32) {
        let Some(softmax) = &mut self.softmax else { return };
        let (path, next) = softmax.path(after);
        self.pairs.repeat(inputs.len(), &path.positive, path.rows.len());
        self.pairs.merge_equal(inputs, path.rows.len());
        let block = block(self.shared, inputs, &path.rows, &self.pairs, next, rate);
        self.shared.train_block(&block, &mut self.scratch, &mut self.sums);
    }

    /// Trains inputs, each against those of the block's centres that its mask says, and their noise. After the block
    /// come the centres `after`.
    #[inline(always)]
    pub(crate) fn train_negative(
        &mut self,
        inputs: &mut Vec<*mut f32>,
        masks: &[Mask],
        after: &[u32],
        rate: f32,
        draws: &mut Draws,
    ) {
        let Some(negative) = &mut self.negative else { return };
        let (targets, next) = negative.targets(after, draws);
        self.next.extend_from_slice(next);
        self.pairs.set(masks, targets);
        self.pairs.merge_equal(inputs, targets.rows.len());
        let block = block(self.shared, inputs, &targets.rows, &self.pairs, &self.next, rate);
        self.shared.train_block(&block, &mut self.scratch, &mut self.sums);
    }

    /// Trains one input against one centre and noise of its own.
    pub(crate) fn train_pair(&mut self, input: *mut f32, centre: u32, rate: f32, draws: &mut Draws) {
        let Some(negative) = &mut self.negative else { return };
        let targets = negative.targets_of_pair(centre, draws);
        self.pairs.set(&[1], targets);
        let inputs = [input];
        let block = block(self.shared, &inputs, &targets.rows, &self.pairs, &[], rate);
        self.shared.train_block(&block, &mut self.scratch, &mut self.sums);
    }
}

#[inline(always)]
fn block<'b>(
    shared: &Shared<'_>,
    inputs: &'b [*mut f32],
    targets: &'b [*mut f32],
    pairs: &'b Pairs,
    next: &'b [*mut f32],
    rate: f32,
) -> Block<'b> {
    let stride = shared.weights.input.stride();
    Block { inputs, targets, positive: &pairs.positive, total: &pairs.total, next, stride, rate }
}
