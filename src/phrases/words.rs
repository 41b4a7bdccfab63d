//! Texts and their numbers.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

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

    /// The texts, one behind the other.
    pub(super) fn all_text(&self) -> &str {
        &self.text
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
    }
}
