//! What most static models do with text: BERT's normalizer, its splitting at spaces and punctuation, and WordPiece.
//!
//! The library tokenizers keeps the place of every character, which takes most of its time. Here text is split without that,
//! and words of ASCII become ids without that. All else is left to the library, part by part.

use hashbrown::HashMap;
use serde_json::Value;
use tokenizers::Tokenizer;

/// What a byte of text may be; a part of text is of several kinds at once.
const SPACE: u8 = 1;
/// An ASCII letter or digit.
const LETTER: u8 = 2;
/// ASCII punctuation.
const MARK: u8 = 4;
/// Control characters and what is not ASCII.
const OTHER: u8 = 8;
/// In an added token, which must stay whole.
const ADDED: u8 = 16;

/// Splits text into parts that are tokenised each by itself, with the same ids.
pub(super) struct BertSplitter {
    kinds: Box<[u8; 256]>,
    words: Option<WordPieces>,
}

/// A part of a text.
pub(super) struct Part<'t> {
    pub(super) text: &'t str,
    /// The ids of a word of ASCII letters and digits, or of a mark.
    pub(super) words: Option<&'t WordPieces>,
}

impl BertSplitter {
    /// Of a tokenizer that splits as BERT does, unless text could hold one of its added tokens unnoticed.
    pub(super) fn of(json: &Value, tokenizer: &Tokenizer) -> Option<Self> {
        if json["pre_tokenizer"]["type"] != "BertPreTokenizer" {
            return None;
        }
        let mut kinds = Box::new([OTHER; 256]);
        for byte in 0..=u8::MAX {
            kinds[usize::from(byte)] = match byte {
                b' ' | b'\n' | b'\t' | b'\r' => SPACE,
                _ if byte.is_ascii_alphanumeric() => LETTER,
                _ if byte.is_ascii_punctuation() => MARK,
                _ => OTHER,
            };
        }
        for token in tokenizer.get_added_tokens_decoder().values() {
            let marks: Vec<u8> = token.content.bytes().filter(u8::is_ascii_punctuation).collect();
            if marks.is_empty() {
                return None;
            }
            marks.into_iter().for_each(|mark| kinds[usize::from(mark)] = ADDED);
        }
        Some(Self { kinds, words: WordPieces::of(json) })
    }

    /// Calls `take` with the parts of a text, in order, as long as it says to go on.
    pub(super) fn for_each_part<'t>(&'t self, text: &'t str, mut take: impl FnMut(Part<'t>) -> bool) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let (start, mut seen) = (at, 0);
            while let Some(&byte) = bytes.get(at) {
                let kind = self.kinds[usize::from(byte)];
                if kind == SPACE {
                    break;
                }
                seen |= kind;
                at += 1;
            }
            // Between two spaces, which are ASCII.
            if start < at && !self.take_piece(&text[start..at], seen, &mut take) {
                return;
            }
            at += 1;
        }
    }

    /// The parts of a piece between spaces.
    fn take_piece<'t>(&'t self, piece: &'t str, seen: u8, take: &mut impl FnMut(Part<'t>) -> bool) -> bool {
        let words = self.words.as_ref();
        if seen == LETTER {
            return take(Part { text: piece, words });
        }
        if seen & ADDED != 0 {
            return take(Part { text: piece, words: None });
        }
        piece.split_inclusive(is_mark).all(|part| {
            let mark = part.chars().next_back().filter(|&c| is_mark(c)).map_or(0, char::len_utf8);
            let (word, mark) = part.split_at(part.len() - mark);
            [word, mark].into_iter().filter(|part| !part.is_empty()).all(|text| {
                let is_plain = text.bytes().all(|byte| self.kinds[usize::from(byte)] & OTHER == 0);
                take(Part { text, words: words.filter(|_| is_plain) })
            })
        })
    }
}

/// ASCII punctuation, dashes, quotation marks and the like, which always stand alone, whatever is beside them.
fn is_mark(c: char) -> bool {
    c.is_ascii_punctuation() || ('\u{2010}'..='\u{2027}').contains(&c)
}

type Vocabulary = HashMap<Box<str>, u32, foldhash::fast::RandomState>;

/// WordPiece: a word is the longest token that starts it, and then the longest ones that continue it.
pub(super) struct WordPieces {
    starts: Vocabulary,
    /// Without the prefix that marks them.
    continuations: Vocabulary,
    /// Bytes of the longest token.
    longest: usize,
    unknown: u32,
    /// Longer words are unknown.
    longest_word: usize,
    lowercase: bool,
}

impl WordPieces {
    fn of(json: &Value) -> Option<Self> {
        let (model, normalizer) = (&json["model"], &json["normalizer"]);
        let lowercase = match normalizer["type"].as_str() {
            Some("BertNormalizer") => normalizer["lowercase"].as_bool()?,
            None if normalizer.is_null() => false,
            _ => return None,
        };
        if model["type"] != "WordPiece" {
            return None;
        }
        let tokens = model["vocab"].as_object()?;
        let tokens = tokens.iter().map(|(token, id)| Some((token.as_str(), u32::try_from(id.as_u64()?).ok()?)));
        let tokens: Vec<(&str, u32)> = tokens.collect::<Option<_>>()?;
        let prefix = model["continuing_subword_prefix"].as_str()?;
        let starts: Vocabulary = tokens.iter().map(|&(token, id)| (token.into(), id)).collect();
        let continuations = tokens.iter().filter_map(|&(token, id)| Some((token.strip_prefix(prefix)?.into(), id)));
        Some(Self {
            unknown: *starts.get(model["unk_token"].as_str()?)?,
            continuations: continuations.collect(),
            longest: tokens.iter().map(|(token, _)| token.len()).max().unwrap_or(0),
            starts,
            longest_word: model["max_input_chars_per_word"].as_u64()?.try_into().ok()?,
            lowercase,
        })
    }

    /// Appends the ids of a word of ASCII.
    pub(super) fn ids(&self, word: &str, to: &mut Vec<u32>) {
        let lower;
        let word = match self.lowercase {
            true => {
                lower = word.to_ascii_lowercase();
                &lower
            }
            false => word,
        };
        let before = to.len();
        let mut start = 0;
        while start < word.len() && word.len() <= self.longest_word {
            let tokens = if start == 0 { &self.starts } else { &self.continuations };
            let ends = (start + 1..=word.len().min(start + self.longest)).rev();
            let mut found = ends.filter_map(|end| Some((end, *tokens.get(&word[start..end])?)));
            let Some((end, id)) = found.next() else { break };
            to.push(id);
            start = end;
        }
        if start < word.len() {
            to.truncate(before);
            to.push(self.unknown);
        }
    }
}
