//! The places of keys by their hash: many small tables, which are built at the same time and each in a core's cache.

use std::hash::{BuildHasher, Hash};
use std::ops::Range;

use foldhash::quality::FixedState;
use hashbrown::HashTable;
use rayon::prelude::*;

use super::stored_index::StoredIndex;
use crate::process::can_use_thread_pools;

/// Keys of fewer places go to one table.
const LEAST_KEYS: usize = 1 << 16;
/// Tables of more keys. With 128, those of a million keys take 64 KiB each.
const TABLES: usize = 128;
/// Keys that are hashed by one task.
const KEYS_PER_TASK: usize = 1 << 16;

/// Where the keys are. It holds numbers only: the keys stay where they are.
#[derive(Debug, Clone)]
pub(super) enum KeyIndex {
    Built(Tables),
    /// A part of a file that is mapped.
    Stored(StoredIndex),
}

impl KeyIndex {
    /// The first place of each of `len` keys.
    pub(super) fn new<K: Hash + PartialEq>(len: usize, key_at: impl Fn(usize) -> K + Sync) -> Self {
        Self::Built(Tables::new(len, key_at))
    }

    /// Adds a key that is not there, the last one.
    pub(super) fn push<K: Hash + PartialEq>(&mut self, id: u32, key_at: impl Fn(usize) -> K + Sync) {
        match self {
            Self::Built(tables) => tables.push(id, key_at),
            Self::Stored(_) => *self = Self::new(id as usize + 1, key_at),
        }
    }

    /// The number of distinct keys.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Built(tables) => tables.len(),
            Self::Stored(index) => index.len(),
        }
    }

    /// The first place of a key.
    #[inline]
    pub(super) fn find<K: Hash + PartialEq>(&self, key: K, key_at: impl Fn(usize) -> K) -> Option<u32> {
        match self {
            Self::Built(tables) => tables.find(key, key_at),
            Self::Stored(index) => index.find(key, key_at),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Tables {
    /// One, or [`TABLES`].
    tables: Vec<HashTable<u32>>,
    hasher: FixedState,
}

impl Tables {
    /// The first place of each of `len` keys.
    fn new<K: Hash + PartialEq>(len: usize, key_at: impl Fn(usize) -> K + Sync) -> Self {
        let hasher = FixedState::default();
        let tables = match len >= LEAST_KEYS && can_use_thread_pools() {
            true => {
                let hashed: Vec<_> = (0..len.div_ceil(KEYS_PER_TASK))
                    .into_par_iter()
                    .with_max_len(1)
                    .map(|task| by_table(task * KEYS_PER_TASK..len.min((task + 1) * KEYS_PER_TASK), &hasher, &key_at))
                    .collect();
                let build = |table: usize| {
                    let parts: Vec<_> = hashed.iter().map(|task| task[table].as_slice()).collect();
                    table_of(&parts, &key_at)
                };
                (0..TABLES).into_par_iter().map(build).collect()
            }
            false => {
                // `Keys::new` has checked that places fit.
                let hashed: Vec<_> = (0..len).map(|id| (id as u32, hasher.hash_one(key_at(id)))).collect();
                vec![table_of(&[hashed.as_slice()], &key_at)]
            }
        };
        Self { tables, hasher }
    }

    /// Adds a key that is not there, the last one.
    fn push<K: Hash>(&mut self, id: u32, key_at: impl Fn(usize) -> K) {
        let hash_at = |id: &u32| self.hasher.hash_one(key_at(*id as usize));
        let hash = hash_at(&id);
        let table = if self.tables.len() == 1 { 0 } else { table(hash) };
        self.tables[table].insert_unique(hash, id, hash_at);
    }

    /// The number of distinct keys.
    fn len(&self) -> usize {
        self.tables.iter().map(HashTable::len).sum()
    }

    /// The first place of a key.
    #[inline]
    fn find<K: Hash + PartialEq>(&self, key: K, key_at: impl Fn(usize) -> K) -> Option<u32> {
        let hash = self.hasher.hash_one(&key);
        let table = if self.tables.len() == 1 { 0 } else { table(hash) };
        self.tables[table].find(hash, |&id| key_at(id as usize) == key).copied()
    }
}

/// Which table a key is in. The tables themselves use the lowest and the highest bits.
#[inline]
fn table(hash: u64) -> usize {
    (hash >> 40) as usize % TABLES
}

/// The places of a range of keys and their hashes, in order, for each table.
fn by_table<K: Hash>(keys: Range<usize>, hasher: &FixedState, key_at: &impl Fn(usize) -> K) -> Vec<Vec<(u32, u64)>> {
    // A quarter more than an even share is seldom exceeded.
    let room = keys.len() / TABLES * 5 / 4;
    let mut hashed: Vec<_> = (0..TABLES).map(|_| Vec::with_capacity(room)).collect();
    for id in keys {
        let hash = hasher.hash_one(key_at(id));
        hashed[table(hash)].push((id as u32, hash));
    }
    hashed
}

/// A table of places and their hashes, of which the first place of each key is kept.
fn table_of<K: PartialEq>(parts: &[&[(u32, u64)]], key_at: &impl Fn(usize) -> K) -> HashTable<u32> {
    let mut table = HashTable::with_capacity(parts.iter().map(|part| part.len()).sum());
    for &(id, hash) in parts.iter().copied().flatten() {
        let is_same = |&other: &u32| key_at(other as usize) == key_at(id as usize);
        // There is room for all, so none is hashed again.
        if table.find(hash, is_same).is_none() {
            table.insert_unique(hash, id, |_| 0);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_many_tables_are_found_at_their_first_place() {
        let words: Vec<String> = (0..LEAST_KEYS + 1000).map(|i| format!("w{}", i % LEAST_KEYS)).collect();
        let key_at = |id: usize| words[id].as_str();
        let index = Tables::new(words.len(), key_at);
        assert_eq!((index.tables.len(), index.len()), (TABLES, LEAST_KEYS));
        for (id, word) in words.iter().enumerate() {
            assert_eq!(index.find(word.as_str(), key_at), Some((id % LEAST_KEYS) as u32));
        }
        assert_eq!(index.find("w", key_at), None);
    }
}
