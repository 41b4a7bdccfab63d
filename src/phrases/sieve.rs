//! A first look at pairs of words.

use super::table::Pair;

/// Bits for each pair, at least: of the pairs that it does not have, it lets through one in eight at most.
const BITS_PER_PAIR: usize = 8;
const WORD_BITS: u32 = u64::BITS;
/// The golden ratio: 2⁶⁴ / φ.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
/// It starts with this many words of bits.
const LEAST_WORDS: usize = 16;

/// Bits by the hashes of pairs, few enough for a core's nearest cache: tells of most pairs that they were not added.
pub(super) struct Sieve {
    bits: Vec<u64>,
    /// Those that were added, of which more bits are made.
    pairs: Vec<Pair>,
}

impl Default for Sieve {
    fn default() -> Self {
        Self { bits: vec![0; LEAST_WORDS], pairs: Vec::new() }
    }
}

impl Sieve {
    pub(super) fn add(&mut self, pair: Pair) {
        self.pairs.push(pair);
        if self.pairs.len() * BITS_PER_PAIR > self.bits.len() * WORD_BITS as usize {
            self.bits = vec![0; self.bits.len() * 2];
            (0..self.pairs.len()).for_each(|i| self.set(self.pairs[i]));
        }
        self.set(pair);
    }

    fn set(&mut self, pair: Pair) {
        let (word, bit) = Self::place(pair, self.bits.len());
        self.bits[word] |= 1 << bit;
    }

    /// The word and the bit of a pair: the upper bits of a product, on which all bits of the pair bear.
    #[inline]
    fn place([a, b]: Pair, words: usize) -> (usize, u32) {
        let hash = (u64::from(a) << 32 | u64::from(b)).wrapping_mul(FACTOR);
        // The number of words is a power of two.
        ((hash >> 38) as usize & (words - 1), (hash >> 32) as u32 % WORD_BITS)
    }

    /// 0 for most pairs that were not added, 1 for all that were.
    #[inline]
    pub(super) fn bit(&self, pair: Pair) -> u32 {
        let (word, bit) = Self::place(pair, self.bits.len());
        (self.bits[word] >> bit) as u32 & 1
    }

    #[inline]
    pub(super) fn may_have(&self, pair: Pair) -> bool {
        self.bit(pair) != 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_sieve_has_all_that_was_added_and_little_else(pairs in prop::collection::vec(prop::array::uniform2(0..1000u32), 0..300)) {
            let (mut sieve, mut all) = (Sieve::default(), HashSet::new());
            for pair in pairs {
                all.insert(pair);
                sieve.add(pair);
                prop_assert!(all.iter().all(|&pair| sieve.may_have(pair)));
            }
            let let_through = (0..10_000).filter(|&i| sieve.may_have([i, 1000])).count();
            prop_assert!(let_through < 2500, "{}", let_through);
        }
    }
}
