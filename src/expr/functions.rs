//! The expressions for users of Polars in Rust.

use polars::prelude::*;

use super::embed::{EmbedOptions, embed_columns, embed_field};
use super::encode::{EncodeOptions, encode_column, encode_field};
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

/// The vector of each text, `Array(Float32, d)`: by the directory of a static model, or by vectors of words and a tokenizer.
/// A text without known tokens has zeros, a null null.
pub fn encode(texts: Expr, model: impl Into<Handle>, options: EncodeOptions) -> Expr {
    let model = model.into();
    let (same, same_options) = (model.clone(), options.clone());
    let field = move |fields: &[Field]| encode_field(fields, &same, &same_options);
    elementwise(texts, &[], move |columns| encode_column(columns, &model, &options), field)
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
    let options = SimilarityOptions { pooling: Some(pooling) };
    let field = move |fields: &[Field]| similarity_field(fields, &same, &options);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyedVectors;
    use crate::vectors::Weighting;

    fn table() -> Handle {
        let values = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, -1.0, 0.1];
        KeyedVectors::from_rows(["east", "north", "northeast", "west"], 2, &values).unwrap().into()
    }

    fn frame() -> LazyFrame {
        let lists = [Some(Series::new("".into(), ["east", "north", "nowhere"])), None];
        df!["l" => lists, "w" => [Some("east"), Some("nowhere")], "i" => [2i8, -1]].unwrap().lazy()
    }

    fn column(expr: Expr) -> Series {
        let plan = frame().select([expr.alias("x")]);
        let schema = plan.clone().collect_schema().unwrap();
        let column = plan.collect().unwrap().column("x").unwrap().as_materialized_series().clone();
        assert_eq!((schema.get("x"), column.len()), (Some(column.dtype()), 2));
        column
    }

    fn vector(column: &Series, row: usize) -> Vec<f32> {
        let row = column.array().unwrap().get_as_series(row).unwrap();
        row.f32().unwrap().iter().flatten().collect()
    }

    #[test]
    fn tokens_become_vectors_and_numbers_and_numbers_words() {
        let mean = EmbedOptions { pooling: Some(Pooling::Mean), ..EmbedOptions::default() };
        let pooled = column(embed(col("l"), table(), mean.clone()));
        assert_eq!((vector(&pooled, 0), pooled.null_count()), (vec![0.5, 0.5], 1));
        let weights = lit(Series::new("".into(), [1.0, 3.0, 7.0])).implode(true);
        assert_eq!(vector(&column(embed_weighted(col("l"), weights, table(), mean.clone())), 0), [0.25, 0.75]);
        let by_frequency = EmbedOptions { weights: Some(Weighting::Sif), ..mean };
        assert!(vector(&column(embed(col("l"), table(), by_frequency)), 0)[0] < 0.01);
        assert_eq!(vector(&column(embed(col("i"), table(), EmbedOptions::default())), 0), [1.0, 1.0]);
        let ids = column(ids(col("w"), table()));
        assert_eq!(ids.u32().unwrap().iter().collect::<Vec<_>>(), [Some(0), None]);
        let words = column(words(col("i"), table()));
        assert_eq!(words.str().unwrap().iter().collect::<Vec<_>>(), [Some("northeast"), None]);
        assert_eq!(
            column(known(col("w"), table())).bool().unwrap().iter().collect::<Vec<_>>(),
            [Some(true), Some(false)]
        );
        let rates = column(oov_rate(col("l"), table()));
        assert!((rates.f64().unwrap().get(0).unwrap() - 1.0 / 3.0).abs() < 1e-12 && rates.null_count() == 1);
    }

    #[test]
    fn texts_become_vectors() {
        let options = EncodeOptions { tokenizer: Some("whitespace".into()) };
        let texts = lit(Series::new("t".into(), [Some("east north"), None]));
        let encoded = column(encode(texts, table(), options.clone()));
        assert_eq!((vector(&encoded, 0), encoded.null_count()), (vec![0.5, 0.5], 1));
        assert_eq!(vector(&column(encode(col("w"), table(), options)), 1), [0.0, 0.0]);
    }

    #[test]
    fn neighbours_are_lists_of_words_and_scores() {
        let near = |column: &Series| {
            let found = column.list().unwrap().get_as_series(0).unwrap();
            let words = found.struct_().unwrap().field_by_name("word").unwrap();
            words.str().unwrap().iter().flatten().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(near(&column(most_similar(col("w"), table(), 2))), ["northeast", "north"]);
        assert_eq!(near(&column(most_similar(col("l"), table(), 1))), ["northeast"]);
        assert_eq!(near(&column(analogy(col("w"), lit("north"), lit("northeast"), table(), 1))), ["west"]);
        let cosines = column(similarity(col("w"), lit("northeast"), table(), Pooling::Mean));
        assert!((cosines.f32().unwrap().get(0).unwrap() - 0.5f32.sqrt()).abs() < 1e-6 && cosines.null_count() == 1);
        let odd = column(doesnt_match(concat_list([col("w"), lit("northeast"), lit("west")]).unwrap(), table()));
        assert_eq!(odd.str().unwrap().get(0), Some("west"));
    }

    #[test]
    fn what_does_not_fit_is_an_error_of_the_plan() {
        let failed = |expr: Expr| frame().select([expr]).collect_schema().unwrap_err().to_string();
        let sum = EmbedOptions { pooling: Some(Pooling::Sum), ..EmbedOptions::default() };
        assert!(failed(embed(col("w"), table(), sum)).contains("there is nothing to pool"));
        assert!(failed(embed(col("w"), "missing.arrow", EmbedOptions::default())).contains("missing.arrow"));
        let encoded = |expr: Expr| failed(encode(expr, table(), EncodeOptions::default()));
        assert!(encoded(col("w")).contains("name a tokenizer") && encoded(col("i")).contains("expected strings"));
        assert!(failed(words(col("w"), table())).contains("expected row numbers"));
    }
}
