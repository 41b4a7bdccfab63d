//! Models of phrases that gensim saved: `Phrases`, `FrozenPhrases` and, of versions before 4, `Phraser`.
//!
//! They are pickles, of which nothing is run. A scoring function of the user's own is a name in the file, which is left
//! alone: it has to be given again. Before version 4 texts were bytes, and the keys of a `Phraser` tuples of them.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use crate::error::{Error, Result};
use crate::phrases::{FrozenPhrases, Pass, Phrase, PhraseModel, PhraseOptions, Phrases, Scoring, Totals};
use crate::pickle::{self, Id, Node, Pickle};
use crate::progress::Progress;

/// # Errors
/// [`Error::Format`] if it is not a pickle of such a model.
pub(super) fn read(bytes: &[u8], path: &Path, progress: &Progress) -> Result<PhraseModel> {
    progress.check()?;
    let fault = |reason: String| Error::format(path, reason);
    let pickle = pickle::read(bytes).map_err(|error| fault(error.to_string()))?;
    progress.check()?;
    let saved = pickle.instance(pickle.root()).filter(|(class, _)| class.starts_with("gensim.models.phrases."));
    let (_, fields) =
        saved.ok_or_else(|| fault(pickle.unexpected(pickle.root(), "a model of phrases of gensim's").to_string()))?;
    let saved = Saved { pickle: &pickle, fields };
    saved.model().map_err(|error| match error {
        Error::Parameter { name, reason } => fault(format!("{name} {reason}")),
        Error::Corpus { reason, .. } => fault(reason),
        other => other,
    })
}

/// An object of gensim's, with its attributes.
struct Saved<'p> {
    pickle: &'p Pickle<'p>,
    fields: HashMap<Cow<'p, str>, Id>,
}

/// An error without the file's name, which the caller adds.
fn fault(reason: impl Into<String>) -> Error {
    Error::corpus("", reason)
}

impl Saved<'_> {
    fn model(&self) -> Result<PhraseModel> {
        let options = self.options()?;
        let pass = match (self.entries("vocab"), self.entries("phrasegrams")) {
            (Some(vocab), _) => Pass::Learning(self.learning(vocab, options)?),
            (None, Some(phrasegrams)) => Pass::Frozen(self.frozen(phrasegrams, options)?),
            (None, None) => return Err(fault("has neither vocab nor phrasegrams")),
        };
        PhraseModel::new(vec![pass])
    }

    fn get(&self, name: &str) -> Option<Id> {
        self.fields.get(name).copied().filter(|&id| !self.pickle.is_none(id))
    }

    fn entries(&self, name: &str) -> Option<&[(Id, Id)]> {
        self.pickle.entries(self.get(name)?)
    }

    fn number(&self, name: &str, default: f64) -> Result<f64> {
        let Some(id) = self.get(name) else { return Ok(default) };
        self.pickle.number(id).ok_or_else(|| fault(format!("has {name} that is {}", self.pickle.describe(id))))
    }

    fn whole(&self, name: &str, default: u64) -> Result<u64> {
        let Some(id) = self.get(name) else { return Ok(default) };
        let number = self.pickle.integer(id).and_then(|number| u64::try_from(number).ok());
        // gensim's users write 4e7.
        let number =
            number.or_else(|| self.pickle.number(id).filter(|number| *number >= 0.0).map(|number| number as u64));
        number.ok_or_else(|| fault(format!("has {name} that is {}", self.pickle.describe(id))))
    }

    /// Text, or the bytes that it was.
    fn text(&self, id: Id) -> Result<Cow<'_, str>> {
        let text = match self.pickle.node(id) {
            Node::Bytes(bytes) | Node::OldText(bytes) => str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Node::Text(text) => Some(Cow::Borrowed(&**text)),
            _ => self.pickle.bytes(id).and_then(|bytes| String::from_utf8(bytes.into_owned()).ok()).map(Cow::Owned),
        };
        text.ok_or_else(|| fault(self.pickle.unexpected(id, "text").to_string()))
    }

    fn options(&self) -> Result<PhraseOptions> {
        let defaults = PhraseOptions::default();
        let delimiter = self.get("delimiter").map(|id| self.text(id).map(Cow::into_owned)).transpose()?;
        let connectors = self.get("connector_words").or_else(|| self.get("common_terms"));
        let connectors = connectors.map(|id| self.items(id)).transpose()?.unwrap_or_default();
        let connector_words = connectors.iter().map(|&id| self.text(id).map(Cow::into_owned));
        let options = PhraseOptions {
            min_count: self.number("min_count", defaults.min_count)?,
            threshold: self.number("threshold", defaults.threshold)?,
            max_vocab_size: self.whole("max_vocab_size", defaults.max_vocab_size)?,
            delimiter: delimiter.unwrap_or(defaults.delimiter),
            scoring: self.scoring(),
            connector_words: connector_words.collect::<Result<BTreeSet<String>>>()?,
        };
        options.check()?;
        Ok(options)
    }

    /// The items of a set, which old protocols write as a call with a list.
    fn items(&self, id: Id) -> Result<&[Id]> {
        let pickle = self.pickle;
        let items = |id: Id| match pickle.node(id) {
            Node::Set(items) | Node::List(items) => Some(items.as_slice()),
            Node::Tuple(items) => Some(&**items),
            _ => None,
        };
        let argument = || {
            let object = pickle.object(id)?;
            let class = pickle.global(object.class)?;
            if !matches!(&*class.name, "frozenset" | "set") {
                return None;
            }
            match pickle.tuple(object.arguments)? {
                [] => Some(&[][..]),
                [list, ..] => items(*list),
            }
        };
        items(id).or_else(argument).ok_or_else(|| fault(pickle.unexpected(id, "a set of words").to_string()))
    }

    /// gensim 3 had no scoring at first, and then a name.
    fn scoring(&self) -> Scoring {
        let Some(id) = self.get("scoring") else { return Scoring::Default };
        match self.pickle.global(id) {
            Some(function) if function.module == "gensim.models.phrases" => match &*function.name {
                "original_scorer" => Scoring::Default,
                "npmi_scorer" => Scoring::Npmi,
                _ => Scoring::Forgotten,
            },
            Some(_) => Scoring::Forgotten,
            None if self.pickle.is_text(id, "default") => Scoring::Default,
            None if self.pickle.is_text(id, "npmi") => Scoring::Npmi,
            None => Scoring::Forgotten,
        }
    }

    /// Texts are distinct, so that together they are not longer than the file. Checked before they are copied.
    fn ensure_distinct(&self, texts: impl Iterator<Item = Id>) -> Result<()> {
        let length = |id: Id| match self.pickle.node(id) {
            Node::Bytes(bytes) | Node::OldText(bytes) => bytes.len(),
            Node::Text(text) => text.len(),
            _ => 0,
        };
        match texts.map(length).sum::<usize>() <= self.pickle.length() {
            true => Ok(()),
            false => Err(fault("has a phrase more than once")),
        }
    }

    fn learning(&self, vocab: &[(Id, Id)], options: PhraseOptions) -> Result<Phrases> {
        self.ensure_distinct(vocab.iter().map(|&(text, _)| text))?;
        let count = |&(text, count): &(Id, Id)| {
            let count = self.pickle.integer(count).and_then(|count| u64::try_from(count).ok());
            Ok((self.text(text)?, count.ok_or_else(|| fault("has a count that is not a whole number"))?))
        };
        let counts = vocab.iter().map(count).collect::<Result<Vec<_>>>()?;
        let totals =
            Totals { corpus_word_count: self.whole("corpus_word_count", 0)?, min_reduce: self.whole("min_reduce", 1)? };
        Phrases::restored(options, counts.iter().map(|(text, count)| (&**text, *count)), totals, Vec::new())
    }

    fn frozen(&self, phrasegrams: &[(Id, Id)], options: PhraseOptions) -> Result<FrozenPhrases> {
        let parts = |&(key, _): &(Id, Id)| self.pickle.tuple(key).map_or_else(|| vec![key], <[Id]>::to_vec);
        self.ensure_distinct(phrasegrams.iter().flat_map(parts))?;
        let phrase = |entry: &(Id, Id)| {
            let words = parts(entry).into_iter().map(|id| self.text(id)).collect::<Result<Vec<_>>>()?;
            // Before version 3.8 the number of occurrences stood before the score.
            let (count, score) = match self.pickle.tuple(entry.1) {
                Some(&[count, score]) => (self.pickle.integer(count), score),
                _ => (None, entry.1),
            };
            let score = self.pickle.number(score).ok_or_else(|| fault("has a score that is not a number"))?;
            let count = count.and_then(|count| u64::try_from(count).ok());
            Ok(Phrase { phrase: words.join(&options.delimiter), score, count })
        };
        let phrases = phrasegrams.iter().map(phrase).collect::<Result<Vec<_>>>()?;
        FrozenPhrases::new(options, phrases)
    }
}
