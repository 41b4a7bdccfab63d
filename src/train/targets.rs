//! The targets of a few neighbouring centres that are trained as one block.

use super::rows::SharedRows;

/// Centres of a block, at most. They share their noise words, and each of their context words is read and written once for all of
/// them. Of 1 to 4, 2 is the most at which neither analogies nor similarities were lower (`benches/RESULTS.md`).
pub(crate) const CENTRES: usize = 4;

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
        let mut is_distinct = true;
        for (i, word) in self.words.iter().enumerate() {
            // Without a branch a comparison: equal words are rare, and there are few.
            is_distinct &= self.words[..i].iter().fold(true, |distinct, other| distinct & (other != word));
        }
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

    /// Of each mask the rows of A and B: each centre in it is a right target once, and every noise word a wrong one, but (as in
    /// word2vec.c) where it is the centre itself.
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
    const STEP: usize = 8;

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

    /// The pairs of `inputs` inputs that all have these rows of A, and ones in B.
    pub(crate) fn repeat(&mut self, inputs: usize, positive: &[f32]) {
        self.make_room(inputs * positive.len());
        for i in 0..inputs {
            let to = i * positive.len()..(i + 1) * positive.len();
            self.positive[to.clone()].copy_from_slice(positive);
            self.total[to].fill(1.0);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
}
