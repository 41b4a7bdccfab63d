//! Word vectors that change less than others, or not at all.

use crate::kernel::{AlignedBuffer, Pooled, pool_rows, spread_change};
use crate::train::shared::Shared;
use crate::vocab::WordId;

/// Copies of the inputs whose lock factor is not 1. The copies are trained, and each row gets its share of the change. So
/// a row with the factor 0 is never written.
pub(super) struct LockedInputs<'a> {
    /// gensim's `vectors_lockf`: the share of its updates that each word's vector takes.
    factors: &'a [f32],
    /// Rows with their copies and factors.
    replaced: Vec<(*mut f32, Pooled, f32)>,
    copies: AlignedBuffer,
}

impl<'a> LockedInputs<'a> {
    pub(super) fn new(factors: &'a [f32]) -> Self {
        Self { factors, replaced: Vec::new(), copies: AlignedBuffer::default() }
    }

    /// Replaces the locked ones of the inputs, which are the rows of `words`, by copies.
    pub(super) fn replace(&mut self, inputs: &mut [*mut f32], words: &[WordId], shared: &Shared<'_>) {
        let stride = shared.stride();
        let copies = self.copies.at_least(inputs.len() * 2 * stride);
        for ((i, input), word) in inputs.iter_mut().enumerate().zip(words) {
            let factor = self.factors[*word as usize];
            if factor != 1.0 {
                // SAFETY: the buffer has room for two rows per input; the instruction set was checked.
                unsafe {
                    let row = copies.add(i * 2 * stride);
                    let copy = Pooled { row, before: row.add(stride) };
                    pool_rows(shared.isa, &[*input], 1.0, copy, stride);
                    self.replaced.push((*input, copy, factor));
                    *input = row;
                }
            }
        }
    }

    /// Adds to each row its share of the change of its copy.
    pub(super) fn spread_changes(&mut self, shared: &Shared<'_>) {
        for (row, copy, factor) in self.replaced.drain(..) {
            if factor != 0.0 {
                // SAFETY: `replace` made the copy, and the buffer has not grown since.
                unsafe { spread_change(shared.isa, copy, &[row], factor, shared.stride()) }
            }
        }
    }
}
