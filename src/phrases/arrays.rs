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
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let tokens = cast(&lists.values, &DataType::Utf8View).map_err(failed)?;
            views(tokens.as_string_view(), detector, &applied)?
        }
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
fn views(tokens: &StringViewArray, detector: &Detector, applied: &Applied) -> Result<ArrayRef> {
    let mut joined = JoinedViews::new(detector, tokens.len(), tokens.data_buffers().len())?;
    joined.add(tokens.views(), applied)?;
    let (views, added) = joined.finish();
    let buffers: Vec<Buffer> =
        tokens.data_buffers().iter().cloned().chain(added.into_iter().map(Buffer::from)).collect();
    // SAFETY: the views are those of an array over the same buffers, or of phrases in the buffers that were added.
    let array = unsafe { StringViewArray::new_unchecked(ScalarBuffer::from(views), buffers, None) };
    Ok(Arc::new(array))
}

#[cfg(test)]
mod tests {
    use arrow::array::{LargeListBuilder, StringBuilder, StringViewBuilder};

    use super::super::delimiter::Delimiter;
    use super::super::detector::Parts;
    use super::*;

    #[test]
    fn phrases_are_the_same_text_in_few_tokens_and_in_many() {
        let long = "w".repeat(300);
        let parts = |first, last| Some(Parts { first, between: None, last });
        let mut detector = Detector::new(Delimiter::new("_").unwrap(), ["of"], 0.0, None).unwrap();
        detector.add("a_b", 1.0, parts("a", "b")).unwrap();
        detector.add(&format!("{long}_b"), 1.0, parts(&long, "b")).unwrap();
        detector
            .add("bank_of_england", 1.0, Some(Parts { first: "bank", between: Some("of"), last: "england" }))
            .unwrap();
        let sentence =
            ["of", "a", "b", &long, "b", "a", "word of 13 b.", "bank", "of", "england", "of", "x_y", "b", "a"];
        let expected =
            ["of", "a_b", &format!("{long}_b"), "a", "word of 13 b.", "bank_of_england", "of", "x_y", "b", "a"];
        for sentences in [1, 2, 500] {
            let mut text = LargeListBuilder::new(StringBuilder::new());
            let mut views = LargeListBuilder::new(StringViewBuilder::new());
            for _ in 0..sentences {
                text.append_value(sentence.map(Some));
                views.append_value(sentence.map(Some));
            }
            for lists in [text.finish(), views.finish()] {
                let batch = Batch::new(Arc::new(lists), None, "tokens", "test").unwrap();
                let joined = with_phrases(&batch, &mut TokenCodes::new(&detector), "tokens", "test").unwrap();
                let joined = joined.lists().as_list::<i64>();
                assert_eq!(joined.len(), sentences);
                for list in joined.iter().flatten() {
                    let tokens: Vec<_> = list.as_string_view().iter().flatten().collect();
                    assert_eq!(tokens, expected);
                }
            }
        }
    }
}
