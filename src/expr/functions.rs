//! The expressions for users of Polars in Rust.

use polars::prelude::*;

use super::embed::{EmbedOptions, embed_columns, embed_field};
use super::handle::Handle;
use super::lookup::{Lookup, words_column, words_field};
use super::similar::{
    NeighbourOptions, SimilarityOptions, analogy_column, analogy_field, doesnt_match_column, doesnt_match_field,
    most_similar_column, most_similar_field, similarity_column, similarity_field,
};
use crate::vectors::Pooling;

/// An elementwise expression of columns.
fn elementwise(
    column: Expr,
    others: &[Expr],
    function: impl Fn(&[Series]) -> PolarsResult<Series> + Send + Sync + 'static,
    field: impl Fn(&[Field]) -> PolarsResult<Field> + Send + Sync + 'static,
) -> Expr {
    let call = move |columns: &mut [Column]| {
        let columns: Vec<Series> = columns.iter().map(|column| column.as_materialized_series().clone()).collect();
        function(&columns).map(Series::into_column)
    };
    column.map_many(call, others, move |_, fields| field(fields))
}

/// The vectors of tokens, or with a pooling one of each list of them: see [`EmbedOptions`].
///
/// A token without a vector, and a list without any, are null unless the options say otherwise. The results are
/// `Array(Float32, d)`, of lists without a pooling `List(Array(Float32, d))`.
pub fn embed(tokens: Expr, vectors: impl Into<Handle>, options: EmbedOptions) -> Expr {
    embed_all(tokens, &[], vectors.into(), options)
}

/// [`embed`] with a weight for each token of a list: a column of lists of numbers, as long as those of the tokens. A mean is
/// divided by the sum of the weights.
pub fn embed_weighted(tokens: Expr, weights: Expr, vectors: impl Into<Handle>, options: EmbedOptions) -> Expr {
    embed_all(tokens, &[weights], vectors.into(), options)
}

fn embed_all(tokens: Expr, weights: &[Expr], vectors: Handle, options: EmbedOptions) -> Expr {
    let (same, same_options) = (vectors.clone(), options.clone());
    let field = move |fields: &[Field]| embed_field(fields, &same, &same_options);
    elementwise(tokens, weights, move |columns| embed_columns(columns, &vectors, &options), field)
}

fn lookup(tokens: Expr, vectors: Handle, lookup: Lookup) -> Expr {
    let same = vectors.clone();
    let field = move |fields: &[Field]| lookup.field(fields, &same);
    elementwise(tokens, &[], move |columns| lookup.column(columns, &vectors), field)
}

/// The row number of each token, `UInt32`; null if it has no row.
pub fn ids(tokens: Expr, vectors: impl Into<Handle>) -> Expr {
    lookup(tokens, vectors.into(), Lookup::Ids)
}

/// True for tokens that have a vector; null for nulls.
pub fn known(tokens: Expr, vectors: impl Into<Handle>) -> Expr {
    lookup(tokens, vectors.into(), Lookup::Known)
}

/// The share of a list's tokens that have no vector, `Float64`; null for a list of no tokens.
pub fn oov_rate(tokens: Expr, vectors: impl Into<Handle>) -> Expr {
    lookup(tokens, vectors.into(), Lookup::OovRate)
}

/// The key of each row number; null if there is no such row.
pub fn words(ids: Expr, vectors: impl Into<Handle>) -> Expr {
    let vectors = vectors.into();
    let same = vectors.clone();
    elementwise(ids, &[], move |columns| words_column(columns, &vectors), move |fields| words_field(fields, &same))
}

/// The cosine of two columns, `Float32`, each of tokens, of lists of them, which are pooled, or of vectors. Null where one of
/// the two has no vector.
pub fn similarity(a: Expr, b: Expr, vectors: impl Into<Handle>, pooling: Pooling) -> Expr {
    let vectors = vectors.into();
    let same = vectors.clone();
    let options = SimilarityOptions { pooling: Some(pooling.name().to_owned()) };
    let same_options = options.clone();
    let field = move |fields: &[Field]| similarity_field(fields, &same, &same_options);
    elementwise(a, &[b], move |columns| similarity_column(columns, &vectors, &options), field)
}

/// What is near to a token, to the tokens of a list together, or to a vector: a list of at most `topn` structs of `word` and
/// `score`, the cosine, the nearest first. The tokens that are asked with are left out. Null where none is known.
pub fn most_similar(tokens: Expr, vectors: impl Into<Handle>, topn: usize) -> Expr {
    let vectors = vectors.into();
    let (same, options) = (vectors.clone(), NeighbourOptions { topn });
    let field = move |fields: &[Field]| most_similar_field(fields, &same, &options);
    elementwise(tokens, &[], move |columns| most_similar_column(columns, &vectors, &options), field)
}

/// What is to `c` as `b` is to `a`, as [`most_similar`] gives it (3CosAdd; Mikolov et al. 2013). Null where one of the three
/// is unknown.
pub fn analogy(a: Expr, b: Expr, c: Expr, vectors: impl Into<Handle>, topn: usize) -> Expr {
    let vectors = vectors.into();
    let (same, options) = (vectors.clone(), NeighbourOptions { topn });
    let field = move |fields: &[Field]| analogy_field(fields, &same, &options);
    elementwise(a, &[b, c], move |columns| analogy_column(columns, &vectors, &options), field)
}

/// The word of each list that is farthest from the mean of all; words without a row are left out.
pub fn doesnt_match(words: Expr, vectors: impl Into<Handle>) -> Expr {
    let vectors = vectors.into();
    let same = vectors.clone();
    let field = move |fields: &[Field]| doesnt_match_field(fields, &same);
    elementwise(words, &[], move |columns| doesnt_match_column(columns, &vectors), field)
}
