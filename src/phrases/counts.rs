//! Counts of words and of pairs of words.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::delimiter::Delimiter;
use super::table::{Gapped, Pair, Tables};
use super::words::Words;

/// Counts by text.
pub(super) type TextCounts = HashMap<Box<str>, u64, RandomState>;

/// Adds to the count of a text.
pub(super) fn add_to(counts: &mut TextCounts, text: &str, count: u64) {
    match counts.get_mut(text) {
        Some(sum) => *sum = sum.saturating_add(count),
        None => {
            counts.insert(text.into(), count);
        }
    }
}

/// How often each word occurs, and each pair of words that stand side by side, or with connector words between them.
///
/// As in gensim what is counted has a text: a word, or the words of a pair joined by the delimiter. Each text has one
/// place: a word without the delimiter is in `words`; a pair of such words in `pairs`, or in `gapped` if something stands
/// between them; all other texts are in `others`. So a word that was joined before, `new_york`, and the pair of its parts
/// are one text and one count.
#[derive(Debug, Clone)]
pub(super) struct PhraseCounts {
    pub(super) delimiter: Delimiter,
    /// Words, also such as have the delimiter inside, which have no count here.
    pub(super) words: Words,
    pub(super) word_counts: Vec<u64>,
    /// What stands between two words, joined.
    pub(super) between: Words,
    pub(super) pairs: Tables<Pair>,
    pub(super) gapped: Tables<Gapped>,
    pub(super) others: TextCounts,
}

/// Where the count of a text is.
enum Place {
    Word(Option<u32>),
    Pair(Pair),
    Gapped(Gapped),
    Other,
}

impl PhraseCounts {
    /// No counts.
    pub(super) fn new(delimiter: Delimiter) -> Self {
        Self {
            delimiter,
            words: Words::default(),
            word_counts: Vec::new(),
            between: Words::default(),
            pairs: Tables::default(),
            gapped: Tables::default(),
            others: TextCounts::default(),
        }
    }

    /// Counts of texts.
    pub(super) fn from_texts<'a>(
        delimiter: Delimiter,
        texts: impl IntoIterator<Item = (&'a str, u64)> + Clone,
    ) -> Self {
        let mut counts = Self::new(delimiter);
        for (text, count) in texts.clone() {
            if !counts.delimiter.is_in(text) {
                counts.add_word(text, count);
            }
        }
        for (text, count) in texts {
            if counts.delimiter.is_in(text) {
                counts.add_joined(text, count);
            }
        }
        counts
    }

    /// The number of texts.
    pub(super) fn len(&self) -> usize {
        let words = self.word_counts.iter().filter(|&&count| count > 0).count();
        words + self.pairs.len() + self.gapped.len() + self.others.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds to the count of a word without the delimiter, and gives its number.
    fn add_word(&mut self, word: &str, count: u64) -> u32 {
        let id = self.words.intern(word);
        self.word_counts.resize(self.words.len(), 0);
        let sum = &mut self.word_counts[id as usize];
        *sum = sum.saturating_add(count);
        id
    }

    /// Adds to the count of a text with the delimiter. Where it belongs depends on which words are known: they come
    /// first.
    pub(super) fn add_joined(&mut self, text: &str, count: u64) {
        if let Some((_, Some(between), _)) = self.delimiter.ends_of(text)
            && !between.split(self.delimiter.as_str()).any(|word| self.delimiter.blurs(word))
        {
            self.between.intern(between);
        }
        match self.place(text) {
            Place::Pair(pair) => self.pairs.add(pair, count),
            Place::Gapped(gapped) => self.gapped.add(gapped, count),
            Place::Word(_) | Place::Other => add_to(&mut self.others, text, count),
        }
    }

    fn place(&self, text: &str) -> Place {
        let Some((first, between, last)) = self.delimiter.ends_of(text) else {
            return Place::Word(self.words.id(text));
        };
        let blurs = |word: &str| self.delimiter.blurs(word);
        if blurs(first) || blurs(last) {
            return Place::Other;
        }
        let (Some(first), Some(last)) = (self.words.id(first), self.words.id(last)) else { return Place::Other };
        let Some(between) = between else { return Place::Pair([first, last]) };
        match self.between.id(between) {
            Some(id) if !between.split(self.delimiter.as_str()).any(blurs) => Place::Gapped([first, id, last]),
            _ => Place::Other,
        }
    }

    /// How often a text occurs.
    pub(super) fn of_text(&self, text: &str) -> u64 {
        match self.place(text) {
            Place::Word(id) => id.map_or(0, |id| self.word_counts[id as usize]),
            Place::Pair(pair) => self.pairs.get(pair),
            Place::Gapped(gapped) => self.gapped.get(gapped),
            Place::Other => self.others.get(text).copied().unwrap_or_default(),
        }
    }

    /// Moves texts to their places, which more words may have given them.
    pub(super) fn place_others(&mut self) {
        for (text, count) in std::mem::take(&mut self.others) {
            self.add_joined(&text, count);
        }
    }

    /// Adds the counts of another corpus.
    pub(super) fn merge(&mut self, other: &Self) {
        let of_word = |(id, word): (usize, &str)| {
            // Words with the delimiter inside have their counts elsewhere, and are in no pair.
            if self.delimiter.is_in(word) { u32::MAX } else { self.add_word(word, other.word_counts[id]) }
        };
        let ids: Vec<u32> = other.words.iter().enumerate().map(of_word).collect();
        let between: Vec<u32> = other.between.iter().map(|text| self.between.intern(text)).collect();
        let id = |id: u32| ids[id as usize];
        other.pairs.iter().for_each(|([a, b], count)| self.pairs.add([id(a), id(b)], count));
        for ([a, gap, b], count) in other.gapped.iter() {
            self.gapped.add([id(a), between[gap as usize], id(b)], count);
        }
        self.place_others();
        other.others.iter().for_each(|(text, &count)| self.add_joined(text, count));
    }

    /// Drops counts below `least`.
    pub(super) fn prune(&mut self, least: u64) {
        self.word_counts.iter_mut().filter(|count| **count < least).for_each(|count| *count = 0);
        self.pairs.prune(least);
        self.gapped.prune(least);
        self.others.retain(|_, count| *count >= least);
    }

    /// The words of a pair or a gapped pair, joined in place of what `out` holds.
    pub(super) fn join_pair(&self, [a, b]: Pair, out: &mut String) {
        self.delimiter.join(out, [self.words.text(a), self.words.text(b)]);
    }

    pub(super) fn join_gapped(&self, [a, between, b]: Gapped, out: &mut String) {
        self.delimiter.join(out, [self.words.text(a), self.between.text(between), self.words.text(b)]);
    }

    /// Calls `tell` with each text and its count: words by descending count, then pairs in the order of their words, and
    /// then the others, so that the same counts are told in the same order.
    ///
    /// # Errors
    /// Those of `tell`.
    pub(super) fn each<E>(&self, mut tell: impl FnMut(&str, u64) -> Result<(), E>) -> Result<(), E> {
        let mut ids: Vec<u32> = (0..self.words.len() as u32).collect();
        let key = |id: u32| (std::cmp::Reverse(self.word_counts[id as usize]), self.words.text(id));
        ids.sort_unstable_by(|&a, &b| key(a).cmp(&key(b)));
        let mut ranks = vec![0; ids.len()];
        for (rank, &id) in ids.iter().enumerate() {
            ranks[id as usize] = rank as u32;
            let count = self.word_counts[id as usize];
            if count > 0 {
                tell(self.words.text(id), count)?;
            }
        }
        let mut text = String::new();
        let rank = |id: u32| ranks[id as usize];
        let mut pairs: Vec<([u32; 2], u64)> =
            self.pairs.iter().map(|([a, b], count)| ([rank(a), rank(b)], count)).collect();
        pairs.sort_unstable();
        for ([a, b], count) in pairs {
            self.join_pair([ids[a as usize], ids[b as usize]], &mut text);
            tell(&text, count)?;
        }
        let mut gapped: Vec<(Gapped, u64)> = self.gapped.iter().collect();
        gapped.sort_unstable_by_key(|&([a, between, b], _)| (rank(a), rank(b), self.between.text(between)));
        for (key, count) in gapped {
            self.join_gapped(key, &mut text);
            tell(&text, count)?;
        }
        let mut others: Vec<(&str, u64)> = self.others.iter().map(|(text, &count)| (&**text, count)).collect();
        others.sort_unstable();
        others.into_iter().try_for_each(|(text, count)| tell(text, count))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn all(counts: &PhraseCounts) -> BTreeMap<String, u64> {
        let mut texts = BTreeMap::new();
        let told = counts.each(|text, count| match texts.insert(text.to_owned(), count) {
            None => Ok(()),
            Some(_) => Err(text.to_owned()),
        });
        assert_eq!(told, Ok(()));
        texts
    }

    fn merged(texts: &[(String, u64)]) -> BTreeMap<&str, u64> {
        let mut sums = BTreeMap::new();
        texts.iter().for_each(|(text, count)| *sums.entry(text.as_str()).or_default() += count);
        sums
    }

    proptest! {
        #[test]
        fn a_text_has_one_count_however_it_came(
            delimiter in "_|__|-_-",
            first in prop::collection::vec(("[ab_-]{0,7}", 1..9u64), 0..30),
            second in prop::collection::vec(("[ab_-]{0,7}", 1..9u64), 0..30),
            least in 0..4u64,
        ) {
            let delimiter = Delimiter::new(&delimiter).unwrap();
            let of = |texts: &[(String, u64)]| {
                PhraseCounts::from_texts(delimiter.clone(), texts.iter().map(|(text, count)| (text.as_str(), *count)))
            };
            let mut counts = of(&first);
            counts.merge(&of(&second));
            let both: Vec<_> = first.into_iter().chain(second).collect();
            let mut expected = merged(&both);
            for (text, count) in &expected {
                prop_assert_eq!(counts.of_text(text), *count, "{}", text);
            }
            prop_assert_eq!(counts.len(), expected.len());
            counts.prune(least);
            expected.retain(|_, count| *count >= least);
            let expected: BTreeMap<String, u64> = expected.into_iter().map(|(t, c)| (t.to_owned(), c)).collect();
            prop_assert_eq!(all(&counts), expected);
        }
    }
}
