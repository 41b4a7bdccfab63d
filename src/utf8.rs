//! Text that should be UTF-8 and may not be.

use std::borrow::Cow;
use std::str::FromStr;

/// What to do about bytes that are not UTF-8.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Utf8Errors {
    /// Fail, and say where.
    #[default]
    Strict,
    /// Read U+FFFD in their place, as Python does with `errors="replace"`.
    Replace,
    /// Leave them out.
    Ignore,
}

impl Utf8Errors {
    /// The text of the bytes.
    ///
    /// # Errors
    /// The index of the first byte that is not UTF-8, if that is to fail.
    pub(crate) fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, usize> {
        match (std::str::from_utf8(bytes), self) {
            (Ok(text), _) => Ok(Cow::Borrowed(text)),
            (Err(error), Self::Strict) => Err(error.valid_up_to()),
            (Err(_), Self::Replace) => Ok(String::from_utf8_lossy(bytes)),
            (Err(_), Self::Ignore) => Ok(bytes.utf8_chunks().map(|chunk| chunk.valid()).collect()),
        }
    }
}

impl FromStr for Utf8Errors {
    type Err = String;

    /// Python's name of an error handler.
    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "strict" => Ok(Self::Strict),
            "replace" => Ok(Self::Replace),
            "ignore" => Ok(Self::Ignore),
            _ => Err(format!("{name:?} is unknown; expected \"strict\", \"replace\" or \"ignore\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_refused_replaced_or_left_out() {
        let bytes = b"a\xffb";
        assert_eq!(Utf8Errors::Strict.decode(bytes), Err(1));
        assert_eq!(Utf8Errors::Replace.decode(bytes).unwrap(), "a\u{FFFD}b");
        assert_eq!(Utf8Errors::Ignore.decode(bytes).unwrap(), "ab");
        assert_eq!("ignore".parse(), Ok(Utf8Errors::Ignore));
        assert!("surrogateescape".parse::<Utf8Errors>().is_err());
    }
}
