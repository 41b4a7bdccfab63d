//! How often each word of a corpus occurs, before any is dropped.

use std::borrow::Cow;
use std::sync::Arc;

use polars::prelude::*;

use super::options::CountOptions;
use super::spill::Spilled;
use super::sums::{add_up, count_at, each_word};
use crate::arrow::polars::{from_polars, series};
use crate::error::{Error, Result};
use crate::vocab::column::array_of;
use crate::vocab::key::Key;
use crate::vocab::keys::{Keys, MAX_WORDS};
use crate::vocab::rule::Rule;

/// The distinct words of a corpus and their counts. Their order is that of the ids they get: by descending count, then
/// by key (text by its UTF-8 bytes, integers by their number), or by first occurrence.
///
/// ```
/// use polargram::vocab::{Trim, Vocabulary, WordCounts};
///
/// let frequencies = [("the", 10), ("cat", 3), ("dodo", 1)];
/// let counts = WordCounts::from_frequencies(frequencies, 0, true)?;
/// let (vocabulary, report) = Vocabulary::new(&counts, &Trim { min_count: 2, ..Trim::default() })?;
/// assert_eq!(vocabulary.keys().id("cat"), Some(1));
/// assert_eq!((report.num_retained_words, report.drop_unique), (2, 1));
/// # Ok::<(), polargram::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WordCounts {
    pub(in crate::vocab) counts: Counts,
    pub(super) words: usize,
    pub(super) sorted: bool,
    pub(super) raw_tokens: u64,
    pub(super) sentences: u64,
}

/// Where the frames of counts are.
#[derive(Debug, Clone)]
pub(in crate::vocab) enum Counts {
    InMemory(DataFrame),
    OnDisk(Arc<Spilled>),
}

impl Counts {
    /// Frames that hold each word once, so many at a time as fit into memory.
    pub(super) fn frames(&self) -> Box<dyn Iterator<Item = Result<Cow<'_, DataFrame>>> + '_> {
        match self {
            Self::InMemory(frame) => Box::new(std::iter::once(Ok(Cow::Borrowed(frame)))),
            Self::OnDisk(spilled) => Box::new(spilled.frames().map(|frame| frame.map(Cow::Owned))),
        }
    }
}

/// The words that trimming leaves, in order of ids, and their counts in the corpus.
pub(in crate::vocab) struct Kept {
    pub(in crate::vocab) keys: Keys,
    pub(in crate::vocab) counts: Vec<u64>,
}

impl WordCounts {
    /// Takes counts that are known already; those of a word that comes twice are added up. `sentences` is what
    /// [`sentences`](Self::sentences) will say, 0 if not known. Words are in the order given unless `sorted`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the counts add up to 2^64 or more, or if keys are text and integers.
    pub fn from_frequencies<'k, K: Into<Key<'k>>>(
        frequencies: impl IntoIterator<Item = (K, u64)>,
        sentences: u64,
        sorted: bool,
    ) -> Result<Self> {
        let (keys, counts): (Vec<Key<'k>>, Vec<u64>) =
            frequencies.into_iter().map(|(key, count)| (key.into(), count)).unzip();
        let keys = array_of(&keys).map_err(|reason| Error::parameter("word_freq", reason))?;
        let raw_tokens = checked_total(&counts)
            .ok_or_else(|| Error::parameter("word_freq", "the counts add up to more than fits 64 bits"))?;
        let first: Vec<u64> = (0..counts.len() as u64).collect();
        let mut frame = df!("count" => counts, "first" => first)?;
        frame.with_column(series("word", &keys)?.into())?;
        let frame = add_up(vec![frame], &CountOptions { sorted, ..CountOptions::default() })?;
        Ok(Self { words: frame.height(), counts: Counts::InMemory(frame), sorted, raw_tokens, sentences })
    }

    /// The number of distinct words.
    pub fn len(&self) -> usize {
        self.words
    }

    /// True if there are no words.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tokens of the corpus that are not null, those of words that [`CountOptions::max_vocab_size`] dropped among them.
    pub fn raw_tokens(&self) -> u64 {
        self.raw_tokens
    }

    /// Lists of the corpus that are not null.
    pub fn sentences(&self) -> u64 {
        self.sentences
    }

    /// The words' keys and counts, in order of ids.
    ///
    /// # Errors
    /// [`Error::Polars`] if the query fails; [`Error::Parameter`] if there are more words than there can be ids.
    pub fn columns(&self) -> Result<(Keys, Vec<u64>)> {
        let all = Kept::new(&self.in_order(|words| words)?)?;
        Ok((all.keys, all.counts))
    }

    /// The count at an index of the descending counts, if there are so many words.
    pub(in crate::vocab) fn count_at(&self, index: usize) -> Result<Option<u64>> {
        count_at(self.counts.frames(), index)
    }

    /// The words of at least `min_count` occurrences; with rules, one for each word in order of ids, those that they keep.
    pub(in crate::vocab) fn kept(&self, min_count: u64, rules: Option<&[Rule]>) -> Result<Kept> {
        let Some(rules) = rules else {
            return Kept::new(&self.in_order(|words| words.filter(col("count").gt_eq(lit(min_count))))?);
        };
        if rules.len() != self.len() {
            return Err(Error::parameter("rules", format!("{} rules for {} words", rules.len(), self.len())));
        }
        let all = self.in_order(|words| words)?;
        let counts = all.column("count")?.u64()?.into_no_null_iter();
        let mask: BooleanChunked = counts.zip(rules).map(|(count, rule)| rule.keeps(count, min_count)).collect();
        Kept::new(&all.filter(&mask)?)
    }

    /// Calls `tell` with all words and counts, in no order.
    pub(in crate::vocab) fn each(&self, mut tell: impl FnMut(Key<'_>, u64)) -> Result<()> {
        self.counts.frames().try_for_each(|frame| each_word(&*frame?, &mut tell))
    }

    /// Those that are chosen, in order of ids.
    fn in_order(&self, choose: impl Fn(LazyFrame) -> LazyFrame) -> Result<DataFrame> {
        let chosen = self.counts.frames().map(|frame| Ok(choose(frame?.into_owned().lazy()).collect()?.lazy()));
        let words = concat(chosen.collect::<Result<Vec<_>>>()?, UnionArgs::default())?;
        let order = SortMultipleOptions::default();
        let words = match self.sorted {
            true => words.sort(["count", "word"], order.with_order_descending_multi([true, false])),
            false => words.sort(["first"], order),
        };
        Ok(words.collect()?)
    }
}

impl Kept {
    fn new(frame: &DataFrame) -> Result<Self> {
        if frame.height() > MAX_WORDS {
            let reason = format!("{} words are left; at most {MAX_WORDS} fit", frame.height());
            return Err(Error::parameter("min_count", reason));
        }
        let keys = Keys::new(&from_polars(frame.column("word")?.as_materialized_series())?)?;
        Ok(Self { keys, counts: frame.column("count")?.u64()?.into_no_null_iter().collect() })
    }
}

/// The sum, if it fits.
pub(in crate::vocab) fn checked_total(counts: &[u64]) -> Option<u64> {
    counts.iter().try_fold(0u64, |sum, &count| sum.checked_add(count))
}
