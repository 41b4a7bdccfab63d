//! Texts and their numbers.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::kernel::prefetch;
use crate::vocab::View;

/// Distinct texts, numbered in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    text: String,
    /// Where each ends in the text.
    ends: Vec<usize>,
    ids: HashTable<u32>,
    hasher: FixedState,
}

impl Words {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// # Panics
    /// If there is no such text.
    pub(super) fn text(&self, id: u32) -> &str {
        text_at(&self.text, &self.ends, id)
    }

    /// All texts, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len() as u32).map(|id| self.text(id))
    }

    pub(super) fn id(&self, word: &str) -> Option<u32> {
        self.ids.find(self.hasher.hash_one(word), |&id| self.text(id) == word).copied()
    }

    /// The number of a word, which is the next one if it is new.
    pub(super) fn intern(&mut self, word: &str) -> u32 {
        let hash = self.hasher.hash_one(word);
        if let Some(&id) = self.ids.find(hash, |&id| self.text(id) == word) {
            return id;
        }
        // Whoever interns bounds how many there are.
        let id = self.len() as u32;
        self.text.push_str(word);
        self.ends.push(self.text.len());
        let Self { text, ends, ids, hasher } = self;
        ids.insert_unique(hash, id, |&id| hasher.hash_one(text_at(text, ends, id)));
        id
    }
}

fn text_at<'a>(text: &'a str, ends: &[usize], id: u32) -> &'a str {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends[id - 1] };
    &text[start..ends[id]]
}

impl<'a> FromIterator<&'a str> for Words {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut words = Self::default();
        texts.into_iter().for_each(|text| {
            words.intern(text);
        });
        words
    }
}

/// Groups of a table that is not empty, at least.
const LEAST_GROUPS: usize = 16;
/// Slots of a group.
const GROUP: usize = 4;
/// Groups of a table that stays in a core's cache even if it is half empty, so that few groups are full.
const ROOMY_GROUPS: usize = 1 << 14;
/// Digits of π, so that no view makes a factor 0.
const FACTORS: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];
/// Views whose groups the cache is asked for at the same time.
#[cfg(feature = "python")]
const BLOCK: usize = 32;
/// No view of a word: it would be the longest one, and a view does not hold that.
const NONE: u128 = u128::MAX;

/// Views that are looked at together. Free slots are the last ones.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Group([u128; GROUP]);

const FREE: Group = Group([NONE; GROUP]);

impl Group {
    /// The slots that have a view, as bits. All are looked at, which is faster than to guess when to stop.
    #[inline]
    fn slots_of(&self, view: u128) -> u32 {
        (0..GROUP).fold(0, |slots, slot| slots | u32::from(self.0[slot] == view) << slot)
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.0[GROUP - 1] != NONE
    }
}

/// The codes of words that a view holds, as fast as tokens come: most are short, and their table can be asked for ahead.
#[derive(Debug, Clone, Default)]
pub(super) struct ViewCodes {
    groups: Vec<Group>,
    codes: Vec<[u32; GROUP]>,
    len: usize,
}

impl ViewCodes {
    /// The group where the search for a view starts: both halves multiplied, folded, and the upper bits of that.
    #[inline]
    fn start(&self, view: View) -> usize {
        let product = u128::from(view.0 as u64 ^ FACTORS[0]) * u128::from((view.0 >> 64) as u64 ^ FACTORS[1]);
        let hash = product as u64 ^ (product >> 64) as u64;
        ((u128::from(hash) * self.groups.len() as u128) >> 64) as usize
    }

    /// The group and the slot of a view, or the free ones where it belongs. Some slot is free.
    #[inline]
    fn find(&self, start: usize, view: View) -> (usize, usize) {
        let mut number = start;
        loop {
            let group = &self.groups[number];
            let slots = group.slots_of(view.0);
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

    /// Forgets all views; the memory stays.
    pub(super) fn clear(&mut self) {
        self.groups.fill(FREE);
        self.len = 0;
    }

    /// The code of a view.
    #[inline]
    pub(super) fn get(&self, view: View) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        let (group, slot) = self.find(self.start(view), view);
        (self.groups[group].0[slot] != NONE).then(|| self.codes[group][slot])
    }

    /// The codes of so many views. Those that have none here get `unknown`, or, if `is_other` says so, what `other` gives.
    #[cfg(feature = "python")]
    #[inline]
    pub(super) fn codes_of(
        &self,
        len: usize,
        unknown: u32,
        view: impl Fn(usize) -> View,
        is_other: impl Fn(View) -> bool,
        other: impl Fn(usize, View) -> u32,
    ) -> Vec<u32> {
        if self.len == 0 {
            return (0..len).map(|at| other(at, view(at))).collect();
        }
        let (mut codes, mut starts) = (Vec::with_capacity(len), [0; BLOCK]);
        for first in (0..len).step_by(BLOCK) {
            let starts = &mut starts[..BLOCK.min(len - first)];
            for (at, start) in (first..).zip(&mut *starts) {
                *start = self.start(view(at));
                self.prefetch_group(*start);
            }
            codes.extend((first..).zip(&*starts).map(|(at, &start)| {
                let view = view(at);
                let group = &self.groups[start];
                let slots = group.slots_of(view.0);
                if (slots == 0) & (group.is_full() | is_other(view)) {
                    return self.get(view).unwrap_or_else(|| other(at, view));
                }
                let code = self.codes[start][slots.trailing_zeros() as usize % GROUP];
                if slots == 0 { unknown } else { code }
            }));
        }
        codes
    }

    #[inline]
    fn prefetch_group(&self, number: usize) {
        prefetch(&raw const self.groups[number]);
        prefetch(&raw const self.codes[number]);
    }

    /// Asks the cache for where the code of a view is.
    #[inline]
    pub(super) fn prefetch(&self, view: View) {
        if self.len > 0 {
            self.prefetch_group(self.start(view));
        }
    }

    /// Sets the code of a view.
    pub(super) fn set(&mut self, view: View, code: u32) {
        let groups = self.groups.len();
        let most = if groups < ROOMY_GROUPS { groups * GROUP / 2 } else { groups * GROUP / 4 * 3 };
        if self.len >= most {
            let groups = (groups + groups / 2).max(LEAST_GROUPS);
            let new = Self { groups: vec![FREE; groups], codes: vec![[0; GROUP]; groups], len: 0 };
            let old = std::mem::replace(self, new);
            for (group, codes) in old.groups.iter().zip(&old.codes) {
                let known = group.0.iter().zip(codes).filter(|(view, _)| **view != NONE);
                known.for_each(|(&view, &code)| self.put(View(view), code));
            }
        }
        self.put(view, code);
    }

    fn put(&mut self, view: View, code: u32) {
        let (group, slot) = self.find(self.start(view), view);
        self.len += usize::from(self.groups[group].0[slot] == NONE);
        (self.groups[group].0[slot], self.codes[group][slot]) = (view.0, code);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_have_the_numbers_in_which_they_came_first(texts in prop::collection::vec("[aé\\x00]{0,14}", 0..100)) {
            let mut expected = HashMap::new();
            let mut words = Words::default();
            for text in &texts {
                let next = expected.len() as u32;
                prop_assert_eq!(words.intern(text), *expected.entry(text.as_str()).or_insert(next));
            }
            prop_assert_eq!(words.len(), expected.len());
            for (text, id) in expected {
                prop_assert_eq!((words.id(text), words.text(id)), (Some(id), text));
            }
            prop_assert_eq!(words.id("b"), None);
        }

        #[test]
        fn views_have_the_code_that_they_were_given_last(texts in prop::collection::vec("[ab\\x00\\xff]{0,6}", 0..400)) {
            let (mut expected, mut codes) = (HashMap::new(), ViewCodes::default());
            for (code, text) in (0..).zip(&texts) {
                codes.set(View::of(text), code);
                expected.insert(text.as_str(), code);
                prop_assert_eq!(codes.len, expected.len());
            }
            codes.prefetch(View::of("a"));
            for (text, code) in expected {
                prop_assert_eq!(codes.get(View::of(text)), Some(code));
            }
            prop_assert_eq!(codes.get(View::of("c")), None);
            codes.clear();
            prop_assert_eq!((codes.get(View::of("a")), codes.len()), (None, 0));
        }
    }
}
