//! Strings to tokens: decoding, splitting and lowercasing.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, AsArray, BooleanArray, GenericListArray, LargeListArray, LargeStringArray,
    LargeStringBuilder,
};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::compute::{CastOptions, cast, cast_with_options, filter};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use polars::prelude::{Column, DataFrame, Expr, IntoLazy, PlSmallStr, col, lit};

use super::list_type::{is_binary, is_string, item_type};
use super::options::Split;
use crate::arrow::polars::{from_polars, series};
use crate::error::{Error, Result};

/// Bytes that a message shows.
const BYTES_SHOWN: usize = 40;

/// An expression over a table.
pub(super) fn evaluate(frame: DataFrame, expression: Expr) -> Result<ArrayRef> {
    let result = frame.lazy().select([expression.alias(PlSmallStr::from_static("result"))]).collect()?;
    from_polars(result.column("result")?.as_materialized_series())
}

/// The same values; bytes as the strings that they are.
///
/// # Errors
/// [`Error::Corpus`] naming `column` and `origin`, and the first bytes that are not UTF-8.
pub(super) fn decoded(values: ArrayRef, column: &str, origin: &str) -> Result<ArrayRef> {
    if !is_binary(values.data_type()) {
        return Ok(values);
    }
    let strict = |values: &ArrayRef, to: &DataType| {
        cast_with_options(values, to, &CastOptions { safe: false, ..CastOptions::default() })
    };
    let text = match string_type(values.data_type()) {
        Some(text) => strict(&values, &text),
        // Of a fixed size: arrow-rs has no cast to strings.
        None => strict(&values, &DataType::LargeBinary).and_then(|values| strict(&values, &DataType::LargeUtf8)),
    };
    text.map_err(|error| {
        let reason = first_not_utf8(&values).unwrap_or_else(|| error.to_string());
        Error::corpus(origin, format!("column {column:?} is binary and {reason}"))
    })
}

/// The type of strings that these bytes become without being copied.
fn string_type(binary: &DataType) -> Option<DataType> {
    match binary {
        DataType::Binary => Some(DataType::Utf8),
        DataType::LargeBinary => Some(DataType::LargeUtf8),
        DataType::BinaryView => Some(DataType::Utf8View),
        DataType::Dictionary(key, values) => Some(DataType::Dictionary(key.clone(), Box::new(string_type(values)?))),
        _ => None,
    }
}

/// What is wrong with the first bytes that are not UTF-8, and what to do.
fn first_not_utf8(values: &ArrayRef) -> Option<String> {
    let bytes = cast(values, &DataType::LargeBinary).ok()?;
    let bytes = bytes.as_binary::<i64>();
    let bad = bytes.iter().flatten().find(|bytes| str::from_utf8(bytes).is_err())?;
    let (start, more) = (&bad[..bad.len().min(BYTES_SHOWN)], if bad.len() > BYTES_SHOWN { "…" } else { "" });
    Some(format!("holds b\"{}{more}\", which is not UTF-8; decode it to strings first", start.escape_ascii()))
}

/// The tokens of a column: as they are, split, in lower case.
///
/// # Errors
/// [`Error::Corpus`] naming `column` and `origin`.
pub(crate) fn tokens_of(
    values: &ArrayRef,
    split: Option<&Split>,
    lowercase: bool,
    column: &str,
    origin: &str,
) -> Result<ArrayRef> {
    let Some(split) = split else {
        return if lowercase { lowercase_lists(values, column, origin) } else { Ok(values.clone()) };
    };
    let strings = decoded(values.clone(), column, origin)?;
    let is_text = match strings.data_type() {
        DataType::Dictionary(_, values) => is_string(values),
        other => is_string(other),
    };
    match is_text {
        true => split_strings(&strings, split, lowercase),
        false => {
            let reason = format!("column {column:?} is {}; expected strings to split", strings.data_type());
            Err(Error::corpus(origin, reason))
        }
    }
}

/// Lists of the tokens of each string, without empty ones.
pub(super) fn split_strings(strings: &ArrayRef, split: &Split, lowercase: bool) -> Result<ArrayRef> {
    let text = cast(strings, &DataType::LargeUtf8).map_err(polars_error)?;
    let text = if lowercase { lowercased(text.as_string()) } else { text.as_string().clone() };
    match split {
        Split::Whitespace => Ok(Arc::new(words_of(&text))),
        Split::Regex(pattern) => {
            let text: ArrayRef = Arc::new(text);
            let frame = DataFrame::new(text.len(), vec![Column::from(series("text", &text)?)])?;
            without_empty(&evaluate(frame, col("text").str().split_regex(lit(pattern.as_str()), true))?)
        }
    }
}

/// Lists of what stands between white space.
fn words_of(text: &LargeStringArray) -> LargeListArray {
    let bytes = text.offsets()[text.len()] - text.offsets()[0];
    let mut words = LargeStringBuilder::with_capacity(bytes as usize / 6, bytes as usize);
    let mut offsets = Vec::with_capacity(text.len() + 1);
    offsets.push(0);
    for i in 0..text.len() {
        if text.is_valid(i) {
            text.value(i).split_whitespace().for_each(|word| words.append_value(word));
        }
        offsets.push(words.len() as i64);
    }
    let words = Arc::new(words.finish());
    LargeListArray::new(string_item(), OffsetBuffer::new(offsets.into()), words, text.nulls().cloned())
}

/// The same strings in lower case.
fn lowercased(text: &LargeStringArray) -> LargeStringArray {
    let bytes = text.offsets()[text.len()] - text.offsets()[0];
    let mut lower = String::with_capacity(bytes as usize);
    let mut offsets = Vec::with_capacity(text.len() + 1);
    offsets.push(0);
    for i in 0..text.len() {
        let (string, start) = (if text.is_valid(i) { text.value(i) } else { "" }, lower.len());
        if string.is_ascii() {
            lower.push_str(string);
            lower[start..].make_ascii_lowercase();
        } else {
            lower.push_str(&string.to_lowercase());
        }
        offsets.push(lower.len() as i64);
    }
    LargeStringArray::new(OffsetBuffer::new(offsets.into()), Buffer::from(lower.into_bytes()), text.nulls().cloned())
}

fn string_item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::LargeUtf8, true))
}

/// The same lists of lowercased tokens. Integers have no case, and stay integers. `column` and `origin` name them in
/// errors.
pub(super) fn lowercase_lists(lists: &ArrayRef, column: &str, origin: &str) -> Result<ArrayRef> {
    let failed = |error: ArrowError| Error::corpus(origin, format!("column {column:?}: {error}"));
    let item = match item_type(lists.data_type()) {
        Some(text) if is_string(text) => string_item(),
        Some(bytes) if is_binary(bytes) => Arc::new(Field::new("item", DataType::LargeBinary, true)),
        _ => return Ok(lists.clone()),
    };
    let lists = cast(lists, &DataType::LargeList(item)).map_err(failed)?;
    let lists: &GenericListArray<i64> = lists.as_list();
    // Only the slice's own tokens.
    let (first, last) = (lists.offsets()[0], lists.offsets()[lists.len()]);
    let values = lists.values().slice(first as usize, (last - first) as usize);
    let values = decoded(values, column, origin)?;
    let offsets = OffsetBuffer::new(lists.offsets().iter().map(|offset| offset - first).collect());
    let values = Arc::new(lowercased(values.as_string()));
    Ok(Arc::new(LargeListArray::new(string_item(), offsets, values, lists.nulls().cloned())))
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
    let offsets = OffsetBuffer::new(offsets.into());
    Ok(Arc::new(LargeListArray::new(string_item(), offsets, values, lists.nulls().cloned())))
}

fn polars_error(error: ArrowError) -> Error {
    Error::Polars(polars::error::PolarsError::ComputeError(error.to_string().into()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{BinaryArray, Int64Array, ListArray};
    use arrow::datatypes::Int64Type;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_are_not_lowercased() {
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(7), None])]));
        let same = lowercase_lists(&lists, "tokens", "table").unwrap();
        assert_eq!(same.as_list::<i32>().values().as_primitive(), &Int64Array::from(vec![Some(7), None]));
    }

    #[test]
    fn bytes_are_lowercased_as_strings_are_and_nulls_stay() {
        let bytes: ArrayRef = Arc::new(BinaryArray::from_vec(vec!["ÄB".as_bytes(), b"C"]));
        let item = Arc::new(Field::new_list_field(bytes.data_type().clone(), true));
        let lists: ArrayRef = Arc::new(ListArray::new(item, OffsetBuffer::new(vec![0, 1, 2].into()), bytes, None));
        // A slice: the words before it are none of its own.
        let lower = lowercase_lists(&lists.slice(1, 1), "tokens", "table").unwrap();
        assert_eq!(lower.as_list::<i64>().values().as_string::<i64>(), &LargeStringArray::from(vec!["c"]));
        let nulls = LargeListArray::new_null(Arc::new(Field::new_list_field(DataType::Null, true)), 2);
        assert_eq!(lowercase_lists(&(Arc::new(nulls) as ArrayRef), "tokens", "table").unwrap().null_count(), 2);
    }

    proptest! {
        #[test]
        fn strings_are_split_and_lowercased_as_polars_does(
            text in prop::collection::vec(prop::option::of("[ \\t\u{a0}\u{3000}aBΣσİß日\\pL]{0,12}"), 0..20),
            from in 0..3usize,
        ) {
            let text: ArrayRef = Arc::new(LargeStringArray::from(text));
            let text = text.slice(from.min(text.len()), text.len() - from.min(text.len()));
            let by_polars = |expression: Expr| {
                let frame = DataFrame::new(text.len(), vec![Column::from(series("text", &text).unwrap())]).unwrap();
                evaluate(frame, expression).unwrap()
            };
            let strings = |array: &ArrayRef| cast(array, &DataType::LargeUtf8).unwrap();
            let lists = |array: &ArrayRef| cast(array, &DataType::LargeList(string_item())).unwrap();
            let lower = by_polars(col("text").str().to_lowercase());
            prop_assert_eq!(&(Arc::new(lowercased(text.as_string())) as ArrayRef), &strings(&lower));
            for (lowercase, string) in [(false, col("text")), (true, col("text").str().to_lowercase())] {
                let want = by_polars(string.str().extract_all(lit(r"\S+")));
                prop_assert_eq!(&split_strings(&text, &Split::Whitespace, lowercase).unwrap(), &lists(&want));
            }
        }
    }
}
