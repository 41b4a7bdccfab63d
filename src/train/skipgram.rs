//! Skip-gram: every context word of a centre is an input (Mikolov et al. 2013).

use std::ops::Range;

use super::Shared;
use super::kernel::{Block, Scratch};
use super::locks::LockedInputs;
use super::negative::NegativeSampling;
use super::rows::{RunRows, SharedRows};
use super::softmax::HierarchicalSoftmax;
use super::targets::{MAX_CENTRES, Mask, Pairs};
use super::worker::{Draws, Sums, window};

pub(crate) struct SkipGram<'a> {
    shared: &'a Shared<'a>,
    rows: SharedRows<'a>,
    run: RunRows,
    locked: Option<LockedInputs<'a>>,
    negative: Option<NegativeSampling<'a>>,
    softmax: Option<HierarchicalSoftmax<'a>>,
    /// The context words of a block's centres.
    inputs: Vec<*mut f32>,
    masks: Vec<Mask>,
    /// Some of the inputs.
    chosen: Vec<*mut f32>,
    next: Vec<*mut f32>,
    pairs: Pairs,
    scratch: Scratch,
    sums: Sums,
}

impl<'a> SkipGram<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            rows: SharedRows::new(&shared.weights.input, shared),
            run: RunRows::default(),
            locked: shared.locks.map(LockedInputs::new),
            negative: shared.negative_sampling(),
            softmax: shared.hierarchical_softmax(),
            inputs: Vec::new(),
            masks: Vec::new(),
            chosen: Vec::new(),
            next: Vec::new(),
            pairs: Pairs::default(),
            scratch: Scratch::default(),
            sums: Sums::default(),
        }
    }

    pub(crate) fn sums(&self) -> Sums {
        self.sums
    }

    /// Begins a batch.
    pub(crate) fn start_batch(&mut self) {
        if let Some(negative) = &mut self.negative {
            negative.start_batch();
        }
    }

    /// Trains the given centres of a sentence of kept tokens.
    pub(crate) fn train(&mut self, sentence: &[u32], centres: Range<usize>, rate: f32, draws: &mut Draws) {
        if sentence.len() < 2 || centres.is_empty() {
            return;
        }
        let words = &sentence[centres.clone()];
        self.run.set(sentence, centres.clone(), self.shared.config.window, &mut self.rows);
        if let Some(negative) = &mut self.negative
            && self.shared.config.shared_negatives
        {
            negative.start(words, draws);
        }
        if let Some(softmax) = &mut self.softmax {
            softmax.start(words);
        }
        let centres_per_block = self.shared.centres_per_block();
        for first in centres.clone().step_by(centres_per_block) {
            let last = (first + centres_per_block).min(centres.end);
            self.set_inputs(sentence, first..last, draws);
            // The words that enter the window with the next block.
            self.next.clear();
            self.next.extend_from_slice(self.run.get_some(last + self.shared.config.window, centres_per_block));
            if let Some(locked) = &mut self.locked {
                locked.take(&mut self.inputs, self.shared);
            }
            for at in first..last {
                self.train_softmax(at - first, sentence.get(at + 1).copied().filter(|_| at + 1 < centres.end), rate);
            }
            match self.shared.config.shared_negatives {
                true => self.train_negative(&sentence[last..centres.end], rate, draws),
                false => self.train_pairs(&sentence[first..last], rate, draws),
            }
            if let Some(locked) = &mut self.locked {
                locked.give_back(self.shared);
            }
        }
    }

    /// The context words of some centres, and of which each is one.
    #[inline(always)]
    fn set_inputs(&mut self, sentence: &[u32], centres: Range<usize>, draws: &mut Draws) {
        let mut windows: [Range<usize>; MAX_CENTRES] = std::array::from_fn(|_| 0..0);
        let (mut start, mut end) = (usize::MAX, 0);
        for at in centres.clone() {
            let window = window(at, sentence.len(), self.shared.config, draws);
            self.sums.examples += window.len() as u64 - 1;
            (start, end) = (start.min(window.start), end.max(window.end));
            windows[at - centres.start] = window;
        }
        self.masks.clear();
        for at in start..end {
            let mut mask = 0;
            for (centre, window) in windows[..centres.len()].iter().enumerate() {
                let is_context = (window.start <= at) & (at < window.end) & (at != centres.start + centre);
                mask |= Mask::from(is_context) << centre;
            }
            self.masks.push(mask);
        }
        self.inputs.clear();
        self.inputs.extend_from_slice(self.run.get(start..end));
        if let Some(locked) = &mut self.locked {
            locked.set(&sentence[start..end]);
        }
        if centres.len() == 1 {
            // A centre alone is nobody's context; of two each is the other's.
            self.inputs.remove(centres.start - start);
            self.masks.remove(centres.start - start);
            if let Some(locked) = &mut self.locked {
                locked.remove(centres.start - start);
            }
        }
    }

    /// Trains all inputs against all centres and their noise.
    #[inline(always)]
    fn train_negative(&mut self, after: &[u32], rate: f32, draws: &mut Draws) {
        let Some(negative) = &mut self.negative else { return };
        let (targets, next) = negative.targets(after, draws);
        self.next.extend_from_slice(next);
        self.pairs.set(&self.masks, targets);
        self.pairs.merge_equal(&mut self.inputs, targets.rows.len());
        let (inputs, targets) = (&self.inputs, &targets.rows);
        let block = block(inputs, targets, &self.pairs, &self.next, rate, self.rows.stride());
        self.shared.train_block(&block, &mut self.scratch, &mut self.sums);
    }

    /// Trains every pair of a centre and a context word against noise of its own.
    fn train_pairs(&mut self, centres: &[u32], rate: f32, draws: &mut Draws) {
        let Some(negative) = &mut self.negative else { return };
        for (centre, &word) in centres.iter().enumerate() {
            for (input, mask) in self.inputs.iter().zip(&self.masks) {
                if mask >> centre & 1 == 1 {
                    let targets = negative.targets_of_pair(word, draws);
                    self.pairs.set(&[1], targets);
                    let inputs = std::slice::from_ref(input);
                    let block = block(inputs, &targets.rows, &self.pairs, &[], rate, self.rows.stride());
                    self.shared.train_block(&block, &mut self.scratch, &mut self.sums);
                }
            }
        }
    }

    /// Trains the context words of one centre against the centre's path.
    #[inline(always)]
    fn train_softmax(&mut self, centre: usize, after: Option<u32>, rate: f32) {
        let Some(softmax) = &mut self.softmax else { return };
        let (path, next) = softmax.path(after);
        self.chosen.resize(self.inputs.len().max(self.chosen.len()), std::ptr::null_mut());
        let mut chosen = 0;
        for (&input, mask) in self.inputs.iter().zip(&self.masks) {
            // Every input is written, and overwritten by the next if it is none: whether it is cannot be predicted.
            self.chosen[chosen] = input;
            chosen += usize::from(mask >> centre & 1);
        }
        self.chosen.truncate(chosen);
        self.pairs.repeat(chosen, &path.positive, path.rows.len());
        self.pairs.merge_equal(&mut self.chosen, path.rows.len());
        let block = block(&self.chosen, &path.rows, &self.pairs, next, rate, self.rows.stride());
        self.shared.train_block(&block, &mut self.scratch, &mut self.sums);
    }
}

#[inline(always)]
fn block<'b>(
    inputs: &'b [*mut f32],
    targets: &'b [*mut f32],
    pairs: &'b Pairs,
    next: &'b [*mut f32],
    rate: f32,
    stride: usize,
) -> Block<'b> {
    Block { inputs, targets, positive: &pairs.positive, total: &pairs.total, next, stride, rate }
}
