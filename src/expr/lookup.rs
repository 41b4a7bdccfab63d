//! Tokens and their numbers: `ids`, `words`, `known`, `oov_rate`.

use std::sync::Arc;

use polars::prelude::*;
use polars_arrow::array::{Array, ArrayRef, BooleanArray, PrimitiveArray};

use super::column::{bounds, list_chunk, lists_of, map_blocks, map_rows, series_of, validity};
use super::handle::Handle;
use super::tokens::{Finder, TokenType, Tokens, has_vector};
use crate::vectors::KeyedVectors;
use crate::vocab::{KeyType, WordId};

/// What is told of each token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Its row.
    Ids,
    /// True if it has a vector, be it one of its n-grams.
    Known,
    /// The share of a list's tokens that have none.
    OovRate,
}

impl Lookup {
    fn name(self) -> &'static str {
        match self {
            Self::Ids => "ids",
            Self::Known => "known",
            Self::OovRate => "oov_rate",
        }
    }

    fn item_type(self) -> DataType {
        match self {
            Self::Ids => DataType::UInt32,
            Self::Known => DataType::Boolean,
            Self::OovRate => DataType::Float64,
        }
    }

    fn check(self, column: &Field, vectors: &KeyedVectors, origin: &str) -> PolarsResult<(TokenType, DataType)> {
        let tokens = TokenType::of(self.name(), column, vectors, origin)?;
        if self == Self::OovRate && !tokens.is_list && column.dtype != DataType::Null {
            polars_bail!(InvalidOperation: "oov_rate: column {:?} is {}; expected lists of tokens. For single words take known", column.name, column.dtype)
        }
        let is_list_of_results = tokens.is_list && self != Self::OovRate;
        let dtype = if is_list_of_results { DataType::List(Box::new(self.item_type())) } else { self.item_type() };
        Ok((tokens, dtype))
    }

    pub(super) fn field(self, fields: &[Field], vectors: &Handle) -> PolarsResult<Field> {
        let (_, dtype) = self.check(&fields[0], &*vectors.open()?, &vectors.to_string())?;
        Ok(Field::new(fields[0].name.clone(), dtype))
    }

    pub(super) fn column(self, inputs: &[Series], vectors: &Handle) -> PolarsResult<Series> {
        let (column, table) = (&inputs[0], vectors.open()?);
        let (tokens, dtype) = self.check(&column.field(), &table, &vectors.to_string())?;
        if *column.dtype() == DataType::Null {
            return Ok(Series::full_null(column.name().clone(), column.len(), &dtype));
        }
        let cast = tokens.cast(column)?;
        let chunk = |chunk: &ArrayRef| match (self, tokens.is_list) {
            (Self::OovRate, _) => oov_rates(chunk.as_ref(), &table),
            (_, false) => self.items(&Tokens::of(chunk.as_ref())?, 0, chunk.len(), &table),
            (_, true) => {
                let lists = lists_of(chunk.as_ref())?;
                let (first, last) = (*lists.offsets().first(), *lists.offsets().last());
                let tokens = Tokens::of(lists.values().as_ref())?;
                let items = self.items(&tokens, first as usize, (last - first) as usize, &table)?;
                let offsets = lists.offsets().iter().map(|offset| offset - first).collect();
                list_chunk(items, offsets, lists.validity().cloned())
            }
        };
        let chunks = cast.chunks().iter().map(chunk).collect::<PolarsResult<Vec<_>>>()?;
        Ok(series_of(column.name(), chunks, &dtype))
    }

    /// What is told of some tokens.
    fn items(
        self,
        tokens: &Tokens<'_>,
        first: usize,
        len: usize,
        vectors: &Arc<KeyedVectors>,
    ) -> PolarsResult<ArrayRef> {
        if self == Self::Known {
            let known = map_rows(len, |token| tokens.key(first + token).map(|key| has_vector(key, vectors)));
            return Ok(known.into_iter().collect::<BooleanArray>().boxed());
        }
        let finder = Finder::new(tokens, vectors);
        let rows = map_blocks(len, |block| {
            let mut rows = Vec::new();
            finder.rows(first + block.start..first + block.end, &mut rows);
            rows
        });
        let is_valid: Vec<bool> = rows.iter().map(Option::is_some).collect();
        let ids = rows.into_iter().map(Option::unwrap_or_default).collect();
        Ok(PrimitiveArray::from_vec(ids).with_validity(validity(&is_valid)).boxed())
    }
}

fn oov_rates(chunk: &dyn Array, vectors: &KeyedVectors) -> PolarsResult<ArrayRef> {
    let lists = lists_of(chunk)?;
    let tokens = Tokens::of(lists.values().as_ref())?;
    let rates = map_rows(lists.len(), |row| {
        let known = lists
            .is_valid(row)
            .then(|| bounds(lists, row))?
            .filter_map(|it| Some(has_vector(tokens.key(it)?, vectors)));
        let (tokens, unknown) =
            known.fold((0u32, 0u32), |(tokens, unknown), known| (tokens + 1, unknown + u32::from(!known)));
        (tokens > 0).then(|| f64::from(unknown) / f64::from(tokens))
    });
    Ok(rates.into_iter().collect::<PrimitiveArray<f64>>().boxed())
}

/// The type of keys in Polars.
pub(super) fn key_type(vectors: &KeyedVectors) -> DataType {
    match vectors.keys().key_type() {
        KeyType::Text => DataType::String,
        KeyType::Int64 => DataType::Int64,
        KeyType::UInt64 => DataType::UInt64,
    }
}

/// A column of the keys of rows.
pub(super) fn keys_of(name: PlSmallStr, rows: &[Option<usize>], vectors: &KeyedVectors) -> Series {
    // A row is a word's number.
    let keys = rows.iter().map(|row| row.map(|row| vectors.keys().key(row as WordId)));
    match vectors.keys().key_type() {
        KeyType::Text => {
            StringChunked::from_iter_options(name, keys.map(|key| key.and_then(|key| key.as_text()))).into_series()
        }
        KeyType::Int64 => {
            Int64Chunked::from_iter_options(name, keys.map(|key| key.and_then(|key| key.as_i64()))).into_series()
        }
        KeyType::UInt64 => {
            UInt64Chunked::from_iter_options(name, keys.map(|key| key.and_then(|key| key.as_u64()))).into_series()
        }
    }
}

fn words_type(column: &Field, vectors: &KeyedVectors) -> PolarsResult<DataType> {
    let is_id = |dtype: &DataType| dtype.is_integer() || dtype.is_null();
    match &column.dtype {
        DataType::List(id) | DataType::Array(id, _) if is_id(id) => Ok(DataType::List(Box::new(key_type(vectors)))),
        id if is_id(id) => Ok(key_type(vectors)),
        other => {
            polars_bail!(InvalidOperation: "words: column {:?} is {other}; expected row numbers: integers, or lists of them", column.name)
        }
    }
}

pub(super) fn words_field(fields: &[Field], vectors: &Handle) -> PolarsResult<Field> {
    Ok(Field::new(fields[0].name.clone(), words_type(&fields[0], &*vectors.open()?)?))
}

/// The keys of row numbers; null where there is no such row.
pub(super) fn words_column(inputs: &[Series], vectors: &Handle) -> PolarsResult<Series> {
    let (column, table) = (&inputs[0], vectors.open()?);
    let dtype = words_type(&column.field(), &table)?;
    let words = |ids: &Series| -> PolarsResult<Series> {
        // Beyond 64 bits with a sign, and so null, are only numbers that no row has.
        let ids = ids.cast(&DataType::Int64)?;
        let row = |id: i64| usize::try_from(id).ok().filter(|&row| row < table.len());
        let rows: Vec<_> = ids.i64()?.iter().map(|id| id.and_then(row)).collect();
        Ok(keys_of(column.name().clone(), &rows, &table))
    };
    if !matches!(dtype, DataType::List(_)) {
        return words(column);
    }
    let lists = column.cast(&DataType::List(Box::new(DataType::Int64)))?;
    let chunk = |chunk: &ArrayRef| {
        let lists = lists_of(chunk.as_ref())?;
        let ids = Series::try_from((PlSmallStr::EMPTY, lists.values().clone()))?;
        let words = words(&ids)?.rechunk();
        let offsets = lists.offsets().iter().copied().collect();
        list_chunk(words.chunks()[0].clone(), offsets, lists.validity().cloned())
    };
    Ok(series_of(column.name(), lists.chunks().iter().map(chunk).collect::<PolarsResult<Vec<_>>>()?, &dtype))
}
