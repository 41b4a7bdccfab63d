//! What stands between the words of a phrase: `new_york`.

use crate::error::{Error, Result};
use crate::vocab::View;

/// A one in each of the twelve bytes of text that a view holds.
const ONES: u128 = u128::from_le_bytes([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);

/// The text that joins the words of a phrase.
///
/// Counts are kept by pairs of words, but what a phrase is, in gensim and for a user, is its joined text. The two are the
/// same as long as no word [blurs](Self::blurs) where the others end: then a text can be split into its words again, in one
/// way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delimiter {
    text: String,
    /// True if it ends as it starts, as `__` does: beside certain words it may then be found at another place.
    has_border: bool,
}

impl Delimiter {
    /// # Errors
    /// [`Error::Parameter`] for an empty text.
    pub(super) fn new(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::parameter("delimiter", "is empty; expected text to join words with, such as \"_\""));
        }
        let bytes = text.as_bytes();
        let has_border = (1..bytes.len()).any(|length| bytes.starts_with(&bytes[bytes.len() - length..]));
        Ok(Self { text: text.to_owned(), has_border })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// True of a word that has it inside.
    pub(super) fn is_in(&self, word: &str) -> bool {
        match self.text.as_bytes() {
            [byte] => memchr::memchr(*byte, word.as_bytes()).is_some(),
            _ => word.contains(&self.text),
        }
    }

    /// True of a word that, joined with others, could be split at another place.
    pub(super) fn blurs(&self, word: &str) -> bool {
        self.is_in(word) || (self.has_border && self.is_blurred_beside(word.as_bytes()))
    }

    /// False of a word, held by a view, that [does not blur](Self::blurs), as far as that is seen at once.
    #[inline]
    pub(super) fn may_blur(&self, view: View) -> bool {
        match self.text.as_bytes() {
            // The lowest byte that is 0 is found without fail; above it there may be others that are none.
            [byte] => {
                let differing = (view.0 >> 32) ^ (ONES * u128::from(*byte));
                differing.wrapping_sub(ONES) & !differing & (ONES << 7) != 0
            }
            _ => true,
        }
    }

    /// True if a word and this text beside it, or on both sides of it, could have this text inside once more.
    fn is_blurred_beside(&self, word: &[u8]) -> bool {
        let text = self.text.as_bytes();
        word.len() + 2 <= text.len()
            || (1..text.len()).any(|cut| word.ends_with(&text[..cut]) || word.starts_with(&text[cut..]))
    }

    /// The words as one text, in place of what `out` holds.
    pub(super) fn join<'a>(&self, out: &mut String, words: impl IntoIterator<Item = &'a str>) {
        out.clear();
        for (i, word) in words.into_iter().enumerate() {
            if i > 0 {
                out.push_str(&self.text);
            }
            out.push_str(word);
        }
    }

    /// The first word of a text, what stands between, and the last; `None` of a single word.
    pub(super) fn ends_of<'a>(&self, text: &'a str) -> Option<(&'a str, Option<&'a str>, &'a str)> {
        let (first, rest) = text.split_once(&self.text)?;
        // Not from the right: Python splits from the left, which is not the same for a delimiter such as `__`.
        let last = rest.split(&self.text).last().unwrap_or(rest);
        let between = rest.len() - last.len();
        Some((first, (between > 0).then(|| &rest[..between - self.text.len()]), last))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_delimiter_is_refused() {
        assert!(Delimiter::new("").unwrap_err().to_string().contains("delimiter: is empty"));
    }

    #[test]
    fn a_text_has_its_ends_and_what_stands_between() {
        let delimiter = Delimiter::new("_").unwrap();
        assert_eq!(delimiter.ends_of("york"), None);
        assert_eq!(delimiter.ends_of("new_york"), Some(("new", None, "york")));
        assert_eq!(delimiter.ends_of("a_of_the_b"), Some(("a", Some("of_the"), "b")));
        assert_eq!(delimiter.ends_of("__"), Some(("", Some(""), "")));
        assert_eq!(Delimiter::new("__").unwrap().ends_of("a___b"), Some(("a", None, "_b")));
    }

    proptest! {
        #[test]
        fn words_that_do_not_blur_are_split_as_they_were_joined(
            text in "[_a]{1,4}",
            words in prop::collection::vec("[_ab]{0,4}", 2..5),
        ) {
            let delimiter = Delimiter::new(&text).unwrap();
            let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !delimiter.blurs(word)).collect();
            let mut joined = String::new();
            delimiter.join(&mut joined, words.iter().copied());
            if !words.is_empty() {
                prop_assert_eq!(joined.split(&text).collect::<Vec<_>>(), words);
            }
        }
    }
}
