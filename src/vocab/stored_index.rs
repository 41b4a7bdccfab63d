//! An index of keys that lies in a file, beside them: whoever maps the file builds nothing, and all processes that map it
//! share one index.
//!
//! The bytes are slots of eight bytes, then a description of three numbers of eight bytes, all little-endian. A slot has the
//! place of a key plus one, 0 where it is free, and half of the key's hash. A key stands in the first free slot from the one
//! that its hash points to.

use std::hash::{BuildHasher, Hash};

use arrow::buffer::{Buffer, ScalarBuffer};
use foldhash::quality::FixedState;

/// Fewer keys are indexed faster than a reader notices.
const LEAST_KEYS: usize = 1 << 16;
/// The last eight bytes.
const MAGIC: [u8; 8] = *b"PGINDEX1";
/// The number of slots, the checksum of the keys, and [`MAGIC`].
const DESCRIPTION: usize = 24;
/// Slots that are looked at for one key. Where a third is free, so many in a row are never taken by keys that are hashed well,
/// so a search in a damaged index ends as soon.
const LONGEST_PROBE: usize = 4096;
/// The bytes are a multiple of this, as everything in an Arrow file.
const ALIGNMENT: usize = 64;

#[derive(Debug, Clone)]
pub(super) struct StoredIndex {
    slots: ScalarBuffer<u64>,
    /// The number of keys, none of which repeats.
    len: usize,
}

impl StoredIndex {
    /// The bytes of an index, if the keys are so many that it is worth its place, and none repeats. The checksum changes with
    /// the keys, their order, and the way in which they are hashed.
    pub(super) fn bytes<K: Hash + PartialEq>(
        len: usize,
        key_at: impl Fn(usize) -> K,
        checksum: impl FnOnce() -> u64,
    ) -> Option<Vec<u8>> {
        if len < LEAST_KEYS {
            return None;
        }
        let slots = slots(len, key_at)?;
        let description = [slots.len() as u64, checksum(), u64::from_le_bytes(MAGIC)];
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
        let &[slots, sum, MAGIC] = numbers else { return None };
        let length = usize::try_from(u64::from_le_bytes(slots)).ok()?.checked_mul(8)?;
        let is_it = cfg!(target_endian = "little") && length > 0;
        let slots = bytes.slice_with_length(start.checked_sub(length).filter(|_| is_it)?, length);
        if slots.as_ptr().align_offset(align_of::<u64>()) != 0 || u64::from_le_bytes(sum) != checksum() {
            return None;
        }
        Some(Self { slots: slots.into(), len })
    }

    /// The number of keys.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The place of a key.
    #[inline]
    pub(super) fn find<K: Hash + PartialEq>(&self, key: K, key_at: impl Fn(usize) -> K) -> Option<u32> {
        let hash = FixedState::default().hash_one(&key);
        let probe = Probe::new(hash, self.slots.len());
        // The checksum does not cover the slots, so a place may be any number, and none of them free.
        probe.take(LONGEST_PROBE).map(|slot| self.slots[slot]).take_while(|&slot| slot != 0).find_map(|slot| {
            let id = (slot as u32).checked_sub(1).filter(|_| (slot >> 32) as u32 == hash as u32)?;
            ((id as usize) < self.len && key_at(id as usize) == key).then_some(id)
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

/// The slots of keys, of which a third stay free; nothing if a key repeats, or too many keys meet at one place.
fn slots<K: Hash + PartialEq>(len: usize, key_at: impl Fn(usize) -> K) -> Option<Vec<u64>> {
    let hasher = FixedState::default();
    let mut slots = vec![0u64; len + len / 2 + 1];
    for id in 0..len {
        let hash = hasher.hash_one(key_at(id));
        let tag = hash << 32;
        let is_same = |slot: u64| slot & !0xFFFF_FFFF == tag && key_at((slot as u32 - 1) as usize) == key_at(id);
        let mut probe = Probe::new(hash, slots.len()).take(LONGEST_PROBE);
        let slot = probe.find(|&slot| slots[slot] == 0 || is_same(slots[slot])).filter(|&slot| slots[slot] == 0)?;
        slots[slot] = tag | (id as u64 + 1);
    }
    Some(slots)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEN: usize = LEAST_KEYS + 100;

    fn key_at(id: usize) -> String {
        format!("w{id}")
    }

    fn stored() -> Vec<u8> {
        StoredIndex::bytes(LEN, key_at, || 5).unwrap()
    }

    fn read(bytes: Vec<u8>) -> Option<StoredIndex> {
        StoredIndex::read(&bytes.into(), LEN, || 5)
    }

    #[test]
    fn every_key_is_found_at_its_place() {
        let bytes = stored();
        assert!(bytes.len().is_multiple_of(ALIGNMENT));
        let index = read(bytes).unwrap();
        assert_eq!(index.len(), LEN);
        for id in 0..LEN {
            assert_eq!(index.find(key_at(id), key_at), Some(id as u32));
        }
        assert_eq!(index.find("w".to_owned(), key_at), None);
    }

    #[test]
    fn few_keys_and_keys_that_repeat_have_none_and_other_keys_refuse_it() {
        assert!(StoredIndex::bytes(LEAST_KEYS - 1, key_at, || 5).is_none());
        assert!(StoredIndex::bytes(LEN, |id| key_at(id % (LEN - 1)), || 5).is_none());
        let bytes = Buffer::from(stored());
        assert!(StoredIndex::read(&bytes, LEN, || 6).is_none());
        assert!(StoredIndex::read(&bytes.slice_with_length(0, 16), LEN, || 5).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_damaged_index_ends_every_search(
            place in prop_oneof![any::<u32>(), 0..2 * LEN as u32], other in any::<u64>(), id in 0..LEN, cut in 0usize..80,
        ) {
            // As if all slots were those of this key, at another place.
            let tag = FixedState::default().hash_one(key_at(id)) << 32;
            for slot in [tag | u64::from(place), other] {
                let mut bytes = stored();
                let slots = bytes.len() - DESCRIPTION;
                bytes[..slots].chunks_exact_mut(8).for_each(|bytes| bytes.copy_from_slice(&slot.to_le_bytes()));
                let found = read(bytes.clone()).unwrap().find(key_at(id), key_at);
                let is_there = slot == tag | (id as u64 + 1);
                prop_assert_eq!(found, is_there.then_some(id as u32));
                bytes.truncate(bytes.len() - cut);
                prop_assert_eq!(read(bytes).is_some(), cut == 0);
            }
        }

        #[test]
        fn any_slots_may_be_claimed(claimed: u64) {
            let mut bytes = stored();
            let at = bytes.len() - DESCRIPTION;
            bytes[at..at + 8].copy_from_slice(&claimed.to_le_bytes());
            let is_it = claimed > 0 && claimed.checked_mul(8).is_some_and(|length| length <= at as u64);
            prop_assert_eq!(read(bytes).is_some(), is_it);
        }
    }
}
