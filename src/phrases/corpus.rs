//! A corpus with phrases in place of their words.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use super::arrays::with_phrases;
use super::detector::{Detector, Token};
use super::tokens::{ArrayTokens, TokenCodes, Tokens};
use crate::corpus::{Batches, Corpus, Lists};
use crate::error::Result;
use crate::progress::Progress;

/// Phrases of one or more passes, ready to be found in sentences.
pub struct Detectors(pub(super) Vec<Detector>);

impl Detectors {
    /// The tokens of one sentence with phrases in place of their words, each phrase with its score.
    ///
    /// # Errors
    /// What a scoring function fails with.
    pub fn analyze(&self, sentence: &[impl AsRef<str>]) -> Result<Vec<(String, Option<f64>)>> {
        let mut tokens: Vec<(String, Option<f64>)> =
            sentence.iter().map(|word| (word.as_ref().to_owned(), None)).collect();
        for detector in &self.0 {
            let words: Vec<&str> = tokens.iter().map(|(word, _)| word.as_str()).collect();
            let codes: Vec<u32> = words.iter().map(|word| detector.code(word)).collect();
            let applied = detector.apply(&codes, std::iter::once(0..words.len()), words.as_slice())?;
            let token = |token: Token| match token {
                Token::Kept(at) => tokens[at].clone(),
                Token::Phrase(number) => {
                    let (phrase, score) = detector.phrase(number, &applied);
                    (phrase.to_owned(), Some(score))
                }
            };
            tokens = applied.tokens().map(token).collect();
        }
        Ok(tokens)
    }

    /// The phrase that two words and those between them are in the last pass, with its score, if they are one.
    ///
    /// # Errors
    /// What a scoring function fails with.
    pub fn score_candidate(&self, first: &str, last: &str, between: &[&str]) -> Result<Option<(String, f64)>> {
        self.0.last().map_or(Ok(None), |detector| detector.score_candidate(first, last, between))
    }

    /// The phrases that stand in a corpus, with their scores. Words with a delimiter inside may make one text in two ways,
    /// with two scores; the one that comes last counts, as in gensim.
    ///
    /// # Errors
    /// The errors of the corpus; [`Error::Corpus`](crate::Error::Corpus) for tokens that are not text; what a scoring
    /// function fails with; [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn find(&self, corpus: &dyn Corpus, progress: &Progress) -> Result<HashMap<String, f64>> {
        let (mut found, Some(first)) = (HashMap::new(), self.0.first()) else { return Ok(HashMap::new()) };
        let mut codes = TokenCodes::new(first);
        for part in 0..corpus.parts() {
            let (origin, column) = (corpus.origin(part), corpus.column());
            for batch in corpus.read(part, progress)? {
                progress.check()?;
                let lists = Lists::new(&batch?, column, &origin)?;
                let coded = codes.of(lists.values.as_ref(), column, &origin)?;
                let tokens = ArrayTokens::new(lists.values.as_ref());
                for range in lists.ranges {
                    let words = range.filter(|&at| coded[at] != Detector::NULL).map(|at| tokens.word(at));
                    let analyzed = self.analyze(&words.collect::<Vec<_>>())?;
                    found.extend(analyzed.into_iter().filter_map(|(phrase, score)| Some((phrase, score?))));
                }
            }
        }
        Ok(found)
    }

    /// The passes, in order.
    #[cfg(feature = "python")]
    pub(crate) fn passes(&self) -> &[Detector] {
        &self.0
    }
}

/// A corpus with phrases in place of their words, made while it is read.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder};
/// use polargram::Progress;
/// use polargram::corpus::ArrowCorpus;
/// use polargram::phrases::{PhraseModel, PhraseOptions, PhrasedCorpus};
/// use polargram::vocab::{CountOptions, WordCounts};
///
/// let mut lists = ListBuilder::new(StringBuilder::new());
/// (0..9).for_each(|_| lists.append_value(["new", "york"].map(Some)));
/// lists.append_value(["old", "news"].map(Some));
/// let batch = RecordBatch::try_from_iter([("tokens", Arc::new(lists.finish()) as ArrayRef)])?;
/// let corpus = ArrowCorpus::new(&[batch], "tokens")?;
/// let options = PhraseOptions { threshold: 0.1, ..PhraseOptions::default() };
/// let model = PhraseModel::learn(&corpus, options, 1, &Progress::default())?;
/// let joined = PhrasedCorpus::new(&corpus, Arc::new(model.detectors()?));
/// let counts = WordCounts::count(&joined, &CountOptions::default(), &Progress::default())?;
/// assert_eq!(counts.columns()?.0.id("new_york"), Some(0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PhrasedCorpus<C> {
    corpus: C,
    detectors: Arc<Detectors>,
}

impl<C> PhrasedCorpus<C> {
    /// The corpus behind `corpus`, a reference or a box.
    pub fn new(corpus: C, detectors: Arc<Detectors>) -> Self {
        Self { corpus, detectors }
    }
}

impl<C: Deref<Target: Corpus> + Send + Sync> Corpus for PhrasedCorpus<C> {
    fn parts(&self) -> usize {
        self.corpus.parts()
    }

    fn read(&self, part: usize, progress: &Progress) -> Result<Batches<'_>> {
        let (origin, batches) = (self.corpus.origin(part), self.corpus.read(part, progress)?);
        let mut passes: Vec<_> = self.detectors.0.iter().map(TokenCodes::new).collect();
        Ok(Box::new(batches.map(move |batch| {
            passes.iter_mut().try_fold(batch?, |batch, codes| with_phrases(&batch, codes, self.column(), &origin))
        })))
    }

    fn origin(&self, part: usize) -> String {
        self.corpus.origin(part)
    }

    fn column(&self) -> &str {
        self.corpus.column()
    }

    fn is_parallel(&self) -> bool {
        self.corpus.is_parallel()
    }
}
