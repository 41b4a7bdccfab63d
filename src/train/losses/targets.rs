//! The targets of a block of centres with negative sampling.

use super::labels::LabelPatterns;
use crate::train::rows::SharedRows;
use crate::train::shared::MAX_CENTRES;
use crate::vocab::WordId;

/// The noise words of a block.
pub(super) struct Noise {
    /// Padded with an invalid id to a whole register, so that whole registers can be compared.
    padded: Vec<WordId>,
    len: usize,
}

impl Noise {
    const LANES: usize = 4;

    pub(super) fn new(len: usize) -> Self {
        Self { padded: vec![WordId::MAX; len.next_multiple_of(Self::LANES)], len }
    }

    #[inline(always)]
    pub(super) fn words(&self) -> &[WordId] {
        &self.padded[..self.len]
    }

    #[inline(always)]
    pub(super) fn words_mut(&mut self) -> &mut [WordId] {
        &mut self.padded[..self.len]
    }

    /// True if the noise words differ from each other and from the centres.
    #[inline(always)]
    fn is_distinct_from(&self, centres: &[WordId]) -> bool {
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
        // Each word is equal to itself.
        equal.iter().sum::<u32>() as usize == self.len
    }
}

/// The targets of a block.
#[derive(Clone, Default)]
pub(super) struct Targets {
    /// Rows of the output matrix, all different: those of the centres, then those of the noise words.
    pub(super) rows: Vec<*mut f32>,
    /// The patterns of one centre, of two centres … that differ from each other and from the noise words.
    plain: [LabelPatterns; MAX_CENTRES],
    /// The patterns of this block, if some of its words are equal.
    merged: LabelPatterns,
    is_merged: bool,
    centres: usize,
}

impl Targets {
    pub(super) fn new(negative: usize) -> Self {
        let plain = std::array::from_fn(|i| {
            let centres: Vec<usize> = (0..=i).collect();
            let drawn: Vec<f32> = (0..=i + negative).map(|at| f32::from(u8::from(at > i))).collect();
            LabelPatterns::new(&centres, &drawn)
        });
        Self { plain, ..Self::default() }
    }

    /// Sets the targets.
    #[inline(always)]
    pub(super) fn set(&mut self, centres: &[WordId], noise: &Noise, output: &mut SharedRows<'_>) {
        self.centres = centres.len();
        self.rows.clear();
        self.is_merged = !(are_distinct(centres) && noise.is_distinct_from(centres));
        if self.is_merged {
            return self.merge_equal(centres, noise, output);
        }
        for words in [centres, noise.words()] {
            output.acquire(words, &mut self.rows);
        }
    }

    /// Makes one target of equal words.
    #[cold]
    fn merge_equal(&mut self, centres: &[WordId], noise: &Noise, output: &mut SharedRows<'_>) {
        let (mut words, mut drawn, mut targets_of_centres) = (Vec::new(), Vec::new(), Vec::new());
        for (i, &word) in centres.iter().chain(noise.words()).enumerate() {
            let at = words.iter().position(|&other| other == word).unwrap_or_else(|| {
                words.push(word);
                drawn.push(0.0);
                words.len() - 1
            });
            match i < centres.len() {
                true => targets_of_centres.push(at),
                false => drawn[at] += 1.0,
            }
        }
        output.acquire(&words, &mut self.rows);
        self.merged = LabelPatterns::new(&targets_of_centres, &drawn);
    }

    #[inline(always)]
    pub(super) fn patterns(&self) -> &LabelPatterns {
        if self.is_merged || self.centres == 0 { &self.merged } else { &self.plain[self.centres - 1] }
    }
}

#[inline(always)]
fn are_distinct(words: &[WordId]) -> bool {
    words.iter().enumerate().all(|(i, word)| !words[..i].contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::labels::{CentreMask, Labels};
    use super::*;
    use crate::kernel::{Isa, Matrix};

    fn targets(centres: &[WordId], noise: &[WordId], matrix: &Matrix) -> Targets {
        let set = |targets: &mut Targets, centres: &[WordId], words: &[WordId]| {
            let mut noise = Noise::new(words.len());
            noise.words_mut().copy_from_slice(words);
            targets.set(centres, &noise, &mut SharedRows::words(matrix, 1, Isa::Portable));
        };
        let mut targets = Targets::new(noise.len());
        // Other targets first, so that the test fails if anything of them is kept.
        set(&mut targets, &[1], &vec![2; noise.len()]);
        set(&mut targets, centres, noise);
        targets
    }

    /// The distinct targets, and A and B for inputs with these masks.
    fn labels(centres: &[WordId], noise: &[WordId], masks: &[CentreMask]) -> (Vec<WordId>, Vec<f32>, Vec<f32>) {
        let matrix = Matrix::zeros(10, 1).unwrap();
        let (targets, mut labels) = (targets(centres, noise, &matrix), Labels::default());
        labels.set(masks, targets.rows.len(), targets.patterns());
        let used = masks.len() * targets.rows.len();
        let word_of = |&row: &*mut f32| (0..10).find(|&word| matrix.row(word) == row).unwrap();
        let words = targets.rows.iter().map(word_of).collect();
        (words, labels.positive[..used].to_vec(), labels.total[..used].to_vec())
    }

    #[test]
    fn an_input_has_its_centres_as_positive_examples_and_the_noise_words_once_for_each() {
        let (words, positive, total) = labels(&[7, 5], &[3, 4], &[1, 2, 3]);
        assert_eq!(words, [7, 5, 3, 4]);
        assert_eq!(positive, [1., 0., 0., 0., /*  */ 0., 1., 0., 0., /*  */ 1., 1., 0., 0.]);
        assert_eq!(total, [1., 0., 1., 1., /*  */ 0., 1., 1., 1., /*  */ 1., 1., 2., 2.]);
    }

    #[test]
    fn a_noise_word_drawn_twice_counts_twice() {
        assert_eq!(labels(&[7], &[3, 3, 5], &[1]), (vec![7, 3, 5], vec![1., 0., 0.], vec![1., 2., 1.]));
    }

    #[test]
    fn a_centre_is_not_noise_for_its_own_context_but_for_that_of_its_neighbour() {
        assert_eq!(labels(&[7], &[7, 7], &[1]), (vec![7], vec![1.], vec![1.]));
        assert_eq!(labels(&[7, 5], &[7], &[1, 2]), (vec![7, 5], vec![1., 0., 0., 1.], vec![1., 0., 1., 1.]));
    }

    #[test]
    fn equal_centres_are_one_target() {
        assert_eq!(labels(&[7, 7], &[3], &[1, 3]), (vec![7, 3], vec![1., 0., 2., 0.], vec![1., 1., 2., 2.]));
    }
}
