//! CBOW: the mean or sum of a centre's context is the one input (Mikolov et al. 2013).

use std::ops::Range;

use super::Shared;
use super::kernel::{Block, Scratch, pool_rows, spread_change};
use super::negative::NegativeSampling;
use super::rows::{RunRows, SharedRows};
use super::softmax::HierarchicalSoftmax;
use super::targets::{MAX_CENTRES, Mask, Pairs};
use super::worker::{Draws, Sums, window};
use crate::model::AlignedBuffer;

pub(crate) struct Cbow<'a> {
    shared: &'a Shared<'a>,
    rows: SharedRows<'a>,
    run: RunRows,
    negative: Option<NegativeSampling<'a>>,
    softmax: Option<HierarchicalSoftmax<'a>>,
    /// The context of each centre of a block.
    contexts: [Context; MAX_CENTRES],
    /// For each centre the hidden layer, and behind it a copy from before the update.
    hidden: AlignedBuffer,
    next: Vec<*mut f32>,
    pairs: Pairs,
    scratch: Scratch,
    sums: Sums,
}

#[derive(Default)]
struct Context {
    rows: Vec<*mut f32>,
    words: Vec<u32>,
}

impl<'a> Cbow<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            rows: SharedRows::new(&shared.weights.input, shared),
            run: RunRows::default(),
            negative: shared.negative_sampling(),
            softmax: shared.hierarchical_softmax(),
            contexts: Default::default(),
            hidden: AlignedBuffer::default(),
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
        if let Some(negative) = &mut self.negative {
            negative.start(words, draws);
        }
        if let Some(softmax) = &mut self.softmax {
            softmax.start(words);
        }
        let centres_per_block = self.shared.centres_per_block();
        for first in centres.clone().step_by(centres_per_block) {
            let last = (first + centres_per_block).min(centres.end);
            // The words that enter the window with the next block.
            self.next.clear();
            self.next.extend_from_slice(self.run.get_some(last + self.shared.config.window, centres_per_block));
            for at in first..last {
                self.set_context(at - first, at, sentence, draws);
            }
            for at in first..last {
                self.train_softmax(at - first, sentence.get(at + 1).copied().filter(|_| at + 1 < centres.end), rate);
            }
            self.train_negative(last - first, &sentence[last..centres.end], rate, draws);
            self.sums.examples += (last - first) as u64;
        }
    }

    #[inline(always)]
    fn set_context(&mut self, centre: usize, at: usize, sentence: &[u32], draws: &mut Draws) {
        let window = window(at, sentence.len(), self.shared.config, draws);
        let context = &mut self.contexts[centre];
        context.rows.clear();
        context.rows.extend_from_slice(self.run.get(window.start..at));
        context.rows.extend_from_slice(self.run.get(at + 1..window.end));
        if self.shared.locks.is_some() {
            context.words.clear();
            context.words.extend_from_slice(&sentence[window.start..at]);
            context.words.extend_from_slice(&sentence[at + 1..window.end]);
        }
    }

    /// Trains the hidden layers of a block's centres against all of them and their noise.
    #[inline(always)]
    fn train_negative(&mut self, centres: usize, after: &[u32], rate: f32, draws: &mut Draws) {
        const MASKS: [Mask; MAX_CENTRES] = [1, 2];
        let hidden = self.hidden_rows();
        let Some(negative) = &mut self.negative else { return };
        let (targets, next) = negative.targets(after, draws);
        self.next.extend_from_slice(next);
        self.pairs.set(&MASKS[..centres], targets);
        for (context, &hidden) in self.contexts[..centres].iter().zip(&hidden) {
            context.pool(hidden, self.shared);
        }
        let block = Block {
            inputs: &hidden[..centres],
            targets: &targets.rows,
            positive: &self.pairs.positive,
            total: &self.pairs.total,
            next: &self.next,
            stride: self.rows.stride(),
            rate,
        };
        self.shared.train_block(&block, &mut self.scratch, &mut self.sums);
        for (context, &hidden) in self.contexts[..centres].iter().zip(&hidden) {
            context.spread(hidden, self.shared);
        }
    }

    /// Trains the hidden layer of one centre against the centre's path.
    #[inline(always)]
    fn train_softmax(&mut self, centre: usize, after: Option<u32>, rate: f32) {
        let hidden = self.hidden_rows()[centre];
        let Some(softmax) = &mut self.softmax else { return };
        let (path, next) = softmax.path(after);
        self.pairs.repeat(1, &path.positive, path.rows.len());
        self.contexts[centre].pool(hidden, self.shared);
        let block = Block {
            inputs: &[hidden],
            targets: &path.rows,
            positive: &self.pairs.positive,
            total: &self.pairs.total,
            next,
            stride: self.rows.stride(),
            rate,
        };
        self.shared.train_block(&block, &mut self.scratch, &mut self.sums);
        self.contexts[centre].spread(hidden, self.shared);
    }

    #[inline(always)]
    fn hidden_rows(&mut self) -> [*mut f32; MAX_CENTRES] {
        let stride = self.rows.stride();
        let start = self.hidden.at_least(MAX_CENTRES * 2 * stride);
        // SAFETY: the buffer was sized for them.
        std::array::from_fn(|centre| unsafe { start.add(centre * 2 * stride) })
    }
}

impl Context {
    /// Writes the mean or the sum of the context to `hidden`.
    #[inline(always)]
    fn pool(&self, hidden: *mut f32, shared: &Shared<'_>) {
        let share = if shared.config.cbow_mean { 1.0 / self.rows.len() as f32 } else { 1.0 };
        // SAFETY: rows of the input matrix, and room for two rows of the same stride; the instruction set was detected.
        unsafe { pool_rows(shared.isa, &self.rows, share, hidden, shared.weights.input.stride()) }
    }

    /// Gives the change of `hidden` to the context. As in gensim: with the mean each word gets all of it, with the sum
    /// its share.
    #[inline(always)]
    fn spread(&self, hidden: *mut f32, shared: &Shared<'_>) {
        let stride = shared.weights.input.stride();
        let share = if shared.config.cbow_mean { 1.0 } else { 1.0 / self.rows.len() as f32 };
        // SAFETY: as above, after `pool`.
        unsafe {
            let Some(factors) = shared.locks else {
                return spread_change(shared.isa, hidden, &self.rows, share, stride);
            };
            for (row, &word) in self.rows.iter().zip(&self.words) {
                let factor = factors[word as usize];
                if factor != 0.0 {
                    spread_change(shared.isa, hidden, std::slice::from_ref(row), share * factor, stride);
                }
            }
        }
    }
}
