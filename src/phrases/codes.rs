//! Codes of keys, as fast as tokens come.

use crate::kernel::prefetch;

/// Groups of a table that is not empty, at least.
const LEAST_GROUPS: usize = 16;
/// Slots of a group.
const GROUP: usize = 4;
/// Digits of π. No view of a word makes a factor 0.
const FACTORS: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];
/// Keys whose groups the cache is asked for at the same time.
const BLOCK: usize = 32;
/// No key. As a view of a word it would be of the longest one, which a view does not hold.
const NONE: u128 = u128::MAX;

/// Keys that are looked at together. Free slots are the last ones.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Group([u128; GROUP]);

const FREE: Group = Group([NONE; GROUP]);

impl Group {
    /// The slots that have a key, as bits. All are looked at, which is faster than to guess when to stop.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn slots_of(&self, key: u128) -> u32 {
        use std::arch::x86_64::{
            __m128i, _mm_castsi128_ps, _mm_cmpeq_epi32, _mm_movemask_ps, _mm_packs_epi16, _mm_packs_epi32,
            _mm_set_epi64x, _mm_set1_epi32,
        };

        // SAFETY: every processor of this architecture has SSE2.
        unsafe {
            let wide = |key: u128| _mm_set_epi64x((key >> 64) as i64, key as i64);
            let equal: [__m128i; GROUP] = self.0.map(|own| _mm_cmpeq_epi32(wide(own), wide(key)));
            // Each slot's four answers become the four bytes of one number, which are all set if the slot has the key.
            let all = _mm_packs_epi16(_mm_packs_epi32(equal[0], equal[1]), _mm_packs_epi32(equal[2], equal[3]));
            _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(all, _mm_set1_epi32(-1)))) as u32
        }
    }

    /// The slots that have a key, as bits.
    #[cfg(not(target_arch = "x86_64"))]
    #[inline]
    fn slots_of(&self, key: u128) -> u32 {
        (0..GROUP).fold(0, |slots, slot| slots | u32::from(self.0[slot] == key) << slot)
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.0[GROUP - 1] != NONE
    }
}

/// The codes of keys of 128 bits, in a table that can be asked for ahead. A view that holds its word is such a key, and most
/// words are short; so is a pair of numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyCodes {
    groups: Vec<Group>,
    codes: Vec<[u32; GROUP]>,
    len: usize,
}

impl KeyCodes {
    /// The group where the search for a key starts: both halves multiplied, folded, and the upper bits of that.
    #[inline]
    fn start(&self, key: u128) -> usize {
        let product = u128::from(key as u64 ^ FACTORS[0]) * u128::from((key >> 64) as u64 ^ FACTORS[1]);
        let hash = product as u64 ^ (product >> 64) as u64;
        ((u128::from(hash) * self.groups.len() as u128) >> 64) as usize
    }

    /// The group and the slot of a key, or the free ones where it belongs. Some slot is free.
    #[inline]
    fn find(&self, key: u128) -> (usize, usize) {
        let mut number = self.start(key);
        loop {
            let group = &self.groups[number];
            let slots = group.slots_of(key);
            if slots != 0 || !group.is_full() {
                let slots = if slots != 0 { slots } else { group.slots_of(NONE) };
                return (number, slots.trailing_zeros() as usize % GROUP);
            }
            number = if number + 1 == self.groups.len() { 0 } else { number + 1 };
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Forgets all keys; the memory stays.
    pub(super) fn clear(&mut self) {
        self.groups.fill(FREE);
        self.len = 0;
    }

    /// The code of a key.
    #[inline]
    pub(super) fn get(&self, key: u128) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        let (group, slot) = self.find(key);
        (self.groups[group].0[slot] != NONE).then(|| self.codes[group][slot])
    }

    /// The codes of so many keys; `other` gives that of one which has none here.
    #[inline]
    pub(super) fn codes_of(&self, len: usize, key: impl Fn(usize) -> u128, other: impl Fn(usize) -> u32) -> Vec<u32> {
        if self.len == 0 {
            return (0..len).map(other).collect();
        }
        let (mut codes, mut starts) = (Vec::with_capacity(len), [0; BLOCK]);
        for first in (0..len).step_by(BLOCK) {
            let starts = &mut starts[..BLOCK.min(len - first)];
            for (at, start) in (first..).zip(&mut *starts) {
                *start = self.start(key(at));
                self.prefetch_group(*start);
            }
            codes.extend((first..).zip(&*starts).map(|(at, &start)| {
                let (key, group) = (key(at), &self.groups[start]);
                match group.slots_of(key) {
                    0 if group.is_full() => self.get(key).unwrap_or_else(|| other(at)),
                    0 => other(at),
                    slots => self.codes[start][slots.trailing_zeros() as usize % GROUP],
                }
            }));
        }
        codes
    }

    #[inline]
    fn prefetch_group(&self, number: usize) {
        prefetch(&raw const self.groups[number]);
        prefetch(&raw const self.codes[number]);
    }

    /// Asks the cache for where the code of a key is.
    #[inline]
    pub(super) fn prefetch(&self, key: u128) {
        if self.len > 0 {
            self.prefetch_group(self.start(key));
        }
    }

    /// Sets the code of a key.
    pub(super) fn set(&mut self, key: u128, code: u32) {
        let groups = self.groups.len();
        if self.len >= groups * GROUP / 8 * 5 {
            let groups = (groups + groups / 2).max(LEAST_GROUPS);
            let new = Self { groups: vec![FREE; groups], codes: vec![[0; GROUP]; groups], len: 0 };
            let old = std::mem::replace(self, new);
            for (group, codes) in old.groups.iter().zip(&old.codes) {
                let known = group.0.iter().zip(codes).filter(|(key, _)| **key != NONE);
                known.for_each(|(&key, &code)| self.put(key, code));
            }
        }
        self.put(key, code);
    }

    fn put(&mut self, key: u128, code: u32) {
        let (group, slot) = self.find(key);
        self.len += usize::from(self.groups[group].0[slot] == NONE);
        (self.groups[group].0[slot], self.codes[group][slot]) = (key, code);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::vocab::View;

    proptest! {
        #[test]
        fn keys_have_the_code_that_they_were_given_last(texts in prop::collection::vec("[ab\\x00\\xff]{0,6}", 0..400)) {
            let (mut expected, mut codes) = (HashMap::new(), KeyCodes::default());
            for (code, text) in (0..).zip(&texts) {
                codes.set(View::of(text).0, code);
                expected.insert(text.as_str(), code);
                prop_assert_eq!(codes.len(), expected.len());
            }
            codes.prefetch(View::of("a").0);
            let asked: Vec<&str> = texts.iter().map(String::as_str).chain(["c", "d"]).collect();
            let found = codes.codes_of(asked.len(), |at| View::of(asked[at]).0, |at| (1000 + at) as u32);
            for (at, text) in asked.iter().enumerate() {
                prop_assert_eq!(codes.get(View::of(text).0), expected.get(text).copied());
                prop_assert_eq!(found[at], expected.get(text).copied().unwrap_or((1000 + at) as u32));
            }
            codes.clear();
            prop_assert_eq!((codes.get(View::of("a").0), codes.len()), (None, 0));
        }
    }
}
