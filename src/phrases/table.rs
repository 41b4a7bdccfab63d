//! Counts by small keys.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kernel::prefetch;

/// Two words, or two words and what stands between them, as numbers.
pub(super) trait Key: Copy + Eq + Debug + std::hash::Hash + Send {
    /// No key is this.
    const NONE: Self;

    fn hash(self) -> u64;
}

/// The first word and the second.
pub(super) type Pair = [u32; 2];
/// The first word, what stands between, and the last word.
pub(super) type Gapped = [u32; 3];

/// All bits of the result depend on all of the number (the finaliser of MurmurHash3).
#[inline]
pub(super) fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let number = (number ^ (number >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    number ^ (number >> 33)
}

impl Key for Pair {
    const NONE: Self = [u32::MAX; 2];

    #[inline]
    fn hash(self) -> u64 {
        mixed(u64::from(self[0]) << 32 | u64::from(self[1]))
    }
}

impl Key for Gapped {
    const NONE: Self = [u32::MAX; 3];

    #[inline]
    fn hash(self) -> u64 {
        mixed([self[0], self[2]].hash() ^ u64::from(self[1]))
    }
}

/// A count that stands for one in `large`.
const LARGE: u16 = u16::MAX;
/// Keys that the cache is asked for ahead of their turn.
const AHEAD: usize = 16;
/// Slots of a table that is not empty.
const LEAST_SLOTS: usize = 64;

/// Counts by keys. A pair that is counted takes 10 bytes of a slot, of which 53 to 80 % are used: nearly all counts are
/// small, and those that are not are few.
#[derive(Debug, Clone)]
pub(super) struct Table<K> {
    keys: Vec<K>,
    counts: Vec<u16>,
    len: usize,
    large: HashMap<K, u64>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), counts: Vec::new(), len: 0, large: HashMap::new() }
    }
}

impl<K: Key> Table<K> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where the search for a key starts: the upper bits choose it; the lower ones have chosen the table.
    #[inline]
    fn start(&self, key: K) -> usize {
        ((u128::from(key.hash()) * self.keys.len() as u128) >> 64) as usize
    }

    /// The slot of a key, or the free one where it belongs. There is a free one.
    #[inline]
    fn slot(&self, key: K) -> usize {
        let (mut slot, slots) = (self.start(key), self.keys.len());
        while self.keys[slot] != key && self.keys[slot] != K::NONE {
            slot += 1;
            if slot == slots {
                slot = 0;
            }
        }
        slot
    }

    pub(super) fn get(&self, key: K) -> u64 {
        if self.len == 0 {
            return 0;
        }
        let slot = self.slot(key);
        match self.counts[slot] {
            _ if self.keys[slot] == K::NONE => 0,
            LARGE => self.large.get(&key).copied().unwrap_or_default(),
            count => count.into(),
        }
    }

    /// Adds to a count, and tells whether the key is new.
    #[inline]
    pub(super) fn add(&mut self, key: K, count: u64) -> bool {
        if self.len * 5 >= self.keys.len() * 4 {
            self.grow();
        }
        let slot = self.slot(key);
        let is_new = self.keys[slot] == K::NONE;
        if is_new {
            self.keys[slot] = key;
            self.len += 1;
        }
        let before = self.counts[slot];
        match u64::from(before).checked_add(count).and_then(|sum| u16::try_from(sum).ok()) {
            Some(sum) if sum < LARGE => self.counts[slot] = sum,
            _ => self.add_large(slot, key, count),
        }
        is_new
    }

    /// Adds 1 to the count of each key, and gives the number of new ones.
    fn add_all(&mut self, keys: &[K]) -> usize {
        let mut new = 0;
        for (i, &key) in keys.iter().enumerate() {
            if let Some(&later) = keys.get(i + AHEAD)
                && self.len > 0
            {
                let slot = self.start(later);
                prefetch(&raw const self.keys[slot]);
                prefetch(&raw const self.counts[slot]);
            }
            new += usize::from(self.add(key, 1));
        }
        new
    }

    #[cold]
    fn add_large(&mut self, slot: usize, key: K, count: u64) {
        let before = std::mem::replace(&mut self.counts[slot], LARGE);
        let before = if before == LARGE { 0 } else { u64::from(before) };
        let sum = self.large.entry(key).or_default();
        *sum = sum.saturating_add(before).saturating_add(count);
    }

    #[cold]
    fn grow(&mut self) {
        let slots = (self.keys.len() + self.keys.len() / 2).max(LEAST_SLOTS);
        self.rebuild(slots, |_| true);
    }

    /// Puts what is kept into new slots.
    fn rebuild(&mut self, slots: usize, is_kept: impl Fn(u64) -> bool) {
        let old = std::mem::replace(
            self,
            Self { keys: vec![K::NONE; slots], counts: vec![0; slots], len: 0, large: HashMap::new() },
        );
        for (key, count) in old.iter().filter(|&(_, count)| is_kept(count)) {
            let slot = self.slot(key);
            self.keys[slot] = key;
            self.len += 1;
            match u16::try_from(count) {
                Ok(count) if count < LARGE => self.counts[slot] = count,
                _ => self.add_large(slot, key, count),
            }
        }
    }

    /// Keeps the counts from a least one on.
    pub(super) fn prune(&mut self, least: u64) {
        let kept = self.iter().filter(|&(_, count)| count >= least).count();
        self.rebuild((kept * 3 / 2).max(LEAST_SLOTS), |count| count >= least);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (K, u64)> {
        let count_of = |key: K, count: u16| match count {
            LARGE => self.large.get(&key).copied().unwrap_or_default(),
            count => count.into(),
        };
        let slots = self.keys.iter().zip(&self.counts);
        slots.filter(|(key, _)| **key != K::NONE).map(move |(&key, &count)| (key, count_of(key, count)))
    }
}

/// Tables that a count is spread over. Each fits into a core's cache where one for all would miss it for each pair.
const TABLES: usize = 128;

/// Counts in many tables.
#[derive(Debug, Clone)]
pub(super) struct Tables<K>(Vec<Table<K>>);

impl<K: Key> Default for Tables<K> {
    fn default() -> Self {
        Self((0..TABLES).map(|_| Table::default()).collect())
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
pub(super) struct SharedTables<K>(Vec<Mutex<Table<K>>>);

impl<K: Key> Default for SharedTables<K> {
    fn default() -> Self {
        Self((0..TABLES).map(|_| Mutex::default()).collect())
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
pub(super) struct Waiting<K>(Vec<Vec<K>>);

impl<K: Key> Default for Waiting<K> {
    fn default() -> Self {
        Self((0..TABLES).map(|_| Vec::new()).collect())
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
        self.0[number].push(key);
        if self.0[number].len() < WAITING_KEYS { 0 } else { self.count(number, tables) }
    }

    #[cold]
    fn count(&mut self, number: usize, tables: &SharedTables<K>) -> usize {
        let new = tables.table(number).add_all(&self.0[number]);
        self.0[number].clear();
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
