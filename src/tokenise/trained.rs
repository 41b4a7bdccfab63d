//! Tokenizers in files: `tokenizer.json`, read by the library tokenizers.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tokenizers::Tokenizer;

use super::bert::{BertSplitter, Part};
use super::pieces::PieceCache;
use crate::error::{Error, IoContext, Result};
use crate::process::catch_panic;

/// A tokenizer that was trained, of the library tokenizers.
pub struct TrainedTokenizer {
    tokenizer: Tokenizer,
    unknown: Option<u32>,
    /// True if what stands between spaces can be tokenised by itself, with the same ids.
    is_by_piece: bool,
    /// If it splits at punctuation too.
    bert: Option<BertSplitter>,
}

impl TrainedTokenizer {
    /// Reads a `tokenizer.json`. It neither truncates nor pads, whatever the file says.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Format`] if it is not a tokenizer.
    pub fn open(path: &Path) -> Result<Self> {
        Self::from_bytes(&fs::read(path).at("read", path)?, path)
    }

    fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        let damaged = |reason: String| Error::format(path, format!("is not a tokenizer: {reason}"));
        let json: Value = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        let read = catch_panic(|| Tokenizer::from_bytes(bytes));
        let read = read.ok_or_else(|| damaged("the library tokenizers fails on it".to_owned()))?;
        let mut tokenizer = read.map_err(|error| damaged(error.to_string()))?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| damaged(error.to_string()))?;
        let unknown = unknown_id(&json["model"], &tokenizer);
        let is_by_piece = is_local(&json["normalizer"], ignores_neighbours)
            && splits_at_spaces(&json["pre_tokenizer"])
            && tokenizer.get_added_tokens_decoder().values().all(|token| !token.content.contains(char::is_whitespace));
        let bert = if is_by_piece { BertSplitter::of(&json, &tokenizer) } else { None };
        Ok(Self { tokenizer, unknown, is_by_piece, bert })
    }

    /// The id of unknown tokens, if there is one.
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// The text of a token.
    pub fn token(&self, id: u32) -> Option<String> {
        self.tokenizer.id_to_token(id)
    }

    /// All tokens with their ids, in no order.
    pub fn tokens(&self) -> impl Iterator<Item = (String, u32)> {
        self.tokenizer.get_vocab(true).into_iter()
    }

    /// Appends the ids of a text's tokens, at most `limit`, unknown ones too.
    pub fn ids(&self, text: &str, limit: usize, cache: &mut PieceCache, to: &mut Vec<u32>) {
        let end = to.len().saturating_add(limit);
        if let Some(bert) = &self.bert {
            bert.for_each_part(text, |Part { text, words }| {
                cache.ids(text, to, |text, to| match words {
                    Some(words) => words.ids(text, to),
                    None => self.tokenise(text, to),
                });
                to.len() < end
            });
        } else if self.is_by_piece {
            // Not at other whitespace: normalizers remove form feeds.
            for piece in text.split([' ', '\n', '\t', '\r']).filter(|piece| !piece.is_empty()) {
                if to.len() >= end {
                    break;
                }
                cache.ids(piece, to, |piece, to| self.tokenise(piece, to));
            }
        } else {
            self.tokenise(text, to);
        }
        to.truncate(end);
    }

    /// Text that cannot be tokenised has no tokens: a model without a token for the unknown refuses what it does not know.
    fn tokenise(&self, text: &str, to: &mut Vec<u32>) {
        if let Ok(encoding) = self.tokenizer.encode_fast(text, false) {
            to.extend_from_slice(encoding.get_ids());
        }
    }
}

fn unknown_id(model: &Value, tokenizer: &Tokenizer) -> Option<u32> {
    match model["type"].as_str() {
        Some("Unigram") => model["unk_id"].as_u64()?.try_into().ok(),
        _ => tokenizer.token_to_id(model["unk_token"].as_str()?),
    }
}

/// True if a part and all in it satisfy `is_fit`, or if there is none.
fn is_local(part: &Value, is_fit: fn(&str) -> bool) -> bool {
    let Some(kind) = part["type"].as_str() else { return part.is_null() };
    match (kind, part["normalizers"].as_array()) {
        ("Sequence", Some(parts)) => parts.iter().all(|part| is_local(part, is_fit)),
        (kind, _) => is_fit(kind),
    }
}

/// The normalizers that change characters, or those that combine, whatever stands beyond a space.
fn ignores_neighbours(kind: &str) -> bool {
    matches!(kind, "BertNormalizer" | "Lowercase" | "NFC" | "NFD" | "NFKC" | "NFKD" | "StripAccents")
}

/// True if no token reaches over a space, and none has a mark of one.
fn splits_at_spaces(part: &Value) -> bool {
    let kind = part["type"].as_str().unwrap_or_default();
    match (kind, part["pretokenizers"].as_array()) {
        ("Sequence", Some(parts)) => {
            let is_plain = |part: &Value| matches!(part["type"].as_str(), Some("Punctuation" | "Digits"));
            parts.split_first().is_some_and(|(first, rest)| {
                splits_at_spaces(first) && rest.iter().all(|part| is_plain(part) || splits_at_spaces(part))
            })
        }
        (kind, _) => matches!(kind, "BertPreTokenizer" | "Whitespace" | "WhitespaceSplit"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn tokenizer(normalizer: &Value, pre_tokenizer: &Value) -> TrainedTokenizer {
        tokenizer_with(normalizer, pre_tokenizer, "[UNK]")
    }

    fn tokenizer_with(normalizer: &Value, pre_tokenizer: &Value, added: &str) -> TrainedTokenizer {
        let json = json!({
            "version": "1.0", "truncation": null, "padding": null, "post_processor": null, "decoder": null,
            "added_tokens": [{ "id": 1, "content": added, "single_word": false, "lstrip": false, "rstrip": true,
                               "normalized": false, "special": true }],
            "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
            "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                       "max_input_chars_per_word": 9,
                       "vocab": { "[PAD]": 0, "[UNK]": 1, "a": 2, "b": 3, "##a": 4, "##b": 5, "ab": 6, ",": 7, "é": 8 } },
        });
        TrainedTokenizer::from_bytes(json.to_string().as_bytes(), Path::new("tokenizer.json")).unwrap()
    }

    fn bert() -> Value {
        json!({ "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
                "lowercase": true })
    }

    fn ids(tokenizer: &TrainedTokenizer, text: &str) -> (Vec<u32>, Vec<u32>) {
        let (mut ids, mut whole) = (Vec::new(), Vec::new());
        tokenizer.ids(text, usize::MAX, &mut PieceCache::default(), &mut ids);
        tokenizer.tokenise(text, &mut whole);
        (ids, whole)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn pieces_give_the_ids_of_the_whole(
            text in "[abAÉé,.#\u{301}\u{0}\u{b}\u{c}\u{a0}\u{2003} \n\t中´…—’Σ\\[UNK\\]]{0,40}|\\PC{0,40}|(?s:.){0,20}", kind in 0..3usize,
        ) {
            let pre_tokenizer = ["BertPreTokenizer", "Whitespace", "WhitespaceSplit"][kind];
            let mut cased = bert();
            cased["lowercase"] = false.into();
            for normalizer in [bert(), cased, json!({ "type": "NFKC" }), Value::Null] {
                let tokenizer = tokenizer(&normalizer, &json!({ "type": pre_tokenizer }));
                prop_assert!(tokenizer.is_by_piece);
                let (ids, whole) = ids(&tokenizer, &text);
                prop_assert_eq!(ids, whole);
            }
        }

        #[test]
        fn words_of_ascii_become_the_ids_of_the_library(text in "[abAB1,. #x-]{0,30}", added in 0..4usize) {
            // The last one may stand within a word, and so needs the library.
            let added = ["[UNK]", "x-a", "#", "ab"][added];
            let tokenizer = tokenizer_with(&bert(), &json!({ "type": "BertPreTokenizer" }), added);
            prop_assert_eq!(tokenizer.bert.is_some(), added != "ab");
            let (ids, whole) = ids(&tokenizer, &text);
            prop_assert_eq!(ids, whole);
        }
    }

    #[test]
    fn ids_end_at_the_limit_and_the_unknown_token_is_known() {
        let tokenizer = tokenizer(&bert(), &json!({ "type": "BertPreTokenizer" }));
        let mut ids = Vec::new();
        tokenizer.ids("aba zz ab", 3, &mut PieceCache::default(), &mut ids);
        assert_eq!(ids, [6, 4, 1]);
        assert_eq!(tokenizer.unknown(), Some(1));
    }

    #[test]
    fn a_tokenizer_that_marks_spaces_sees_the_whole_text() {
        let marks = json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true });
        assert!(!tokenizer(&Value::Null, &marks).is_by_piece);
        let replaces = json!({ "type": "Replace", "pattern": { "String": " " }, "content": "a" });
        assert!(!tokenizer(&replaces, &json!({ "type": "WhitespaceSplit" })).is_by_piece);
    }

    #[test]
    fn what_is_no_tokenizer_is_refused_by_name() {
        for bytes in [&b""[..], b"{", b"[]", b"{\"model\": 1}", b"{\"model\": {\"type\": \"WordPiece\"}}"] {
            let error = TrainedTokenizer::from_bytes(bytes, Path::new("t.json")).err().unwrap().to_string();
            assert!(error.starts_with("t.json: is not a tokenizer: "), "{error}");
        }
    }
}
