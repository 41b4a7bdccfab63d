//! Keys, text or integers, and their numbers.

use arrow::array::{Array, ArrayRef, AsArray, LargeStringArray};
use arrow::buffer::Buffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, UInt64Type};

use super::column::{Column, with_long_offsets};
use super::key::{Key, KeyType};
use super::key_index::KeyIndex;
use super::stored_index::StoredIndex;
use crate::error::{Error, Result};

/// The number of a word in its vocabulary, from 0; it is also the row of the word's vector.
pub type WordId = u32;

/// Ids stay below the two that stand for unknown words and nulls.
pub(super) const MAX_WORDS: usize = WordId::MAX as usize - 2;

/// A list of distinct keys of one type, and the number of each: its place in the list.
///
/// The keys stay in Arrow buffers, which may be memory-mapped; the index holds numbers only.
///
/// ```
/// use arrow::array::Int32Array;
/// use polargram::vocab::{Key, KeyType, Keys};
///
/// let items = Keys::new(&Int32Array::from(vec![101, -3]))?;
/// assert_eq!((items.key_type(), items.id(-3i64), items.id("101")), (KeyType::Int64, Some(1), None));
/// assert_eq!(items.key(0), Key::Int64(101));
///
/// let words: Keys = ["to", "be"].into_iter().collect();
/// assert_eq!(words.id("be"), Some(1));
/// # Ok::<(), polargram::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Keys {
    pub(super) column: Column,
    pub(super) index: KeyIndex,
}

impl Keys {
    /// Indexes an array of strings or integers, as [`KeyType::of`] its type says. If a key occurs twice, its first place
    /// is found.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an array of another type, with nulls, or of more keys than there can be ids.
    pub fn new(keys: &dyn Array) -> Result<Self> {
        Self::column(keys).map(Self::index)
    }

    /// [`new`](Self::new), but an index at the end of the bytes, if it is that of these keys, is used as it lies there.
    pub(crate) fn with_stored_index(keys: &dyn Array, bytes: &Buffer) -> Result<Self> {
        let column = Self::column(keys)?;
        Ok(match StoredIndex::read(bytes, column.len(), || column.checksum()) {
            Some(index) => Self { column, index: KeyIndex::Stored(index) },
            None => Self::index(column),
        })
    }

    /// The bytes of an index, from which [`with_stored_index`](Self::with_stored_index) makes these keys again. Few keys have
    /// none.
    pub(crate) fn stored_index(&self) -> Option<Vec<u8>> {
        let (len, checksum) = (self.len(), || self.column.checksum());
        match &self.column {
            Column::Text(text) => StoredIndex::bytes(len, |id| text.value(id), checksum),
            Column::ShortText(text) => StoredIndex::bytes(len, |id| text.value(id), checksum),
            Column::Int64(numbers) => StoredIndex::bytes(len, |id| numbers.value(id), checksum),
            Column::UInt64(numbers) => StoredIndex::bytes(len, |id| numbers.value(id), checksum),
            Column::GrowingText(texts) => StoredIndex::bytes(len, |id| texts.value(id), checksum),
            Column::GrowingInt64(numbers) => StoredIndex::bytes(len, |id| numbers[id], checksum),
            Column::GrowingUInt64(numbers) => StoredIndex::bytes(len, |id| numbers[id], checksum),
        }
    }

    fn column(keys: &dyn Array) -> Result<Column> {
        let refused = |reason: String| Err(Error::parameter("keys", reason));
        if keys.null_count() > 0 {
            return refused("hold nulls; every row needs a key".into());
        }
        if keys.len() > MAX_WORDS {
            return refused(format!("are {}; at most {MAX_WORDS} fit", keys.len()));
        }
        let cast = |to| cast(keys, &to).map_err(|error| Error::parameter("keys", error.to_string()));
        Ok(match (keys.data_type(), KeyType::of(keys.data_type())) {
            (DataType::Utf8, _) => Column::ShortText(keys.as_string::<i32>().clone()),
            (DataType::LargeUtf8, _) => Column::Text(with_long_offsets(keys.as_string::<i64>())),
            (_, Some(KeyType::Text)) => Column::Text(cast(DataType::LargeUtf8)?.as_string().clone()),
            (_, Some(KeyType::Int64)) => Column::Int64(cast(DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            (_, Some(KeyType::UInt64)) => Column::UInt64(cast(DataType::UInt64)?.as_primitive::<UInt64Type>().clone()),
            (other, None) => return refused(format!("are {other}; expected strings or integers")),
        })
    }

    fn index(column: Column) -> Self {
        let index = match &column {
            Column::Text(text) => KeyIndex::new(text.len(), |id| text.value(id)),
            Column::ShortText(text) => KeyIndex::new(text.len(), |id| text.value(id)),
            Column::Int64(numbers) => KeyIndex::new(numbers.len(), |id| numbers.value(id)),
            Column::UInt64(numbers) => KeyIndex::new(numbers.len(), |id| numbers.value(id)),
            Column::GrowingText(texts) => KeyIndex::new(texts.len(), |id| texts.value(id)),
            Column::GrowingInt64(numbers) => KeyIndex::new(numbers.len(), |id| numbers[id]),
            Column::GrowingUInt64(numbers) => KeyIndex::new(numbers.len(), |id| numbers[id]),
        };
        Self { column, index }
    }

    /// The type of all keys.
    pub fn key_type(&self) -> KeyType {
        match &self.column {
            Column::Text(_) | Column::ShortText(_) | Column::GrowingText(_) => KeyType::Text,
            Column::Int64(_) | Column::GrowingInt64(_) => KeyType::Int64,
            Column::UInt64(_) | Column::GrowingUInt64(_) => KeyType::UInt64,
        }
    }

    /// The number of a key, if the list holds it.
    #[inline]
    pub fn id<'k>(&self, key: impl Into<Key<'k>>) -> Option<WordId> {
        match (&self.column, key.into()) {
            (Column::Text(text), Key::Text(key)) => self.index.find(key, |id| text.value(id)),
            (Column::ShortText(text), Key::Text(key)) => self.index.find(key, |id| text.value(id)),
            (Column::Int64(numbers), key) => self.index.find(key.as_i64()?, |id| numbers.value(id)),
            (Column::UInt64(numbers), key) => self.index.find(key.as_u64()?, |id| numbers.value(id)),
            (Column::GrowingText(texts), Key::Text(key)) => self.index.find(key, |id| texts.value(id)),
            (Column::GrowingInt64(numbers), key) => self.index.find(key.as_i64()?, |id| numbers[id]),
            (Column::GrowingUInt64(numbers), key) => self.index.find(key.as_u64()?, |id| numbers[id]),
            (Column::Text(_) | Column::ShortText(_) | Column::GrowingText(_), _) => None,
        }
    }

    /// The key of a number.
    ///
    /// # Panics
    /// If there is no such number.
    pub fn key(&self, id: WordId) -> Key<'_> {
        match &self.column {
            Column::Text(text) => Key::Text(text.value(id as usize)),
            Column::ShortText(text) => Key::Text(text.value(id as usize)),
            Column::Int64(numbers) => Key::Int64(numbers.value(id as usize)),
            Column::UInt64(numbers) => Key::UInt64(numbers.value(id as usize)),
            Column::GrowingText(texts) => Key::Text(texts.value(id as usize)),
            Column::GrowingInt64(numbers) => Key::Int64(numbers[id as usize]),
            Column::GrowingUInt64(numbers) => Key::UInt64(numbers[id as usize]),
        }
    }

    /// The key that a text stands for, as in the arguments of a command: where keys are integers, the number that it
    /// writes as a decimal; else the text itself.
    pub fn parse<'t>(&self, text: &'t str) -> Key<'t> {
        let number = || text.parse().map(Key::Int64).or_else(|_| text.parse().map(Key::UInt64)).ok();
        let number = if self.key_type().is_integer() { number() } else { None };
        number.unwrap_or(Key::Text(text))
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.column.len()
    }

    /// True if a key stands in several places.
    pub fn has_repeats(&self) -> bool {
        self.index.len() < self.len()
    }

    /// True if there are no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Key<'_>> {
        // There are fewer than 2^32 keys.
        (0..self.len()).map(|id| self.key(id as WordId))
    }

    /// The keys in order, as an Arrow array: LargeUtf8, Int64 or UInt64. The keys are copied if some were added, and else
    /// at most the offsets of text.
    pub fn array(&self) -> ArrayRef {
        self.column.array()
    }

    /// [`array`](Self::array), but text is Utf8 as long as 32-bit offsets suffice, because some readers know no other type.
    pub(crate) fn short_array(&self) -> ArrayRef {
        self.column.short_array()
    }

    /// These keys, then those of `more` that are not among them, in order.
    ///
    /// # Errors
    /// [`Error::Parameter`] if new keys are of another kind, or integers that do not fit.
    pub(super) fn extended(&self, more: &Self) -> Result<Self> {
        if self.is_empty() {
            return Ok(more.clone());
        }
        let new = more.iter().filter(|key| self.id(*key).is_none());
        let column = Column::collect(self.key_type(), self.iter().chain(new)).ok_or_else(|| {
            let reason = format!("are {}; the new ones are {}", self.key_type(), more.key_type());
            Error::parameter("keys", reason)
        })?;
        Ok(Self::index(column))
    }

    /// The keys of these numbers.
    ///
    /// # Panics
    /// If there is no such number.
    pub(crate) fn select(&self, ids: &[WordId]) -> Self {
        let keys = ids.iter().map(|&id| self.key(id));
        // All keys are of one type, so they are collected.
        Self::index(Column::collect(self.key_type(), keys).unwrap_or_else(|| self.column.clone()))
    }

    /// The integers that the keys are, or write as decimals: Int64, or UInt64 if one of them needs that.
    ///
    /// # Errors
    /// The number of a key that is not an integer, or not one of the same type as the others.
    pub(crate) fn to_integers(&self) -> Result<Self, WordId> {
        if self.key_type().is_integer() {
            return Ok(self.clone());
        }
        let parsed =
            self.iter().filter_map(Key::as_text).zip(0..).map(|(text, id)| match (text.parse(), text.parse()) {
                (Ok(signed), _) => Ok(Key::Int64(signed)),
                (_, Ok(unsigned)) => Ok(Key::UInt64(unsigned)),
                _ => Err(id),
            });
        let keys = parsed.collect::<Result<Vec<_>, WordId>>()?;
        let key_type = if keys.iter().all(|key| key.as_i64().is_some()) { KeyType::Int64 } else { KeyType::UInt64 };
        match Column::collect(key_type, keys.iter().copied()) {
            Some(column) => Ok(Self::index(column)),
            None => Err(keys.iter().zip(0..).find(|(key, _)| key.as_u64().is_none()).map_or(0, |(_, id)| id)),
        }
    }

    /// The error for a key that the list does not hold.
    pub(crate) fn unknown(&self, key: Key<'_>) -> Error {
        let is_wrong_kind = key.key_type().is_integer() != self.key_type().is_integer();
        Error::UnknownKey(match is_wrong_kind {
            true => format!("{key:?}, where keys are {},", self.key_type()),
            false => format!("{key:?}"),
        })
    }
}

impl<'a> FromIterator<&'a str> for Keys {
    fn from_iter<I: IntoIterator<Item = &'a str>>(words: I) -> Self {
        Self::index(Column::Text(LargeStringArray::from_iter_values(words)))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        DictionaryArray, Float64Array, Int8Array, Int16Array, Int64Array, StringArray, StringViewArray, UInt8Array,
        UInt64Array,
    };
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn every_key_is_found_at_its_number_and_others_are_not() {
        let words: Vec<String> = (0..5000).map(|i| format!("w{i}")).collect();
        let numbers: Vec<i64> = (0..5000).map(|i| i * 7919 - 12_345).collect();
        let (text, integers): (Keys, _) =
            (words.iter().map(String::as_str).collect(), Keys::new(&Int64Array::from(numbers.clone())).unwrap());
        for id in 0..5000 {
            assert_eq!(text.id(&words[id as usize]), Some(id));
            assert_eq!(integers.id(numbers[id as usize]), Some(id));
            assert_eq!(integers.key(id), Key::Int64(numbers[id as usize]));
        }
        assert_eq!((text.id("w5000"), text.id(""), integers.id(1i64)), (None, None, None));
    }

    #[test]
    fn a_repeated_key_is_found_at_its_first_place() {
        let words: Keys = ["a", "b", "a"].into_iter().collect();
        assert_eq!((words.id("a"), words.len(), words.has_repeats()), (Some(0), 3, true));
        let numbers = Keys::new(&Int8Array::from(vec![5, 5])).unwrap();
        assert_eq!((numbers.id(5i64), numbers.has_repeats()), (Some(0), true));
    }

    #[test]
    fn text_never_equals_an_integer_and_integers_are_equal_by_number() {
        let items = Keys::new(&UInt64Array::from(vec![101, u64::MAX])).unwrap();
        assert_eq!((items.id("101"), items.id(101i64), items.id(-1i64)), (None, Some(0), None));
        assert_eq!(items.id(u64::MAX), Some(1));
        assert_eq!(Key::Int64(7), Key::UInt64(7));
        assert_ne!(Key::Int64(-1), Key::UInt64(u64::MAX));
        assert_ne!(Key::Text("7"), Key::Int64(7));
        let words: Keys = ["101"].into_iter().collect();
        assert_eq!(words.id(101i64), None);
    }

    #[test]
    fn integers_of_all_widths_become_int64_but_uint64_stays() {
        let arrays: [(&dyn Array, KeyType); 4] = [
            (&Int16Array::from(vec![-3, 4]), KeyType::Int64),
            (&UInt8Array::from(vec![3, 4]), KeyType::Int64),
            (&UInt64Array::from(vec![3, 4]), KeyType::UInt64),
            (&StringViewArray::from(vec!["a", "longer than twelve bytes"]), KeyType::Text),
        ];
        for (array, key_type) in arrays {
            let keys = Keys::new(array).unwrap();
            assert_eq!((keys.key_type(), keys.len()), (key_type, 2));
            assert_eq!(KeyType::of(keys.array().data_type()), Some(key_type));
        }
        let dictionary: DictionaryArray<Int32Type> = ["b", "a"].into_iter().collect();
        assert_eq!(Keys::new(&dictionary).unwrap().id("a"), Some(1));
    }

    #[test]
    fn a_slice_holds_its_own_keys_only() {
        let words = StringArray::from(vec!["a", "b", "c"]).slice(1, 1);
        let keys = Keys::new(&words).unwrap();
        assert_eq!((keys.id("b"), keys.id("a"), keys.len()), (Some(0), None, 1));
    }

    #[test]
    fn an_extension_appends_what_is_new_and_keeps_the_type() {
        let numbers = |numbers: &[i64]| Keys::new(&Int64Array::from(numbers.to_vec())).unwrap();
        let both = numbers(&[7, -3]).extended(&numbers(&[5, 7, 4])).unwrap();
        assert_eq!(both.iter().map(|key| key.as_i64().unwrap()).collect::<Vec<_>>(), [7, -3, 5, 4]);
        let unsigned = Keys::new(&UInt64Array::from(vec![7])).unwrap().extended(&numbers(&[8])).unwrap();
        assert_eq!((unsigned.key_type(), unsigned.id(8i64)), (KeyType::UInt64, Some(1)));
        assert!(unsigned.extended(&numbers(&[-1])).is_err());
        let words: Keys = ["a"].into_iter().collect();
        let error = words.extended(&numbers(&[1])).unwrap_err();
        assert_eq!(error.to_string(), "keys: are text; the new ones are integers (Int64)");
    }

    #[test]
    fn decimals_become_integers_or_the_first_other_text_is_told() {
        let integers = |words: &[&str]| words.iter().copied().collect::<Keys>().to_integers();
        let signed = integers(&["101", "-3"]).unwrap();
        assert_eq!((signed.key_type(), signed.id(-3i64), signed.id("101")), (KeyType::Int64, Some(1), None));
        assert_eq!(integers(&["1", "18446744073709551615"]).unwrap().key_type(), KeyType::UInt64);
        assert_eq!(integers(&["1", "a", "b"]).unwrap_err(), 1);
        assert_eq!(integers(&["1", "1.5"]).unwrap_err(), 1);
        assert_eq!(integers(&["18446744073709551615", "-1"]).unwrap_err(), 1);
    }

    #[test]
    fn an_argument_is_a_number_where_keys_are_integers() {
        let items = Keys::new(&UInt64Array::from(vec![101, u64::MAX])).unwrap();
        assert_eq!((items.parse("101"), items.parse("-1")), (Key::Int64(101), Key::Int64(-1)));
        assert_eq!(
            (items.parse("18446744073709551615"), items.parse("one")),
            (Key::UInt64(u64::MAX), Key::Text("one"))
        );
        assert_eq!(["101"].into_iter().collect::<Keys>().parse("101"), Key::Text("101"));
    }

    #[test]
    fn a_selection_keeps_the_type() {
        let numbers = Keys::new(&Int64Array::from(vec![7, -3, 7])).unwrap().select(&[1, 0]);
        assert_eq!(numbers.iter().collect::<Vec<_>>(), [Key::Int64(-3), Key::Int64(7)]);
    }

    #[test]
    fn nulls_and_other_types_are_refused() {
        let error = Keys::new(&Int64Array::from(vec![Some(1), None])).unwrap_err();
        assert!(error.to_string().contains("nulls"), "{error}");
        let error = Keys::new(&Float64Array::from(vec![1.0])).unwrap_err();
        assert!(error.to_string().contains("Float64; expected strings or integers"), "{error}");
    }

    #[test]
    fn an_unknown_key_of_the_wrong_kind_is_told_so() {
        let items = Keys::new(&Int64Array::from(vec![101])).unwrap();
        let message = items.unknown(Key::Text("101")).to_string();
        assert_eq!(message, "the key \"101\", where keys are integers (Int64), is not in the vocabulary");
        assert_eq!(items.unknown(Key::Int64(5)).to_string(), "the key 5 is not in the vocabulary");
    }
}
