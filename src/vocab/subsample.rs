//! Subsampling of frequent words.

/// For each row, the share of its occurrences to keep, out of 2^32; `u32::MAX` keeps all.
pub(crate) struct KeepThresholds {
    /// The shares of the first rows; all occurrences of later rows are kept. Where rows are sorted by frequency they are
    /// so few that the first cache holds them.
    thresholds: Vec<u32>,
}

impl KeepThresholds {
    pub(crate) fn new(counts: &[u64], sample: f64) -> Self {
        let probability = keep_probability(counts, sample);
        // Casts from float saturate: a probability of 1 becomes u32::MAX.
        let mut thresholds: Vec<u32> =
            counts.iter().map(|&count| (probability(count) * 2f64.powi(32)) as u32).collect();
        let thinned = thresholds.iter().rposition(|&threshold| threshold != u32::MAX).map_or(0, |last| last + 1);
        thresholds.truncate(thinned);
        thresholds.push(u32::MAX);
        Self { thresholds }
    }

    #[inline(always)]
    pub(crate) fn of(&self, row: u32) -> u32 {
        self.thresholds[(row as usize).min(self.thresholds.len() - 1)]
    }
}

/// Gives the probability that an occurrence of a word is kept from the count of the word, in a vocabulary of these counts.
///
/// A word of frequency f is kept with probability √(t/f) + t/f (Mikolov et al. 2013, as in word2vec.c), where t is
/// `sample` times the tokens of the vocabulary, or for `sample` ≥ 1 the count ⌊`sample` · (3 + √5) / 2⌋, as in gensim.
pub(super) fn keep_probability(counts: &[u64], sample: f64) -> impl Fn(u64) -> f64 + use<> {
    let threshold = match sample {
        s if s <= 0.0 => f64::INFINITY,
        s if s < 1.0 => s * counts.iter().map(|&count| count as f64).sum::<f64>(),
        s => (s * (3.0 + 5f64.sqrt()) / 2.0).floor(),
    };
    move |count| {
        let ratio = threshold / count as f64;
        (ratio.sqrt() + ratio).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_words_are_thinned_by_the_formula_of_word2vec() {
        let counts = [900_000, 99_000, 1_000];
        let keep = KeepThresholds::new(&counts, 1e-3);
        for (row, c) in counts.into_iter().enumerate() {
            let ratio = 1e-3 * 1e6 / c as f64;
            let want = (ratio.sqrt() + ratio).min(1.0);
            assert!((f64::from(keep.of(row as u32)) / 2f64.powi(32) - want).abs() < 1e-6);
        }
        assert_eq!(keep.of(2), u32::MAX);
        assert_eq!(keep.thresholds.len(), 3);
    }

    #[test]
    fn zero_keeps_everything() {
        let keep = KeepThresholds::new(&[10, 1_000_000], 0.0);
        assert_eq!([0, 1].map(|row| keep.of(row)), [u32::MAX; 2]);
    }

    #[test]
    fn one_and_above_is_a_count_above_which_words_are_thinned() {
        let probability = keep_probability(&[], 10.0);
        assert_eq!(probability(10), 1.0);
        assert!((probability(1000) - ((26f64 / 1000.0).sqrt() + 26.0 / 1000.0)).abs() < 1e-12);
    }
}
