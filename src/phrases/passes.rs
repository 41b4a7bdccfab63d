//! Models of several passes: phrases of phrases.

use std::collections::HashMap;
use std::sync::Arc;

use super::corpus::{Detectors, PhrasedCorpus};
use super::model::{FrozenPhrases, Phrase, PhraseOptions, Phrases};
use crate::corpus::Corpus;
use crate::error::{Error, Result};
use crate::progress::Progress;

/// One pass over a corpus.
#[derive(Debug, Clone)]
pub enum Pass {
    /// It can learn more.
    Learning(Phrases),
    /// It cannot.
    Frozen(FrozenPhrases),
}

impl Pass {
    /// Its options.
    pub fn options(&self) -> &PhraseOptions {
        match self {
            Self::Learning(phrases) => phrases.options(),
            Self::Frozen(phrases) => phrases.options(),
        }
    }
}

/// A model of one pass or more. Each learns from what those before it have joined: two find phrases of up to four words
/// (`new_york_stock_exchange`), three of up to eight.
#[derive(Debug, Clone)]
pub struct PhraseModel {
    passes: Vec<Pass>,
}

/// The most passes: each doubles the words that a phrase may have.
pub const MOST_PASSES: usize = 16;

impl PhraseModel {
    /// Of these passes.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there are none, or too many.
    pub fn new(passes: Vec<Pass>) -> Result<Self> {
        match passes.len() {
            1..=MOST_PASSES => Ok(Self { passes }),
            count => Err(Error::parameter("passes", format!("is {count}; it must be 1 to {MOST_PASSES}"))),
        }
    }

    /// Passes that have counted nothing yet.
    ///
    /// # Errors
    /// [`Error::Parameter`] for options out of range.
    pub fn empty(options: PhraseOptions, passes: usize) -> Result<Self> {
        let pass = Pass::Learning(Phrases::new(options)?);
        Self::new(vec![pass; passes.min(MOST_PASSES + 1)])
    }

    /// Learns from a corpus, which is read once for each pass.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub fn learn(corpus: &dyn Corpus, options: PhraseOptions, passes: usize, progress: &Progress) -> Result<Self> {
        let mut model = Self::empty(options, passes)?;
        model.add(corpus, progress)?;
        Ok(model)
    }

    /// Counts a corpus, pass after pass. Returns how many sentences there were. After an error the model is what it was.
    ///
    /// # Errors
    /// As for [`Phrases::add`]; [`Error::Parameter`] for a frozen model.
    pub fn add(&mut self, corpus: &dyn Corpus, progress: &Progress) -> Result<u64> {
        let mut passes = self.passes.clone();
        let mut sentences = 0;
        for pass in 0..passes.len() {
            let before = Detectors(passes[..pass].iter().map(detector).collect::<Result<_>>()?);
            let Pass::Learning(phrases) = &mut passes[pass] else {
                return Err(Error::parameter(
                    "phrases",
                    "are frozen, and cannot learn more; load the model that was frozen",
                ));
            };
            sentences = match pass {
                0 => phrases.add(corpus, progress)?,
                _ => phrases.add(&PhrasedCorpus::new(corpus, Arc::new(before)), progress)?,
            };
        }
        self.passes = passes;
        Ok(sentences)
    }

    /// As [`add`](Self::add), of a corpus that can be read only once, by a model of one pass.
    ///
    /// # Errors
    /// As for [`add`](Self::add); [`Error::Parameter`] for a model of several passes.
    pub fn add_once(&mut self, corpus: &dyn Corpus, progress: &Progress) -> Result<u64> {
        match self.passes.as_mut_slice() {
            [Pass::Learning(phrases)] => phrases.add_once(corpus, progress),
            [Pass::Frozen(_)] => self.add(corpus, progress),
            _ => Err(Error::parameter("passes", "read the corpus again, which can be read only once; pass a list")),
        }
    }

    /// The passes, in order.
    pub fn passes(&self) -> &[Pass] {
        &self.passes
    }

    /// The last pass.
    pub fn last(&self) -> &Pass {
        &self.passes[self.passes.len() - 1]
    }

    /// Changes the options of all passes, but for their delimiters.
    ///
    /// # Errors
    /// As for [`PhraseOptions::check`].
    pub fn set_options(&mut self, options: &PhraseOptions) -> Result<()> {
        for pass in &mut self.passes {
            match pass {
                Pass::Learning(phrases) => phrases.set_options(options.clone())?,
                Pass::Frozen(phrases) => phrases.set_options(options.clone()),
            }
        }
        Ok(())
    }

    /// The phrases of all passes, the highest score first. Where a later pass scores the text of an earlier one again, the
    /// later score counts.
    ///
    /// # Errors
    /// What a scoring function fails with.
    pub fn export(&self) -> Result<Vec<Phrase>> {
        if let [pass] = self.passes.as_slice() {
            return export(pass);
        }
        let all = self.passes.iter().map(export).collect::<Result<Vec<_>>>()?.into_iter().flatten();
        let by_text: HashMap<String, Phrase> = all.map(|phrase| (phrase.phrase.clone(), phrase)).collect();
        Ok(FrozenPhrases::new(self.last().options().clone(), by_text.into_values().collect())?.into_phrases())
    }

    /// The phrases alone, without what is needed to learn more.
    ///
    /// # Errors
    /// What a scoring function fails with.
    pub fn freeze(&self) -> Result<Self> {
        let frozen = |pass: &Pass| match pass {
            Pass::Learning(phrases) => phrases.freeze().map(Pass::Frozen),
            Pass::Frozen(phrases) => Ok(Pass::Frozen(phrases.clone())),
        };
        Ok(Self { passes: self.passes.iter().map(frozen).collect::<Result<_>>()? })
    }

    /// The phrases, ready to be found in sentences.
    ///
    /// # Errors
    /// What a scoring function fails with.
    pub fn detectors(&self) -> Result<Detectors> {
        Ok(Detectors(self.passes.iter().map(detector).collect::<Result<_>>()?))
    }
}

fn export(pass: &Pass) -> Result<Vec<Phrase>> {
    match pass {
        Pass::Learning(phrases) => phrases.export(),
        Pass::Frozen(phrases) => Ok(phrases.phrases().to_vec()),
    }
}

fn detector(pass: &Pass) -> Result<super::detector::Detector> {
    match pass {
        Pass::Learning(phrases) => phrases.detector(),
        Pass::Frozen(phrases) => phrases.detector(),
    }
}
