//! Codes of keys, as fast as tokens come.

use crate::kernel::prefetch;

/// Groups of a table that is not empty, at least.
const LEAST_GROUPS: usize = 16;
/// Slots of a group.
const GROUP: usize = 3;
/// Digits of π. No view of a word makes a factor 0.
const FACTORS: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];
/// No key. As a view of a word it would be of the longest one, which a view does not hold.
const NONE: u128 = u128::MAX;

/// The code of a key that has none. It and [`FURTHER`] are no codes.
const ABSENT: u32 = u32::MAX;
/// The same, but keys of the group are in others.
const FURTHER: u32 = u32::MAX - 1;

/// Keys that are looked at together, and their codes: one line of the cache. Free slots are the last ones.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Group {
    keys: [u128; GROUP],
    /// The last one is that of all other keys.
    codes: [u32; GROUP + 1],
}

const FREE: Group = Group { keys: [NONE; GROUP], codes: [ABSENT; GROUP + 1] };

impl Group {
    /// The slot that has a key, or the number of slots. All are looked at, which is faster than to guess when to stop.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn slot_of(&self, key: u128) -> usize {
        use std::arch::x86_64::{
            __m128i, _mm_castsi128_ps, _mm_cmpeq_epi32, _mm_movemask_ps, _mm_packs_epi16, _mm_packs_epi32,
            _mm_set_epi64x, _mm_set1_epi32,
        };

        // SAFETY: every processor of this architecture has SSE2.
        let slots = unsafe {
            let wide = |key: u128| _mm_set_epi64x((key >> 64) as i64, key as i64);
            let equal: [__m128i; GROUP] = self.keys.map(|own| _mm_cmpeq_epi32(wide(own), wide(key)));
            // Each slot's four answers become the four bytes of one number, which are all set if the slot has the key.
            let all = _mm_packs_epi16(_mm_packs_epi32(equal[0], equal[1]), _mm_packs_epi32(equal[2], equal[2]));
            _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(all, _mm_set1_epi32(-1)))) as usize
        };
        (slots | 1 << GROUP).trailing_zeros() as usize
    }

    /// The slot that has a key, or the number of slots.
    #[cfg(not(target_arch = "x86_64"))]
    #[inline]
    fn slot_of(&self, key: u128) -> usize {
        self.keys.iter().position(|own| *own == key).unwrap_or(GROUP)
    }

    /// The code of a key; [`ABSENT`] or [`FURTHER`] if it is not here.
    #[inline]
    fn code_of(&self, key: u128) -> u32 {
        self.codes[self.slot_of(key)]
    }

    /// Sets the code of a key, and tells whether it is new; `None` if there is no place for it.
    fn set(&mut self, key: u128, code: u32) -> Option<bool> {
        let slot = self.keys.iter().position(|own| *own == key || *own == NONE);
        let Some(slot) = slot else {
            self.codes[GROUP] = FURTHER;
            return None;
        };
        let is_new = self.keys[slot] == NONE;
        (self.keys[slot], self.codes[slot]) = (key, code);
        Some(is_new)
    }
}

/// The codes of keys of 128 bits. A view that holds its word is such a key, and most words are short; so is a pair of
/// numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyCodes {
    groups: Vec<Group>,
    len: usize,
    /// How many keys there will be at most, if that is known.
    most: Option<usize>,
}

impl KeyCodes {
    /// For so many keys at most. It gets room for them in a few steps, which leave little memory behind.
    pub(super) fn for_at_most(keys: usize) -> Self {
        Self { most: Some(keys), ..Self::default() }
    }

    /// The group where the search for a key starts: both halves multiplied, folded, and the upper bits of that. There are
    /// groups.
    #[inline]
    fn start(&self, key: u128) -> usize {
        let product = u128::from(key as u64 ^ FACTORS[0]) * u128::from((key >> 64) as u64 ^ FACTORS[1]);
        let hash = product as u64 ^ (product >> 64) as u64;
        ((u128::from(hash) * self.groups.len() as u128) >> 64) as usize
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
        if self.groups.is_empty() {
            return None;
        }
        let start = self.start(key);
        match self.groups[start].code_of(key) {
            FURTHER => self.get_further(start, key),
            code => Some(code).filter(|code| *code != ABSENT),
        }
    }

    #[cold]
    fn get_further(&self, start: usize, key: u128) -> Option<u32> {
        let (before, from) = self.groups.split_at(start);
        let mut codes = from.iter().chain(before).map(|group| group.code_of(key));
        codes.find(|code| *code != FURTHER).filter(|code| *code != ABSENT)
    }

    /// The codes of keys; `other` gives that of one which has none here.
    #[inline]
    pub(super) fn codes_of<K>(&self, keys: &[K], key: impl Fn(&K) -> u128, other: impl Fn(usize) -> u32) -> Vec<u32> {
        if self.groups.is_empty() {
            return (0..keys.len()).map(other).collect();
        }
        // There is no branch on what is found, which nobody could foresee.
        let (mut absent, mut len) = (vec![0; keys.len()], 0);
        let mut codes: Vec<u32> = Vec::with_capacity(keys.len());
        codes.extend(keys.iter().enumerate().map(|(at, own)| {
            let key = key(own);
            // SAFETY: a search starts at a group.
            let code = unsafe { self.groups.get_unchecked(self.start(key)) }.code_of(key);
            absent[len] = at as u32;
            len += usize::from(code >= FURTHER);
            code
        }));
        for at in absent.into_iter().take(len).map(|at| at as usize) {
            let further = if codes[at] == FURTHER { self.get(key(&keys[at])) } else { None };
            codes[at] = further.unwrap_or_else(|| other(at));
        }
        codes
    }

    /// Asks the cache for where the code of a key is.
    #[inline]
    pub(super) fn prefetch(&self, key: u128) {
        if !self.groups.is_empty() {
            prefetch(&raw const self.groups[self.start(key)]);
        }
    }

    /// Sets the code of a key, which is neither [`ABSENT`] nor [`FURTHER`].
    pub(super) fn set(&mut self, key: u128, code: u32) {
        debug_assert!(code < FURTHER);
        let groups = self.groups.len();
        if self.len * 2 >= groups * GROUP {
            let more = groups + groups / 2;
            let groups =
                self.most.map_or(more, |most| more.max((most * 2 / GROUP + 1).min(groups * 4))).max(LEAST_GROUPS);
            let old = std::mem::replace(&mut self.groups, vec![FREE; groups]);
            for Group { keys, codes } in old {
                let known = keys.into_iter().zip(codes).filter(|(key, _)| *key != NONE);
                known.for_each(|(key, code)| {
                    self.put(key, code);
                });
            }
        }
        self.len += usize::from(self.put(key, code));
    }

    /// Puts a key into its place, and tells whether it is new. Some slot is free.
    fn put(&mut self, key: u128, code: u32) -> bool {
        let start = self.start(key);
        let (before, from) = self.groups.split_at_mut(start);
        from.iter_mut().chain(before).find_map(|group| group.set(key, code)).unwrap_or_default()
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
        fn keys_have_the_code_that_they_were_given_last(
            texts in prop::collection::vec("[ab\\x00\\xff]{0,6}", 0..400),
            most in prop::option::of(0..400usize),
        ) {
            let (mut expected, mut codes) = (HashMap::new(), most.map_or_else(KeyCodes::default, KeyCodes::for_at_most));
            for (code, text) in (0..).zip(&texts) {
                codes.set(View::of(text).0, code);
                expected.insert(text.as_str(), code);
                prop_assert_eq!(codes.len(), expected.len());
            }
            codes.prefetch(View::of("a").0);
            let asked: Vec<&str> = texts.iter().map(String::as_str).chain(["c", "d"]).collect();
            let found = codes.codes_of(&asked, |text| View::of(text).0, |at| (1000 + at) as u32);
            for (at, text) in asked.iter().enumerate() {
                prop_assert_eq!(codes.get(View::of(text).0), expected.get(text).copied());
                prop_assert_eq!(found[at], expected.get(text).copied().unwrap_or((1000 + at) as u32));
            }
            codes.clear();
            prop_assert_eq!((codes.get(View::of("a").0), codes.len()), (None, 0));
        }
    }
}
