//! Counting with no more texts than a user allows: gensim's way, sentence after sentence.

use arrow::array::Array;

use super::counts::{PhraseCounts, TextCounts, add_to};
use super::rules::{CountRules, Counted};
use super::tokens::{ArrayTokens, Coder, TokenCodes, Tokens};
use crate::corpus::{Corpus, Lists};
use crate::error::Result;
use crate::progress::Progress;
use crate::vocab::View;

/// Counts a corpus in its order. When a sentence has left more texts than allowed, those of the least counts are dropped,
/// and the next time those of one more.
///
/// # Errors
/// The errors of the corpus; [`Error::Corpus`](crate::Error::Corpus) for tokens that are not text;
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub(super) fn count_bounded(corpus: &dyn Corpus, rules: &CountRules<'_>, progress: &Progress) -> Result<Counted> {
    let mut tally = Tally { rules, counts: TextCounts::default(), joined: String::new(), words: 0, min_reduce: 1 };
    let (mut sentences, mut kinds) = (0, TokenCodes::new(Kinds(rules)));
    for part in 0..corpus.parts() {
        let (origin, column) = (corpus.origin(part), corpus.column());
        for batch in corpus.read(part, progress)? {
            progress.check()?;
            let lists = Lists::new(&batch?, column, &origin)?;
            let (codes, tokens) = (
                kinds.of(lists.values.as_ref(), column, &origin)?,
                ArrayTokens::new(lists.values.as_ref() as &dyn Array),
            );
            let before = tally.words;
            for (range, count) in lists.ranges.iter().zip(lists.counts()) {
                let words = range.clone().filter(|&at| codes[at] != Kinds::NULL);
                tally.count_sentence(words.map(|at| (tokens.word(at), codes[at] == CONNECTOR)), count.into());
                sentences += u64::from(count);
            }
            progress.advance(tally.words - before);
        }
    }
    let Tally { counts, words, min_reduce, .. } = tally;
    let texts = counts.iter().map(|(text, &count)| (&**text, count));
    Ok(Counted { counts: PhraseCounts::from_texts(rules.delimiter.clone(), texts), words, sentences, min_reduce })
}

const WORD: u32 = 0;
const CONNECTOR: u32 = 1;

/// Tells words from connector words and nulls.
struct Kinds<'a>(&'a CountRules<'a>);

impl Coder for Kinds<'_> {
    const NULL: u32 = 2;

    fn known(&self, _view: View) -> Option<u32> {
        None
    }

    fn code(&mut self, word: &str) -> u32 {
        if self.0.connectors.id(word).is_some() { CONNECTOR } else { WORD }
    }
}

struct Tally<'a> {
    rules: &'a CountRules<'a>,
    counts: TextCounts,
    joined: String,
    words: u64,
    min_reduce: u64,
}

impl Tally<'_> {
    fn count_sentence<'a>(&mut self, words: impl Iterator<Item = (&'a str, bool)>, count: u64) {
        // The first word of a pair, and what stands behind it.
        let (delimiter, mut has_start) = (self.rules.delimiter.as_str(), false);
        let mut start = std::mem::take(&mut self.joined);
        for (word, is_connector) in words {
            self.words += count;
            if is_connector {
                if has_start {
                    start.push_str(delimiter);
                    start.push_str(word);
                }
                continue;
            }
            add_to(&mut self.counts, word, count);
            if has_start {
                start.push_str(delimiter);
                start.push_str(word);
                add_to(&mut self.counts, &start, count);
            }
            start.clear();
            start.push_str(word);
            has_start = true;
        }
        start.clear();
        self.joined = start;
        if self.counts.len() as u64 > self.rules.max_vocab_size {
            self.counts.retain(|_, count| *count >= self.min_reduce);
            self.min_reduce += 1;
        }
    }
}
