//! Counts of the integers that one thread has seen.

use std::hash::BuildHasher;

use arrow::array::UInt64Array;
use arrow::buffer::NullBuffer;
use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Distinct integers by their bits, how often each was seen, and where first.
#[derive(Default)]
pub(super) struct IntegerTally {
    numbers: HashTable<Number>,
    hasher: FixedState,
}

/// An integer beside its count: all that is looked at for a token is in one cache line.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) bits: u64,
    pub(super) count: u64,
    pub(super) first: u64,
}

impl IntegerTally {
    /// The number of distinct integers.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Counts integers, the first of which stands at `position` in the corpus, after all that was counted before; each
    /// as often as `counts` says, or once.
    pub(super) fn add_all(
        &mut self,
        bits: &[u64],
        nulls: Option<&NullBuffer>,
        counts: Option<&UInt64Array>,
        position: u64,
    ) {
        match (nulls, counts) {
            (None, None) => (position..).zip(bits).for_each(|(position, &bits)| self.add(bits, 1, position)),
            _ => {
                for (i, &bits) in bits.iter().enumerate() {
                    if nulls.is_none_or(|nulls| nulls.is_valid(i)) {
                        self.add(bits, counts.map_or(1, |counts| counts.value(i)), position + i as u64);
                    }
                }
            }
        }
    }

    #[inline]
    pub(super) fn add(&mut self, bits: u64, count: u64, position: u64) {
        let hash = self.hasher.hash_one(bits);
        match self.numbers.find_mut(hash, |number| number.bits == bits) {
            Some(known) => {
                known.count += count;
                // The positions of a value that a dictionary repeats come in no order.
                known.first = known.first.min(position);
            }
            None => {
                let number = Number { bits, count, first: position };
                self.numbers.insert_unique(hash, number, |number| self.hasher.hash_one(number.bits));
            }
        }
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Number> {
        self.numbers.iter()
    }
}
