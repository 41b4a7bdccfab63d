//! What a trim rule says of a word.

use crate::error::{Error, Result};

/// What becomes of one word. The numbers are gensim's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Rule {
    /// It is kept if it occurs often enough.
    Default = 0,
    /// It is dropped, however often it occurs.
    Discard = 1,
    /// It is kept, however rare.
    Keep = 2,
}

impl Rule {
    /// True if a word of this count stays.
    pub(super) fn keeps(self, count: u64, min_count: u64) -> bool {
        match self {
            Self::Default => count >= min_count,
            Self::Discard => false,
            Self::Keep => true,
        }
    }
}

impl TryFrom<u8> for Rule {
    type Error = Error;

    fn try_from(number: u8) -> Result<Self> {
        match number {
            0 => Ok(Self::Default),
            1 => Ok(Self::Discard),
            2 => Ok(Self::Keep),
            _ => Err(Error::parameter(
                "trim_rule",
                format!("gave {number}; expected 0 (default), 1 (discard) or 2 (keep)"),
            )),
        }
    }
}
