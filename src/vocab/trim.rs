//! Trimming: which words of a corpus get a row.

use super::keys::MAX_WORDS;
use super::subsample::keep_probability;
use super::word_counts::Kept;
use super::{Vocabulary, WordCounts};
use crate::error::{Error, Result};

/// What becomes of one word. The numbers are gensim's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Rule {
    /// It is kept if it occurs often enough.
    Default = 0,
    /// It is dropped, however often it occurs.
    Discard = 1,
    /// It is kept, however rare.
    Keep = 2,
}

impl Rule {
    /// Whether a word of this count stays.
    pub(super) fn keeps(self, count: u64, min_count: u64) -> bool {
        match self {
            Self::Default => count >= min_count,
            Self::Discard => false,
            Self::Keep => true,
        }
    }
}

impl TryFrom<u8> for Rule {
    type Error = Error;

    fn try_from(number: u8) -> Result<Self> {
        match number {
            0 => Ok(Self::Default),
            1 => Ok(Self::Discard),
            2 => Ok(Self::Keep),
            _ => Err(Error::parameter(
                "trim_rule",
                format!("gave {number}; expected 0 (default), 1 (discard) or 2 (keep)"),
            )),
        }
    }
}

/// Which words get a row.
#[derive(Debug, Clone, Copy)]
pub struct Trim<'a> {
    /// Words with fewer occurrences get none.
    pub min_count: u64,
    /// The most words to keep: `min_count` is raised until no more are left. Words of one count go together.
    pub max_final_vocab: Option<usize>,
    /// A rule for each word, in the order of [`WordCounts::columns`]. None can keep a word that
    /// [`CountOptions::max_vocab_size`] dropped.
    ///
    /// [`CountOptions::max_vocab_size`]: super::CountOptions::max_vocab_size
    pub rules: Option<&'a [Rule]>,
    /// The threshold of subsampling, for the report.
    pub sample: f64,
    /// Whether `"\0"`, which pads windows, follows as the last word, with count 1.
    pub null_word: bool,
}

impl Default for Trim<'_> {
    fn default() -> Self {
        Self { min_count: 5, max_final_vocab: None, rules: None, sample: 1e-3, null_word: false }
    }
}

/// What trimming leaves of a corpus, and what subsampling would leave of that. The names are gensim's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrimReport {
    /// The occurrences that a word needs, after `max_final_vocab`.
    pub effective_min_count: u64,
    /// Distinct words that were dropped.
    pub drop_unique: usize,
    /// Distinct words that were kept.
    pub num_retained_words: usize,
    /// Tokens of the words kept.
    pub retain_total: u64,
    /// Words kept that are frequent enough to be thinned.
    pub downsample_unique: usize,
    /// Tokens of the words kept that subsampling is expected to leave.
    pub downsample_total: u64,
}

impl Trim<'_> {
    /// The occurrences that a word needs: `min_count`, or what `max_final_vocab` makes of it, which is at least 1.
    ///
    /// # Errors
    /// None but a bug's: every corpus has counts.
    pub fn effective_min_count(&self, counts: &WordCounts) -> Result<u64> {
        let Some(most) = self.max_final_vocab else { return Ok(self.min_count) };
        let fitting = counts.count_at(most)?.map_or(1, |count| count.saturating_add(1));
        Ok(self.min_count.max(fitting))
    }

    /// What [`Vocabulary::new`] would report, or of a `known` vocabulary what [`Vocabulary::extended`] would.
    ///
    /// # Errors
    /// As those, but no word need be left.
    pub fn report(&self, counts: &WordCounts, known: Option<&Vocabulary>) -> Result<TrimReport> {
        Ok(Extension::new(known.unwrap_or(&Vocabulary::empty()), counts, self)?.report)
    }
}

/// What a corpus adds to a vocabulary, which may be empty.
pub(super) struct Extension {
    kept: Kept,
    /// The row of each word kept: the one that it has, or else the next.
    rows: Vec<u32>,
    /// Counts of all rows, those of the vocabulary first.
    pub(super) counts: Vec<u64>,
    pub(super) report: TrimReport,
}

impl Extension {
    pub(super) fn new(known: &Vocabulary, counts: &WordCounts, trim: &Trim) -> Result<Self> {
        let min_count = trim.effective_min_count(counts)?;
        let kept = counts.kept(min_count, trim.rules)?;
        let mut totals = Vec::with_capacity(known.len() + kept.counts.len());
        totals.extend_from_slice(known.counts());
        if !known.is_empty() {
            counts.each(|word, count| {
                if let Some(row) = known.keys().id(word) {
                    totals[row as usize] = totals[row as usize].saturating_add(count);
                }
            })?;
        }
        let mut rows = Vec::with_capacity(kept.counts.len());
        for (word, &count) in kept.words.no_null_iter().zip(&kept.counts) {
            let row = known.keys().id(word).unwrap_or_else(|| {
                totals.push(count);
                (totals.len() - 1) as u32
            });
            rows.push(row);
        }
        if totals.len() > MAX_WORDS {
            let reason = format!("{} words are left; at most {MAX_WORDS} fit", totals.len());
            return Err(Error::parameter("min_count", reason));
        }
        let report = report(&kept, &rows, &totals, counts.len(), min_count, trim.sample);
        Ok(Self { kept, rows, counts: totals, report })
    }

    /// The words that get the rows from `first` on.
    pub(super) fn new_words(&self, first: usize) -> impl Iterator<Item = &str> {
        let words = self.kept.words.no_null_iter().zip(&self.rows);
        words.filter(move |(_, row)| **row as usize >= first).map(|(word, _)| word)
    }
}

fn report(kept: &Kept, rows: &[u32], totals: &[u64], distinct: usize, min_count: u64, sample: f64) -> TrimReport {
    let probability = keep_probability(totals, sample);
    let (mut downsample_unique, mut downsample_total) = (0, 0.0);
    for (&row, &count) in rows.iter().zip(&kept.counts) {
        let probability = probability(totals[row as usize]);
        downsample_unique += usize::from(probability < 1.0);
        downsample_total += probability * count as f64;
    }
    TrimReport {
        effective_min_count: min_count,
        drop_unique: distinct - kept.counts.len(),
        num_retained_words: kept.counts.len(),
        retain_total: kept.counts.iter().sum(),
        downsample_unique,
        downsample_total: downsample_total as u64,
    }
}
