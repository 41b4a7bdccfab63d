//! Sentences with phrases in them as Arrow lists.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, LargeListArray, LargeStringArray, StringViewArray,
    UInt64Array,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;

use super::detector::{Applied, Detector, Token};
use super::tokens::{ArrayTokens, TokenCodes};
use super::views::JoinedViews;
use crate::corpus::{Batch, Lists};
use crate::error::{Error, Result};

/// The lists of a batch with phrases in place of their words. Null lists, null tokens, and lists that count 0 are left out.
///
/// # Errors
/// [`Error::Corpus`] naming `column` and `origin` for tokens that are not text; what a scoring function fails with.
pub(super) fn with_phrases(
    batch: &Batch,
    codes: &mut TokenCodes<&Detector>,
    column: &str,
    origin: &str,
) -> Result<Batch> {
    let lists = Lists::new(batch, column, origin)?;
    let coded = codes.of(lists.values.as_ref(), column, origin)?;
    let detector = codes.coder;
    let applied = detector.apply(&coded, lists.ranges.iter().cloned(), &ArrayTokens::new(lists.values.as_ref()))?;
    let failed = |error: ArrowError| Error::corpus(origin, format!("column {column:?}: {error}"));
    let values = match lists.values.data_type() {
        DataType::Dictionary(..) if lists.values.null_count() < lists.values.len() => {
            dictionary(&lists.values, detector, &applied).map_err(failed)?
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => views(&lists.values, detector, &applied)?,
        // Nulls alone, of any type.
        _ => Arc::new(LargeStringArray::from(Vec::<&str>::new())),
    };
    let offsets = std::iter::once(0).chain(applied.ends.iter().map(|&end| end as i64)).collect();
    let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let joined = LargeListArray::try_new(item, OffsetBuffer::new(offsets), values, None).map_err(failed)?;
    let counts = lists.counts.map(|counts| UInt64Array::from_iter_values(counts.into_iter().map(u64::from)));
    Batch::new(Arc::new(joined), counts, column, origin)
}

/// The tokens as a dictionary with the phrases added to its values.
fn dictionary(tokens: &ArrayRef, detector: &Detector, applied: &Applied) -> std::result::Result<ArrayRef, ArrowError> {
    let tokens = tokens.as_any_dictionary();
    let values = tokens.values();
    let (keys, mut added, mut texts) = (tokens.normalized_keys(), HashMap::new(), Vec::new());
    let keys = applied.tokens().map(|token| {
        let key = match token {
            Token::Kept(at) => keys[at],
            Token::Phrase(number) => {
                values.len()
                    + *added.entry(number).or_insert_with(|| {
                        texts.push(detector.phrase(number, applied).0);
                        texts.len() - 1
                    })
            }
        };
        i32::try_from(key).map_err(|_| ArrowError::DictionaryKeyOverflowError)
    });
    let keys = Int32Array::new(keys.collect::<std::result::Result<Vec<i32>, _>>()?.into(), None);
    let added = cast(&LargeStringArray::from(texts), values.data_type())?;
    let values = concat(&[values.as_ref(), added.as_ref()])?;
    Ok(Arc::new(DictionaryArray::try_new(keys, values)?))
}

/// The tokens as views of the text that they were in, and of a text of the phrases.
fn views(tokens: &ArrayRef, detector: &Detector, applied: &Applied) -> Result<ArrayRef> {
    let tokens = cast(tokens, &DataType::Utf8View).map_err(|error| Error::corpus("phrases", error.to_string()))?;
    let tokens = tokens.as_string_view();
    let mut joined = JoinedViews::new(detector, tokens.len(), tokens.data_buffers().len())?;
    joined.add(tokens.views(), applied)?;
    let (views, added) = joined.finish();
    let buffers: Vec<Buffer> =
        tokens.data_buffers().iter().cloned().chain(added.into_iter().map(Buffer::from)).collect();
    // SAFETY: the views are those of an array over the same buffers, or of phrases in the buffers that were added.
    let array = unsafe { StringViewArray::new_unchecked(ScalarBuffer::from(views), buffers, None) };
    Ok(Arc::new(array))
}
