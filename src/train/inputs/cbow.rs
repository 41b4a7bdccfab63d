//! CBOW: the only input of a centre is the mean or the sum of the rows of its context words (Mikolov et al. 2013).

use super::block::CentreBlock;
use crate::kernel::{AlignedBuffer, Pooled, pool_rows, spread_change};
use crate::train::losses::{InputRows, Losses};
use crate::train::rng::BatchRng;
use crate::train::shared::Shared;
use crate::vocab::WordId;

pub(crate) struct Cbow<'a> {
    shared: &'a Shared<'a>,
    context: Context,
}

/// The context words of a centre.
#[derive(Default)]
struct Context {
    rows: Vec<*mut f32>,
    /// The words, if their lock factors are needed.
    words: Vec<WordId>,
    /// The hidden layer, followed by a copy from before its update.
    hidden: AlignedBuffer,
}

impl<'a> Cbow<'a> {
    pub(super) fn new(shared: &'a Shared<'a>) -> Self {
        Self { shared, context: Context::default() }
    }

    /// Trains a block, which is one centre.
    #[inline(always)]
    pub(super) fn train(&mut self, block: &CentreBlock<'_>, losses: &mut Losses<'_>, rate: f32, rng: &mut BatchRng) {
        let (context, at) = (&mut self.context, block.centres.start);
        losses.stats.examples += 1;
        context.set(at, block, self.shared, rng);
        if losses.has_hierarchical() {
            let rows = [context.pool(self.shared)];
            let inputs = InputRows { rows: &rows, may_have_duplicates: false, prefetch: block.prefetch_inputs };
            losses.train_hierarchical(inputs, &block.batch.tokens[at + 1..], rate);
            context.spread(self.shared);
        }
        if losses.has_negative() {
            let rows = [context.pool(self.shared)];
            let inputs = InputRows { rows: &rows, may_have_duplicates: false, prefetch: block.prefetch_inputs };
            losses.train_negative(inputs, &[1], block.next_centres, rate, rng);
            context.spread(self.shared);
        }
    }
}

impl Context {
    #[inline(always)]
    fn set(&mut self, at: usize, block: &CentreBlock<'_>, shared: &Shared<'_>, rng: &mut BatchRng) {
        let window = block.window(at, shared.config, rng);
        self.rows.clear();
        self.rows.extend_from_slice(block.rows.get(window.start..at));
        self.rows.extend_from_slice(block.rows.get(at + 1..window.end));
        if shared.locks.is_some() {
            self.words.clear();
            self.words.extend_from_slice(&block.batch.tokens[window.start..at]);
            self.words.extend_from_slice(&block.batch.tokens[at + 1..window.end]);
        }
    }

    #[inline(always)]
    fn hidden(&mut self, stride: usize) -> Pooled {
        let row = self.hidden.at_least(2 * stride);
        // SAFETY: the buffer was sized for both.
        Pooled { row, before: unsafe { row.add(stride) } }
    }

    /// Sets the hidden layer to the mean or the sum of the context.
    #[inline(always)]
    fn pool(&mut self, shared: &Shared<'_>) -> *mut f32 {
        let stride = shared.stride();
        let hidden = self.hidden(stride);
        let share = if shared.config.cbow_mean { 1.0 / self.rows.len() as f32 } else { 1.0 };
        // SAFETY: rows of the input matrix, and two more of the same stride; the instruction set was checked.
        unsafe { pool_rows(shared.isa, &self.rows, share, hidden, stride) };
        hidden.row
    }

    /// Adds the change of the hidden layer to the rows of the context. As in gensim, with the mean every word gets the
    /// whole change, and with the sum an equal share of it.
    #[inline(always)]
    fn spread(&mut self, shared: &Shared<'_>) {
        let stride = shared.stride();
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
