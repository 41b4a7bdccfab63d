//! CBOW: the mean or sum of a centre's context is the one input (Mikolov et al. 2013).

use std::ops::Range;

use super::Shared;
use super::kernel::{Block, Scratch, pool_rows, spread_change, train_block};
use super::negative::NegativeSampling;
use super::rows::SharedRows;
use super::targets::{CENTRES, Mask, Pairs};
use super::worker::{Draws, window};
use crate::model::AlignedBuffer;

pub(crate) struct Cbow<'a> {
    shared: &'a Shared<'a>,
    rows: SharedRows<'a>,
    targets: NegativeSampling<'a>,
    contexts: [Vec<*mut f32>; CENTRES],
    hidden: AlignedBuffer,
    next: Vec<*mut f32>,
    pairs: Pairs,
    scratch: Scratch,
}

impl<'a> Cbow<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            rows: SharedRows::new(&shared.weights.input, shared),
            targets: NegativeSampling::new(shared, &shared.weights.output),
            contexts: Default::default(),
            hidden: AlignedBuffer::default(),
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
        // For each centre the hidden layer, and behind it a copy from before the update.
        let hidden = self.hidden.at_least(CENTRES * 2 * stride);
        // SAFETY: the buffer was sized for them.
        let hidden: [*mut f32; CENTRES] = std::array::from_fn(|i| unsafe { hidden.add(i * 2 * stride) });
        let masks: [Mask; CENTRES] = std::array::from_fn(|centre| 1 << centre);
        let words = &sentence[centres.clone()];
        self.targets.start(words, draws);
        for block in 0..words.len().div_ceil(CENTRES) {
            let first = centres.start + block * CENTRES;
            let last = (first + CENTRES).min(centres.end);
            let mut returned = [0.0; CENTRES];
            for at in first..last {
                let window = window(at, sentence.len(), shared, draws);
                let context = &mut self.contexts[at - first];
                context.clear();
                for at in (window.start..at).chain(at + 1..window.end) {
                    context.push(self.rows.row(sentence[at]));
                }
                let share = 1.0 / context.len() as f32;
                let pooled = if shared.config.cbow_mean { share } else { 1.0 };
                // As in gensim: with the mean each context word gets the whole gradient, with the sum its share.
                returned[at - first] = if shared.config.cbow_mean { 1.0 } else { share };
                // SAFETY: rows of the input matrix, and scratch rows of the same stride; the instruction set was detected.
                unsafe { pool_rows(shared.isa, context, pooled, hidden[at - first], stride) };
            }
            let (targets, next) = self.targets.targets(block, words, draws);
            self.next.clear();
            self.next.extend_from_slice(next);
            for at in last + shared.config.window..(last + CENTRES + shared.config.window).min(sentence.len()) {
                self.next.push(self.rows.row(sentence[at]));
            }
            self.pairs.set(&masks[..last - first], targets);
            let block = Block {
                inputs: &hidden[..last - first],
                targets: &targets.rows,
                positive: &self.pairs.positive,
                total: &self.pairs.total,
                next: &self.next,
                stride,
                rate,
            };
            // SAFETY: as above.
            unsafe {
                train_block(shared.isa, &block, &mut self.scratch);
                for (i, context) in self.contexts[..last - first].iter().enumerate() {
                    spread_change(shared.isa, hidden[i], context, returned[i], stride);
                }
            }
        }
    }
}
