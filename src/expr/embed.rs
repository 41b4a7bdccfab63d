//! From words to vectors: `embed`.

use polars::prelude::*;
use polars_arrow::array::{Array, ListArray, Utf8ViewArray};
use pyo3_polars::derive::polars_expr;
use serde::Deserialize;

use super::column::{VectorColumn, vector_type};
use super::error::compute_error;
use crate::vectors::{KeyedVectors, Pooling};

#[derive(Deserialize)]
struct EmbedOptions {
    /// A vectors file.
    path: String,
    /// How the vectors of a list become one; nothing for a column of words.
    pooling: Option<String>,
}

fn embed_type(fields: &[Field], kwargs: EmbedOptions) -> PolarsResult<Field> {
    let vectors = KeyedVectors::shared(&kwargs.path).map_err(compute_error)?;
    Ok(Field::new(fields[0].name.clone(), vector_type(&vectors)))
}

#[polars_expr(output_type_func_with_kwargs=embed_type)]
fn embed(inputs: &[Series], kwargs: EmbedOptions) -> PolarsResult<Series> {
    let vectors = KeyedVectors::shared(&kwargs.path).map_err(compute_error)?;
    let pooling = kwargs.pooling.as_deref().map(str::parse::<Pooling>).transpose().map_err(compute_error)?;
    let column = &inputs[0];
    match (column.dtype(), pooling) {
        (DataType::String | DataType::Categorical(..) | DataType::Enum(..), None) => {
            embed_words(column.cast(&DataType::String)?.str()?, &vectors)
        }
        (DataType::Null, _) => Ok(Series::full_null(column.name().clone(), column.len(), &vector_type(&vectors))),
        (DataType::List(token) | DataType::Array(token, _), Some(pooling)) if is_word_type(token) => {
            // An array first becomes a list of its own type: a cast in one step would read categories as their codes.
            let lists = column.cast(&DataType::List(token.clone()))?;
            embed_lists(lists.cast(&DataType::List(Box::new(DataType::String)))?.list()?, &vectors, pooling)
        }
        (DataType::List(_) | DataType::Array(..), None) => {
            polars_bail!(InvalidOperation: "embed: column {:?} is {}: name a pooling, as in pooling=\"mean\"", column.name(), column.dtype())
        }
        (DataType::String | DataType::Categorical(..) | DataType::Enum(..), Some(_)) => {
            polars_bail!(InvalidOperation: "embed: column {:?} has one word a row: there is nothing to pool", column.name())
        }
        (other, _) => {
            polars_bail!(InvalidOperation: "embed: column {:?} is {other}; expected strings, or lists of strings with a pooling", column.name())
        }
    }
}

fn is_word_type(dtype: &DataType) -> bool {
    // A literal of empty lists has no type yet.
    matches!(dtype, DataType::String | DataType::Categorical(..) | DataType::Enum(..) | DataType::Null)
}

/// A word's vector, null if it is unknown.
fn embed_words(words: &StringChunked, vectors: &KeyedVectors) -> PolarsResult<Series> {
    let mut rows = VectorColumn::with_capacity(words.len(), vectors);
    for word in words.iter() {
        let row = word.and_then(|word| vectors.keys().id(word));
        rows.push(row.is_some(), |to| {
            row.into_iter().for_each(|row| to.copy_from_slice(vectors.rows().row(row as usize)))
        });
    }
    rows.finish(words.name().clone(), vectors)
}

/// The pooled vector of a list's known words, null if there are none.
fn embed_lists(lists: &ListChunked, vectors: &KeyedVectors, pooling: Pooling) -> PolarsResult<Series> {
    let mut column = VectorColumn::with_capacity(lists.len(), vectors);
    let mut rows = Vec::new();
    for chunk in lists.downcast_iter() {
        let tokens = tokens_of(chunk)?;
        for (i, bounds) in chunk.offsets().windows(2).enumerate() {
            rows.clear();
            if chunk.is_valid(i) {
                let tokens = (bounds[0] as usize..bounds[1] as usize).filter_map(|token| tokens.get(token));
                rows.extend(tokens.filter_map(|token| vectors.keys().id(token)).map(|row| row as usize));
            }
            column.push(!rows.is_empty(), |to| pooling.pool(vectors, &rows, to));
        }
    }
    column.finish(lists.name().clone(), vectors)
}

fn tokens_of(chunk: &ListArray<i64>) -> PolarsResult<&Utf8ViewArray> {
    let tokens = chunk.values().as_any().downcast_ref();
    tokens.ok_or_else(|| polars_err!(InvalidOperation: "embed: expected a list of strings"))
}
