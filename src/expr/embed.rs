//! From tokens to vectors: `embed`.

use std::borrow::Cow;

use polars::prelude::*;
use polars_arrow::array::Array;
use serde::Deserialize;

use super::column::{VectorColumn, vector_type};
use super::error::compute_error;
use super::plugin::export_expression;
use super::tokens::{Tokens, lookup_type};
use crate::vectors::{KeyedVectors, Pooling};

#[derive(Deserialize)]
struct EmbedOptions {
    /// A vectors file.
    path: String,
    /// How the vectors of a list become one; nothing for a column of words.
    pooling: Option<String>,
}

fn embed_type(fields: &[Field], options: EmbedOptions) -> PolarsResult<Field> {
    let vectors = KeyedVectors::shared(&options.path).map_err(compute_error)?;
    check(&fields[0], &vectors, &options)?;
    Ok(Field::new(fields[0].name.clone(), vector_type(&vectors)))
}

export_expression!(embed as "_polars_plugin_embed", embed_type as "_polars_plugin_field_embed");

fn embed(inputs: &[Series], options: EmbedOptions) -> PolarsResult<Series> {
    let vectors = KeyedVectors::shared(&options.path).map_err(compute_error)?;
    let column = &inputs[0];
    let (lookup, pooling) = check(&column.field(), &vectors, &options)?;
    match (column.dtype(), pooling) {
        (DataType::Null, _) => Ok(Series::full_null(column.name().clone(), column.len(), &vector_type(&vectors))),
        (DataType::List(token) | DataType::Array(token, _), Some(pooling)) => {
            // An array first becomes a list of its own type: a cast in one step would read categories as their codes.
            let lists = column.cast(&DataType::List(token.clone()))?;
            embed_lists(lists.cast(&DataType::List(Box::new(lookup)))?.list()?, &vectors, pooling)
        }
        _ => embed_tokens(&column.cast(&lookup)?, &vectors),
    }
}

/// What a column's tokens are looked up as, and the pooling of its lists.
///
/// # Errors
/// If the column cannot be looked up, or the pooling does not fit: also when a query is planned.
fn check(column: &Field, vectors: &KeyedVectors, options: &EmbedOptions) -> PolarsResult<(DataType, Option<Pooling>)> {
    let (name, dtype) = (&column.name, &column.dtype);
    let pooling = options.pooling.as_deref().map(str::parse::<Pooling>).transpose().map_err(compute_error)?;
    let (token, is_list) = match dtype {
        DataType::List(token) | DataType::Array(token, _) => (token.as_ref(), true),
        token => (token, false),
    };
    let Some(lookup) = lookup_type(token, vectors) else {
        polars_bail!(InvalidOperation: "embed: column {name:?} is {dtype}; expected strings or integers, or lists of them with a pooling; cast it first")
    };
    let keys = vectors.keys().key_type();
    if lookup == DataType::String && keys.is_integer() {
        polars_bail!(InvalidOperation: "embed: column {name:?} is {dtype}, but the keys of {} are {keys}; cast the column to integers", options.path)
    }
    match (is_list, pooling) {
        (true, None) => {
            polars_bail!(InvalidOperation: "embed: column {name:?} is {dtype}: name a pooling, as in pooling=\"mean\"")
        }
        (false, Some(_)) if *dtype != DataType::Null => {
            polars_bail!(InvalidOperation: "embed: column {name:?} has one word a row: there is nothing to pool")
        }
        _ => Ok((lookup, pooling)),
    }
}

/// The vector of each token, null if it is unknown and there are no n-grams to make one of.
fn embed_tokens(column: &Series, vectors: &KeyedVectors) -> PolarsResult<Series> {
    let mut rows = VectorColumn::with_capacity(column.len(), vectors);
    for chunk in column.chunks() {
        let tokens = Tokens::of(chunk.as_ref())?;
        for token in 0..tokens.len() {
            let vector = tokens.vector(token, vectors);
            rows.push(vector.is_some(), |to| vector.into_iter().for_each(|vector| to.copy_from_slice(&vector)));
        }
    }
    rows.finish(column.name().clone(), vectors)
}

/// The pooled vector of a list's known tokens, null if there are none.
fn embed_lists(lists: &ListChunked, vectors: &KeyedVectors, pooling: Pooling) -> PolarsResult<Series> {
    let mut column = VectorColumn::with_capacity(lists.len(), vectors);
    let mut known: Vec<Cow<'_, [f32]>> = Vec::new();
    for chunk in lists.downcast_iter() {
        let tokens = Tokens::of(chunk.values().as_ref())?;
        for (i, bounds) in chunk.offsets().windows(2).enumerate() {
            known.clear();
            if chunk.is_valid(i) {
                known
                    .extend((bounds[0] as usize..bounds[1] as usize).filter_map(|token| tokens.vector(token, vectors)));
            }
            column.push(!known.is_empty(), |to| pooling.pool_vectors(&known, to));
        }
    }
    column.finish(lists.name().clone(), vectors)
}
