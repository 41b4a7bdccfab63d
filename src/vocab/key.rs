//! One key, text or an integer, and the types of keys.

use std::fmt;

use arrow::datatypes::DataType;

/// What the keys of a table are. All keys of one table are of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// Strings.
    Text,
    /// Integers of 64 bits with a sign.
    Int64,
    /// Integers of 64 bits without a sign.
    UInt64,
}

impl KeyType {
    /// What an Arrow column of this type holds as keys, if it can hold keys: strings are text; UInt64 stays as it is;
    /// all other integers become Int64. For a dictionary, what its values become.
    pub fn of(column: &DataType) -> Option<Self> {
        match column {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            DataType::UInt64 => Some(Self::UInt64),
            integer if integer.is_integer() => Some(Self::Int64),
            DataType::Dictionary(_, values) => Self::of(values),
            _ => None,
        }
    }

    /// True of both types of integers.
    pub fn is_integer(self) -> bool {
        self != Self::Text
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Int64 => "integers (Int64)",
            Self::UInt64 => "integers (UInt64)",
        })
    }
}

/// One key. Integers are equal if their numbers are; text never equals an integer.
///
/// `Display` writes the bare text or the decimal; `Debug` puts text in quotes.
#[derive(Clone, Copy)]
pub enum Key<'a> {
    /// A string.
    Text(&'a str),
    /// An integer with a sign.
    Int64(i64),
    /// An integer without a sign.
    UInt64(u64),
}

impl<'a> Key<'a> {
    /// The type of table that it belongs to.
    pub fn key_type(self) -> KeyType {
        match self {
            Self::Text(_) => KeyType::Text,
            Self::Int64(_) => KeyType::Int64,
            Self::UInt64(_) => KeyType::UInt64,
        }
    }

    /// The text, if it is text.
    pub fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one that fits.
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Text(_) => None,
            Self::Int64(number) => Some(number),
            Self::UInt64(number) => number.try_into().ok(),
        }
    }

    /// The number, if it is one that fits.
    pub fn as_u64(self) -> Option<u64> {
        match self {
            Self::Text(_) => None,
            Self::Int64(number) => number.try_into().ok(),
            Self::UInt64(number) => Some(number),
        }
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Text(_), _) | (_, Self::Text(_)) => false,
            (Self::UInt64(a), Self::UInt64(b)) => a == b,
            // A number beyond i64 can equal none that has a sign.
            (a, b) => a.as_i64().is_some() && a.as_i64() == b.as_i64(),
        }
    }
}

impl Eq for Key<'_> {}

impl PartialEq<&str> for Key<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.as_text() == Some(*other)
    }
}

impl PartialEq<i64> for Key<'_> {
    fn eq(&self, other: &i64) -> bool {
        self.as_i64() == Some(*other)
    }
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Int64(number) => number.fmt(f),
            Self::UInt64(number) => number.fmt(f),
        }
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            number => write!(f, "{number}"),
        }
    }
}

impl<'a> From<&'a str> for Key<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Key<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Key<'_> {
    fn from(number: i64) -> Self {
        Self::Int64(number)
    }
}

impl From<u64> for Key<'_> {
    fn from(number: u64) -> Self {
        Self::UInt64(number)
    }
}
