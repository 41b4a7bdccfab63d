//! Strings to tokens, by Polars' expressions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, GenericListArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, filter};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use polars::prelude::{Column, DataFrame, Expr, IntoLazy, PlSmallStr, col, lit};

use super::options::Split;
use crate::arrow::polars::{from_polars, series};
use crate::error::{Error, Result};

/// An expression over a table.
pub(super) fn evaluate(frame: DataFrame, expression: Expr) -> Result<ArrayRef> {
    let result = frame.lazy().select([expression.alias(PlSmallStr::from_static("result"))]).collect()?;
    from_polars(result.column("result")?.as_materialized_series())
}

/// Lists of the tokens of each string, without empty ones.
pub(super) fn split_strings(strings: &ArrayRef, split: &Split, lowercase: bool) -> Result<ArrayRef> {
    let text = series("text", &cast(strings, &DataType::LargeUtf8).map_err(polars_error)?)?;
    let text = DataFrame::new(strings.len(), vec![Column::from(text)])?;
    let expression = if lowercase { col("text").str().to_lowercase() } else { col("text") };
    let expression = match split {
        Split::Whitespace => expression.str().extract_all(lit(r"\S+")),
        Split::Regex(pattern) => expression.str().split_regex(lit(pattern.as_str()), true),
    };
    without_empty(&evaluate(text, expression)?)
}

/// The same lists of lowercased tokens.
pub(super) fn lowercase_lists(lists: &ArrayRef) -> Result<ArrayRef> {
    let strings = DataType::LargeList(Arc::new(Field::new("item", DataType::LargeUtf8, true)));
    let lists = cast(lists, &strings).map_err(polars_error)?;
    let lists: &GenericListArray<i64> = lists.as_list();
    // Only the slice's own tokens.
    let (first, last) = (lists.offsets()[0], lists.offsets()[lists.len()]);
    let values = lists.values().slice(first as usize, (last - first) as usize);
    let offsets = OffsetBuffer::new(lists.offsets().iter().map(|offset| offset - first).collect());
    let text = DataFrame::new(values.len(), vec![Column::from(series("text", &values)?)])?;
    let values = evaluate(text, col("text").str().to_lowercase())?;
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    Ok(Arc::new(GenericListArray::new(item, offsets, values, lists.nulls().cloned())))
}

/// The lists without their empty strings.
fn without_empty(lists: &ArrayRef) -> Result<ArrayRef> {
    let lists: &GenericListArray<i64> = lists.as_list();
    let values = cast(lists.values(), &DataType::LargeUtf8).map_err(polars_error)?;
    let is_full: BooleanArray =
        values.as_string::<i64>().iter().map(|s| Some(s.is_some_and(|s| !s.is_empty()))).collect();
    if is_full.true_count() == values.len() {
        return Ok(Arc::new(lists.clone()));
    }
    let mut before = Vec::with_capacity(values.len() + 1);
    before.push(0);
    let mut count = 0;
    before.extend(is_full.values().iter().map(|is_full| {
        count += i64::from(is_full);
        count
    }));
    let offsets: Vec<i64> = lists.offsets().iter().map(|offset| before[*offset as usize]).collect();
    let values = filter(&values, &is_full).map_err(polars_error)?;
    let item = Arc::new(Field::new("item", DataType::LargeUtf8, true));
    Ok(Arc::new(GenericListArray::new(item, OffsetBuffer::new(offsets.into()), values, lists.nulls().cloned())))
}

fn polars_error(error: ArrowError) -> Error {
    Error::Polars(polars::error::PolarsError::ComputeError(error.to_string().into()))
}
