//! The tokens of a column, and the row of each.

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
            dtype if *dtype == self.lookup => Ok(column.clone()),
            DataType::List(token) if **token == self.lookup => Ok(column.clone()),
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

    /// True if a token is null.
    #[inline]
    pub(super) fn is_null(&self, token: usize) -> bool {
        let validity = match self {
            Self::Text(words) => words.validity(),
            Self::Int64(numbers) => numbers.validity(),
            Self::UInt64(numbers) => numbers.validity(),
        };
        validity.is_some_and(|validity| !validity.get_bit(token))
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

/// The rows of short words that were looked up before: most tokens of a text are one of few words.
///
/// A view of at most twelve bytes is the word itself, so that words are compared as numbers, and no memory is read but a
/// slot. It serves one table of vectors.
pub(super) struct RecentRows {
    slots: Box<[Slot]>,
}

#[derive(Clone, Copy)]
struct Slot {
    view: [u64; 2],
    /// [`NO_ROW`] for a word that has none.
    row: u32,
}

/// Slots: of 24 bytes each, so that they and the vectors of frequent words stay in a core's second cache.
const SLOT_BITS: u32 = 15;
/// No table has so many rows.
const NO_ROW: u32 = u32::MAX;
/// No view: its length would be greater than any string's.
const NO_VIEW: [u64; 2] = [u64::MAX; 2];

impl Default for RecentRows {
    fn default() -> Self {
        Self { slots: vec![Slot { view: NO_VIEW, row: NO_ROW }; 1 << SLOT_BITS].into() }
    }
}

impl RecentRows {
    /// The row of a token that is not null, as [`row_of`] gives it.
    #[inline]
    pub(super) fn row_of(&mut self, tokens: &Tokens<'_>, token: usize, vectors: &KeyedVectors) -> Option<usize> {
        let views = match tokens {
            Tokens::Text(words) => words.views(),
            _ => return row_of(tokens.key(token)?, vectors),
        };
        let view = views[token];
        if !view.is_inline() {
            return row_of(tokens.key(token)?, vectors);
        }
        let number = view.as_u128();
        let view = [number as u64, (number >> 64) as u64];
        let slot = &mut self.slots[Self::slot(view)];
        if slot.view != view {
            let row = row_of(tokens.key(token)?, vectors);
            // A row is a word's number.
            *slot = Slot { view, row: row.map_or(NO_ROW, |row| row as u32) };
        }
        (slot.row != NO_ROW).then_some(slot.row as usize)
    }

    #[inline]
    fn slot([low, high]: [u64; 2]) -> usize {
        let mixed = u128::from(low ^ 0x9E37_79B9_7F4A_7C15) * u128::from(high ^ 0xD6E8_FEB8_6659_FD93 | 1);
        ((mixed >> 64) as u64 ^ mixed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) as usize >> (usize::BITS - SLOT_BITS)
    }
}

/// Asks the cache for the vector of a row, which is read when all tokens of a list are found.
#[inline]
pub(super) fn prefetch_vector(vector: &[f32]) {
    vector.iter().step_by(16).for_each(|value| prefetch(value));
}

/// True if a token has a vector: its row, or of a word without a row that of its n-grams.
pub(super) fn has_vector(key: Key<'_>, vectors: &KeyedVectors) -> bool {
    let has_ngrams = || key.as_text().is_some() && vectors.subwords().is_some();
    row_of(key, vectors).is_some() || has_ngrams()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn recent_rows_are_those_of_the_table(words in prop::collection::vec("[a-c]{0,14}|[\\PC]{0,4}", 1..200)) {
            let known: Vec<&str> = words.iter().map(String::as_str).step_by(2).collect();
            let vectors = KeyedVectors::from_rows(known.iter().copied(), 1, &vec![1.0; known.len()]);
            let Ok(vectors) = vectors else { return Ok(()) }; // A word occurs twice.
            let array = Utf8ViewArray::from_slice_values(&words);
            let tokens = Tokens::of(&array).unwrap();
            let mut recent = RecentRows::default();
            for token in (0..words.len()).chain(0..words.len()) {
                prop_assert_eq!(recent.row_of(&tokens, token, &vectors), row_of(Key::Text(&words[token]), &vectors));
            }
        }
    }
}
