//! Phrases in place of their words: `phrases`.

use std::sync::Arc;

use polars::prelude::*;
use polars_arrow::array::{Array, ListArray, Utf8ViewArray, View as ArrowView};
use polars_arrow::datatypes::ArrowDataType;
use polars_arrow::offset::OffsetsBuffer;
use polars_buffer::Buffer;
use serde::Deserialize;

use super::plugin::export_expression;
use crate::error::Error;
use crate::phrases::{Detector, Detectors, JoinedViews, Tokens, registered};
use crate::vocab::View;

/// Where the model is: in a file, or in memory under a number.
#[derive(Deserialize)]
struct PhrasesOptions {
    path: Option<String>,
    id: Option<(u64, u64)>,
}

impl PhrasesOptions {
    fn detectors(&self) -> PolarsResult<Arc<Detectors>> {
        match (self.id, &self.path) {
            (Some((id, process)), _) => {
                registered(id, process).map_err(|reason| polars_err!(ComputeError: "phrases: {reason}"))
            }
            (None, Some(path)) => {
                Detectors::shared(path).map_err(|error| PolarsError::ComputeError(error.to_string().into()))
            }
            (None, None) => polars_bail!(ComputeError: "phrases: expected a path or a model"),
        }
    }
}

fn phrases_type(fields: &[Field], options: PhrasesOptions) -> PolarsResult<Field> {
    // A model that is not there is known when the query is planned.
    options.detectors()?;
    check(&fields[0])?;
    Ok(Field::new(fields[0].name.clone(), lists_of_text()))
}

export_expression!(phrases as "_polars_plugin_phrases", phrases_type as "_polars_plugin_field_phrases");

fn lists_of_text() -> DataType {
    DataType::List(Box::new(DataType::String))
}

/// # Errors
/// If the column does not hold lists of text.
fn check(column: &Field) -> PolarsResult<()> {
    let (name, dtype) = (&column.name, &column.dtype);
    match dtype {
        DataType::Null => Ok(()),
        DataType::List(token) | DataType::Array(token, _) => match token.as_ref() {
            DataType::String | DataType::Categorical(..) | DataType::Enum(..) | DataType::Null => Ok(()),
            _ => {
                polars_bail!(InvalidOperation: "phrases: column {name:?} is {dtype}; phrases are made of text: cast it to pl.List(pl.String)")
            }
        },
        _ => {
            polars_bail!(InvalidOperation: "phrases: column {name:?} is {dtype}; expected lists of strings: split it first, as in .str.split(\" \")")
        }
    }
}

fn phrases(inputs: &[Series], options: PhrasesOptions) -> PolarsResult<Series> {
    let (column, detectors) = (&inputs[0], options.detectors()?);
    check(&column.field())?;
    let (name, dtype) = (column.name().clone(), lists_of_text());
    if *column.dtype() == DataType::Null {
        return Ok(Series::full_null(name, column.len(), &dtype));
    }
    let lists = match column.dtype() {
        // An array first becomes a list of its own type: a cast in one step would read categories as their codes.
        DataType::Array(token, _) => column.cast(&DataType::List(token.clone()))?.cast(&dtype)?,
        _ => column.cast(&dtype)?,
    };
    let chunks = lists.list()?.downcast_iter().map(|chunk| {
        let lists = detectors.passes().iter().try_fold(chunk.clone(), |chunk, pass| with_phrases(&chunk, pass))?;
        Ok(lists.boxed())
    });
    let chunks = chunks.collect::<PolarsResult<Vec<_>>>()?;
    // SAFETY: the arrays are lists of string views.
    Ok(unsafe { Series::from_chunks_and_dtype_unchecked(name, chunks, &dtype) })
}

impl Tokens for Utf8ViewArray {
    fn word(&self, at: usize) -> &str {
        self.value(at)
    }
}

/// Tokens that are worked on at the same time: all that is known of them stays in a core's second cache.
const BLOCK: i64 = 16_384;

/// The lists with phrases in place of their words, and without null tokens. Null lists stay.
fn with_phrases(lists: &ListArray<i64>, detector: &Detector) -> PolarsResult<ListArray<i64>> {
    let tokens = lists.values().as_any().downcast_ref::<Utf8ViewArray>();
    let tokens = tokens.ok_or_else(|| polars_err!(InvalidOperation: "phrases: expected strings"))?;
    let starts = lists.offsets().as_slice();
    // A part of a column has the tokens of all of it behind it.
    let own = lists.offsets().range() as usize;
    let mut joined = JoinedViews::new(detector, own, tokens.data_buffers().len()).map_err(failed)?;
    let mut ends = Vec::with_capacity(starts.len());
    ends.push(0);
    while ends.len() <= lists.len() {
        let first = ends.len() - 1;
        let rows = starts[first..].partition_point(|&start| start <= starts[first] + BLOCK).max(2) - 1;
        let (start, end) = (starts[first] as usize, starts[first + rows] as usize);
        let block = tokens.clone().sliced(start, end - start);
        let ranges = (first..first + rows).map(|row| match lists.is_valid(row) {
            true => starts[row] as usize - start..starts[row + 1] as usize - start,
            false => 0..0,
        });
        let applied = detector.apply(&codes(&block, detector), ranges, &block).map_err(failed)?;
        let before = joined.len();
        joined.add(block.views(), &applied).map_err(failed)?;
        ends.extend(applied.ends.iter().map(|end| (before + end) as i64));
    }
    let dtype = ListArray::<i64>::default_datatype(ArrowDataType::Utf8View);
    let (views, added) = joined.finish();
    let buffers: Vec<_> =
        tokens.data_buffers().iter().cloned().chain(added.into_iter().map(Buffer::from_owner)).collect();
    // SAFETY: the views are those of an array over the same buffers, or of phrases in the buffers that were added.
    let joined = unsafe {
        Utf8ViewArray::new_unchecked_unknown_md(ArrowDataType::Utf8View, views.into(), buffers.into(), None, None)
    };
    ListArray::try_new(dtype, OffsetsBuffer::try_from(ends)?, joined.boxed(), lists.validity().cloned())
}

fn failed(error: Error) -> PolarsError {
    PolarsError::ComputeError(error.to_string().into())
}

fn codes(tokens: &Utf8ViewArray, detector: &Detector) -> Vec<u32> {
    let views = tokens.views();
    // SAFETY: the detector asks for tokens of the array.
    let word = |at| unsafe { tokens.value_unchecked(at) };
    let view = |view: &ArrowView| View(view.as_u128());
    let Some(validity) = tokens.validity().filter(|validity| validity.unset_bits() > 0) else {
        return detector.codes_of_views(views, view, |at| Some(word(at)));
    };
    let mut codes = detector.codes_of_views(views, view, |at| validity.get_bit(at).then(|| word(at)));
    // What stands behind a null may have a code.
    codes.iter_mut().zip(validity).filter(|(_, is_valid)| !is_valid).for_each(|(code, _)| *code = Detector::NULL);
    codes
}
