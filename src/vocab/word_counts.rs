//! How often each word of a corpus occurs, before any is dropped.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::LargeStringArray;
use polars::prelude::*;

use super::count::{CountOptions, add_up, count_at, count_words, streamed};
use super::spill::Spilled;
use super::trim::Rule;
use crate::corpus::Corpus;
use crate::error::{Error, Result};
use crate::process::ensure_not_forked;
use crate::progress::Progress;

/// The distinct words of a corpus and their counts. Their order is that of the rows they get: by descending count, then
/// by word (as UTF-8 bytes), or by first occurrence.
///
/// ```
/// use polargram::vocab::{Trim, Vocabulary, WordCounts};
///
/// let frequencies = [("the", 10), ("cat", 3), ("dodo", 1)].map(|(word, count)| (word.to_owned(), count));
/// let counts = WordCounts::from_frequencies(frequencies, 0, true)?;
/// let (vocabulary, report) = Vocabulary::new(&counts, &Trim { min_count: 2, ..Trim::default() })?;
/// assert_eq!(vocabulary.keys().id("cat"), Some(1));
/// assert_eq!((report.num_retained_words, report.drop_unique), (2, 1));
/// # Ok::<(), polargram::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WordCounts {
    pub(super) counts: Counts,
    pub(super) words: usize,
    pub(super) sorted: bool,
    pub(super) raw_tokens: u64,
    pub(super) sentences: u64,
}

/// A line for each word, in no order: `word`, `count`, and unless sorted `first`, where it occurs first.
#[derive(Debug, Clone)]
pub(super) enum Counts {
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

/// The words that trimming leaves, in row order, and their counts in the corpus.
pub(super) struct Kept {
    pub(super) words: StringChunked,
    pub(super) counts: Vec<u64>,
}

impl WordCounts {
    /// Counts a corpus.
    ///
    /// # Errors
    /// What the corpus fails with; [`Error::Interrupted`].
    pub fn count(corpus: &dyn Corpus, options: &CountOptions, progress: &Progress) -> Result<Self> {
        ensure_not_forked()?;
        count_words(corpus, options, progress)
    }

    /// Takes counts that are known already; those of a word that comes twice are added up. `sentences` is what
    /// [`sentences`](Self::sentences) will say, 0 if not known. Rows are in the order given unless `sorted`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the counts add up to 2^64 or more.
    pub fn from_frequencies(
        frequencies: impl IntoIterator<Item = (String, u64)>,
        sentences: u64,
        sorted: bool,
    ) -> Result<Self> {
        let (words, counts): (Vec<String>, Vec<u64>) = frequencies.into_iter().unzip();
        let raw_tokens = checked_total(&counts)
            .ok_or_else(|| Error::parameter("word_freq", "the counts add up to more than fits 64 bits"))?;
        let first: Vec<u64> = (0..words.len() as u64).collect();
        let frame = df!("word" => words, "count" => counts, "first" => first)?;
        let frame = add_up(vec![frame], &CountOptions { sorted, ..CountOptions::default() })?;
        Ok(Self { words: frame.height(), counts: Counts::InMemory(frame), sorted, raw_tokens, sentences })
    }

    /// The number of distinct words.
    pub fn len(&self) -> usize {
        self.words
    }

    /// Whether there are none.
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

    /// The words and their counts, in row order.
    ///
    /// # Errors
    /// [`Error::Polars`] if the query fails.
    pub fn columns(&self) -> Result<(LargeStringArray, Vec<u64>)> {
        let all = Kept::new(&self.in_row_order(|words| words)?)?;
        Ok((LargeStringArray::from_iter_values(all.words.no_null_iter()), all.counts))
    }

    /// The count at an index of the descending counts, if there are so many words.
    pub(super) fn count_at(&self, index: usize) -> Result<Option<u64>> {
        count_at(self.counts.frames(), index)
    }

    /// The words of at least `min_count` occurrences; with rules, one for each word in row order, those that they keep.
    pub(super) fn kept(&self, min_count: u64, rules: Option<&[Rule]>) -> Result<Kept> {
        let Some(rules) = rules else {
            return Kept::new(&self.in_row_order(|words| words.filter(col("count").gt_eq(lit(min_count))))?);
        };
        if rules.len() != self.len() {
            return Err(Error::parameter("rules", format!("{} rules for {} words", rules.len(), self.len())));
        }
        let all = self.in_row_order(|words| words)?;
        let counts = all.column("count")?.u64()?.into_no_null_iter();
        let mask: BooleanChunked = counts.zip(rules).map(|(count, rule)| rule.keeps(count, min_count)).collect();
        Kept::new(&all.filter(&mask)?)
    }

    /// Tells all words and counts, in no order.
    pub(super) fn each(&self, mut tell: impl FnMut(&str, u64)) -> Result<()> {
        for frame in self.counts.frames() {
            let frame = frame?;
            let counts = frame.column("count")?.u64()?.into_no_null_iter();
            frame.column("word")?.str()?.no_null_iter().zip(counts).for_each(|(word, count)| tell(word, count));
        }
        Ok(())
    }

    /// Those that are chosen, in row order.
    fn in_row_order(&self, choose: impl Fn(LazyFrame) -> LazyFrame) -> Result<DataFrame> {
        let chosen = self.counts.frames().map(|frame| Ok(streamed(choose(frame?.into_owned().lazy()))?.lazy()));
        let words = concat(chosen.collect::<Result<Vec<_>>>()?, UnionArgs::default())?;
        let order = SortMultipleOptions::default();
        streamed(match self.sorted {
            true => words.sort(["count", "word"], order.with_order_descending_multi([true, false])),
            false => words.sort(["first"], order),
        })
    }
}

impl Kept {
    fn new(frame: &DataFrame) -> Result<Self> {
        let words = frame.column("word")?.str()?.clone();
        Ok(Self { words, counts: frame.column("count")?.u64()?.into_no_null_iter().collect() })
    }
}

/// The sum, if it fits.
pub(super) fn checked_total(counts: &[u64]) -> Option<u64> {
    counts.iter().try_fold(0u64, |sum, &count| sum.checked_add(count))
}
