//! Counts by small keys.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kernel::{Growing, Number, prefetch};

/// Two words, or two words and what stands between them, as numbers.
pub(super) trait Key: Copy + Eq + Debug + std::hash::Hash + Send {
    /// A key and its count, in one number. 0 is a free slot.
    type Slot: Number + PartialEq + Debug + Send;

    fn hash(self) -> u64;

    /// True of a key that no slot has room for.
    fn is_wide(self) -> bool;

    fn slot(self, count: u16) -> Self::Slot;

    fn of(slot: Self::Slot) -> Self;

    fn count(slot: Self::Slot) -> u16;
}

/// The first word and the second.
pub(super) type Pair = [u32; 2];
/// The first word, what stands between, and the last word.
pub(super) type Gapped = [u32; 3];

/// All bits of the result depend on all of the number (the finaliser of MurmurHash3).
#[inline]
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let number = (number ^ (number >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ (number >> 33)
}

/// Bits of a slot that hold the count.
const COUNT_BITS: u32 = 16;
/// Bits of a slot that hold a word of a pair. Sixteen million words have numbers before they are too few.
const PAIR_WORD_BITS: u32 = 24;
const GAPPED_WORD_BITS: u32 = 32;

impl Key for Pair {
    type Slot = u64;

    #[inline]
    fn hash(self) -> u64 {
        mixed(u64::from(self[0]) << 32 | u64::from(self[1]))
    }

    #[inline]
    fn is_wide(self) -> bool {
        // With the greatest number the slot could be 0.
        self[0].max(self[1]) >= (1 << PAIR_WORD_BITS) - 1
    }

    #[inline]
    fn slot(self, count: u16) -> u64 {
        !((u64::from(self[0]) << PAIR_WORD_BITS | u64::from(self[1])) << COUNT_BITS | u64::from(count))
    }

    #[inline]
    fn of(slot: u64) -> Self {
        let words = !slot >> COUNT_BITS;
        [(words >> PAIR_WORD_BITS) as u32, (words & ((1 << PAIR_WORD_BITS) - 1)) as u32]
    }

    #[inline]
    fn count(slot: u64) -> u16 {
        !slot as u16
    }
}

impl Key for Gapped {
    type Slot = u128;

    #[inline]
    fn hash(self) -> u64 {
        mixed([self[0], self[2]].hash() ^ u64::from(self[1]))
    }

    #[inline]
    fn is_wide(self) -> bool {
        false
    }

    #[inline]
    fn slot(self, count: u16) -> u128 {
        let words = self.into_iter().fold(0u128, |words, word| words << GAPPED_WORD_BITS | u128::from(word));
        !(words << COUNT_BITS | u128::from(count))
    }

    #[inline]
    fn of(slot: u128) -> Self {
        [2, 1, 0].map(|place| (!slot >> (COUNT_BITS + place * GAPPED_WORD_BITS)) as u32)
    }

    #[inline]
    fn count(slot: u128) -> u16 {
        !slot as u16
    }
}

/// A count that stands for one in `others`.
const LARGE: u16 = u16::MAX;
/// Keys that the cache is asked for ahead of their turn.
const AHEAD: usize = 16;
/// Slots of a table that is not empty, at least.
const LEAST_SLOTS: usize = 64;

#[inline]
fn is_free<S: PartialEq + Default>(slot: S) -> bool {
    slot == S::default()
}

/// Counts by keys. A pair that is counted takes 8 bytes of a slot, of which 64 to 85 % are used: nearly all counts are
/// small, and those that are not are few.
#[derive(Debug, Clone)]
pub(super) struct Table<K: Key> {
    slots: Growing<K::Slot>,
    len: usize,
    /// Large counts, and wide keys.
    others: HashMap<K, u64>,
    least_slots: usize,
}

impl<K: Key> Default for Table<K> {
    fn default() -> Self {
        Self::with_least_slots(LEAST_SLOTS)
    }
}

impl<K: Key> Table<K> {
    fn with_least_slots(least_slots: usize) -> Self {
        Self { slots: Growing::default(), len: 0, others: HashMap::new(), least_slots }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where the search for a key starts: the upper bits choose it; the lower ones have chosen the table.
    #[inline]
    fn start(&self, key: K) -> usize {
        ((u128::from(key.hash()) * self.slots.len() as u128) >> 64) as usize
    }

    /// The place of a key and its count, or the free one where it belongs, with `None`. There is a free one.
    #[inline]
    fn find(&self, key: K) -> (usize, Option<u16>) {
        let mut place = self.start(key);
        loop {
            let slot = self.slots[place];
            if is_free(slot) {
                return (place, None);
            }
            let count = K::count(slot);
            if slot == key.slot(count) {
                return (place, Some(count));
            }
            place += 1;
            if place == self.slots.len() {
                place = 0;
            }
        }
    }

    pub(super) fn get(&self, key: K) -> u64 {
        let other = || self.others.get(&key).copied().unwrap_or_default();
        if key.is_wide() {
            return other();
        }
        match (!self.slots.is_empty()).then(|| self.find(key).1).flatten() {
            None => 0,
            Some(LARGE) => other(),
            Some(count) => count.into(),
        }
    }

    /// Adds to a count, and tells whether the key is new.
    #[inline]
    pub(super) fn add(&mut self, key: K, count: u64) -> bool {
        self.add_with(key, count, &mut Vec::new())
    }

    /// [`add`](Self::add), with memory for the slots while they move.
    #[inline]
    fn add_with(&mut self, key: K, count: u64, moving: &mut Vec<K::Slot>) -> bool {
        if key.is_wide() {
            return self.add_wide(key, count);
        }
        if self.len * 20 >= self.slots.len() * 17 {
            self.grow(moving);
        }
        let (place, before) = self.find(key);
        self.len += usize::from(before.is_none());
        let sum = u64::from(before.unwrap_or_default()).checked_add(count).and_then(|sum| u16::try_from(sum).ok());
        match sum {
            Some(sum) if sum < LARGE => self.slots[place] = key.slot(sum),
            _ => self.add_large(place, key, before, count),
        }
        before.is_none()
    }

    /// Adds 1 to the count of each key, and gives the number of new ones.
    fn add_all(&mut self, keys: &[K], moving: &mut Vec<K::Slot>) -> usize {
        let mut new = 0;
        for (i, &key) in keys.iter().enumerate() {
            if let Some(&later) = keys.get(i + AHEAD)
                && let Some(slot) = self.slots.get(self.start(later))
            {
                prefetch(slot);
            }
            new += usize::from(self.add_with(key, 1, moving));
        }
        new
    }

    #[cold]
    fn add_large(&mut self, place: usize, key: K, before: Option<u16>, count: u64) {
        self.slots[place] = key.slot(LARGE);
        let sum = self.others.entry(key).or_default();
        *sum = match before {
            Some(LARGE) => sum.saturating_add(count),
            small => u64::from(small.unwrap_or_default()).saturating_add(count),
        };
    }

    #[cold]
    fn add_wide(&mut self, key: K, count: u64) -> bool {
        let before = self.others.len();
        let sum = self.others.entry(key).or_default();
        *sum = sum.saturating_add(count);
        let is_new = self.others.len() > before;
        self.len += usize::from(is_new);
        is_new
    }

    #[cold]
    fn grow(&mut self, moving: &mut Vec<K::Slot>) {
        moving.clear();
        moving.extend(self.slots.iter().copied().filter(|slot| !is_free(*slot)));
        let slots = (self.slots.len() + self.slots.len() / 3).max(self.least_slots);
        self.slots.fill(K::Slot::default());
        self.slots.grow(slots);
        for &slot in &*moving {
            let (place, _) = self.find(K::of(slot));
            self.slots[place] = slot;
        }
    }

    /// Keeps the counts from a least one on.
    pub(super) fn prune(&mut self, least: u64) {
        let mut kept = Self::with_least_slots(self.least_slots);
        self.iter().filter(|&(_, count)| count >= least).for_each(|(key, count)| {
            kept.add(key, count);
        });
        *self = kept;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (K, u64)> {
        let count_of = |slot: K::Slot| match (K::of(slot), K::count(slot)) {
            (key, LARGE) => (key, self.others.get(&key).copied().unwrap_or_default()),
            (key, count) => (key, count.into()),
        };
        let slots = self.slots.iter().filter(|slot| !is_free(**slot)).map(move |&slot| count_of(slot));
        slots.chain(self.others.iter().filter(|(key, _)| key.is_wide()).map(|(&key, &count)| (key, count)))
    }
}

/// Tables that a count is spread over. Each fits into a core's cache where one for all would miss it for each pair.
const TABLES: usize = 128;

/// Counts in many tables.
#[derive(Debug, Clone)]
pub(super) struct Tables<K: Key>(Vec<Table<K>>);

/// Empty tables. As keys are spread evenly, they would all grow at once; they start at different sizes, so that together
/// they always have about the same share of free slots.
fn tables<K: Key>() -> impl Iterator<Item = Table<K>> {
    (0..TABLES).map(|number| Table::with_least_slots(LEAST_SLOTS + number * LEAST_SLOTS / TABLES / 3))
}

impl<K: Key> Default for Tables<K> {
    fn default() -> Self {
        Self(tables().collect())
    }
}

#[inline]
fn table_of<K: Key>(key: K) -> usize {
    key.hash() as usize % TABLES
}

impl<K: Key> Tables<K> {
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Table::len).sum()
    }

    pub(super) fn get(&self, key: K) -> u64 {
        self.0[table_of(key)].get(key)
    }

    pub(super) fn add(&mut self, key: K, count: u64) {
        self.0[table_of(key)].add(key, count);
    }

    pub(super) fn prune(&mut self, least: u64) {
        self.0.iter_mut().for_each(|table| table.prune(least));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (K, u64)> {
        self.0.iter().flat_map(Table::iter)
    }
}

/// Counts that several threads add to.
pub(super) struct SharedTables<K: Key>(Vec<Mutex<Table<K>>>);

impl<K: Key> Default for SharedTables<K> {
    fn default() -> Self {
        Self(tables().map(Mutex::new).collect())
    }
}

impl<K: Key> SharedTables<K> {
    fn table(&self, number: usize) -> MutexGuard<'_, Table<K>> {
        self.0[number].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn into_tables(self) -> Tables<K> {
        Tables(self.0.into_iter().map(|table| table.into_inner().unwrap_or_else(PoisonError::into_inner)).collect())
    }
}

/// Keys of a table that wait until they are counted together.
const WAITING_KEYS: usize = 512;

/// Keys that one thread has seen, for each table.
pub(super) struct Waiting<K: Key> {
    keys: Vec<Vec<K>>,
    moving: Vec<K::Slot>,
}

impl<K: Key> Default for Waiting<K> {
    fn default() -> Self {
        Self { keys: (0..TABLES).map(|_| Vec::new()).collect(), moving: Vec::new() }
    }
}

impl<K: Key> Waiting<K> {
    /// Counts a key, and gives the number of keys that are known to be new since the last call.
    #[inline]
    pub(super) fn add(&mut self, key: K, count: u64, tables: &SharedTables<K>) -> usize {
        let number = table_of(key);
        if count != 1 {
            return usize::from(tables.table(number).add(key, count));
        }
        self.keys[number].push(key);
        if self.keys[number].len() < WAITING_KEYS { 0 } else { self.count(number, tables) }
    }

    #[cold]
    fn count(&mut self, number: usize, tables: &SharedTables<K>) -> usize {
        let new = tables.table(number).add_all(&self.keys[number], &mut self.moving);
        self.keys[number].clear();
        new
    }

    /// Counts all that wait, and gives the number of new keys.
    pub(super) fn finish(&mut self, tables: &SharedTables<K>) -> usize {
        (0..TABLES).map(|number| self.count(number, tables)).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_those_of_a_map(
            added in prop::collection::vec(((0..40u32, 0..4u32, 0..40u32), prop_oneof![Just(1u64), 0..70_000u64]), 0..600),
            least in 0..5u64,
        ) {
            let (shared, mut waiting) = (SharedTables::default(), Waiting::default());
            let mut expected: HashMap<Gapped, u64> = HashMap::new();
            let mut new = 0;
            for ((a, between, b), count) in added {
                *expected.entry([a, between, b]).or_default() += count;
                new += waiting.add([a, between, b], count, &shared);
            }
            new += waiting.finish(&shared);
            let mut tables = shared.into_tables();
            prop_assert_eq!((tables.len(), new), (expected.len(), expected.len()));
            prop_assert_eq!(&tables.iter().collect::<HashMap<_, _>>(), &expected);
            prop_assert!(expected.iter().all(|(&key, &count)| tables.get(key) == count));
            tables.prune(least);
            expected.retain(|_, count| *count >= least);
            prop_assert_eq!(&tables.iter().collect::<HashMap<_, _>>(), &expected);
            prop_assert_eq!(tables.get([40, 0, 0]), 0);
        }
    }

    proptest! {
        #[test]
        fn pairs_of_any_words_are_counted(
            added in prop::collection::vec(((word(), word()), prop_oneof![Just(1u64), 0..70_000u64]), 0..300),
            least in 0..5u64,
        ) {
            let (mut tables, mut expected) = (Tables::default(), HashMap::<Pair, u64>::new());
            for ((a, b), count) in added {
                *expected.entry([a, b]).or_default() += count;
                tables.add([a, b], count);
            }
            prop_assert_eq!(tables.len(), expected.len());
            prop_assert!(expected.iter().all(|(&key, &count)| tables.get(key) == count));
            tables.prune(least);
            expected.retain(|_, count| *count >= least);
            prop_assert_eq!(tables.len(), expected.len());
            prop_assert_eq!(&tables.iter().collect::<HashMap<_, _>>(), &expected);
        }
    }

    /// Small numbers, and those on both sides of what a slot has room for.
    fn word() -> impl Strategy<Value = u32> {
        prop_oneof![0..9u32, (1u32 << PAIR_WORD_BITS) - 4..(1 << PAIR_WORD_BITS) + 4, Just(u32::MAX >> 2)]
    }

    #[test]
    fn a_count_may_have_all_64_bits() {
        let mut table = Table::default();
        for _ in 0..3 {
            table.add([1, 2], u64::MAX / 2);
            table.add([1, 3], 65_535);
        }
        assert_eq!((table.get([1, 2]), table.get([1, 3]), table.get([2, 1])), (u64::MAX, 196_605, 0));
    }
}
