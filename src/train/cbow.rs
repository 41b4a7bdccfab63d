//! CBOW: the mean or sum of a centre's context is the one input (Mikolov et al. 2013).

use super::Shared;
use super::objectives::{Inputs, Objectives};
use super::worker::{Draws, Neighbours, window};
use crate::kernel::AlignedBuffer;
use crate::kernel::{Pooled, pool_rows, spread_change};

pub(crate) struct Cbow<'a> {
    shared: &'a Shared<'a>,
    context: Context,
}

#[derive(Default)]
struct Context {
    rows: Vec<*mut f32>,
    /// The words, where there are locks to look up.
    words: Vec<u32>,
    /// The hidden layer, and behind it a copy from before its update.
    hidden: AlignedBuffer,
}

impl<'a> Cbow<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        Self { shared, context: Context::default() }
    }

    /// Trains a block, which is one centre.
    #[inline(always)]
    pub(crate) fn train(
        &mut self,
        block: &Neighbours<'_>,
        objectives: &mut Objectives<'_>,
        rate: f32,
        draws: &mut Draws,
    ) {
        let (context, at) = (&mut self.context, block.centres.start);
        objectives.sums.examples += 1;
        context.set(at, block, self.shared, draws);
        if objectives.has_softmax() {
            let rows = [context.pool(self.shared)];
            let inputs = Inputs { rows: &rows, may_repeat: false, entering: block.entering };
            objectives.train_softmax(inputs, &block.text.tokens[at + 1..], rate);
            context.spread(self.shared);
        }
        if objectives.has_negative() {
            let rows = [context.pool(self.shared)];
            let inputs = Inputs { rows: &rows, may_repeat: false, entering: block.entering };
            objectives.train_negative(inputs, &[1], block.following, rate, draws);
            context.spread(self.shared);
        }
    }
}

impl Context {
    #[inline(always)]
    fn set(&mut self, at: usize, block: &Neighbours<'_>, shared: &Shared<'_>, draws: &mut Draws) {
        let window = window(at, &block.sentence, shared.config, draws);
        self.rows.clear();
        self.rows.extend_from_slice(block.rows.get(window.start..at));
        self.rows.extend_from_slice(block.rows.get(at + 1..window.end));
        if shared.locks.is_some() {
            self.words.clear();
            self.words.extend_from_slice(&block.text.tokens[window.start..at]);
            self.words.extend_from_slice(&block.text.tokens[at + 1..window.end]);
        }
    }

    #[inline(always)]
    fn hidden(&mut self, stride: usize) -> Pooled {
        let row = self.hidden.at_least(2 * stride);
        // SAFETY: the buffer was sized for both.
        Pooled { row, before: unsafe { row.add(stride) } }
    }

    /// Makes the hidden layer the mean or the sum of the context.
    #[inline(always)]
    fn pool(&mut self, shared: &Shared<'_>) -> *mut f32 {
        let stride = shared.weights.input.stride();
        let hidden = self.hidden(stride);
        let share = if shared.config.cbow_mean { 1.0 / self.rows.len() as f32 } else { 1.0 };
        // SAFETY: rows of the input matrix, and two more of the same stride; the instruction set was detected.
        unsafe { pool_rows(shared.isa, &self.rows, share, hidden, stride) };
        hidden.row
    }

    /// Gives the change of the hidden layer to the context. As in gensim: with the mean each word gets all of it, with
    /// the sum its share.
    #[inline(always)]
    fn spread(&mut self, shared: &Shared<'_>) {
        let stride = shared.weights.input.stride();
        let hidden = self.hidden(stride);
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
