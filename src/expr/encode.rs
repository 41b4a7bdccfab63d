//! From raw text to vectors: `encode`.

use polars::prelude::*;
use polars_arrow::array::{Array, Utf8ViewArray};
use rayon::prelude::*;
use serde::Deserialize;

use super::column::{VectorType, series_of};
use super::error::compute_error;
use super::handle::Handle;
use crate::formats::TextEncoder;
use crate::process::can_use_thread_pools;

/// Rows that a thread encodes at once.
const BLOCK: usize = 32;

/// How text becomes tokens.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct EncodeOptions {
    /// The tokenizer of vectors of words: `whitespace`, `regex:PATTERN`, or the path of a `tokenizer.json`. The directory
    /// of a static model has its own.
    pub tokenizer: Option<String>,
}

impl EncodeOptions {
    fn encoder(&self, model: &Handle) -> PolarsResult<TextEncoder> {
        let directory = match model {
            Handle::File(path) if path.is_dir() => Some(path.as_path()),
            _ => None,
        };
        match (directory, self.tokenizer.as_deref()) {
            (Some(directory), None) => TextEncoder::of_model(directory).map_err(compute_error),
            (None, Some(tokenizer)) => TextEncoder::of_words(model.open()?, tokenizer).map_err(compute_error),
            (Some(directory), Some(_)) => {
                let directory = directory.display();
                polars_bail!(InvalidOperation: "encode: tokenizer: the model {directory} has its own; leave it out")
            }
            (None, None) => {
                // A file that is missing is reported as such.
                model.open()?;
                polars_bail!(InvalidOperation: "encode: {model} are vectors of words, so name a tokenizer: \"whitespace\", \"regex:PATTERN\" or the path of a tokenizer.json")
            }
        }
    }
}

pub(super) fn encode_field(fields: &[Field], model: &Handle, options: &EncodeOptions) -> PolarsResult<Field> {
    check(&fields[0])?;
    Ok(Field::new(fields[0].name.clone(), vector_type(&options.encoder(model)?)?.dtype()))
}

/// The vectors of texts; null for nulls.
pub(super) fn encode_column(inputs: &[Series], model: &Handle, options: &EncodeOptions) -> PolarsResult<Series> {
    check(&inputs[0].field())?;
    let encoder = options.encoder(model)?;
    let vector = vector_type(&encoder)?;
    let texts = inputs[0].cast(&DataType::String)?;
    let chunks = texts.str()?.downcast_iter().map(|texts| {
        let mut values = vec![0.0; texts.len() * vector.size];
        let write = |(block, to): (usize, &mut [f32])| encoder.encode(block_of(texts, block), to);
        if texts.len() > BLOCK && can_use_thread_pools() {
            values.par_chunks_mut(BLOCK * vector.size).enumerate().for_each(write);
        } else {
            values.chunks_mut(BLOCK * vector.size).enumerate().for_each(write);
        }
        vector.chunk(values, texts.len(), texts.validity().cloned())
    });
    Ok(series_of(texts.name(), chunks.collect::<PolarsResult<_>>()?, &vector.dtype()))
}

fn block_of(texts: &Utf8ViewArray, block: usize) -> impl Iterator<Item = Option<&str>> {
    (block * BLOCK..texts.len().min((block + 1) * BLOCK)).map(|row| texts.get(row))
}

fn vector_type(encoder: &TextEncoder) -> PolarsResult<VectorType> {
    match encoder.vector_size() {
        0 => polars_bail!(InvalidOperation: "encode: the vectors have no dimensions"),
        size => Ok(VectorType { size, is_half: false }),
    }
}

fn check(column: &Field) -> PolarsResult<()> {
    match &column.dtype {
        DataType::String | DataType::Categorical(..) | DataType::Enum(..) | DataType::Null => Ok(()),
        other => polars_bail!(
            InvalidOperation: "encode: column {:?} is {other}; expected strings. Tokens are looked up by embed", column.name
        ),
    }
}
