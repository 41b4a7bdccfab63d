//! The labels of a block: which targets are positive and which are negative examples of an input.

use crate::kernel::MAX_WIDTH;

/// The centres of a block of which an input is a context word, one bit for each.
pub(crate) type CentreMask = u8;

/// The labels A and B of a block (see [`kernel`](crate::kernel)): inputs × targets, input after input, padded to whole
/// registers.
#[derive(Default)]
pub(super) struct Labels {
    /// A.
    pub(super) positive: Vec<f32>,
    /// B.
    pub(super) total: Vec<f32>,
    /// The number of floats of B, from the first on, that are known to be 1.
    ones: usize,
}

impl Labels {
    /// Floats that are copied at a time, even beyond the end of a row.
    pub(super) const STEP: usize = 8;

    /// Sets the labels of one input for each mask. There are `targets` targets, for which `patterns` was made.
    #[inline(always)]
    pub(super) fn set(&mut self, masks: &[CentreMask], targets: usize, patterns: &LabelPatterns) {
        let t = targets;
        self.ones = 0;
        self.make_room(masks.len() * t + patterns.stride);
        for (i, &mask) in masks.iter().enumerate() {
            let (positive, total) = patterns.of(mask);
            for at in (0..t).step_by(Self::STEP) {
                let to = i * t + at..i * t + at + Self::STEP;
                self.positive[to.clone()].copy_from_slice(&positive[at..at + Self::STEP]);
                self.total[to].copy_from_slice(&total[at..at + Self::STEP]);
            }
        }
    }

    /// Sets the same row of A for every input, and all of B to 1. `positive` is padded to a multiple of
    /// [`STEP`](Self::STEP).
    #[inline(always)]
    pub(super) fn repeat(&mut self, inputs: usize, positive: &[f32], targets: usize) {
        self.make_room(inputs * targets + Self::STEP);
        for i in 0..inputs {
            for at in (0..targets).step_by(Self::STEP) {
                let to = i * targets + at..i * targets + at + Self::STEP;
                self.positive[to].copy_from_slice(&positive[at..at + Self::STEP]);
            }
        }
        if self.ones < inputs * targets {
            self.ones = self.total.len();
            self.total.fill(1.0);
        }
    }

    /// Removes duplicates from the inputs, such as a word that is in a window twice, and adds their labels.
    #[cold]
    pub(super) fn merge_duplicates(&mut self, inputs: &mut Vec<*mut f32>, targets: usize) {
        let t = targets;
        self.ones = 0;
        let mut kept = 0;
        for i in 0..inputs.len() {
            let first = inputs[..kept].iter().position(|&row| row == inputs[i]);
            for labels in [&mut self.positive, &mut self.total] {
                match first {
                    Some(first) => (0..t).for_each(|at| labels[first * t + at] += labels[i * t + at]),
                    None => labels.copy_within(i * t..(i + 1) * t, kept * t),
                }
            }
            if first.is_none() {
                inputs[kept] = inputs[i];
                kept += 1;
            }
        }
        inputs.truncate(kept);
    }

    #[inline(always)]
    fn make_room(&mut self, floats: usize) {
        let floats = floats.next_multiple_of(MAX_WIDTH);
        if self.positive.len() < floats {
            self.positive.resize(floats, 0.0);
            self.total.resize(floats, 0.0);
        }
    }
}

/// The labels of an input for every mask: a row of A and a row of B.
#[derive(Clone, Default)]
pub(super) struct LabelPatterns {
    floats: Vec<f32>,
    /// Floats in a row, a multiple of [`Labels::STEP`].
    stride: usize,
}

impl LabelPatterns {
    /// `centres` holds the target of each centre. `drawn` holds, for each target, how often it was drawn as noise: a word
    /// drawn twice counts twice, so that no update is lost. For each centre in a mask, the centre is a positive example
    /// and every noise word a negative one, except (as in word2vec.c) if the noise word is the centre.
    pub(super) fn new(centres: &[usize], drawn: &[f32]) -> Self {
        let stride = drawn.len().next_multiple_of(Labels::STEP);
        let mut floats = vec![0.0; (1 << centres.len()) * 2 * stride];
        for (mask, rows) in floats.chunks_mut(2 * stride).enumerate() {
            let (positive, total) = rows.split_at_mut(stride);
            for (_, &own) in centres.iter().enumerate().filter(|(centre, _)| mask >> centre & 1 == 1) {
                positive[own] += 1.0;
                total[own] += 1.0;
                for (target, &times) in drawn.iter().enumerate().filter(|(target, _)| *target != own) {
                    total[target] += times;
                }
            }
        }
        Self { floats, stride }
    }

    /// The row of A and the row of B for a mask.
    #[inline(always)]
    fn of(&self, mask: CentreMask) -> (&[f32], &[f32]) {
        self.floats[usize::from(mask) * 2 * self.stride..][..2 * self.stride].split_at(self.stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Matrix;

    #[test]
    fn the_labels_of_a_duplicate_input_are_added_to_those_of_the_first() {
        let matrix = Matrix::zeros(10, 1).unwrap();
        let mut labels = Labels::default();
        labels.set(&[1, 2, 3, 2], 3, &LabelPatterns::new(&[0, 1], &[0., 0., 1.]));
        let mut inputs = [1, 2, 1, 4].map(|row| matrix.row(row)).to_vec();
        labels.merge_duplicates(&mut inputs, 3);
        assert_eq!(inputs, [1, 2, 4].map(|row| matrix.row(row)));
        assert_eq!(labels.positive[..9], [2., 1., 0., /*  */ 0., 1., 0., /*  */ 0., 1., 0.]);
        assert_eq!(labels.total[..9], [2., 1., 3., /*  */ 0., 1., 1., /*  */ 0., 1., 1.]);
    }

    #[test]
    fn repeated_labels_are_the_same_for_every_input() {
        let mut labels = Labels::default();
        labels.set(&[1, 1], 2, &LabelPatterns::new(&[0], &[0., 5.]));
        labels.repeat(3, &[1., 0., 9., 9., 9., 9., 9., 9.], 2);
        assert_eq!(labels.positive[..6], [1., 0., 1., 0., 1., 0.]);
        assert_eq!(labels.total[..6], [1.; 6]);
    }
}
