//! From raw text to vectors: `encode`.

use std::path::Path;
use std::sync::Arc;

use polars::prelude::*;
use polars_arrow::array::{Array, FixedSizeListArray, PrimitiveArray, Utf8ViewArray};
use polars_arrow::datatypes::{ArrowDataType, Field as ArrowField};
use rayon::prelude::*;
use serde::Deserialize;

use super::error::compute_error;
use super::plugin::export_expression;
use crate::formats::TextEncoder;
use crate::process::can_use_thread_pools;

/// Rows that a thread encodes at once.
const BLOCK: usize = 32;

#[derive(Deserialize)]
struct EncodeOptions {
    /// The directory of a model, or a vectors file.
    model: String,
    /// The tokenizer of a vectors file.
    tokenizer: Option<String>,
}

impl EncodeOptions {
    fn encoder(&self) -> PolarsResult<Arc<TextEncoder>> {
        TextEncoder::shared(Path::new(&self.model), self.tokenizer.as_deref()).map_err(compute_error)
    }
}

fn encode_type(fields: &[Field], options: EncodeOptions) -> PolarsResult<Field> {
    check(&fields[0])?;
    Ok(Field::new(fields[0].name.clone(), vector_type(&*options.encoder()?)))
}

export_expression!(encode as "_polars_plugin_encode", encode_type as "_polars_plugin_field_encode");

fn encode(inputs: &[Series], options: EncodeOptions) -> PolarsResult<Series> {
    check(&inputs[0].field())?;
    let encoder = options.encoder()?;
    let texts = inputs[0].cast(&DataType::String)?;
    let texts = texts.str()?.rechunk();
    let chunk = texts.downcast_as_array();
    let size = encoder.vector_size();
    let mut values = vec![0.0; chunk.len() * size];
    let write = |(block, to): (usize, &mut [f32])| encoder.encode(block_of(chunk, block), to);
    if can_use_thread_pools() {
        values.par_chunks_mut(BLOCK * size).enumerate().for_each(write);
    } else {
        values.chunks_mut(BLOCK * size).enumerate().for_each(write);
    }
    let item = ArrowField::new(PlSmallStr::from_static("item"), ArrowDataType::Float32, true);
    let dtype = ArrowDataType::FixedSizeList(Box::new(item), size);
    let values = PrimitiveArray::from_vec(values).boxed();
    let array = FixedSizeListArray::try_new(dtype, chunk.len(), values, chunk.validity().cloned())?;
    let (name, dtype) = (texts.name().clone(), vector_type(&encoder));
    // SAFETY: the array's type is the one that `vector_type` describes.
    Ok(unsafe { Series::from_chunks_and_dtype_unchecked(name, vec![array.boxed()], &dtype) })
}

fn block_of(texts: &Utf8ViewArray, block: usize) -> impl Iterator<Item = Option<&str>> {
    (block * BLOCK..texts.len().min((block + 1) * BLOCK)).map(|row| texts.get(row))
}

fn vector_type(encoder: &TextEncoder) -> DataType {
    DataType::Array(Box::new(DataType::Float32), encoder.vector_size())
}

fn check(column: &Field) -> PolarsResult<()> {
    match &column.dtype {
        DataType::String | DataType::Categorical(..) | DataType::Enum(..) | DataType::Null => Ok(()),
        other => polars_bail!(
            InvalidOperation: "encode: column {:?} is {other}; expected strings. Tokens are looked up by embed", column.name
        ),
    }
}
