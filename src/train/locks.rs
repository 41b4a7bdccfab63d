//! Word vectors that move less than others, or not at all.

use super::Shared;
use crate::kernel::AlignedBuffer;
use crate::kernel::{Pooled, pool_rows, spread_change};

/// Stands in for inputs with a lock factor other than 1: they are trained as copies, of whose change the row gets its
/// share. A row with the factor 0 is thus never written.
pub(crate) struct LockedInputs<'a> {
    /// gensim's `vectors_lockf`: the share of its change that each word takes.
    factors: &'a [f32],
    /// Rows, what stands in for them, and the factors.
    taken: Vec<(*mut f32, Pooled, f32)>,
    copies: AlignedBuffer,
}

impl<'a> LockedInputs<'a> {
    pub(crate) fn new(factors: &'a [f32]) -> Self {
        Self { factors, taken: Vec::new(), copies: AlignedBuffer::default() }
    }

    /// Puts copies in the place of locked inputs, of these words.
    pub(crate) fn take(&mut self, inputs: &mut [*mut f32], words: &[u32], shared: &Shared<'_>) {
        let stride = shared.weights.input.stride();
        let copies = self.copies.at_least(inputs.len() * 2 * stride);
        for ((i, input), word) in inputs.iter_mut().enumerate().zip(words) {
            let factor = self.factors[*word as usize];
            if factor != 1.0 {
                // SAFETY: the buffer has room for two rows an input; the instruction set was detected.
                unsafe {
                    let row = copies.add(i * 2 * stride);
                    let copy = Pooled { row, before: row.add(stride) };
                    pool_rows(shared.isa, &[*input], 1.0, copy, stride);
                    self.taken.push((*input, copy, factor));
                    *input = row;
                }
            }
        }
    }

    /// Gives the rows their shares.
    pub(crate) fn give_back(&mut self, shared: &Shared<'_>) {
        for (row, copy, factor) in self.taken.drain(..) {
            if factor != 0.0 {
                // SAFETY: `take` made the copy, and the buffer has not grown since.
                unsafe { spread_change(shared.isa, copy, &[row], factor, shared.weights.input.stride()) }
            }
        }
    }
}
