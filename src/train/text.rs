//! What a worker makes of a batch: the tokens that subsampling keeps, cut into runs of centres.

use std::iter::repeat_n;
use std::ops::Range;

use arrow::array::AsArray;
use arrow::datatypes::UInt32Type;
use rand_core::Rng;

use super::worker::Draws;
use crate::encode::EncodedBatch;
use crate::vocab::KeepThresholds;

/// Tokens of a run, at most: a longer sentence is trained in pieces, so that the rate falls within it and a user can
/// stop it.
pub(crate) const TOKENS_PER_RUN: usize = 1_000;

/// A batch after subsampling.
#[derive(Default)]
pub(crate) struct Text {
    /// The tokens kept of sentences with more than one, sentence after sentence: the centres of all runs.
    pub(crate) tokens: Vec<u32>,
    pub(crate) runs: Vec<Run>,
    /// Tokens read after the last run.
    pub(crate) unused: usize,
    /// Tokens kept of all sentences.
    pub(crate) kept: u64,
    /// For each position, one past the last one before it whose word comes again up to it: 0 if none does.
    repeats: Vec<u32>,
    span: usize,
}

/// Centres that are trained one after the other: a sentence's, or those of a piece of a long one.
pub(crate) struct Run {
    /// Positions in the batch's tokens, as `centres`.
    pub(crate) sentence: Range<usize>,
    pub(crate) centres: Range<usize>,
    /// Tokens read since the run before.
    pub(crate) read: usize,
}

impl Text {
    /// `span`: positions between two words of a block, at most.
    pub(crate) fn new(span: usize) -> Self {
        Self { span, ..Self::default() }
    }

    /// Takes up a batch.
    pub(crate) fn set(&mut self, batch: &EncodedBatch, keep: &KeepThresholds, draws: &mut Draws) {
        let values = batch.lists.values().as_primitive::<UInt32Type>().values();
        self.tokens.resize(batch.tokens() as usize, 0);
        self.runs.clear();
        self.unused = 0;
        self.kept = 0;
        let (mut end, mut longest) = (0, 0);
        let lists = batch.lists.offsets().windows(2).enumerate();
        for bounds in lists.flat_map(|(list, bounds)| repeat_n(bounds, batch.repeats(list) as usize)) {
            let ids = &values[bounds[0] as usize..bounds[1] as usize];
            let sentence = end..end + subsample(ids, keep, &mut self.tokens[end..], draws);
            self.kept += sentence.len() as u64;
            if sentence.len() < 2 {
                // A word alone has no context.
                self.unused += ids.len();
                continue;
            }
            (end, longest) = (sentence.end, longest.max(sentence.len()));
            let pieces = ids.len().div_ceil(TOKENS_PER_RUN);
            for piece in 0..pieces {
                let cut = |length: usize| length * piece / pieces..length * (piece + 1) / pieces;
                self.unused += cut(ids.len()).len();
                let centres = cut(sentence.len());
                if !centres.is_empty() {
                    let centres = sentence.start + centres.start..sentence.start + centres.end;
                    let read = std::mem::take(&mut self.unused);
                    self.runs.push(Run { sentence: sentence.clone(), centres, read });
                }
            }
        }
        self.tokens.truncate(end);
        self.find_repeats(self.span.min(longest));
    }

    fn find_repeats(&mut self, span: usize) {
        self.repeats.clear();
        self.repeats.resize(self.tokens.len(), 0);
        // How far back each token's word stood before: from afar, so that the nearest stays.
        for distance in (1..=span).rev() {
            let pairs = self.tokens[distance..].iter().zip(&self.tokens);
            for (repeat, (token, earlier)) in self.repeats[distance..].iter_mut().zip(pairs) {
                *repeat = if token == earlier { distance as u32 } else { *repeat };
            }
        }
        let mut last = 0;
        for (at, repeat) in self.repeats.iter_mut().enumerate() {
            if *repeat > 0 {
                last = last.max(at as u32 + 1 - *repeat);
            }
            *repeat = last;
        }
    }

    /// Whether a word stands twice between these positions of a block.
    #[inline(always)]
    pub(crate) fn has_repeats(&self, positions: Range<usize>) -> bool {
        self.repeats[positions.end - 1] as usize > positions.start
    }

    /// The centres of a run; none if there are fewer runs.
    pub(crate) fn centres(&self, run: usize) -> &[u32] {
        self.runs.get(run).map_or(&[], |run| &self.tokens[run.centres.clone()])
    }
}

/// Writes to `kept` each token with its word's probability; how many were.
fn subsample(ids: &[u32], keep: &KeepThresholds, kept: &mut [u32], draws: &mut Draws) -> usize {
    let mut rng = draws.clone();
    let mut count = 0;
    for &id in ids {
        // Every token is written, and overwritten by the next if it is dropped: whether it is cannot be predicted.
        kept[count] = id;
        count += usize::from(rng.next_u32() <= keep.of(id));
    }
    *draws = rng;
    count
}

#[cfg(test)]
mod tests {
    use arrow::array::ListArray;
    use proptest::{collection, prelude::*};
    use rand_core::SeedableRng;

    use super::*;
    use crate::train::worker::tests::{DRAWS, chi_square};

    fn text(sentences: &[&[u32]], span: usize) -> Text {
        let lists = ListArray::from_iter_primitive::<UInt32Type, _, _>(
            sentences.iter().map(|words| Some(words.iter().map(|&word| Some(word)))),
        );
        let mut text = Text::new(span);
        let keep = KeepThresholds::new(&[1; 10], 0.0);
        text.set(&EncodedBatch { number: 0, lists, repeats: None }, &keep, &mut Draws::seed_from_u64(7));
        text
    }

    #[test]
    fn a_word_alone_is_read_but_trains_nothing() {
        let text = text(&[&[1], &[1, 2, 3], &[], &[4], &[5, 6], &[7]], 5);
        assert_eq!(text.tokens, [1, 2, 3, 5, 6]);
        let runs: Vec<_> = text.runs.iter().map(|run| (run.sentence.clone(), run.centres.clone(), run.read)).collect();
        assert_eq!(runs, [(0..3, 0..3, 4), (3..5, 3..5, 3)]);
        assert_eq!((text.unused, text.kept), (1, 8));
        assert_eq!((text.centres(1), text.centres(2)), (&[5, 6][..], &[][..]));
    }

    #[test]
    fn a_long_sentence_is_cut_into_runs_that_see_all_of_it() {
        let text = text(&[&[1; 2 * TOKENS_PER_RUN + 1]], 5);
        let runs: Vec<_> = text.runs.iter().map(|run| (run.sentence.clone(), run.centres.clone(), run.read)).collect();
        assert_eq!(runs, [(0..2001, 0..667, 667), (0..2001, 667..1334, 667), (0..2001, 1334..2001, 667)]);
    }

    proptest! {
        #[test]
        fn repetitions_in_a_block_are_found(words in collection::vec(0u32..9, 2..60), span in 1usize..12) {
            let text = text(&[&words], span);
            for start in 0..words.len() {
                for end in start + 1..words.len().min(start + span + 1) + 1 {
                    let block = &words[start..end.min(words.len())];
                    let want = block.iter().enumerate().any(|(i, word)| block[..i].contains(word));
                    prop_assert_eq!(text.has_repeats(start..start + block.len()), want, "{:?}", block);
                }
            }
        }
    }

    #[test]
    fn tokens_are_kept_with_their_words_probability() {
        let counts = [60_000_000, 3_000_000, 200_000, 50_000, 1_000];
        let keep = KeepThresholds::new(&counts, 1e-3);
        let total: u64 = counts.iter().sum();
        let mut draws = Draws::seed_from_u64(7);
        let mut kept = vec![0; DRAWS];
        let (mut seen, mut expected) = (Vec::new(), Vec::new());
        for (word, &count) in counts.iter().enumerate() {
            let seen_of_word = subsample(&vec![word as u32; DRAWS], &keep, &mut kept, &mut draws);
            let ratio = 1e-3 * total as f64 / count as f64;
            let probability = (ratio.sqrt() + ratio).min(1.0);
            if probability == 1.0 {
                assert_eq!(seen_of_word, DRAWS);
                continue;
            }
            seen.extend([seen_of_word as f64, (DRAWS - seen_of_word) as f64]);
            expected.extend([probability * DRAWS as f64, (1.0 - probability) * DRAWS as f64]);
        }
        // The 99.9 % quantile of 3 degrees of freedom: three words are frequent enough to be thinned.
        assert_eq!(seen.len(), 6);
        let chi = chi_square(&seen, &expected);
        assert!(chi < 16.3, "χ²(3) = {chi}: {seen:?} for {expected:?}");
    }
}
