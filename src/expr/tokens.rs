//! The tokens of a column, and the row of each.

use std::borrow::Cow;

use polars::prelude::*;
use polars_arrow::array::{Array, PrimitiveArray, Utf8ViewArray};

use crate::kernel::prefetch;
use crate::vectors::KeyedVectors;
use crate::vocab::{Key, WordId};

/// The type that tokens of this type are looked up as, if they can be.
fn lookup_type(tokens: &DataType, vectors: &KeyedVectors) -> Option<DataType> {
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

/// What a column of tokens, or of lists of them, is looked up as.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TokenType {
    lookup: DataType,
    pub(super) is_list: bool,
}

impl TokenType {
    /// Of a column that `function` looks up.
    ///
    /// # Errors
    /// If the column cannot be looked up: also when a query is planned.
    pub(super) fn of(function: &str, column: &Field, vectors: &KeyedVectors, origin: &str) -> PolarsResult<Self> {
        let (name, dtype) = (&column.name, &column.dtype);
        let (token, is_list) = match dtype {
            DataType::List(token) | DataType::Array(token, _) => (token.as_ref(), true),
            token => (token, false),
        };
        let Some(lookup) = lookup_type(token, vectors) else {
            polars_bail!(InvalidOperation: "{function}: column {name:?} is {dtype}; expected strings or integers, or lists of them; cast it first")
        };
        let keys = vectors.keys().key_type();
        if lookup == DataType::String && keys.is_integer() {
            polars_bail!(InvalidOperation: "{function}: column {name:?} is {dtype}, but the keys of {origin} are {keys}; cast the column to integers")
        }
        Ok(Self { lookup, is_list })
    }

    /// The column as its tokens are looked up: of strings, Int64 or UInt64, or lists of them.
    pub(super) fn cast(&self, column: &Series) -> PolarsResult<Series> {
        match column.dtype() {
            DataType::List(token) | DataType::Array(token, _) => {
                let to = DataType::List(Box::new(self.lookup.clone()));
                // An array first becomes a list of its own type: a cast in one step would read categories as their codes.
                column.cast(&DataType::List(token.clone()))?.cast(&to)
            }
            _ => column.cast(&self.lookup),
        }
    }
}

/// A chunk of tokens of a lookup type.
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
        tokens.ok_or_else(|| polars_err!(InvalidOperation: "expected strings or integers"))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(words) => words.len(),
            Self::Int64(numbers) => numbers.len(),
            Self::UInt64(numbers) => numbers.len(),
        }
    }

    /// A token, or None if it is null.
    #[inline]
    pub(super) fn key(&self, token: usize) -> Option<Key<'a>> {
        match self {
            Self::Text(words) => words.get(token).map(Key::Text),
            Self::Int64(numbers) => numbers.get(token).map(Key::Int64),
            Self::UInt64(numbers) => numbers.get(token).map(Key::UInt64),
        }
    }
}

/// The row of a token, if it is known. Where keys are text an integer is a row number.
#[inline]
pub(super) fn row_of(key: Key<'_>, vectors: &KeyedVectors) -> Option<usize> {
    let is_row = key.key_type().is_integer() && !vectors.keys().key_type().is_integer();
    let id = if is_row { key.as_u64()?.try_into().ok() } else { vectors.keys().id(key) };
    id.map(|id: WordId| id as usize).filter(|&row| row < vectors.len())
}

/// A token that has a vector.
pub(super) struct Found<'v> {
    /// Of a word without a row that of its n-grams.
    pub(super) vector: Cow<'v, [f32]>,
    pub(super) row: Option<usize>,
}

/// The vector of a token, if it has one: its row, or of a word without a row that of its n-grams.
#[inline]
pub(super) fn find<'v>(key: Key<'_>, vectors: &'v KeyedVectors) -> Option<Found<'v>> {
    if let Some(row) = row_of(key, vectors) {
        let vector = vectors.rows().row(row);
        // It is read when all tokens of a list are found.
        vector.iter().step_by(16).for_each(|value| prefetch(value));
        return Some(Found { vector: Cow::Borrowed(vector), row: Some(row) });
    }
    let vector = vectors.subwords()?.vector(key.as_text()?);
    Some(Found { vector: Cow::Owned(vector), row: None })
}
