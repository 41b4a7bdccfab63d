//! From raw text to tokens: by whitespace, by a regular expression, or with a `tokenizer.json` of the library tokenizers.
//!
//! ```
//! use polargram::tokenise::{PieceCache, TextTokenizer};
//!
//! let tokenizer: TextTokenizer = "regex:[a-z]+".parse()?;
//! let mut tokens = Vec::new();
//! tokenizer.for_each_token("a cat, two dogs", &mut PieceCache::default(), |token| tokens.push(token.to_owned()));
//! assert_eq!(tokens, ["a", "cat", "two", "dogs"]);
//! # Ok::<(), polargram::Error>(())
//! ```

mod bert;
mod pieces;
mod trained;

use std::path::Path;
use std::str::FromStr;

use regex::Regex;

use crate::error::{Error, Result};
pub use pieces::PieceCache;
pub use trained::TrainedTokenizer;

/// What splits text into tokens.
pub enum TextTokenizer {
    /// At whitespace, as Python's `str.split()` does.
    Whitespace,
    /// The tokens are the matches.
    Regex(Regex),
    /// A `tokenizer.json`.
    Trained(Box<TrainedTokenizer>),
}

/// `whitespace`, `regex:PATTERN`, or the path of a `tokenizer.json`.
impl FromStr for TextTokenizer {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        if name == "whitespace" {
            return Ok(Self::Whitespace);
        }
        if let Some(pattern) = name.strip_prefix("regex:") {
            let regex = Regex::new(pattern).map_err(|error| {
                let reason = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
                Error::parameter("tokenizer", format!("{pattern:?} is not a regular expression: {reason}"))
            })?;
            return Ok(Self::Regex(regex));
        }
        if !name.ends_with(".json") {
            let expected = "expected \"whitespace\", \"regex:PATTERN\" or the path of a tokenizer.json";
            return Err(Error::parameter("tokenizer", format!("{name:?} is unknown; {expected}")));
        }
        Ok(Self::Trained(Box::new(TrainedTokenizer::open(Path::new(name))?)))
    }
}

impl TextTokenizer {
    /// Calls `take` with each token of a text, in order. The cache is that of this tokenizer alone.
    pub fn for_each_token(&self, text: &str, cache: &mut PieceCache, mut take: impl FnMut(&str)) {
        match self {
            Self::Whitespace => text.split_whitespace().for_each(take),
            Self::Regex(regex) => regex.find_iter(text).for_each(|found| take(found.as_str())),
            Self::Trained(tokenizer) => {
                let mut ids = Vec::new();
                tokenizer.ids(text, usize::MAX, cache, &mut ids);
                for token in ids.into_iter().filter_map(|id| tokenizer.token(id)) {
                    take(&token);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_tokenizer_and_a_broken_pattern_are_refused_in_one_line() {
        for (name, part) in [("words", "\"words\" is unknown"), ("regex:(", "is not a regular expression")] {
            let error = name.parse::<TextTokenizer>().err().unwrap().to_string();
            assert!(error.contains(part) && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn whitespace_of_any_kind_separates() {
        let mut tokens = Vec::new();
        let mut cache = PieceCache::default();
        TextTokenizer::Whitespace.for_each_token(" a\u{2003}b\n", &mut cache, |token| tokens.push(token.to_owned()));
        assert_eq!(tokens, ["a", "b"]);
    }
}
