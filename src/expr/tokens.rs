//! The tokens of a column, and the row of each.

use std::borrow::Cow;

use polars::prelude::*;
use polars_arrow::array::{Array, PrimitiveArray, Utf8ViewArray};

use crate::vectors::KeyedVectors;
use crate::vocab::{Key, WordId};

/// The type that tokens of this type are looked up as, if they can be.
pub(super) fn lookup_type(tokens: &DataType, vectors: &KeyedVectors) -> Option<DataType> {
    match tokens {
        DataType::String | DataType::Categorical(..) | DataType::Enum(..) => Some(DataType::String),
        DataType::UInt64 => Some(DataType::UInt64),
        integer if integer.is_integer() => Some(DataType::Int64),
        // A literal of empty lists has no type yet.
        DataType::Null if vectors.keys().key_type().is_integer() => Some(DataType::Int64),
        DataType::Null => Some(DataType::String),
        _ => None,
    }
}

/// A chunk of tokens of a [lookup type](lookup_type).
pub(super) enum Tokens<'a> {
    Text(&'a Utf8ViewArray),
    Int64(&'a PrimitiveArray<i64>),
    UInt64(&'a PrimitiveArray<u64>),
}

impl<'a> Tokens<'a> {
    pub(super) fn of(chunk: &'a dyn Array) -> PolarsResult<Self> {
        let chunk = chunk.as_any();
        let text = chunk.downcast_ref().map(Self::Text);
        let signed = || chunk.downcast_ref().map(Self::Int64);
        let unsigned = || chunk.downcast_ref().map(Self::UInt64);
        let tokens = text.or_else(signed).or_else(unsigned);
        tokens.ok_or_else(|| polars_err!(InvalidOperation: "embed: expected strings or integers"))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(words) => words.len(),
            Self::Int64(numbers) => numbers.len(),
            Self::UInt64(numbers) => numbers.len(),
        }
    }

    /// The vector of a token, if it has one: its row, or of a word without a row that of its n-grams.
    pub(super) fn vector<'v>(&self, token: usize, vectors: &'v KeyedVectors) -> Option<Cow<'v, [f32]>> {
        match (self.row(token, vectors), self) {
            (Some(row), _) => Some(Cow::Borrowed(vectors.rows().row(row))),
            (None, Self::Text(words)) => Some(Cow::Owned(vectors.subwords()?.vector(words.get(token)?))),
            (None, _) => None,
        }
    }

    /// The row of a token, if it is known. Where keys are text an integer is a row number.
    fn row(&self, token: usize, vectors: &KeyedVectors) -> Option<usize> {
        let key = match self {
            Self::Text(words) => Key::Text(words.get(token)?),
            Self::Int64(numbers) => Key::Int64(numbers.get(token)?),
            Self::UInt64(numbers) => Key::UInt64(numbers.get(token)?),
        };
        let is_row = key.key_type().is_integer() && !vectors.keys().key_type().is_integer();
        let id = if is_row { key.as_u64()?.try_into().ok() } else { vectors.keys().id(key) };
        id.map(|id: WordId| id as usize).filter(|&row| row < vectors.len())
    }
}
