//! Every Arrow layout of a list column, seen as one: values and ranges of them.

use std::iter::repeat_n;
use std::ops::Range;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericListArray, GenericListViewArray, OffsetSizeTrait, UInt64Array, new_empty_array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::DataType;

use super::Batch;
use super::list_type::is_null;
use super::tokens::decoded;
use crate::error::{Error, Result};

/// The lists of a column.
pub(crate) struct Lists {
    /// Tokens: Utf8, LargeUtf8, Utf8View, Int64 or UInt64, or a dictionary of those.
    pub(crate) values: ArrayRef,
    /// The range in `values` of each list that is not null and does not count 0.
    pub(crate) ranges: Vec<Range<usize>>,
    /// How many times each of them counts, if not once.
    pub(crate) counts: Option<Vec<u32>>,
}

/// The type of 64 bits that holds all integers of this one: UInt64 for itself, Int64 for all others.
fn widened(integer: &DataType) -> DataType {
    if *integer == DataType::UInt64 { DataType::UInt64 } else { DataType::Int64 }
}

impl Lists {
    /// Takes a batch apart. `origin` and `column` name it in errors.
    pub(crate) fn new(batch: &Batch, column: &str, origin: &str) -> Result<Self> {
        let lists = batch.lists.as_ref();
        let (values, ranges) = match lists.data_type() {
            DataType::List(_) => by_offsets(lists.as_list::<i32>()),
            DataType::LargeList(_) => by_offsets(lists.as_list::<i64>()),
            DataType::ListView(_) => by_sizes(lists.as_list_view::<i32>()),
            DataType::LargeListView(_) => by_sizes(lists.as_list_view::<i64>()),
            _ => {
                let lists = lists.as_fixed_size_list();
                let width = lists.value_length() as usize;
                (lists.values().clone(), valid(lists, |i| i * width..(i + 1) * width))
            }
        };
        // Nulls are skipped, and take up no bytes: there may be any number of them.
        let (values, ranges) = match is_null(values.data_type()) {
            true => (new_empty_array(&DataType::Utf8), vec![0..0; ranges.len()]),
            false => (decoded(values, column, origin)?, ranges),
        };
        let values = match values.data_type() {
            // Nothing is copied of integers that are of 64 bits.
            integer if integer.is_integer() => cast(&values, &widened(integer)),
            DataType::Dictionary(key, integer) if integer.is_integer() => {
                cast(&values, &DataType::Dictionary(key.clone(), Box::new(widened(integer))))
            }
            _ => Ok(values),
        };
        let values = values.map_err(|e| Error::corpus(origin, format!("column {column:?}: {e}")))?;
        match &batch.counts {
            None => Ok(Self { values, ranges, counts: None }),
            Some(counts) => Self::counted(values, ranges, lists, counts, origin),
        }
    }

    /// Leaves out what counts 0.
    fn counted(
        values: ArrayRef,
        ranges: Vec<Range<usize>>,
        lists: &dyn Array,
        counts: &UInt64Array,
        origin: &str,
    ) -> Result<Self> {
        let of_lists = (0..lists.len()).filter(|&i| lists.is_valid(i)).map(|i| counts.value(i));
        let (mut kept, mut kept_counts) = (Vec::new(), Vec::new());
        for (range, count) in ranges.into_iter().zip(of_lists).filter(|(_, count)| *count > 0) {
            let count = u32::try_from(count)
                .map_err(|_| Error::corpus(origin, format!("a list counts {count} times; at most {} fit", u32::MAX)))?;
            kept.push(range);
            kept_counts.push(count);
        }
        Ok(Self { values, ranges: kept, counts: Some(kept_counts) })
    }

    /// How many times each list counts.
    pub(crate) fn counts(&self) -> impl Iterator<Item = u32> {
        let counts = self.counts.as_deref();
        (0..self.ranges.len()).map(move |i| counts.map_or(1, |counts| counts[i]))
    }

    /// How many times each of the [listed values](Self::listed_values) counts, if not once.
    pub(crate) fn value_counts(&self) -> Option<UInt64Array> {
        let counts = self.counts.as_ref()?;
        let each = self.ranges.iter().zip(counts).flat_map(|(range, &count)| repeat_n(u64::from(count), range.len()));
        Some(each.collect())
    }

    /// The values that stand in a list, each as often as it does.
    pub(crate) fn listed_values(&self, origin: &str) -> Result<ArrayRef> {
        let mut next = 0;
        let is_dense = self.ranges.iter().all(|range| std::mem::replace(&mut next, range.end) == range.start);
        if is_dense && next == self.values.len() {
            return Ok(self.values.clone());
        }
        // Values behind a null list, or list views that skip or share values.
        let places: UInt64Array = self.ranges.iter().flat_map(|range| range.clone()).map(|i| i as u64).collect();
        take(&self.values, &places, None).map_err(|error| Error::corpus(origin, error.to_string()))
    }
}

/// The values that the lists span, and each list's range in them.
fn by_offsets<O: OffsetSizeTrait>(lists: &GenericListArray<O>) -> (ArrayRef, Vec<Range<usize>>) {
    let offsets = lists.offsets();
    let (first, last) = (offsets[0].as_usize(), offsets[lists.len()].as_usize());
    let ranges = valid(lists, |i| offsets[i].as_usize() - first..offsets[i + 1].as_usize() - first);
    (lists.values().slice(first, last - first), ranges)
}

fn by_sizes<O: OffsetSizeTrait>(lists: &GenericListViewArray<O>) -> (ArrayRef, Vec<Range<usize>>) {
    let (offsets, sizes) = (lists.offsets(), lists.sizes());
    let range = |i: usize| offsets[i].as_usize()..offsets[i].as_usize() + sizes[i].as_usize();
    let mut ranges = valid(lists, range);
    // Only the slice's own values.
    let first = ranges.iter().map(|range| range.start).min().unwrap_or(0);
    let last = ranges.iter().map(|range| range.end).max().unwrap_or(first);
    ranges.iter_mut().for_each(|range| *range = range.start - first..range.end - first);
    (lists.values().slice(first, last - first), ranges)
}

fn valid(lists: &dyn Array, range: impl Fn(usize) -> Range<usize>) -> Vec<Range<usize>> {
    (0..lists.len()).filter(|&i| lists.is_valid(i)).map(range).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, BinaryViewArray, DictionaryArray, FixedSizeBinaryArray, FixedSizeListArray, LargeBinaryArray,
        ListArray, NullArray,
    };
    use arrow::buffer::{NullBuffer, OffsetBuffer};
    use arrow::datatypes::{Field, Int8Type};

    use super::*;

    /// Three lists: two items, a null list, one item.
    fn lists(items: ArrayRef) -> ArrayRef {
        let item = Arc::new(Field::new_list_field(items.data_type().clone(), true));
        let valid = NullBuffer::from(vec![true, false, true]);
        Arc::new(ListArray::new(item, OffsetBuffer::new(vec![0, 2, 2, 3].into()), items, Some(valid)))
    }

    fn read(lists: ArrayRef) -> Result<Lists> {
        Lists::new(&Batch::new(lists, None, "tokens", "a.arrow, record batch 3")?, "tokens", "a.arrow, record batch 3")
    }

    fn words(lists: &Lists) -> Vec<Vec<Option<String>>> {
        let values = cast(&lists.values, &DataType::LargeUtf8).unwrap();
        let values = values.as_string::<i64>();
        let word = |i: usize| values.is_valid(i).then(|| values.value(i).to_owned());
        lists.ranges.iter().map(|range| range.clone().map(word).collect()).collect()
    }

    #[test]
    fn bytes_are_the_strings_that_they_are_in_whatever_layout() {
        let bytes: [Option<&[u8]>; 3] = [Some(b"\xc3\xa9"), None, Some(b"to")];
        let dictionary = DictionaryArray::<Int8Type>::new(
            vec![Some(1), None, Some(0)].into(),
            Arc::new(BinaryArray::from_vec(vec![b"to", "é".as_bytes()])),
        );
        let arrays: [ArrayRef; 5] = [
            Arc::new(BinaryArray::from_iter(bytes)),
            Arc::new(LargeBinaryArray::from_iter(bytes)),
            Arc::new(BinaryViewArray::from_iter(bytes)),
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes.into_iter(), 2).unwrap()),
            Arc::new(dictionary),
        ];
        let expected = vec![vec![Some("é".to_owned()), None], vec![Some("to".to_owned())]];
        for array in arrays {
            assert_eq!(words(&read(lists(array.clone())).unwrap()), expected, "{}", array.data_type());
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_shown_with_column_and_place() {
        let bytes = [b"to".to_vec(), b"caf\xe9".to_vec(), vec![b'\xff'; 1000]];
        let found = read(lists(Arc::new(BinaryArray::from_iter_values(&bytes)))).err().unwrap().to_string();
        assert!(found.starts_with("a.arrow, record batch 3: column \"tokens\" is binary"), "{found}");
        assert!(found.contains(r#"holds b"caf\xe9", which is not UTF-8; decode it"#), "{found}");
        let long = read(lists(Arc::new(BinaryArray::from_iter_values([&bytes[2]; 3])))).err().unwrap().to_string();
        assert!(long.len() < 300 && long.contains('…'), "{long}");
    }

    #[test]
    fn items_of_the_type_null_are_no_tokens_and_their_lists_count() {
        let dictionary = DictionaryArray::<Int8Type>::new(vec![0; 3].into(), Arc::new(NullArray::new(1)));
        let arrays: [ArrayRef; 2] = [Arc::new(NullArray::new(3)), Arc::new(dictionary)];
        for array in arrays {
            assert_eq!(words(&read(lists(array)).unwrap()), [vec![], vec![]]);
        }
    }

    #[test]
    fn a_column_that_can_hold_no_tokens_has_no_lists() {
        let dictionary = DictionaryArray::<Int8Type>::new(vec![0; 3].into(), Arc::new(NullArray::new(1)));
        let item = Arc::new(Field::new_list_field(DataType::Null, true));
        let arrays: [ArrayRef; 3] = [
            Arc::new(NullArray::new(3)),
            Arc::new(dictionary),
            Arc::new(FixedSizeListArray::new(item, 2, Arc::new(NullArray::new(6)), None)),
        ];
        for array in arrays {
            let counts = UInt64Array::from(vec![2; 3]);
            let batch = Batch::new(array, Some(counts), "tokens", "table").unwrap();
            assert!(Lists::new(&batch, "tokens", "table").unwrap().ranges.is_empty());
        }
    }
}
