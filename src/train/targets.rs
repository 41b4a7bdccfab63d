//! The targets of a few neighbouring centres that are trained as one block.

use super::rows::SharedRows;

/// Centres of a block, at most. They share their noise words, and each of their context words is read and written once
/// for all of them. With 3 training is 1.2 times as fast, analogies are as good, but SimLex-999 falls by 0.01.
pub(crate) const MAX_CENTRES: usize = 2;

/// Which centres of a block an input is a context word of, a bit each.
pub(crate) type Mask = u8;

/// Target rows of a block.
#[derive(Clone, Default)]
pub(crate) struct Targets {
    words: Vec<u32>,
    /// Rows of the output matrix, all different: the centres', then the noise.
    pub(crate) rows: Vec<*mut f32>,
    /// For each centre its place in `rows`.
    places: Vec<usize>,
    /// For each row how often it was drawn as noise: a word drawn twice counts double, so that no update is lost.
    drawn: Vec<f32>,
    /// A row of A and one of B for every mask, `stride` floats each.
    patterns: Vec<f32>,
    stride: usize,
    /// The centres and targets of which `patterns` holds, if all are different: then it is the same for all words.
    plain: Option<(usize, usize)>,
}

impl Targets {
    /// Sets the targets.
    #[inline(always)]
    pub(crate) fn set(&mut self, centres: &[u32], noise: &[u32], output: &mut SharedRows<'_>) {
        self.words.clear();
        self.words.extend_from_slice(centres);
        self.words.extend_from_slice(noise);
        let is_distinct = are_distinct(&self.words);
        let shape = (centres.len(), self.words.len());
        if !is_distinct {
            self.merge_equal(centres.len());
            self.plain = None;
        } else if self.plain != Some(shape) {
            self.places = (0..centres.len()).collect();
            self.drawn = (0..self.words.len()).map(|at| f32::from(u8::from(at >= centres.len()))).collect();
            self.draw_patterns();
            self.plain = Some(shape);
        }
        self.rows.clear();
        for &word in &self.words {
            self.rows.push(output.row(word));
        }
    }

    /// Makes one target of words that are equal.
    #[cold]
    fn merge_equal(&mut self, centres: usize) {
        let drawn = std::mem::take(&mut self.words);
        self.places.clear();
        self.drawn.clear();
        for (i, &word) in drawn.iter().enumerate() {
            let at = self.words.iter().position(|&other| other == word).unwrap_or_else(|| {
                self.words.push(word);
                self.drawn.push(0.0);
                self.words.len() - 1
            });
            match i < centres {
                true => self.places.push(at),
                false => self.drawn[at] += 1.0,
            }
        }
        self.draw_patterns();
    }

    /// Of each mask the rows of A and B: each centre in it is a right target once, and every noise word a wrong one,
    /// but (as in word2vec.c) where it is the centre itself.
    fn draw_patterns(&mut self) {
        self.stride = self.words.len().next_multiple_of(Pairs::STEP);
        self.patterns.clear();
        self.patterns.resize((1 << self.places.len()) * 2 * self.stride, 0.0);
        for (mask, rows) in self.patterns.chunks_mut(2 * self.stride).enumerate() {
            let (positive, total) = rows.split_at_mut(self.stride);
            for (_, &place) in self.places.iter().enumerate().filter(|(centre, _)| mask >> centre & 1 == 1) {
                positive[place] += 1.0;
                total[place] += 1.0;
                for (at, &times) in self.drawn.iter().enumerate().filter(|(at, _)| *at != place) {
                    total[at] += times;
                }
            }
        }
    }

    #[inline(always)]
    fn pattern(&self, mask: Mask) -> (&[f32], &[f32]) {
        self.patterns[usize::from(mask) * 2 * self.stride..][..2 * self.stride].split_at(self.stride)
    }
}

/// A and B of a block (see [`kernel`](super::kernel)), input after input.
#[derive(Default)]
pub(crate) struct Pairs {
    pub(crate) positive: Vec<f32>,
    pub(crate) total: Vec<f32>,
}

impl Pairs {
    /// Floats that are copied at a time, beyond the end of a row if need be.
    pub(crate) const STEP: usize = 8;

    /// The pairs of inputs with these masks and of `targets`.
    #[inline(always)]
    pub(crate) fn set(&mut self, masks: &[Mask], targets: &Targets) {
        let t = targets.rows.len();
        self.make_room(masks.len() * t + targets.stride);
        for (i, &mask) in masks.iter().enumerate() {
            let (positive, total) = targets.pattern(mask);
            for at in (0..t).step_by(Self::STEP) {
                let to = i * t + at..i * t + at + Self::STEP;
                self.positive[to.clone()].copy_from_slice(&positive[at..at + Self::STEP]);
                self.total[to].copy_from_slice(&total[at..at + Self::STEP]);
            }
        }
    }

    /// The pairs of inputs that all have the same row of A, with room for [`STEP`](Self::STEP) floats at its end, and ones in B.
    #[inline(always)]
    pub(crate) fn repeat(&mut self, inputs: usize, positive: &[f32], targets: usize) {
        self.make_room(inputs * targets + Self::STEP);
        for i in 0..inputs {
            for at in (0..targets).step_by(Self::STEP) {
                let to = i * targets + at..i * targets + at + Self::STEP;
                self.positive[to].copy_from_slice(&positive[at..at + Self::STEP]);
            }
        }
        self.total[..inputs * targets].fill(1.0);
    }

    /// Makes one input of rows that are equal, as a word that stands in a window twice: its pairs are added up.
    #[inline(always)]
    pub(crate) fn merge_equal(&mut self, inputs: &mut Vec<*mut f32>, targets: usize) {
        if !are_distinct(inputs) {
            self.merge_inputs(inputs, targets);
        }
    }

    #[cold]
    fn merge_inputs(&mut self, inputs: &mut Vec<*mut f32>, t: usize) {
        let mut kept = 0;
        for i in 0..inputs.len() {
            let first = inputs[..kept].iter().position(|&row| row == inputs[i]);
            for pairs in [&mut self.positive, &mut self.total] {
                match first {
                    Some(first) => (0..t).for_each(|at| pairs[first * t + at] += pairs[i * t + at]),
                    None => pairs.copy_within(i * t..(i + 1) * t, kept * t),
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
        let floats = floats.next_multiple_of(super::kernel::MAX_WIDTH);
        if self.positive.len() < floats {
            self.positive.resize(floats, 0.0);
            self.total.resize(floats, 0.0);
        }
    }
}

/// Without a branch a comparison: equal ones are rare, and there are few.
#[inline(always)]
fn are_distinct<T: PartialEq>(items: &[T]) -> bool {
    let mut distinct = true;
    for (i, item) in items.iter().enumerate() {
        for other in &items[..i] {
            distinct &= other != item;
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Matrix;

    /// The distinct targets, and A and B for inputs with these masks.
    fn pairs(centres: &[u32], noise: &[u32], masks: &[Mask]) -> (Vec<u32>, Vec<f32>, Vec<f32>) {
        let matrix = Matrix::zeros(10, 1).unwrap();
        let (mut targets, mut pairs) = (Targets::default(), Pairs::default());
        // Before it something else, so that what is kept from it shows.
        targets.set(&[1], &[2, 2], &mut SharedRows::alone(&matrix));
        targets.set(centres, noise, &mut SharedRows::alone(&matrix));
        pairs.set(masks, &targets);
        let used = masks.len() * targets.rows.len();
        (targets.words.clone(), pairs.positive[..used].to_vec(), pairs.total[..used].to_vec())
    }

    #[test]
    fn an_input_is_paired_with_its_centres_and_as_often_with_the_noise() {
        let (words, positive, total) = pairs(&[7, 5], &[3, 4], &[1, 2, 3]);
        assert_eq!(words, [7, 5, 3, 4]);
        assert_eq!(positive, [1., 0., 0., 0., /*  */ 0., 1., 0., 0., /*  */ 1., 1., 0., 0.]);
        assert_eq!(total, [1., 0., 1., 1., /*  */ 0., 1., 1., 1., /*  */ 1., 1., 2., 2.]);
    }

    #[test]
    fn noise_drawn_twice_counts_double() {
        assert_eq!(pairs(&[7], &[3, 3, 5], &[1]), (vec![7, 3, 5], vec![1., 0., 0.], vec![1., 2., 1.]));
    }

    #[test]
    fn a_centre_is_no_noise_for_its_own_context_but_for_its_neighbours() {
        assert_eq!(pairs(&[7], &[7, 7], &[1]), (vec![7], vec![1.], vec![1.]));
        assert_eq!(pairs(&[7, 5], &[7], &[1, 2]), (vec![7, 5], vec![1., 0., 0., 1.], vec![1., 0., 1., 1.]));
    }

    #[test]
    fn equal_centres_are_one_target() {
        assert_eq!(pairs(&[7, 7], &[3], &[1, 3]), (vec![7, 3], vec![1., 0., 2., 0.], vec![1., 1., 2., 2.]));
    }

    #[test]
    fn a_word_that_stands_in_a_window_twice_is_one_input() {
        let matrix = Matrix::zeros(10, 1).unwrap();
        let (mut targets, mut pairs) = (Targets::default(), Pairs::default());
        targets.set(&[7, 5], &[3], &mut SharedRows::alone(&matrix));
        pairs.set(&[1, 2, 3, 2], &targets);
        let mut inputs = [1, 2, 1, 4].map(|row| matrix.row(row)).to_vec();
        pairs.merge_equal(&mut inputs, 3);
        assert_eq!(inputs, [1, 2, 4].map(|row| matrix.row(row)));
        assert_eq!(pairs.positive[..9], [2., 1., 0., /*  */ 0., 1., 0., /*  */ 0., 1., 0.]);
        assert_eq!(pairs.total[..9], [2., 1., 3., /*  */ 0., 1., 1., /*  */ 0., 1., 1.]);
    }
}
