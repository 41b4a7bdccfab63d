//! A batch after subsampling, cut into runs of centres.

use std::iter::repeat_n;
use std::ops::Range;

use arrow::array::AsArray;
use arrow::datatypes::UInt32Type;
use rand_core::Rng;

use super::rng::BatchRng;
use crate::encode::EncodedBatch;
use crate::vocab::{KeepThresholds, WordId};

/// Tokens of a run before subsampling, at most. A longer sentence is trained in pieces, so that the learning rate falls
/// within it and a user can stop the training.
pub(crate) const TOKENS_PER_RUN: usize = 1_000;

/// A batch after subsampling.
#[derive(Default)]
pub(crate) struct SubsampledBatch {
    /// The kept tokens, sentence after sentence, without sentences of which one token is left or none. They are the
    /// centres of all runs. A position is an index into them.
    pub(crate) tokens: Vec<WordId>,
    pub(crate) runs: Vec<CentreRun>,
    /// Tokens read after the last run.
    pub(crate) read_after_runs: usize,
    /// Tokens kept, of all sentences.
    pub(crate) kept: u64,
    /// For each position p, the greatest position q + 1 such that the word at q occurs again in q + 1 ..= p; 0 if there
    /// is none. Only pairs of equal words at most `span` apart count.
    duplicate_before: Vec<u32>,
    span: usize,
}

/// Centres that are trained one after another: those of a sentence, or of a piece of a long sentence.
pub(crate) struct CentreRun {
    /// The positions of the sentence.
    pub(crate) sentence: Range<usize>,
    /// The positions of the centres.
    pub(crate) centres: Range<usize>,
    /// Tokens read since the previous run.
    pub(crate) read: usize,
}

impl SubsampledBatch {
    /// An empty batch. `span` is the greatest distance between two words of a block.
    pub(crate) fn new(span: usize) -> Self {
        Self { span, ..Self::default() }
    }

    /// Replaces the content by the tokens of `batch` that subsampling keeps.
    pub(crate) fn set(&mut self, batch: &EncodedBatch, keep: &KeepThresholds, rng: &mut BatchRng) {
        let values = batch.lists.values().as_primitive::<UInt32Type>().values();
        self.tokens.resize(batch.tokens() as usize, 0);
        self.runs.clear();
        self.read_after_runs = 0;
        self.kept = 0;
        let (mut end, mut longest) = (0, 0);
        let lists = batch.lists.offsets().windows(2).enumerate();
        for bounds in lists.flat_map(|(list, bounds)| repeat_n(bounds, batch.multiplicity(list) as usize)) {
            let ids = &values[bounds[0] as usize..bounds[1] as usize];
            let sentence = end..end + subsample(ids, keep, &mut self.tokens[end..], rng);
            self.kept += sentence.len() as u64;
            if sentence.len() < 2 {
                // A single word has no context.
                self.read_after_runs += ids.len();
                continue;
            }
            (end, longest) = (sentence.end, longest.max(sentence.len()));
            let pieces = ids.len().div_ceil(TOKENS_PER_RUN);
            for piece in 0..pieces {
                let cut = |length: usize| length * piece / pieces..length * (piece + 1) / pieces;
                self.read_after_runs += cut(ids.len()).len();
                let centres = cut(sentence.len());
                if !centres.is_empty() {
                    let centres = sentence.start + centres.start..sentence.start + centres.end;
                    let read = std::mem::take(&mut self.read_after_runs);
                    self.runs.push(CentreRun { sentence: sentence.clone(), centres, read });
                }
            }
        }
        self.tokens.truncate(end);
        self.find_duplicates(self.span.min(longest));
    }

    fn find_duplicates(&mut self, span: usize) {
        self.duplicate_before.clear();
        self.duplicate_before.resize(self.tokens.len(), 0);
        // First the distance of each token to the previous occurrence of its word. Short distances come last, so that
        // the nearest occurrence counts.
        for distance in (1..=span).rev() {
            let pairs = self.tokens[distance..].iter().zip(&self.tokens);
            for (duplicate, (token, earlier)) in self.duplicate_before[distance..].iter_mut().zip(pairs) {
                *duplicate = if token == earlier { distance as u32 } else { *duplicate };
            }
        }
        // Then the last such occurrence up to each position.
        let mut last = 0;
        for (at, duplicate) in self.duplicate_before.iter_mut().enumerate() {
            if *duplicate > 0 {
                last = last.max(at as u32 + 1 - *duplicate);
            }
            *duplicate = last;
        }
    }

    /// True if a word occurs twice at these positions, which span one block at most.
    #[inline(always)]
    pub(crate) fn has_duplicates(&self, positions: Range<usize>) -> bool {
        self.duplicate_before[positions.end - 1] as usize > positions.start
    }

    /// The centres of a run; empty if there is no such run.
    pub(crate) fn centres(&self, run: usize) -> &[WordId] {
        self.runs.get(run).map_or(&[], |run| &self.tokens[run.centres.clone()])
    }
}

/// Writes each token to `kept` with the probability of its word. Returns the number of kept tokens.
fn subsample(ids: &[WordId], keep: &KeepThresholds, kept: &mut [WordId], rng: &mut BatchRng) -> usize {
    // A copy stays in registers.
    let mut local = rng.clone();
    let mut count = 0;
    for &id in ids {
        // No branch, since it could not be predicted: every token is written, and the next one overwrites a dropped one.
        kept[count] = id;
        count += usize::from(local.next_u32() <= keep.of(id));
    }
    *rng = local;
    count
}

#[cfg(test)]
mod tests {
    use arrow::array::ListArray;
    use proptest::{collection, prelude::*};
    use rand_core::SeedableRng;

    use super::*;
    use crate::train::rng::tests::{DRAWS, chi_square};

    fn subsampled(sentences: &[&[WordId]], span: usize) -> SubsampledBatch {
        let lists = ListArray::from_iter_primitive::<UInt32Type, _, _>(
            sentences.iter().map(|words| Some(words.iter().map(|&word| Some(word)))),
        );
        let mut batch = SubsampledBatch::new(span);
        let keep = KeepThresholds::new(&[1; 10], 0.0);
        batch.set(&EncodedBatch { number: 0, lists, multiplicity: None }, &keep, &mut BatchRng::seed_from_u64(7));
        batch
    }

    /// Sentence, centres and tokens read of each run.
    fn runs(batch: &SubsampledBatch) -> Vec<(Range<usize>, Range<usize>, usize)> {
        batch.runs.iter().map(|run| (run.sentence.clone(), run.centres.clone(), run.read)).collect()
    }

    #[test]
    fn a_sentence_of_one_word_is_read_but_trains_nothing() {
        let batch = subsampled(&[&[1], &[1, 2, 3], &[], &[4], &[5, 6], &[7]], 5);
        assert_eq!(batch.tokens, [1, 2, 3, 5, 6]);
        assert_eq!(runs(&batch), [(0..3, 0..3, 4), (3..5, 3..5, 3)]);
        assert_eq!((batch.read_after_runs, batch.kept), (1, 8));
        assert_eq!((batch.centres(1), batch.centres(2)), (&[5, 6][..], &[][..]));
    }

    #[test]
    fn a_long_sentence_is_cut_into_runs_that_see_all_of_it() {
        let batch = subsampled(&[&[1; 2 * TOKENS_PER_RUN + 1]], 5);
        assert_eq!(runs(&batch), [(0..2001, 0..667, 667), (0..2001, 667..1334, 667), (0..2001, 1334..2001, 667)]);
    }

    proptest! {
        #[test]
        fn duplicates_in_a_block_are_found(words in collection::vec(0..9u32, 2..60), span in 1usize..12) {
            let batch = subsampled(&[&words], span);
            for start in 0..words.len() {
                for end in start + 1..words.len().min(start + span + 1) + 1 {
                    let block = &words[start..end.min(words.len())];
                    let want = block.iter().enumerate().any(|(i, word)| block[..i].contains(word));
                    prop_assert_eq!(batch.has_duplicates(start..start + block.len()), want, "{:?}", block);
                }
            }
        }
    }

    #[test]
    fn tokens_are_kept_with_their_words_probability() {
        let counts = [60_000_000, 3_000_000, 200_000, 50_000, 1_000];
        let keep = KeepThresholds::new(&counts, 1e-3);
        let total: u64 = counts.iter().sum();
        let mut rng = BatchRng::seed_from_u64(7);
        let mut kept = vec![0; DRAWS];
        let (mut seen, mut expected) = (Vec::new(), Vec::new());
        for (word, &count) in counts.iter().enumerate() {
            let seen_of_word = subsample(&vec![word as WordId; DRAWS], &keep, &mut kept, &mut rng);
            let ratio = 1e-3 * total as f64 / count as f64;
            let probability = (ratio.sqrt() + ratio).min(1.0);
            if probability == 1.0 {
                assert_eq!(seen_of_word, DRAWS);
                continue;
            }
            seen.extend([seen_of_word as f64, (DRAWS - seen_of_word) as f64]);
            expected.extend([probability * DRAWS as f64, (1.0 - probability) * DRAWS as f64]);
        }
        // The 99.9 % quantile of 3 degrees of freedom: three words are frequent enough to be subsampled.
        assert_eq!(seen.len(), 6);
        let chi = chi_square(&seen, &expected);
        assert!(chi < 16.3, "χ²(3) = {chi}: {seen:?} for {expected:?}");
    }
}
