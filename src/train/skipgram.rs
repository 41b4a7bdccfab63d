//! Skip-gram: every context word of a centre is an input (Mikolov et al. 2013).

use std::ops::Range;

use super::Shared;
use super::kernel::{Block, Scratch, train_block};
use super::negative::NegativeSampling;
use super::rows::SharedRows;
use super::targets::{CENTRES, Mask, Pairs};
use super::worker::{Draws, window};

pub(crate) struct SkipGram<'a> {
    shared: &'a Shared<'a>,
    rows: SharedRows<'a>,
    targets: NegativeSampling<'a>,
    inputs: Vec<*mut f32>,
    masks: Vec<Mask>,
    next: Vec<*mut f32>,
    pairs: Pairs,
    scratch: Scratch,
}

impl<'a> SkipGram<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            rows: SharedRows::new(&shared.weights.input, shared),
            targets: NegativeSampling::new(shared, &shared.weights.output),
            inputs: Vec::new(),
            masks: Vec::new(),
            next: Vec::new(),
            pairs: Pairs::default(),
            scratch: Scratch::default(),
        }
    }

    /// Begins a batch.
    pub(crate) fn start_batch(&mut self) {
        self.targets.start_batch();
    }

    /// Trains the given centres of a sentence of kept tokens.
    pub(crate) fn train(&mut self, sentence: &[u32], centres: Range<usize>, rate: f32, draws: &mut Draws) {
        if sentence.len() < 2 {
            return;
        }
        let shared = self.shared;
        let stride = self.rows.stride();
        let words = &sentence[centres.clone()];
        self.targets.start(words, draws);
        for block in 0..words.len().div_ceil(CENTRES) {
            let first = centres.start + block * CENTRES;
            let last = (first + CENTRES).min(centres.end);
            let mut windows: [Range<usize>; CENTRES] = std::array::from_fn(|_| 0..0);
            for at in first..last {
                windows[at - first] = window(at, sentence.len(), shared, draws);
            }
            let (targets, next) = self.targets.targets(block, words, draws);
            self.next.clear();
            self.next.extend_from_slice(next);
            for at in last + shared.config.window..(last + CENTRES + shared.config.window).min(sentence.len()) {
                self.next.push(self.rows.row(sentence[at]));
            }
            let windows = &windows[..last - first];
            let start = windows.iter().map(|w| w.start).min().unwrap_or(0);
            let end = windows.iter().map(|w| w.end).max().unwrap_or(0);
            self.inputs.clear();
            self.masks.clear();
            for at in start..end {
                let mut mask = 0;
                for (centre, window) in windows.iter().enumerate() {
                    let is_context = (window.start <= at) & (at < window.end) & (at != first + centre);
                    mask |= Mask::from(is_context) << centre;
                }
                if mask != 0 {
                    self.inputs.push(self.rows.row(sentence[at]));
                    self.masks.push(mask);
                }
            }
            self.pairs.set(&self.masks, targets);
            let block = Block {
                inputs: &self.inputs,
                targets: &targets.rows,
                positive: &self.pairs.positive,
                total: &self.pairs.total,
                next: &self.next,
                stride,
                rate,
            };
            // SAFETY: the rows come from the weights' matrices, of equal stride; the instruction set was detected.
            unsafe { train_block(shared.isa, &block, &mut self.scratch) }
        }
    }
}
