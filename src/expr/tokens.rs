//! The tokens of a column, and the row of each.

use std::ops::Range;
use std::sync::Arc;

use polars::prelude::*;
use polars_arrow::array::{Array, PrimitiveArray, Utf8ViewArray, View};

use super::kept::Kept;
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

/// Finds the rows of a chunk's tokens.
pub(super) struct Finder<'a> {
    tokens: &'a Tokens<'a>,
    vectors: &'a KeyedVectors,
    short: Option<Arc<ShortWords>>,
}

/// With fewer tokens, all words of a table are not worth looking at.
const LEAST_TOKENS: usize = 4096;

impl<'a> Finder<'a> {
    pub(super) fn new(tokens: &'a Tokens<'a>, vectors: &'a Arc<KeyedVectors>) -> Self {
        static KEPT: Kept<(), ShortWords> = Kept::new();
        let is_text = matches!(tokens, Tokens::Text(_));
        let compute = || (tokens.len() >= LEAST_TOKENS).then(|| ShortWords::new(vectors));
        let short = if is_text { KEPT.get(vectors, (), compute) } else { None };
        Self { tokens, vectors, short }
    }

    /// The row of each of some tokens, as [`row_of`] gives it; None for null. The cache is asked for their vectors.
    ///
    /// All are looked for at the same time, so that the memory is not waited for once for each.
    pub(super) fn rows(&self, tokens: Range<usize>, rows: &mut Vec<Option<WordId>>) {
        rows.clear();
        match (self.tokens, &self.short) {
            (Tokens::Text(words), Some(short)) => {
                let views = &words.views()[tokens.clone()];
                rows.extend(views.iter().map(|&view| Some(short.ask_for(view))));
                for ((row, &view), token) in rows.iter_mut().zip(views).zip(tokens) {
                    let is_short = view.is_inline() && !self.tokens.is_null(token);
                    let known = if is_short { short.row(view, row.unwrap_or_default()) } else { None };
                    *row = known.unwrap_or_else(|| self.in_table(token));
                    self.ask_for(*row);
                }
            }
            _ => rows.extend(tokens.map(|token| {
                let row = self.in_table(token);
                self.ask_for(row);
                row
            })),
        }
    }

    fn in_table(&self, token: usize) -> Option<WordId> {
        // A row is a word's number.
        row_of(self.tokens.key(token)?, self.vectors).map(|row| row as WordId)
    }

    #[inline]
    fn ask_for(&self, row: Option<WordId>) {
        if let Some(row) = row {
            self.vectors.rows().row(row as usize).iter().step_by(16).for_each(|value| prefetch(value));
        }
    }
}

/// The rows of a table's short words.
///
/// A view of at most twelve bytes is the word itself, so that words are compared as numbers, and no memory is read but a
/// slot.
struct ShortWords {
    slots: Box<[Slot]>,
    shift: u32,
    /// True if every short word of the table is here.
    is_whole: bool,
}

#[derive(Clone, Copy)]
struct Slot {
    view: u128,
    row: u32,
}

/// The first rows of a table, which are its most frequent words: their slots take at most 6 MiB.
const MOST_WORDS: usize = 1 << 17;
/// No view: its length would be greater than any string's.
const NO_VIEW: u128 = u128::MAX;

impl ShortWords {
    fn new(vectors: &KeyedVectors) -> Self {
        let words = vectors.len().min(MOST_WORDS);
        let bits = (2 * words).next_power_of_two().ilog2().max(1);
        let slots = vec![Slot { view: NO_VIEW, row: 0 }; 1 << bits].into();
        let mut short = Self { slots, shift: u64::BITS - bits, is_whole: words == vectors.len() };
        for row in 0..words as WordId {
            if let Some(word) = vectors.keys().key(row).as_text()
                && word.len() <= View::MAX_INLINE_SIZE as usize
            {
                let view = View::new_inline(word.as_bytes());
                let slot = short.slot(view.as_u128(), short.ask_for(view));
                // A word that occurs twice has its first row.
                if short.slots[slot].view == NO_VIEW {
                    short.slots[slot] = Slot { view: view.as_u128(), row };
                }
            }
        }
        short
    }

    /// Where the slot of a word is, or one before it. The cache is asked for it.
    #[inline]
    fn ask_for(&self, view: View) -> u32 {
        let view = view.as_u128();
        let (low, high) = (view as u64, (view >> 64) as u64);
        let mixed = u128::from(low ^ 0x9E37_79B9_7F4A_7C15) * u128::from(high ^ 0xD6E8_FEB8_6659_FD93 | 1);
        let mixed = ((mixed >> 64) as u64 ^ mixed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let start = mixed >> self.shift;
        prefetch(&raw const self.slots[start as usize]);
        start as u32
    }

    /// The slot that has this view, or the empty one where it would be, from `start` on: half of all are empty.
    #[inline]
    fn slot(&self, view: u128, start: u32) -> usize {
        let mut slot = start as usize;
        while self.slots[slot].view != view && self.slots[slot].view != NO_VIEW {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }

    /// The row of a short word, or that it has none; None if the table may have it elsewhere.
    #[inline]
    fn row(&self, view: View, start: u32) -> Option<Option<WordId>> {
        let view = view.as_u128();
        let slot = self.slots[self.slot(view, start)];
        match slot.view == view {
            true => Some(Some(slot.row)),
            false => self.is_whole.then_some(None),
        }
    }
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
        fn rows_that_are_found_are_those_of_the_table(words in prop::collection::vec("[a-c]{0,14}|[\\PC]{0,4}", 1..200)) {
            let known: Vec<&str> = words.iter().map(String::as_str).step_by(2).collect();
            let vectors = KeyedVectors::from_rows(known.iter().copied(), 1, &vec![1.0; known.len()]).unwrap();
            let vectors = Arc::new(vectors);
            let nulls = words.iter().map(|word| (!word.starts_with('b')).then_some(word.as_str()));
            let array = Utf8ViewArray::from_slice(nulls.cycle().take(LEAST_TOKENS).collect::<Vec<_>>());
            let tokens = Tokens::of(&array).unwrap();
            let finder = Finder::new(&tokens, &vectors);
            prop_assert!(finder.short.is_some());
            let mut rows = Vec::new();
            finder.rows(3..words.len().max(3), &mut rows);
            let want = (3..words.len()).map(|token| Some(row_of(tokens.key(token)?, &vectors)? as WordId));
            prop_assert_eq!(rows, want.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_table_of_more_words_than_are_kept_has_them_all() {
        let words: Vec<String> = (0..MOST_WORDS + 10).map(|i| format!("{i:x}")).collect();
        let vectors = KeyedVectors::from_rows(words.iter().map(String::as_str), 1, &vec![1.0; words.len()]).unwrap();
        let (vectors, array) = (Arc::new(vectors), Utf8ViewArray::from_slice_values(&words));
        let tokens = Tokens::of(&array).unwrap();
        let finder = Finder::new(&tokens, &vectors);
        let mut rows = Vec::new();
        finder.rows(0..words.len(), &mut rows);
        assert!(rows.into_iter().eq((0..words.len() as WordId).map(Some)));
    }
}
