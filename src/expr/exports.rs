//! The expressions as a plugin of Polars in Python: each under a name, with its vectors and options as keyword arguments.

use polars::prelude::*;
use serde::Deserialize;

use super::embed::{EmbedOptions, embed_columns, embed_field};
use super::encode::{EncodeOptions, encode_column, encode_field};
use super::handle::Handle;
use super::lookup::{Lookup, words_column, words_field};
use super::plugin::export_expression;
use super::similar::{
    NeighbourOptions, SimilarityOptions, analogy_column, analogy_field, doesnt_match_column, doesnt_match_field,
    most_similar_column, most_similar_field, similarity_column, similarity_field,
};

#[derive(Deserialize)]
struct With<Options> {
    vectors: Handle,
    options: Options,
}

#[derive(Deserialize)]
struct Alone {
    vectors: Handle,
}

/// Exports an expression with options.
macro_rules! export_with_options {
    ($name:literal, $field_name:literal, $options:ty, $column:path, $field:path) => {
        const _: () = {
            fn column(inputs: &[Series], with: With<$options>) -> PolarsResult<Series> {
                $column(inputs, &with.vectors, &with.options)
            }
            fn field(fields: &[Field], with: With<$options>) -> PolarsResult<Field> {
                $field(fields, &with.vectors, &with.options)
            }
            export_expression!(column as $name, field as $field_name);
        };
    };
}

/// Exports an expression without options.
macro_rules! export_alone {
    ($name:literal, $field_name:literal, $column:expr, $field:expr) => {
        const _: () = {
            fn column(inputs: &[Series], with: Alone) -> PolarsResult<Series> {
                ($column)(inputs, &with.vectors)
            }
            fn field(fields: &[Field], with: Alone) -> PolarsResult<Field> {
                ($field)(fields, &with.vectors)
            }
            export_expression!(column as $name, field as $field_name);
        };
    };
}

export_with_options!("_polars_plugin_embed", "_polars_plugin_field_embed", EmbedOptions, embed_columns, embed_field);
export_with_options!(
    "_polars_plugin_encode",
    "_polars_plugin_field_encode",
    EncodeOptions,
    encode_column,
    encode_field
);
export_with_options!(
    "_polars_plugin_similarity",
    "_polars_plugin_field_similarity",
    SimilarityOptions,
    similarity_column,
    similarity_field
);
export_with_options!(
    "_polars_plugin_most_similar",
    "_polars_plugin_field_most_similar",
    NeighbourOptions,
    most_similar_column,
    most_similar_field
);
export_with_options!(
    "_polars_plugin_analogy",
    "_polars_plugin_field_analogy",
    NeighbourOptions,
    analogy_column,
    analogy_field
);
export_alone!(
    "_polars_plugin_ids",
    "_polars_plugin_field_ids",
    |inputs, vectors| Lookup::Ids.column(inputs, vectors),
    |fields, vectors| Lookup::Ids.field(fields, vectors)
);
export_alone!(
    "_polars_plugin_known",
    "_polars_plugin_field_known",
    |inputs, vectors| Lookup::Known.column(inputs, vectors),
    |fields, vectors| Lookup::Known.field(fields, vectors)
);
export_alone!(
    "_polars_plugin_oov_rate",
    "_polars_plugin_field_oov_rate",
    |inputs, vectors| Lookup::OovRate.column(inputs, vectors),
    |fields, vectors| Lookup::OovRate.field(fields, vectors)
);
export_alone!("_polars_plugin_words", "_polars_plugin_field_words", words_column, words_field);
export_alone!(
    "_polars_plugin_doesnt_match",
    "_polars_plugin_field_doesnt_match",
    doesnt_match_column,
    doesnt_match_field
);
