//! The sentences of the toy corpus.

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::grammar::Grammar;

/// An endless iterator of sentences of 6 to 25 lower-case words, the same for the same seed.
pub struct SentenceGenerator {
    grammar: Grammar,
    rng: Xoshiro256PlusPlus,
}

impl SentenceGenerator {
    /// The sentences of a seed, from the first on.
    pub fn new(seed: u64) -> Self {
        Self { grammar: Grammar::new(), rng: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }
}

impl Iterator for SentenceGenerator {
    type Item = Vec<&'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.grammar.sentence(&mut self.rng))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashMap;

    use super::*;

    /// The count of each word in the first `tokens` tokens.
    pub(crate) fn counts(tokens: usize, seed: u64) -> HashMap<&'static str, u64> {
        let mut counts = HashMap::new();
        for word in SentenceGenerator::new(seed).flatten().take(tokens) {
            *counts.entry(word).or_default() += 1;
        }
        counts
    }

    #[test]
    fn the_same_seed_gives_the_same_sentences_and_another_seed_gives_others() {
        let first = |seed| SentenceGenerator::new(seed).take(1000).collect::<Vec<_>>();
        assert_eq!(first(5), first(5));
        assert_ne!(first(5), first(6));
    }

    #[test]
    fn every_sentence_has_6_to_25_words() {
        for sentence in SentenceGenerator::new(2).take(50_000) {
            assert!((6..=25).contains(&sentence.len()), "{sentence:?}");
        }
    }

    #[test]
    fn a_hundred_words_make_up_half_of_the_corpus_and_thousands_the_rest() {
        let counts = counts(500_000, 1);
        let mut frequencies: Vec<_> = counts.into_values().collect();
        frequencies.sort_unstable_by(|a, b| b.cmp(a));
        let frequent: u64 = frequencies[..100].iter().sum();
        assert!(frequent > 250_000, "{frequent}");
        assert!(frequencies.len() > 2500, "{}", frequencies.len());
    }
}
