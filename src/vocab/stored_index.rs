//! An index of keys that lies in a file, beside them: whoever maps the file builds nothing, and all processes that map it
//! share one index.
//!
//! The bytes are slots of eight bytes, then a description of four numbers of eight bytes, all little-endian. A slot has the
//! place of a key plus one, 0 where it is free, and half of the key's hash. A key stands in the first free slot from the one
//! that its hash points to.

use std::hash::{BuildHasher, Hash};

use arrow::buffer::{Buffer, ScalarBuffer};
use foldhash::quality::FixedState;

/// Fewer keys are indexed faster than a reader notices.
const LEAST_KEYS: usize = 1 << 16;
/// The last eight bytes.
const MAGIC: [u8; 8] = *b"PGINDEX1";
/// The number of distinct keys, that of slots, the checksum of the keys, and [`MAGIC`].
const DESCRIPTION: usize = 32;
/// The bytes are a multiple of this, as everything in an Arrow file.
const ALIGNMENT: usize = 64;

#[derive(Debug, Clone)]
pub(super) struct StoredIndex {
    slots: ScalarBuffer<u64>,
    /// The number of keys.
    keys: usize,
    distinct: usize,
}

impl StoredIndex {
    /// The bytes of an index, if the keys are so many that it is worth its place. The checksum changes with the keys, their
    /// order, and the way in which they are hashed.
    pub(super) fn bytes<K: Hash + PartialEq>(
        len: usize,
        key_at: impl Fn(usize) -> K,
        checksum: impl FnOnce() -> u64,
    ) -> Option<Vec<u8>> {
        if len < LEAST_KEYS {
            return None;
        }
        let (slots, distinct) = slots(len, key_at);
        let description = [distinct as u64, slots.len() as u64, checksum(), u64::from_le_bytes(MAGIC)];
        let length = 8 * slots.len() + DESCRIPTION;
        let padding = length.next_multiple_of(ALIGNMENT) - length;
        let numbers = slots.iter().chain(&description).flat_map(|number| number.to_le_bytes());
        Some(std::iter::repeat_n(0, padding).chain(numbers).collect())
    }

    /// The index at the end of these bytes, if there is one, and it is that of `len` keys of this checksum: other programs may
    /// have written them anew, and other versions of this one may hash otherwise.
    pub(super) fn read(bytes: &Buffer, len: usize, checksum: impl FnOnce() -> u64) -> Option<Self> {
        let start = bytes.len().checked_sub(DESCRIPTION)?;
        let (numbers, _) = bytes[start..].as_chunks::<8>();
        let &[distinct, slots, sum, MAGIC] = numbers else { return None };
        let [distinct, slots] = [distinct, slots].map(|number| usize::try_from(u64::from_le_bytes(number)).ok());
        let (distinct, length) = (distinct?, slots?.checked_mul(8)?);
        let is_it = cfg!(target_endian = "little") && distinct <= len && length > 0;
        let slots = bytes.slice_with_length(start.checked_sub(length).filter(|_| is_it)?, length);
        if slots.as_ptr().align_offset(align_of::<u64>()) != 0 || u64::from_le_bytes(sum) != checksum() {
            return None;
        }
        Some(Self { slots: slots.into(), keys: len, distinct })
    }

    /// The number of distinct keys.
    pub(super) fn len(&self) -> usize {
        self.distinct
    }

    /// The first place of a key.
    #[inline]
    pub(super) fn find<K: Hash + PartialEq>(&self, key: K, key_at: impl Fn(usize) -> K) -> Option<u32> {
        let hash = FixedState::default().hash_one(&key);
        let probe = Probe::new(hash, self.slots.len());
        // The checksum does not cover the slots, so a place may be any number, and none of them free.
        probe.take(self.slots.len()).map(|slot| self.slots[slot]).take_while(|&slot| slot != 0).find_map(|slot| {
            let id = (slot as u32).checked_sub(1).filter(|_| (slot >> 32) as u32 == hash as u32)?;
            ((id as usize) < self.keys && key_at(id as usize) == key).then_some(id)
        })
    }
}

/// The slots in which a key may be, in order.
struct Probe {
    at: usize,
    slots: usize,
}

impl Probe {
    #[inline]
    fn new(hash: u64, slots: usize) -> Self {
        Self { at: ((u128::from(hash) * slots as u128) >> 64) as usize, slots }
    }
}

impl Iterator for Probe {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let at = self.at;
        self.at = if at + 1 == self.slots { 0 } else { at + 1 };
        Some(at)
    }
}

/// The slots of keys, and how many of the keys are distinct. Of equal keys the first has a slot. A third of the slots stay
/// free.
fn slots<K: Hash + PartialEq>(len: usize, key_at: impl Fn(usize) -> K) -> (Vec<u64>, usize) {
    let hasher = FixedState::default();
    let (mut slots, mut distinct) = (vec![0u64; len + len / 2 + 1], 0);
    for id in 0..len {
        let hash = hasher.hash_one(key_at(id));
        let tag = hash << 32;
        let is_same = |slot: u64| slot & !0xFFFF_FFFF == tag && key_at((slot as u32 - 1) as usize) == key_at(id);
        let found = Probe::new(hash, slots.len()).find(|&slot| slots[slot] == 0 || is_same(slots[slot]));
        if let Some(slot) = found.filter(|&slot| slots[slot] == 0) {
            slots[slot] = tag | (id as u64 + 1);
            distinct += 1;
        }
    }
    (slots, distinct)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEN: usize = LEAST_KEYS + 100;

    /// The last hundred are also the first.
    fn key_at(id: usize) -> String {
        format!("w{}", id % LEAST_KEYS)
    }

    fn stored() -> Vec<u8> {
        StoredIndex::bytes(LEN, key_at, || 5).unwrap()
    }

    fn read(bytes: Vec<u8>) -> Option<StoredIndex> {
        StoredIndex::read(&bytes.into(), LEN, || 5)
    }

    #[test]
    fn every_key_is_found_at_its_first_place() {
        let bytes = stored();
        assert!(bytes.len().is_multiple_of(ALIGNMENT));
        let index = read(bytes).unwrap();
        assert_eq!(index.len(), LEAST_KEYS);
        for id in 0..LEN {
            assert_eq!(index.find(key_at(id), key_at), Some((id % LEAST_KEYS) as u32));
        }
        assert_eq!(index.find("w".to_owned(), key_at), None);
    }

    #[test]
    fn few_keys_have_none_and_other_keys_refuse_it() {
        assert!(StoredIndex::bytes(LEAST_KEYS - 1, key_at, || 5).is_none());
        let bytes = Buffer::from(stored());
        assert!(StoredIndex::read(&bytes, LEN, || 6).is_none());
        assert!(StoredIndex::read(&bytes, LEAST_KEYS - 1, || 5).is_none());
        assert!(StoredIndex::read(&bytes.slice_with_length(0, 16), LEN, || 5).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_damaged_index_ends_every_search(fill in any::<u64>(), id in 0..LEAST_KEYS, cut in 0usize..80) {
            let mut bytes = stored();
            let slots = bytes.len() - DESCRIPTION;
            bytes[..slots].chunks_exact_mut(8).for_each(|slot| slot.copy_from_slice(&fill.to_le_bytes()));
            let found = read(bytes.clone()).unwrap().find(key_at(id), key_at);
            prop_assert!(found.is_none_or(|found| key_at(found as usize) == key_at(id)));
            bytes.truncate(bytes.len() - cut);
            prop_assert_eq!(read(bytes).is_some(), cut == 0);
        }

        #[test]
        fn any_slots_may_be_claimed(claimed: u64) {
            let mut bytes = stored();
            let at = bytes.len() - DESCRIPTION + 8;
            bytes[at..at + 8].copy_from_slice(&claimed.to_le_bytes());
            read(bytes);
        }
    }
}
