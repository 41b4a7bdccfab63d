//! Models of phrases: those that learn, and those that are ready.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::counting::{connectors_of, count};
use super::counts::PhraseCounts;
use super::delimiter::Delimiter;
use super::detector::{Detector, LiveCounts, Parts, is_above};
use super::rules::{CountRules, Counted};
use super::scoring::{CHUNK, Candidate, CorpusCounts, Scoring};
use crate::corpus::Corpus;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// English articles, prepositions and conjunctions, which may stand within a phrase: `bank_of_america`.
pub const ENGLISH_CONNECTOR_WORDS: [&str; 15] =
    ["a", "an", "the", "for", "of", "with", "without", "at", "from", "to", "in", "on", "by", "and", "or"];

/// How phrases are learnt. Names and defaults are gensim's.
///
/// ```
/// use polargram::phrases::{PhraseOptions, Scoring};
///
/// let options = PhraseOptions { scoring: Scoring::Npmi, threshold: 0.5, ..PhraseOptions::default() };
/// options.check()?;
/// # Ok::<(), polargram::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PhraseOptions {
    /// Pairs that occur less often are no phrases.
    pub min_count: f64,
    /// Pairs with a score above this are phrases.
    pub threshold: f64,
    /// Distinct words and pairs that are held, at most. When there are more, the rarest are dropped.
    pub max_vocab_size: u64,
    /// What stands between the words of a phrase.
    pub delimiter: String,
    /// How pairs are scored.
    pub scoring: Scoring,
    /// Words that may stand within a phrase, but neither begin nor end one.
    pub connector_words: BTreeSet<String>,
}

impl Default for PhraseOptions {
    fn default() -> Self {
        Self {
            min_count: 5.0,
            threshold: 10.0,
            max_vocab_size: 40_000_000,
            delimiter: "_".to_owned(),
            scoring: Scoring::Default,
            connector_words: BTreeSet::new(),
        }
    }
}

impl PhraseOptions {
    /// # Errors
    /// [`Error::Parameter`] for a value out of range.
    pub fn check(&self) -> Result<()> {
        Delimiter::new(&self.delimiter)?;
        match self.scoring {
            _ if self.min_count.is_nan() || self.min_count <= 0.0 => {
                Err(Error::parameter("min_count", format!("is {}; min_count should be at least 1", self.min_count)))
            }
            _ if self.threshold.is_nan() => Err(Error::parameter("threshold", "is not a number")),
            Scoring::Default if self.threshold <= 0.0 => {
                let reason = format!("is {}; threshold should be positive for default scoring", self.threshold);
                Err(Error::parameter("threshold", reason))
            }
            Scoring::Npmi if self.threshold.abs() > 1.0 => {
                let reason = format!("is {}; threshold should be between -1 and 1 for npmi scoring", self.threshold);
                Err(Error::parameter("threshold", reason))
            }
            _ => Ok(()),
        }
    }

    fn connectors(&self) -> impl Iterator<Item = &str> {
        self.connector_words.iter().map(String::as_str)
    }
}

/// A phrase that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Phrase {
    /// Its words, joined by the delimiter.
    pub phrase: String,
    /// How likely it is.
    pub score: f64,
    /// How often it occurs, if that is known.
    pub count: Option<u64>,
}

/// Takes a phrase: its text, its parts if they can be told apart, its count and its score.
type Tell<'a> = dyn FnMut(&str, Option<Parts<'_>>, u64, f64) -> Result<()> + 'a;

/// What is known of all corpora that were counted.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) struct Totals {
    pub(crate) corpus_word_count: u64,
    pub(crate) min_reduce: u64,
}

/// Learns phrases: pairs of words that stand side by side more often than by chance.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder};
/// use polargram::Progress;
/// use polargram::corpus::ArrowCorpus;
/// use polargram::phrases::{PhraseOptions, Phrases};
///
/// let mut lists = ListBuilder::new(StringBuilder::new());
/// for words in [["new", "york"], ["new", "york"], ["old", "york"], ["a", "city"]] {
///     lists.append_value(words.map(Some));
/// }
/// let batch = RecordBatch::try_from_iter([("tokens", Arc::new(lists.finish()) as ArrayRef)])?;
/// let options = PhraseOptions { min_count: 1.0, threshold: 1.0, ..PhraseOptions::default() };
/// let mut phrases = Phrases::new(options)?;
/// phrases.add(&ArrowCorpus::new(&[batch], "tokens")?, &Progress::default())?;
/// assert_eq!(phrases.export()?[0].phrase, "new_york");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Phrases {
    options: PhraseOptions,
    pub(super) counts: Arc<PhraseCounts>,
    corpus_word_count: u64,
    min_reduce: u64,
    /// The phrases of a saved model whose scoring function is [forgotten](Scoring::Forgotten).
    known: Arc<[Phrase]>,
}

impl fmt::Debug for Phrases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phrases").field("options", &self.options).field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Phrases {
    /// A model that has counted nothing yet.
    ///
    /// # Errors
    /// As for [`PhraseOptions::check`].
    pub fn new(options: PhraseOptions) -> Result<Self> {
        options.check()?;
        let delimiter = Delimiter::new(&options.delimiter)?;
        let counts = Arc::new(PhraseCounts::new(delimiter));
        Ok(Self { options, counts, corpus_word_count: 0, min_reduce: 1, known: Arc::new([]) })
    }

    /// With counts of texts that are known already, and phrases that are used if the scoring function is forgotten.
    ///
    /// # Errors
    /// As for [`PhraseOptions::check`].
    pub(crate) fn restored<'a>(
        options: PhraseOptions,
        counts: impl IntoIterator<Item = (&'a str, u64)> + Clone,
        totals: Totals,
        known: Vec<Phrase>,
    ) -> Result<Self> {
        let model = Self::new(options)?;
        let counts = Arc::new(PhraseCounts::from_texts(model.counts.delimiter.clone(), counts));
        let Totals { corpus_word_count, min_reduce } = totals;
        Ok(Self { counts, corpus_word_count, min_reduce, known: known.into(), ..model })
    }

    pub(crate) fn totals(&self) -> Totals {
        Totals { corpus_word_count: self.corpus_word_count, min_reduce: self.min_reduce }
    }

    /// True if its scoring function is forgotten, and no phrases are known without it.
    pub(crate) fn is_unscored(&self) -> bool {
        matches!(self.options.scoring, Scoring::Forgotten) && self.known.is_empty()
    }

    /// The phrases that are known without a scoring function.
    fn remembered(&self) -> Option<&Arc<[Phrase]>> {
        (matches!(self.options.scoring, Scoring::Forgotten) && !self.known.is_empty()).then_some(&self.known)
    }

    /// Its options.
    pub fn options(&self) -> &PhraseOptions {
        &self.options
    }

    /// Changes what pairs are scored by, and which words may stand within a phrase; the counts stay. The delimiter of the
    /// counts stays too.
    ///
    /// # Errors
    /// As for [`PhraseOptions::check`].
    pub fn set_options(&mut self, options: PhraseOptions) -> Result<()> {
        options.check()?;
        self.options = PhraseOptions { delimiter: self.options.delimiter.clone(), ..options };
        Ok(())
    }

    /// The number of distinct words and pairs.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// True if nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Words of the corpora that were counted, connector words among them.
    pub fn corpus_word_count(&self) -> u64 {
        self.corpus_word_count
    }

    /// Counts below this are dropped the next time that there are too many.
    pub fn min_reduce(&self) -> u64 {
        self.min_reduce
    }

    /// How often a word, or the joined words of a pair, occurs.
    pub fn count(&self, text: &str) -> u64 {
        self.counts.of_text(text)
    }

    /// Calls `tell` with each word and each joined pair, and how often it occurs.
    ///
    /// # Errors
    /// Those of `tell`.
    pub fn each<E>(&self, tell: impl FnMut(&str, u64) -> Result<(), E>) -> Result<(), E> {
        self.counts.each(tell)
    }

    /// Counts a corpus, and adds what it has to the counts. Returns how many sentences there were. After an error the model
    /// is what it was.
    ///
    /// # Errors
    /// The errors of the corpus; [`Error::Corpus`] for tokens that are not text; [`Error::Interrupted`].
    pub fn add(&mut self, corpus: &dyn Corpus, progress: &Progress) -> Result<u64> {
        self.add_read(corpus, false, progress)
    }

    /// As [`add`](Self::add), of a corpus that can be read only once.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn add_once(&mut self, corpus: &dyn Corpus, progress: &Progress) -> Result<u64> {
        self.add_read(corpus, true, progress)
    }

    fn add_read(&mut self, corpus: &dyn Corpus, is_read_once: bool, progress: &Progress) -> Result<u64> {
        let rules = CountRules {
            delimiter: &self.counts.delimiter,
            connectors: &connectors_of(self.options.connectors())?,
            max_vocab_size: self.options.max_vocab_size,
            is_read_once,
        };
        let Counted { counts, words, sentences, min_reduce } = count(corpus, &rules, progress)?;
        self.corpus_word_count += words;
        self.known = Arc::new([]);
        if self.is_empty() {
            self.counts = Arc::new(counts);
            return Ok(sentences);
        }
        self.min_reduce = self.min_reduce.max(min_reduce);
        let ours = Arc::make_mut(&mut self.counts);
        ours.merge(&counts);
        if ours.len() as u64 > self.options.max_vocab_size {
            ours.prune(self.min_reduce);
            self.min_reduce += 1;
        }
        Ok(sentences)
    }

    fn live(&self) -> LiveCounts {
        LiveCounts {
            counts: self.counts.clone(),
            scoring: self.options.scoring.clone(),
            corpus: CorpusCounts {
                len_vocab: self.len() as u64,
                min_count: self.options.min_count,
                corpus_word_count: self.corpus_word_count,
            },
        }
    }

    /// All phrases, the highest score first.
    ///
    /// # Errors
    /// What a scoring function fails with.
    pub fn export(&self) -> Result<Vec<Phrase>> {
        if let Some(known) = self.remembered() {
            return Ok(known.to_vec());
        }
        let mut phrases = Vec::new();
        self.scored(&mut |text, _, count, score| {
            phrases.push(Phrase { phrase: text.to_owned(), score, count: Some(count) });
            Ok(())
        })?;
        sort(&mut phrases);
        Ok(phrases)
    }

    /// Calls `tell` with each phrase.
    fn scored(&self, tell: &mut Tell<'_>) -> Result<()> {
        let (live, counts) = (self.live(), &*self.counts);
        let (words, mut text) = (&counts.words, String::new());
        let candidate = |a: u32, b: u32, count_ab| {
            let [count_a, count_b] = [a, b].map(|id| counts.word_counts[id as usize]);
            Candidate { count_a, count_b, count_ab }
        };
        let pairs = counts.pairs.iter().map(|(pair, count)| (pair, candidate(pair[0], pair[1], count)));
        self.score(&live, pairs, |[a, b], count, score| {
            counts.join_pair([a, b], &mut text);
            let parts = Parts { first: words.text(a), between: None, last: words.text(b) };
            tell(&text, Some(parts), count, score)
        })?;
        let gapped = counts.gapped.iter().map(|(key, count)| (key, candidate(key[0], key[2], count)));
        self.score(&live, gapped, |[a, between, b], count, score| {
            counts.join_gapped([a, between, b], &mut text);
            let parts =
                Parts { first: words.text(a), between: Some(counts.between.text(between)), last: words.text(b) };
            tell(&text, Some(parts), count, score)
        })?;
        let others = counts.others.iter().filter_map(|(text, &count_ab)| {
            let (first, _, last) = counts.delimiter.ends_of(text)?;
            let (count_a, count_b) = (counts.of_text(first), counts.of_text(last));
            Some((text, Candidate { count_a, count_b, count_ab }))
        });
        self.score(&live, others, |text, count, score| tell(text, None, count, score))
    }

    /// Scores candidates, and calls `tell` with those that are phrases. Many at a time, for the sake of a scoring function of
    /// the user's own.
    fn score<K>(
        &self,
        live: &LiveCounts,
        candidates: impl Iterator<Item = (K, Candidate)>,
        mut tell: impl FnMut(K, u64, f64) -> Result<()>,
    ) -> Result<()> {
        let mut candidates = candidates.filter(|(_, c)| c.count_a > 0 && c.count_b > 0 && c.count_ab > 0).peekable();
        while candidates.peek().is_some() {
            let (keys, chunk): (Vec<K>, Vec<Candidate>) = candidates.by_ref().take(CHUNK).unzip();
            let scores = live.scoring.scores(&chunk, &live.corpus)?;
            for ((key, candidate), score) in keys.into_iter().zip(&chunk).zip(scores) {
                if is_above(score, self.options.threshold) {
                    tell(key, candidate.count_ab, score)?;
                }
            }
        }
        Ok(())
    }

    /// The phrases alone, without what is needed to learn more.
    ///
    /// # Errors
    /// What a scoring function fails with.
    pub fn freeze(&self) -> Result<FrozenPhrases> {
        FrozenPhrases::new(self.options.clone(), self.export()?)
    }

    /// The phrases, ready to be found in sentences.
    ///
    /// # Errors
    /// What a scoring function fails with.
    pub(super) fn detector(&self) -> Result<Detector> {
        let PhraseOptions { threshold, .. } = self.options;
        let delimiter = self.counts.delimiter.clone();
        if let Some(known) = self.remembered() {
            let mut detector = Detector::new(delimiter, self.options.connectors(), threshold, None)?;
            known.iter().try_for_each(|Phrase { phrase, score, .. }| detector.add_text(phrase, *score))?;
            return Ok(detector);
        }
        let mut detector = Detector::new(delimiter, self.options.connectors(), threshold, Some(self.live()))?;
        self.scored(&mut |text, parts, _, score| match parts {
            Some(parts) => detector.add(text, score, Some(parts)),
            // What blurs is judged by its counts.
            None => Ok(()),
        })?;
        Ok(detector)
    }
}

/// The highest score first, and those of one score by their text.
fn sort(phrases: &mut [Phrase]) {
    phrases.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.phrase.cmp(&b.phrase)));
}

/// Phrases that are ready to be found in sentences.
#[derive(Debug, Clone)]
pub struct FrozenPhrases {
    options: PhraseOptions,
    phrases: Vec<Phrase>,
}

impl FrozenPhrases {
    /// Of these phrases.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty delimiter.
    pub fn new(options: PhraseOptions, mut phrases: Vec<Phrase>) -> Result<Self> {
        Delimiter::new(&options.delimiter)?;
        sort(&mut phrases);
        Ok(Self { options, phrases })
    }

    /// The options that it was learnt with.
    pub fn options(&self) -> &PhraseOptions {
        &self.options
    }

    /// Changes the threshold and the connector words.
    pub fn set_options(&mut self, options: PhraseOptions) {
        self.options = PhraseOptions { delimiter: self.options.delimiter.clone(), ..options };
    }

    /// The phrases, the highest score first.
    pub fn phrases(&self) -> &[Phrase] {
        &self.phrases
    }

    /// The phrases, the highest score first.
    pub fn into_phrases(self) -> Vec<Phrase> {
        self.phrases
    }

    /// The phrases, ready to be found in sentences.
    ///
    /// # Errors
    /// [`Error::Parameter`] for too many connector words.
    pub(super) fn detector(&self) -> Result<Detector> {
        let PhraseOptions { threshold, .. } = self.options;
        let delimiter = Delimiter::new(&self.options.delimiter)?;
        let mut detector = Detector::new(delimiter, self.options.connectors(), threshold, None)?;
        let found = self.phrases.iter().filter(|phrase| phrase.score > threshold);
        found.into_iter().try_for_each(|Phrase { phrase, score, .. }| detector.add_text(phrase, *score))?;
        Ok(detector)
    }
}
