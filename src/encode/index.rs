//! The id of each key, found as fast as a corpus comes.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::vocab::{Key, KeyType, Keys, View, WordId, bits_of};

/// The ids of keys, text or integers.
pub(crate) enum KeyIndex<'a> {
    Text(TextIndex<'a>),
    Integers(IntegerIndex),
}

impl<'a> KeyIndex<'a> {
    pub(crate) fn new(keys: &'a Keys) -> Self {
        match keys.key_type() {
            KeyType::Text => Self::Text(TextIndex::new(keys)),
            _ => Self::Integers(IntegerIndex::new(keys)),
        }
    }

    pub(super) fn key_type(&self) -> KeyType {
        match self {
            Self::Text(_) => KeyType::Text,
            Self::Integers(index) => index.key_type,
        }
    }
}

/// The ids of words. Short ones are found by their string view, in one cache line: most tokens are short.
pub(crate) struct TextIndex<'a> {
    keys: &'a Keys,
    short: HashTable<(View, WordId)>,
    hasher: FixedState,
}

impl<'a> TextIndex<'a> {
    fn new(keys: &'a Keys) -> Self {
        let words = || keys.iter().filter_map(Key::as_text).zip(0..).filter(|(word, _)| View::holds(word));
        let (mut short, hasher) = (HashTable::with_capacity(words().count()), FixedState::default());
        let hash_of = |(view, _): &(View, WordId)| hasher.hash_one(view.0);
        for (word, id) in words() {
            let entry = (View::of(word), id);
            short.insert_unique(hash_of(&entry), entry, hash_of);
        }
        Self { keys, short, hasher }
    }

    pub(super) fn id(&self, word: &str) -> Option<WordId> {
        if View::holds(word) { self.id_of_short(View::of(word)) } else { self.id_of_long(word) }
    }

    #[inline]
    pub(super) fn id_of_short(&self, view: View) -> Option<WordId> {
        self.short.find(self.hasher.hash_one(view.0), |(known, _)| *known == view).map(|(_, id)| *id)
    }

    pub(super) fn id_of_long(&self, word: &str) -> Option<WordId> {
        self.keys.id(word)
    }
}

/// The ids of integers, by their bits.
pub(crate) struct IntegerIndex {
    key_type: KeyType,
    ids: HashTable<(u64, WordId)>,
    hasher: FixedState,
}

impl IntegerIndex {
    fn new(keys: &Keys) -> Self {
        let (mut ids, hasher) = (HashTable::with_capacity(keys.len()), FixedState::default());
        let hash_of = |(bits, _): &(u64, WordId)| hasher.hash_one(bits);
        let bits = bits_of(&keys.array()).unwrap_or_default();
        for entry in bits.iter().copied().zip(0..) {
            ids.insert_unique(hash_of(&entry), entry, hash_of);
        }
        Self { key_type: keys.key_type(), ids, hasher }
    }

    pub(super) fn key_type(&self) -> KeyType {
        self.key_type
    }

    #[inline]
    pub(super) fn id(&self, bits: u64) -> Option<WordId> {
        self.ids.find(self.hasher.hash_one(bits), |(known, _)| *known == bits).map(|(_, id)| *id)
    }
}
