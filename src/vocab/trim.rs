//! Trimming: which words of a corpus get an id.

use super::counting::{Kept, WordCounts};
use super::keys::{Keys, MAX_WORDS, WordId};
use super::rule::Rule;
use super::subsample::keep_probability;
use super::vocabulary::Vocabulary;
use crate::error::{Error, Result};

/// Which words get an id.
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
    /// True if `"\0"`, which pads windows, follows as the last word, with count 1. For text only.
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

/// Pads windows at the ends of a sentence.
const NULL_WORD: &str = "\0";

impl Vocabulary {
    /// Keeps the words that `trim` says.
    ///
    /// # Errors
    /// [`Error::EmptyVocabulary`] if no word is left; [`Error::Parameter`] if more are left than there can be ids, or
    /// if there is not one rule for each word.
    pub fn new(counts: &WordCounts, trim: &Trim) -> Result<(Self, TrimReport)> {
        Self::empty().extended(counts, trim)
    }

    /// Adds a further corpus: words keep their ids and their counts grow, however rare they are in the new corpus, and
    /// the new words that `trim` keeps follow. The raw totals are then those of the new corpus.
    ///
    /// The report is on the new corpus too, but how much of a word subsampling leaves follows from the counts of the
    /// whole vocabulary, as it does in training. (gensim takes those of the new corpus alone.)
    ///
    /// # Errors
    /// As for [`new`](Self::new); [`Error::Corpus`] if keys of the new corpus are of another kind.
    pub fn extended(&self, counts: &WordCounts, trim: &Trim) -> Result<(Self, TrimReport)> {
        let extension = Extension::new(self, counts, trim)?;
        if extension.counts.is_empty() {
            let min_count = extension.report.effective_min_count;
            return Err(Error::EmptyVocabulary { min_count, distinct: counts.len(), total: counts.raw_tokens() });
        }
        let mut keys = self.keys().extended(&extension.kept.keys)?;
        let (mut totals, report) = (extension.counts, extension.report);
        if trim.null_word && keys.id(NULL_WORD).is_none() {
            if keys.key_type().is_integer() {
                let reason = format!("is text, but the words are {}; turn it off", keys.key_type());
                return Err(Error::parameter("null_word", reason));
            }
            keys = keys.extended(&Keys::from_iter([NULL_WORD]))?;
            totals.push(1);
        }
        Ok((Self::from_parts(keys, totals, counts.raw_tokens(), counts.len())?, report))
    }
}

/// What a corpus adds to a vocabulary, which may be empty.
struct Extension {
    kept: Kept,
    /// Counts of all ids, those of the vocabulary first.
    counts: Vec<u64>,
    report: TrimReport,
}

impl Extension {
    fn new(known: &Vocabulary, counts: &WordCounts, trim: &Trim) -> Result<Self> {
        let min_count = trim.effective_min_count(counts)?;
        let kept = counts.kept(min_count, trim.rules)?;
        let (ours, theirs) = (known.keys().key_type(), kept.keys.key_type());
        if !known.is_empty() && !counts.is_empty() && ours.is_integer() != theirs.is_integer() {
            let reason = format!("holds {theirs}, but the keys of the model are {ours}; they stay of one type");
            return Err(Error::corpus("corpus", reason));
        }
        let mut totals = Vec::with_capacity(known.len() + kept.counts.len());
        totals.extend_from_slice(known.counts());
        if !known.is_empty() {
            counts.each(|word, count| {
                if let Some(id) = known.keys().id(word) {
                    totals[id as usize] = totals[id as usize].saturating_add(count);
                }
            })?;
        }
        let mut ids = Vec::with_capacity(kept.counts.len());
        for (key, &count) in kept.keys.iter().zip(&kept.counts) {
            let id = known.keys().id(key).unwrap_or_else(|| {
                totals.push(count);
                (totals.len() - 1) as WordId
            });
            ids.push(id);
        }
        if totals.len() > MAX_WORDS {
            let reason = format!("{} words are left; at most {MAX_WORDS} fit", totals.len());
            return Err(Error::parameter("min_count", reason));
        }
        let report = report(&kept, &ids, &totals, counts.len(), min_count, trim.sample);
        Ok(Self { kept, counts: totals, report })
    }
}

fn report(kept: &Kept, ids: &[WordId], totals: &[u64], distinct: usize, min_count: u64, sample: f64) -> TrimReport {
    let probability = keep_probability(totals, sample);
    let (mut downsample_unique, mut downsample_total) = (0, 0.0);
    for (&id, &count) in ids.iter().zip(&kept.counts) {
        let probability = probability(totals[id as usize]);
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
