//! Skip-gram: every context word of a centre is an input (Mikolov et al. 2013).

use std::ops::Range;

use super::Shared;
use super::kernel::{Block, Scratch, prefetch, train_block};
use super::negative::NegativeSampling;
use super::worker::{Draws, window};

/// With 2 instead of 1 half as many rows are fetched from far away: 1.15 times the speed on two cores, and over four
/// seeds the same analogies and similarities (`benches/peer/compare.py`). With 4, 1.25 times the speed, but in the one run
/// made lower similarities.
const CENTRES_PER_NOISE: usize = 2;

pub(crate) struct SkipGram<'a> {
    shared: &'a Shared<'a>,
    targets: NegativeSampling<'a>,
    inputs: Vec<*mut f32>,
    scratch: Scratch,
}

impl<'a> SkipGram<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            targets: NegativeSampling::new(shared, CENTRES_PER_NOISE),
            inputs: Vec::new(),
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
        let rows = &shared.weights.input;
        self.targets.start(&sentence[centres.clone()], draws);
        for at in centres.clone() {
            let window = window(at, sentence.len(), shared, draws);
            let targets = self.targets.targets(at - centres.start, &sentence[centres.clone()], draws);
            if let Some(&entering) = sentence.get(at + shared.config.window + 1) {
                prefetch(rows.row(entering), rows.stride());
            }
            self.inputs.clear();
            self.inputs.extend(
                sentence[window.start..at].iter().chain(&sentence[at + 1..window.end]).map(|&word| rows.row(word)),
            );
            let block = Block {
                inputs: &self.inputs,
                targets: &targets.rows,
                labels: &targets.labels,
                weights: &targets.weights,
                stride: rows.stride(),
                rate,
            };
            // SAFETY: the rows come from the weights' matrices, of equal stride; the instruction set was detected.
            unsafe { train_block(shared.isa, &block, &mut self.scratch) }
        }
    }
}
