//! CBOW: the mean or sum of a centre's context is the one input (Mikolov et al. 2013).

use std::ops::Range;

use super::Shared;
use super::kernel::{Block, Scratch, pool_rows, prefetch, spread_change, train_block};
use super::negative::NegativeSampling;
use super::worker::{Draws, window};
use crate::model::AlignedBuffer;

/// A centre has one input here, so it learns less from its noise than in skip-gram: in one run
/// each, sharing it cost a point of analogies.
const CENTRES_PER_NOISE: usize = 1;

pub(crate) struct Cbow<'a> {
    shared: &'a Shared<'a>,
    targets: NegativeSampling<'a>,
    context: Vec<*mut f32>,
    hidden: AlignedBuffer,
    scratch: Scratch,
}

impl<'a> Cbow<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            targets: NegativeSampling::new(shared, CENTRES_PER_NOISE),
            context: Vec::new(),
            hidden: AlignedBuffer::default(),
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
        let stride = rows.stride();
        // The hidden layer, and behind it a copy from before the update.
        let hidden = self.hidden.at_least(2 * stride);
        self.targets.start(&sentence[centres.clone()], draws);
        for at in centres.clone() {
            let window = window(at, sentence.len(), shared, draws);
            let targets = self.targets.targets(at - centres.start, &sentence[centres.clone()], draws);
            if let Some(&entering) = sentence.get(at + shared.config.window + 1) {
                prefetch(rows.row(entering), stride);
            }
            self.context.clear();
            self.context.extend(
                sentence[window.start..at].iter().chain(&sentence[at + 1..window.end]).map(|&word| rows.row(word)),
            );
            let share = 1.0 / self.context.len() as f32;
            let (pooled, returned) = if shared.config.cbow_mean { (share, 1.0) } else { (1.0, share) };
            let block = Block {
                inputs: &[hidden],
                targets: &targets.rows,
                labels: &targets.labels,
                weights: &targets.weights,
                stride,
                rate,
            };
            // SAFETY: rows of the weights' matrices and a scratch row of the same stride; the instruction set was
            // detected.
            unsafe {
                pool_rows(shared.isa, &self.context, pooled, hidden, stride);
                train_block(shared.isa, &block, &mut self.scratch);
                // As in gensim: with the mean each context word gets the whole gradient, with the sum its share.
                spread_change(shared.isa, hidden, &self.context, returned, stride);
            }
        }
    }
}
