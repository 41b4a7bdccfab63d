//! Finding phrases in sentences.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::codes::KeyCodes;
use super::counts::PhraseCounts;
use super::delimiter::Delimiter;
use super::scoring::{Candidate, CorpusCounts, Scoring};
use super::sieve::Sieve;
use super::table::{Gapped, Pair};
use super::tokens::{Coder, Tokens};
use super::words::Words;
use crate::error::{Error, Result};
use crate::vocab::View;

/// What a model knows, made ready to be applied: a sentence's words go to codes, in which the marks say whether a word may
/// begin or end a phrase, so that most words are passed over without a further look.
pub(crate) struct Detector {
    delimiter: Delimiter,
    /// Connector words, and the words of phrases.
    words: Words,
    /// The code of each word: its number and marks.
    codes: Vec<u32>,
    /// Those of short words again.
    short: KeyCodes,
    /// What stands between two words of a phrase, joined.
    between: Words,
    /// The phrases of neighbours.
    pairs: KeyCodes,
    /// Passes over most pairs that are no phrases.
    sieve: Sieve,
    gapped: HashMap<Gapped, u32, RandomState>,
    phrases: Words,
    /// Those of the phrases, with their positions in the text of all.
    views: Vec<View>,
    /// That text, once it was asked for.
    text: OnceLock<Bytes>,
    scores: Vec<f64>,
    threshold: f64,
    /// Judges what [blurs](Delimiter::blurs).
    counts: Option<LiveCounts>,
}

/// Counts from which a score is made when it is needed.
pub(super) struct LiveCounts {
    pub(super) counts: Arc<PhraseCounts>,
    pub(super) scoring: Scoring,
    pub(super) corpus: CorpusCounts,
}

/// The word is a connector word.
const CONNECTOR: u32 = 1 << 31;
/// A phrase starts with the word.
const START: u32 = 1 << 30;
/// A phrase ends with the word.
const END: u32 = 1 << 29;
/// The word blurs where the words of a joined text end.
const BLURS: u32 = 1 << 28;
/// The word is empty. It is in no phrase's beginning, and gensim drops it.
const EMPTY: u32 = 1 << 27;
const ID: u32 = EMPTY - 1;
/// A word of no number, without marks.
const OTHER: u32 = ID;

/// Marks of tokens that need a look at their neighbours. A null has them all.
const ODD: u32 = CONNECTOR | BLURS | EMPTY;

#[inline]
fn key_of([a, b]: Pair) -> u128 {
    u128::from(a) << u64::BITS | u128::from(b)
}

/// Sentences with phrases in place of their words.
#[derive(Default)]
pub(crate) struct Applied {
    pieces: Vec<Piece>,
    /// Tokens and phrases.
    len: usize,
    /// Where each sentence ends, in tokens and phrases.
    pub(crate) ends: Vec<usize>,
    /// Phrases that the detector has not got, with their scores. They have the numbers after its own.
    joined: Vec<(String, f64)>,
}

/// The places of tokens that stay, and the number of the phrase that follows them.
struct Piece {
    start: u32,
    end: u32,
    phrase: Option<u32>,
}

/// What is in a sentence: the place of a token that stayed, or the number of a phrase.
pub(crate) enum Token {
    Kept(usize),
    Phrase(u32),
}

impl Applied {
    #[inline]
    fn keep(&mut self, start: u32, end: u32) {
        self.len += (end - start) as usize;
        match self.pieces.last_mut() {
            Some(Piece { end: last, phrase: None, .. }) if *last == start => *last = end,
            _ if start == end => {}
            _ => self.pieces.push(Piece { start, end, phrase: None }),
        }
    }

    #[inline]
    fn join(&mut self, phrase: u32) {
        self.len += 1;
        match self.pieces.last_mut() {
            Some(Piece { phrase: none @ None, .. }) => *none = Some(phrase),
            _ => self.pieces.push(Piece { start: 0, end: 0, phrase: Some(phrase) }),
        }
    }

    /// Places of tokens that stayed, and the number of the phrase that follows them.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (Range<usize>, Option<u32>)> {
        self.pieces.iter().map(|&Piece { start, end, phrase }| (start as usize..end as usize, phrase))
    }

    /// All tokens and phrases.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = Token> {
        self.pieces().flat_map(|(kept, phrase)| kept.map(Token::Kept).chain(phrase.map(Token::Phrase)))
    }
}

/// A phrase, as the parts of its text.
pub(super) struct Parts<'a> {
    pub(super) first: &'a str,
    pub(super) between: Option<&'a str>,
    pub(super) last: &'a str,
}

impl Detector {
    /// Without phrases yet. `counts` are asked about words that blur; without them, the texts of the phrases are.
    ///
    /// # Errors
    /// [`Error::Parameter`] for too many connector words.
    pub(super) fn new<'a>(
        delimiter: Delimiter,
        connectors: impl IntoIterator<Item = &'a str>,
        threshold: f64,
        counts: Option<LiveCounts>,
    ) -> Result<Self> {
        let mut detector = Self {
            delimiter,
            words: Words::default(),
            codes: Vec::new(),
            short: KeyCodes::default(),
            between: Words::default(),
            pairs: KeyCodes::default(),
            sieve: Sieve::default(),
            gapped: HashMap::default(),
            phrases: Words::default(),
            views: Vec::new(),
            text: OnceLock::new(),
            scores: Vec::new(),
            threshold,
            counts,
        };
        detector.mark("", EMPTY)?;
        connectors.into_iter().try_for_each(|word| detector.mark(word, CONNECTOR).map(drop))?;
        Ok(detector)
    }

    /// The number of a word, which gets a mark.
    fn mark(&mut self, word: &str, mark: u32) -> Result<u32> {
        let id = self.words.intern(word);
        if id as usize == self.codes.len() {
            // Nor may a code with all marks be one of those that are none.
            if id >= OTHER - 1 {
                return Err(Error::parameter("phrases", format!("are made of more than {OTHER} words")));
            }
            self.codes.push(id | if self.delimiter.blurs(word) { BLURS } else { 0 });
        }
        let code = &mut self.codes[id as usize];
        *code |= mark;
        if View::holds(word) {
            self.short.set(View::of(word).0, *code);
        }
        Ok(id)
    }

    /// Adds a phrase. Without parts it is only found where a word blurs.
    ///
    /// # Errors
    /// [`Error::Parameter`] for more words, or more text, than there can be.
    pub(super) fn add(&mut self, phrase: &str, score: f64, parts: Option<Parts<'_>>) -> Result<()> {
        let start = self.phrases.all_text().len();
        if phrase.len() > (i32::MAX as usize).saturating_sub(start) {
            return Err(Error::parameter("phrases", "have more than 2 GiB of text"));
        }
        let number = self.phrases.intern(phrase);
        match self.scores.get_mut(number as usize) {
            Some(known) => *known = score,
            None => {
                self.scores.push(score);
                let view = View::of(phrase);
                self.views.push(if view.is_whole() { view } else { view.at(start) });
                self.text = OnceLock::new();
            }
        }
        if let Some(Parts { first, between, last }) = parts {
            let (first, last) = (self.mark(first, START)?, self.mark(last, END)?);
            match between {
                None => {
                    self.pairs.set(key_of([first, last]), number);
                    self.sieve.add([first, last]);
                }
                Some(between) => {
                    self.gapped.insert([first, self.between.intern(between), last], number);
                }
            }
        }
        Ok(())
    }

    /// Adds a phrase that is known by its text alone.
    ///
    /// # Errors
    /// As for [`add`](Self::add).
    pub(super) fn add_text(&mut self, phrase: &str, score: f64) -> Result<()> {
        let blurs = |word: &str| self.delimiter.blurs(word);
        let parts = self.delimiter.ends_of(phrase).filter(|(first, between, last)| {
            let mut within = between.iter().flat_map(|between| between.split(self.delimiter.as_str()));
            !blurs(first) && !blurs(last) && !within.any(blurs)
        });
        self.add(phrase, score, parts.map(|(first, between, last)| Parts { first, between, last }))
    }

    /// The text and the score of a phrase of `applied`.
    pub(crate) fn phrase<'a>(&'a self, number: u32, applied: &'a Applied) -> (&'a str, f64) {
        match (number as usize).checked_sub(self.len()) {
            None => (self.phrases.text(number), self.scores[number as usize]),
            Some(joined) => {
                let (text, score) = &applied.joined[joined];
                (text, *score)
            }
        }
    }

    /// The view of a phrase that the detector has, with its position in [`text`](Self::text); others are of one
    /// [`Applied`].
    #[inline]
    pub(super) fn view(&self, number: u32) -> Option<View> {
        self.views.get(number as usize).copied()
    }

    /// The text of all phrases that the detector has.
    pub(super) fn text(&self) -> Bytes {
        self.text.get_or_init(|| Bytes::copy_from_slice(self.phrases.all_text().as_bytes())).clone()
    }

    /// The number of phrases that the detector has.
    fn len(&self) -> usize {
        self.scores.len()
    }

    /// Joins the phrases of sentences, as gensim's `analyze_sentence` does. `ranges` are the sentences in `codes`.
    ///
    /// # Errors
    /// What a scoring function fails with.
    pub(crate) fn apply<T: Tokens + ?Sized>(
        &self,
        codes: &[u32],
        ranges: impl IntoIterator<Item = Range<usize>>,
        tokens: &T,
    ) -> Result<Applied> {
        if codes.len() > i32::MAX as usize {
            return Err(Error::corpus("corpus", "more than 2,147,483,647 tokens come at once; cut the data smaller"));
        }
        let mut applied = Applied::default();
        let pairs = self.pairs_in(codes);
        let (mut next, mut done) = (0, 0);
        for range in ranges {
            match codes[range.clone()].iter().fold(0, |marks, code| marks | code) & ODD {
                0 if range.is_empty() => {}
                0 => {
                    // Sentences nearly always come in their order.
                    let is_before = |&(at, _): &(u32, u32)| (at as usize) < range.start;
                    next = match range.start < done {
                        true => pairs.partition_point(is_before),
                        false => next + pairs[next..].iter().take_while(|pair| is_before(pair)).count(),
                    };
                    done = range.end;
                    next += Self::walk_plain(range, &pairs[next..], &mut applied);
                }
                _ => self.walk(codes, range, tokens, &mut applied)?,
            }
            applied.ends.push(applied.len);
        }
        Ok(applied)
    }

    /// The places of tokens that are a phrase with the next one, whether or not they are of one sentence, and the phrases.
    fn pairs_in(&self, codes: &[u32]) -> Vec<(u32, u32)> {
        const NO_PHRASE: u32 = u32::MAX;
        let of = |pair: &[u32]| [pair[0] & ID, pair[1] & ID];
        // What may be one is written down without a branch, which nobody could foresee.
        let (mut places, mut len) = (vec![0; codes.len()], 0);
        for (at, pair) in codes.windows(2).enumerate() {
            let marks = (pair[0] & START) >> START.trailing_zeros() & (pair[1] & END) >> END.trailing_zeros();
            places[len] = at as u32;
            len += (marks & self.sieve.bit(of(pair))) as usize;
        }
        places.truncate(len);
        let key = |&at: &u32| key_of(of(&codes[at as usize..at as usize + 2]));
        let phrases = self.pairs.codes_of(&places, key, |_| NO_PHRASE);
        places.into_iter().zip(phrases).filter(|&(_, phrase)| phrase != NO_PHRASE).collect()
    }

    /// The walk over a sentence without odd tokens. `pairs` are those from it on; tells how many of them are in it.
    #[inline]
    fn walk_plain(range: Range<usize>, pairs: &[(u32, u32)], applied: &mut Applied) -> usize {
        let (mut start, end) = (range.start as u32, range.end as u32);
        let mut len = 0;
        while let Some(&(at, phrase)) = pairs.get(len).filter(|&&(at, _)| at < end) {
            if at >= start && at + 1 < end {
                applied.keep(start, at);
                applied.join(phrase);
                start = at + 2;
            }
            len += 1;
        }
        applied.keep(start, end);
        len
    }

    fn walk<T: Tokens + ?Sized>(
        &self,
        codes: &[u32],
        range: Range<usize>,
        tokens: &T,
        applied: &mut Applied,
    ) -> Result<()> {
        // Where a phrase may have started. Behind it stand connector words alone.
        let (mut start, end) = (None, range.end);
        let give_up = |applied: &mut Applied, range: Range<usize>| {
            range.filter(|&at| codes[at] != Self::NULL).for_each(|at| applied.keep(at as u32, at as u32 + 1));
        };
        for at in range {
            let code = codes[at];
            if code == Self::NULL {
                continue;
            }
            if code & CONNECTOR != 0 {
                if start.is_none() {
                    applied.keep(at as u32, at as u32 + 1);
                }
                continue;
            }
            if let Some(first) = start {
                if let Some(phrase) = self.find(codes, first, at, tokens, applied)? {
                    applied.join(phrase);
                    start = None;
                    continue;
                }
                give_up(applied, first..at);
            }
            // An empty word starts nothing, and is lost: in gensim it counts as none.
            start = (code & EMPTY == 0).then_some(at);
        }
        if let Some(first) = start {
            give_up(applied, first..end);
        }
        Ok(())
    }

    /// The phrase that the tokens from one place to another are, if they are one.
    #[inline]
    fn find<T: Tokens + ?Sized>(
        &self,
        codes: &[u32],
        first: usize,
        last: usize,
        tokens: &T,
        applied: &mut Applied,
    ) -> Result<Option<u32>> {
        let (a, b) = (codes[first], codes[last]);
        if last == first + 1 && (a | b) & BLURS == 0 {
            let pair = [a & ID, b & ID];
            let may_be = a & START != 0 && b & END != 0 && self.sieve.may_have(pair);
            return Ok(may_be.then(|| self.pairs.get(key_of(pair))).flatten());
        }
        self.find_gapped(codes, first, last, tokens, applied)
    }

    fn find_gapped<T: Tokens + ?Sized>(
        &self,
        codes: &[u32],
        first: usize,
        last: usize,
        tokens: &T,
        applied: &mut Applied,
    ) -> Result<Option<u32>> {
        let (a, b) = (codes[first], codes[last]);
        let gap = || (first + 1..last).filter(|&at| codes[at] != Self::NULL);
        if (a | b) & BLURS == 0 && gap().all(|at| codes[at] & BLURS == 0) {
            if a & START == 0 || b & END == 0 {
                return Ok(None);
            }
            let mut words = gap().map(|at| codes[at] & ID);
            let between = match (words.next(), words.next()) {
                (None, _) => return Ok(self.pairs.get(key_of([a & ID, b & ID]))),
                (Some(only), None) => self.between.id(self.words.text(only)),
                _ => {
                    let mut text = String::new();
                    self.delimiter.join(&mut text, gap().map(|at| tokens.word(at)));
                    self.between.id(&text)
                }
            };
            return Ok(between.and_then(|between| self.gapped.get(&[a & ID, between, b & ID]).copied()));
        }
        let gap: Vec<&str> = gap().map(|at| tokens.word(at)).collect();
        self.find_text(tokens.word(first), &gap, tokens.word(last), applied)
    }

    /// The phrase that these words are by their joined text.
    fn find_text(&self, first: &str, gap: &[&str], last: &str, applied: &mut Applied) -> Result<Option<u32>> {
        Ok(self.score_candidate(first, last, gap)?.map(|phrase| {
            applied.joined.push(phrase);
            (self.len() + applied.joined.len() - 1) as u32
        }))
    }

    /// The phrase that two words and those between them are, with its score, if they are one.
    ///
    /// # Errors
    /// What a scoring function fails with.
    pub(super) fn score_candidate(&self, first: &str, last: &str, between: &[&str]) -> Result<Option<(String, f64)>> {
        let mut text = String::new();
        self.delimiter.join(&mut text, std::iter::once(first).chain(between.iter().copied()).chain([last]));
        let score = match &self.counts {
            Some(live) => live.score(first, last, &text, self.threshold)?,
            None => self.phrases.id(&text).map(|id| self.scores[id as usize]).filter(|score| *score > self.threshold),
        };
        Ok(score.map(|score| (text, score)))
    }
}

impl LiveCounts {
    /// The score of a text with these words at its ends, if it is a phrase.
    ///
    /// # Errors
    /// What a scoring function fails with.
    fn score(&self, first: &str, last: &str, text: &str, threshold: f64) -> Result<Option<f64>> {
        let of = |text: &str| self.counts.of_text(text);
        let (count_a, count_b, count_ab) = (of(first), of(last), of(text));
        if count_a == 0 || count_b == 0 || count_ab == 0 {
            return Ok(None);
        }
        let scores = self.scoring.scores(&[Candidate { count_a, count_b, count_ab }], &self.corpus)?;
        Ok(scores.first().copied().filter(|score| is_above(*score, threshold)))
    }
}

/// As gensim asks: a score that is not a number is not "less than or equal", and makes a phrase.
pub(super) fn is_above(score: f64, threshold: f64) -> bool {
    !matches!(score.partial_cmp(&threshold), Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal))
}

/// A detector looks words up, and learns none.
impl Coder for &Detector {
    const NULL: u32 = Detector::NULL;

    #[inline]
    fn known(&self, view: View) -> Option<u32> {
        self.short.get(view.0)
    }

    #[inline]
    fn prefetch(&self, view: View) {
        self.short.prefetch(view.0);
    }

    fn code(&mut self, word: &str) -> u32 {
        let view = View::of(word);
        // An array may hold the word in a view with something behind it, which was not known.
        let known = if view.is_whole() { self.short.get(view.0) } else { None };
        known.unwrap_or_else(|| self.code_of_other(view, word))
    }
}

impl Detector {
    /// The code of a null.
    pub(crate) const NULL: u32 = u32::MAX;

    /// The code of a word.
    pub(crate) fn code(&self, word: &str) -> u32 {
        match self.words.id(word) {
            Some(id) => self.codes[id as usize],
            None if self.delimiter.blurs(word) => BLURS | OTHER,
            None => OTHER,
        }
    }

    /// The code of a word that the short ones do not have as this view.
    #[inline]
    fn code_of_other(&self, view: View, word: &str) -> u32 {
        if !view.is_whole() {
            return self.code(word);
        }
        let padded = view.padded();
        match if padded == view { None } else { self.short.get(padded.0) } {
            Some(code) => code,
            None if self.delimiter.may_blur(view) && self.delimiter.blurs(word) => BLURS | OTHER,
            None => OTHER,
        }
    }

    /// The codes of tokens. `view` gives the view of one, `word` the text, if it is not null.
    #[cfg(feature = "python")]
    pub(crate) fn codes_of_views<'a, V>(
        &self,
        tokens: &[V],
        view: impl Fn(&V) -> View,
        word: impl Fn(usize) -> Option<&'a str>,
    ) -> Vec<u32> {
        let other = |at| word(at).map_or(Self::NULL, |word| self.code_of_other(view(&tokens[at]), word));
        self.short.codes_of(tokens, |token| view(token).0, other)
    }
}
