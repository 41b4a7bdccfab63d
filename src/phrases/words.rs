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

/// Slots of a table that is not empty.
const LEAST_SLOTS: usize = 64;
/// Slots of a table that stays in a core's cache even if it is half empty, so that searches are short.
const ROOMY_SLOTS: usize = 1 << 16;
/// Digits of π, so that no view makes a factor 0.
const FACTORS: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];
/// Views whose slots the cache is asked for at the same time.
#[cfg(feature = "python")]
const BLOCK: usize = 32;
/// No view of a word: it would be the longest one, and a view does not hold that.
const NONE: u128 = u128::MAX;

/// The codes of words that a view holds, as fast as tokens come: most are short, and their table can be asked for ahead.
#[derive(Debug, Clone, Default)]
pub(super) struct ViewCodes {
    views: Vec<u128>,
    codes: Vec<u32>,
    len: usize,
}

impl ViewCodes {
    /// Where the search for a view starts: both halves multiplied, folded, and the upper bits of that.
    #[inline]
    fn start(&self, view: View) -> usize {
        let product = u128::from(view.0 as u64 ^ FACTORS[0]) * u128::from((view.0 >> 64) as u64 ^ FACTORS[1]);
        let hash = product as u64 ^ (product >> 64) as u64;
        ((u128::from(hash) * self.views.len() as u128) >> 64) as usize
    }

    /// The slot of a view, or the free one where it belongs. There is a free one.
    #[inline]
    fn slot(&self, view: View) -> usize {
        self.slot_from(self.start(view), view)
    }

    #[inline]
    fn slot_from(&self, start: usize, view: View) -> usize {
        let mut slot = start;
        while self.views[slot] != view.0 && self.views[slot] != NONE {
            slot += 1;
            if slot == self.views.len() {
                slot = 0;
            }
        }
        slot
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Forgets all views; the memory stays.
    pub(super) fn clear(&mut self) {
        self.views.fill(NONE);
        self.len = 0;
    }

    /// The code of a view.
    #[inline]
    pub(super) fn get(&self, view: View) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        let slot = self.slot(view);
        (self.views[slot] != NONE).then(|| self.codes[slot])
    }

    /// The codes of so many views; `other` gives that of one which has none here.
    #[cfg(feature = "python")]
    #[inline]
    pub(super) fn codes_of(
        &self,
        len: usize,
        view: impl Fn(usize) -> View,
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
                prefetch(&raw const self.views[*start]);
                prefetch(&raw const self.codes[*start]);
            }
            codes.extend((first..).zip(&*starts).map(|(at, &start)| {
                let slot = self.slot_from(start, view(at));
                if self.views[slot] == NONE { other(at, view(at)) } else { self.codes[slot] }
            }));
        }
        codes
    }

    /// Asks the cache for where the code of a view is.
    #[inline]
    pub(super) fn prefetch(&self, view: View) {
        if self.len > 0 {
            let slot = self.start(view);
            prefetch(&raw const self.views[slot]);
            prefetch(&raw const self.codes[slot]);
        }
    }

    /// Sets the code of a view.
    pub(super) fn set(&mut self, view: View, code: u32) {
        let slots = self.views.len();
        let is_full = if slots < ROOMY_SLOTS { self.len * 2 >= slots } else { self.len * 4 >= slots * 3 };
        if is_full {
            let slots = (slots + slots / 2).max(LEAST_SLOTS);
            let old = std::mem::replace(self, Self { views: vec![NONE; slots], codes: vec![0; slots], len: 0 });
            let known = old.views.into_iter().zip(old.codes).filter(|(view, _)| *view != NONE);
            known.for_each(|(view, code)| self.put(View(view), code));
        }
        self.put(view, code);
    }

    fn put(&mut self, view: View, code: u32) {
        let slot = self.slot(view);
        self.len += usize::from(self.views[slot] == NONE);
        (self.views[slot], self.codes[slot]) = (view.0, code);
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
