//! The targets of a few neighbouring centres that are trained as one block.

use super::rows::SharedRows;

/// Centres of a block in skip-gram, at most. They share their noise words, and each of their context words is read and
/// written once for all of them. With 3 training is 1.2 times as fast, analogies are as good, but SimLex-999 falls by
/// 0.01.
pub(crate) const MAX_CENTRES: usize = 2;

/// Which centres of a block an input is a context word of, a bit each.
pub(crate) type Mask = u8;

/// Noise words of a block.
pub(crate) struct Noise {
    /// Behind them words that there are not, so that whole registers can be compared.
    padded: Vec<u32>,
    len: usize,
}

impl Noise {
    const LANES: usize = 4;

    pub(crate) fn new(len: usize) -> Self {
        Self { padded: vec![u32::MAX; len.next_multiple_of(Self::LANES)], len }
    }

    #[inline(always)]
    pub(crate) fn words(&self) -> &[u32] {
        &self.padded[..self.len]
    }

    #[inline(always)]
    pub(crate) fn words_mut(&mut self) -> &mut [u32] {
        &mut self.padded[..self.len]
    }

    /// Whether these are different from each other and from the centres.
    #[inline(always)]
    fn is_distinct_from(&self, centres: &[u32]) -> bool {
        let mut equal = [0; Self::LANES];
        for lanes in self.padded.chunks_exact(Self::LANES) {
            for words in [self.words(), centres] {
                for word in words {
                    for lane in 0..Self::LANES {
                        equal[lane] += u32::from(lanes[lane] == *word);
                    }
                }
            }
        }
        // Each is equal to itself.
        equal.iter().sum::<u32>() as usize == self.len
    }
}

/// Target rows of a block.
#[derive(Clone, Default)]
pub(crate) struct Targets {
    /// Rows of the output matrix, all different: the centres', then the noise.
    pub(crate) rows: Vec<*mut f32>,
    /// The patterns of one centre, of two … that differ from each other and from the noise.
    plain: [Patterns; MAX_CENTRES],
    /// The patterns of these rows, if there are others.
    merged: Patterns,
    is_merged: bool,
    centres: usize,
}

impl Targets {
    pub(crate) fn new(negative: usize) -> Self {
        let plain = std::array::from_fn(|i| {
            let places: Vec<usize> = (0..=i).collect();
            let drawn: Vec<f32> = (0..=i + negative).map(|at| f32::from(u8::from(at > i))).collect();
            Patterns::new(&places, &drawn)
        });
        Self { plain, ..Self::default() }
    }

    /// Sets the targets.
    #[inline(always)]
    pub(crate) fn set(&mut self, centres: &[u32], noise: &Noise, output: &mut SharedRows<'_>) {
        self.centres = centres.len();
        self.rows.clear();
        self.is_merged = !(are_distinct(centres) && noise.is_distinct_from(centres));
        if self.is_merged {
            return self.merge_equal(centres, noise, output);
        }
        for words in [centres, noise.words()] {
            output.take_up(words, &mut self.rows);
        }
    }

    /// Makes one target of words that are equal.
    #[cold]
    fn merge_equal(&mut self, centres: &[u32], noise: &Noise, output: &mut SharedRows<'_>) {
        let (mut words, mut drawn, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (i, &word) in centres.iter().chain(noise.words()).enumerate() {
            let at = words.iter().position(|&other| other == word).unwrap_or_else(|| {
                words.push(word);
                drawn.push(0.0);
                words.len() - 1
            });
            match i < centres.len() {
                true => places.push(at),
                false => drawn[at] += 1.0,
            }
        }
        output.take_up(&words, &mut self.rows);
        self.merged = Patterns::new(&places, &drawn);
    }

    #[inline(always)]
    fn patterns(&self) -> &Patterns {
        if self.is_merged || self.centres == 0 { &self.merged } else { &self.plain[self.centres - 1] }
    }
}

/// A row of A and one of B for every mask.
#[derive(Clone, Default)]
struct Patterns {
    floats: Vec<f32>,
    /// Floats of a row.
    stride: usize,
}

impl Patterns {
    /// For the place of each centre among the targets, and for each target how often it was drawn as noise: a word
    /// drawn twice counts double, so that no update is lost. Each centre in a mask is a right target once, and every
    /// noise word a wrong one, but (as in word2vec.c) where it is the centre itself.
    fn new(places: &[usize], drawn: &[f32]) -> Self {
        let stride = drawn.len().next_multiple_of(Pairs::STEP);
        let mut floats = vec![0.0; (1 << places.len()) * 2 * stride];
        for (mask, rows) in floats.chunks_mut(2 * stride).enumerate() {
            let (positive, total) = rows.split_at_mut(stride);
            for (_, &place) in places.iter().enumerate().filter(|(centre, _)| mask >> centre & 1 == 1) {
                positive[place] += 1.0;
                total[place] += 1.0;
                for (at, &times) in drawn.iter().enumerate().filter(|(at, _)| *at != place) {
                    total[at] += times;
                }
            }
        }
        Self { floats, stride }
    }

    #[inline(always)]
    fn of(&self, mask: Mask) -> (&[f32], &[f32]) {
        self.floats[usize::from(mask) * 2 * self.stride..][..2 * self.stride].split_at(self.stride)
    }
}

/// A and B of a block (see [`kernel`](crate::kernel)), input after input.
#[derive(Default)]
pub(crate) struct Pairs {
    pub(crate) positive: Vec<f32>,
    pub(crate) total: Vec<f32>,
    /// How many floats of B, from the first on, are 1 for certain.
    ones: usize,
}

impl Pairs {
    /// Floats that are copied at a time, beyond the end of a row if need be.
    pub(crate) const STEP: usize = 8;

    /// The pairs of inputs with these masks and of `targets`.
    #[inline(always)]
    pub(crate) fn set(&mut self, masks: &[Mask], targets: &Targets) {
        let (t, patterns) = (targets.rows.len(), targets.patterns());
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

    /// The pairs of inputs that all have the same row of A, with room for [`STEP`](Self::STEP) floats at its end, and
    /// ones in B.
    #[inline(always)]
    pub(crate) fn repeat(&mut self, inputs: usize, positive: &[f32], targets: usize) {
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

    /// Makes one input of rows that are equal, as of a word that stands in a window twice: its pairs are added up.
    #[cold]
    pub(crate) fn merge_equal(&mut self, inputs: &mut Vec<*mut f32>, targets: usize) {
        let t = targets;
        self.ones = 0;
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
        let floats = floats.next_multiple_of(crate::kernel::MAX_WIDTH);
        if self.positive.len() < floats {
            self.positive.resize(floats, 0.0);
            self.total.resize(floats, 0.0);
        }
    }
}

#[inline(always)]
fn are_distinct(words: &[u32]) -> bool {
    words.iter().enumerate().all(|(i, word)| !words[..i].contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Matrix;

    fn targets(centres: &[u32], noise: &[u32], matrix: &Matrix) -> Targets {
        let set = |targets: &mut Targets, centres: &[u32], words: &[u32]| {
            let mut noise = Noise::new(words.len());
            noise.words_mut().copy_from_slice(words);
            targets.set(centres, &noise, &mut SharedRows::alone(matrix));
        };
        let mut targets = Targets::new(noise.len());
        // Before it something else, so that what is kept from it shows.
        set(&mut targets, &[1], &vec![2; noise.len()]);
        set(&mut targets, centres, noise);
        targets
    }

    /// The distinct targets, and A and B for inputs with these masks.
    fn pairs(centres: &[u32], noise: &[u32], masks: &[Mask]) -> (Vec<u32>, Vec<f32>, Vec<f32>) {
        let matrix = Matrix::zeros(10, 1).unwrap();
        let (targets, mut pairs) = (targets(centres, noise, &matrix), Pairs::default());
        pairs.set(masks, &targets);
        let used = masks.len() * targets.rows.len();
        let word_of = |&row: &*mut f32| (0..10).find(|&word| matrix.row(word) == row).unwrap();
        let words = targets.rows.iter().map(word_of).collect();
        (words, pairs.positive[..used].to_vec(), pairs.total[..used].to_vec())
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
        let (targets, mut pairs) = (targets(&[7, 5], &[3], &matrix), Pairs::default());
        pairs.set(&[1, 2, 3, 2], &targets);
        let mut inputs = [1, 2, 1, 4].map(|row| matrix.row(row)).to_vec();
        pairs.merge_equal(&mut inputs, 3);
        assert_eq!(inputs, [1, 2, 4].map(|row| matrix.row(row)));
        assert_eq!(pairs.positive[..9], [2., 1., 0., /*  */ 0., 1., 0., /*  */ 0., 1., 0.]);
        assert_eq!(pairs.total[..9], [2., 1., 3., /*  */ 0., 1., 1., /*  */ 0., 1., 1.]);
    }
}
