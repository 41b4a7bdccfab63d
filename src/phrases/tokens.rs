//! The tokens of an Arrow array as codes.

use arrow::array::{Array, ArrayAccessor, ArrayData, AsArray, GenericStringArray, OffsetSizeTrait, StringViewArray};
use arrow::datatypes::{DataType, Int32Type};

use crate::error::{Error, Result};
use crate::vocab::{KeyType, View};

/// Tokens that the cache is asked for ahead of their turn.
const AHEAD: usize = 16;

/// Gives words their codes.
pub(super) trait Coder {
    /// The code of a null.
    const NULL: u32;

    /// The code of a word that a view holds, if it is known. There is none for other views.
    fn known(&self, view: View) -> Option<u32>;

    /// Asks the cache for what [`known`](Self::known) will look at.
    fn prefetch(&self, _view: View) {}

    /// The code of any word.
    fn code(&mut self, word: &str) -> u32;
}

/// Codes of arrays. Those of a dictionary's values are kept: record batches of one row group share it.
pub(super) struct TokenCodes<C> {
    pub(super) coder: C,
    dictionary: Option<(ArrayData, Vec<u32>)>,
}

impl<C: Coder> TokenCodes<C> {
    pub(super) fn new(coder: C) -> Self {
        Self { coder, dictionary: None }
    }

    /// The code of each token.
    ///
    /// # Errors
    /// [`Error::Corpus`] naming `column` and `origin` for tokens that are not text.
    pub(super) fn of(&mut self, tokens: &dyn Array, column: &str, origin: &str) -> Result<Vec<u32>> {
        // An array of nulls may be of any type.
        if tokens.null_count() == tokens.len() {
            return Ok(vec![C::NULL; tokens.len()]);
        }
        match tokens.data_type() {
            DataType::Utf8 => Ok(self.of_strings(tokens.as_string::<i32>())),
            DataType::LargeUtf8 => Ok(self.of_strings(tokens.as_string::<i64>())),
            DataType::Utf8View => Ok(self.of_views(tokens.as_string_view())),
            DataType::Dictionary(..) => self.of_dictionary(tokens, column, origin),
            other => {
                let found = KeyType::of(other).map_or_else(|| other.to_string(), |integers| integers.to_string());
                let reason = format!("column {column:?} holds {found}; phrases are made of text. Cast it to strings.");
                Err(Error::corpus(origin, reason))
            }
        }
    }

    fn of_word(&mut self, word: &str) -> u32 {
        let known = if View::holds(word) { self.coder.known(View::of(word)) } else { None };
        known.unwrap_or_else(|| self.coder.code(word))
    }

    fn of_strings<'a>(&mut self, tokens: impl ArrayAccessor<Item = &'a str>) -> Vec<u32> {
        let code = |i| match tokens.is_null(i) {
            true => C::NULL,
            // SAFETY: i is below the array's length.
            false => self.of_word(unsafe { tokens.value_unchecked(i) }),
        };
        (0..tokens.len()).map(code).collect()
    }

    fn of_views(&mut self, tokens: &StringViewArray) -> Vec<u32> {
        let views = tokens.views();
        let code = |(i, &view): (usize, &u128)| {
            if let Some(&later) = views.get(i + AHEAD) {
                self.coder.prefetch(View(later));
            }
            if tokens.is_null(i) {
                return C::NULL;
            }
            // SAFETY: i is below the array's length.
            self.coder.known(View(view)).unwrap_or_else(|| self.coder.code(unsafe { tokens.value_unchecked(i) }))
        };
        views.iter().enumerate().map(code).collect()
    }

    fn of_dictionary(&mut self, tokens: &dyn Array, column: &str, origin: &str) -> Result<Vec<u32>> {
        let dictionary = tokens.as_any_dictionary();
        let values = dictionary.values().to_data();
        let codes = match self.dictionary.take() {
            Some((known, codes)) if known.ptr_eq(&values) => codes,
            _ => self.of(dictionary.values().as_ref(), column, origin)?,
        };
        let keys = dictionary.keys();
        let of = |key: usize| codes[key];
        let coded = match keys.as_primitive_opt::<Int32Type>() {
            Some(keys) if keys.null_count() == 0 => keys.values().iter().map(|&key| of(key as usize)).collect(),
            _ => {
                let all = dictionary.normalized_keys().into_iter().enumerate();
                all.map(|(i, key)| if keys.is_null(i) { C::NULL } else { of(key) }).collect()
            }
        };
        self.dictionary = Some((values, codes));
        Ok(coded)
    }
}

/// The words behind codes.
pub(crate) trait Tokens {
    /// The word at a place.
    ///
    /// # Panics
    /// If there is no such place. At a null there may be any word.
    fn word(&self, at: usize) -> &str;
}

impl<S: AsRef<str>> Tokens for [S] {
    fn word(&self, at: usize) -> &str {
        self[at].as_ref()
    }
}

/// The words of an array of text, as a dictionary or not.
pub(super) enum ArrayTokens<'a> {
    Small(&'a GenericStringArray<i32>),
    Large(&'a GenericStringArray<i64>),
    Views(&'a StringViewArray),
    Dictionary(Vec<usize>, Box<ArrayTokens<'a>>),
    /// Without a word.
    Nulls,
}

impl<'a> ArrayTokens<'a> {
    pub(super) fn new(tokens: &'a dyn Array) -> Self {
        match tokens.data_type() {
            DataType::Utf8 => Self::Small(tokens.as_string()),
            DataType::LargeUtf8 => Self::Large(tokens.as_string()),
            DataType::Utf8View => Self::Views(tokens.as_string_view()),
            DataType::Dictionary(..) if !tokens.as_any_dictionary().values().is_empty() => {
                let dictionary = tokens.as_any_dictionary();
                Self::Dictionary(dictionary.normalized_keys(), Box::new(Self::new(dictionary.values().as_ref())))
            }
            _ => Self::Nulls,
        }
    }
}

fn value<O: OffsetSizeTrait>(array: &GenericStringArray<O>, at: usize) -> &str {
    array.value(at)
}

impl Tokens for ArrayTokens<'_> {
    fn word(&self, at: usize) -> &str {
        match self {
            Self::Small(words) => value(words, at),
            Self::Large(words) => value(words, at),
            Self::Views(words) => words.value(at),
            Self::Dictionary(keys, words) => words.word(keys[at]),
            Self::Nulls => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::buffer::ScalarBuffer;

    use super::super::delimiter::Delimiter;
    use super::super::detector::{Detector, Parts};
    use super::*;

    #[test]
    fn a_view_with_something_behind_its_word_has_the_code_of_the_word() {
        let mut detector = Detector::new(Delimiter::new("_").unwrap(), [], 0.0, None).unwrap();
        detector.add("a_b", 1.0, Some(Parts { first: "a", between: None, last: "b" })).unwrap();
        let behind = 7u128 << 100;
        let views = ["a", "b", "c"].map(|word| View::of(word).0 | behind);
        // SAFETY: each view holds its word.
        let array = unsafe { StringViewArray::new_unchecked(ScalarBuffer::from(views.to_vec()), [], None) };
        let codes = TokenCodes::new(&detector).of(&array, "tokens", "test").unwrap();
        assert_eq!(codes, ["a", "b", "c"].map(|word| detector.code(word)));
    }
}
