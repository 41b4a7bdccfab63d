//! The column that keys lie in, and how each kind of it is read.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericStringArray, Int64Array, LargeStringArray, LargeStringBuilder, OffsetSizeTrait,
    StringArray, UInt64Array,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use foldhash::quality::FixedState;

use super::key::{Key, KeyType};
use super::texts::Texts;

#[derive(Debug, Clone)]
pub(super) enum Column {
    Text(LargeStringArray),
    /// Text with 32-bit offsets, as most files have it.
    ShortText(StringArray),
    Int64(Int64Array),
    UInt64(UInt64Array),
    /// As text, but keys can be added; and so the others.
    GrowingText(Texts),
    GrowingInt64(Vec<i64>),
    GrowingUInt64(Vec<u64>),
}

impl Column {
    /// Keys of this type, or nothing if one of them is of another kind or does not fit.
    pub(super) fn collect<'k>(key_type: KeyType, mut keys: impl Iterator<Item = Key<'k>>) -> Option<Self> {
        Some(match key_type {
            KeyType::Text => {
                let mut text = LargeStringBuilder::new();
                keys.try_for_each(|key| key.as_text().map(|key| text.append_value(key)))?;
                Self::Text(text.finish())
            }
            KeyType::Int64 => Self::Int64(keys.map(Key::as_i64).collect::<Option<Vec<_>>>()?.into()),
            KeyType::UInt64 => Self::UInt64(keys.map(Key::as_u64).collect::<Option<Vec<_>>>()?.into()),
        })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::ShortText(text) => text.len(),
            Self::Int64(numbers) => numbers.len(),
            Self::UInt64(numbers) => numbers.len(),
            Self::GrowingText(texts) => texts.len(),
            Self::GrowingInt64(numbers) => numbers.len(),
            Self::GrowingUInt64(numbers) => numbers.len(),
        }
    }

    /// [`array`](Self::array), but text has 32-bit offsets as long as they suffice.
    pub(super) fn short_array(&self) -> ArrayRef {
        if let Self::ShortText(text) = self {
            return Arc::new(text.clone());
        }
        let keys = self.array();
        let Some(text) = keys.as_string_opt::<i64>() else { return keys };
        let offsets: Result<Vec<i32>, _> = text.offsets().iter().map(|&offset| i32::try_from(offset)).collect();
        match offsets {
            Ok(offsets) => Arc::new(StringArray::new(OffsetBuffer::new(offsets.into()), text.values().clone(), None)),
            Err(_) => keys,
        }
    }

    /// A number that changes with the keys, their order, and the way in which they are hashed.
    pub(super) fn checksum(&self) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        hasher.write_usize(self.len());
        match self {
            Self::Text(text) => hash_text(text, &mut hasher),
            Self::ShortText(text) => hash_text(text, &mut hasher),
            Self::Int64(numbers) => numbers.values().iter().for_each(|&number| hasher.write_i64(number)),
            Self::UInt64(numbers) => numbers.values().iter().for_each(|&number| hasher.write_u64(number)),
            Self::GrowingText(texts) => return Self::Text(texts.array()).checksum(),
            Self::GrowingInt64(numbers) => numbers.iter().for_each(|&number| hasher.write_i64(number)),
            Self::GrowingUInt64(numbers) => numbers.iter().for_each(|&number| hasher.write_u64(number)),
        }
        hasher.finish()
    }

    pub(super) fn array(&self) -> ArrayRef {
        match self {
            Self::Text(text) => Arc::new(text.clone()),
            Self::ShortText(text) => Arc::new(with_long_offsets(text)),
            Self::Int64(numbers) => Arc::new(numbers.clone()),
            Self::UInt64(numbers) => Arc::new(numbers.clone()),
            Self::GrowingText(texts) => Arc::new(texts.array()),
            Self::GrowingInt64(numbers) => Arc::new(Int64Array::from(numbers.clone())),
            Self::GrowingUInt64(numbers) => Arc::new(UInt64Array::from(numbers.clone())),
        }
    }
}

/// Keys, which may repeat, as an array of their type. Integers are Int64, or UInt64 if one of them needs that.
///
/// # Errors
/// Which key is not like the others.
pub(super) fn array_of(keys: &[Key<'_>]) -> Result<ArrayRef, String> {
    let key_type = match keys.first().map(|key| key.key_type()) {
        Some(first) if first.is_integer() => {
            match keys.iter().all(|key| !key.key_type().is_integer() || key.as_i64().is_some()) {
                true => KeyType::Int64,
                false => KeyType::UInt64,
            }
        }
        _ => KeyType::Text,
    };
    Column::collect(key_type, keys.iter().copied()).map(|column| column.array()).ok_or_else(|| {
        let is_other = |key: &&Key<'_>| Column::collect(key_type, std::iter::once(**key)).is_none();
        let other = keys.iter().find(is_other).copied().unwrap_or(Key::Text(""));
        format!("has the key {other:?} among {key_type}; all keys must be text, or all integers of one type")
    })
}

/// Keys whose own hashes are in a checksum.
const HASHED: usize = 64;

/// Hashes text alike, whatever its offsets are.
fn hash_text<O: OffsetSizeTrait>(text: &GenericStringArray<O>, hasher: &mut impl Hasher) {
    let (first, last) = (text.offsets()[0].as_usize(), text.offsets()[text.len()].as_usize());
    hasher.write(&text.value_data()[first..last]);
    text.offsets().iter().for_each(|offset| hasher.write_usize(offset.as_usize() - first));
    // Short text may be hashed in another way than long one.
    let hashes = text.iter().flatten().take(HASHED).map(|text| FixedState::default().hash_one(text));
    hashes.for_each(|hash| hasher.write_u64(hash));
}

/// The same text under 64-bit offsets, without copying the text itself.
pub(super) fn with_long_offsets<O: OffsetSizeTrait>(text: &GenericStringArray<O>) -> LargeStringArray {
    let first = text.offsets()[0].as_usize();
    let last = text.offsets()[text.len()].as_usize();
    let offsets: ScalarBuffer<i64> = text.offsets().iter().map(|o| (o.as_usize() - first) as i64).collect();
    // Only the text that the offsets span is known to be UTF-8, so no more of the buffer is taken.
    let text = text.values().slice_with_length(first, last - first);
    LargeStringArray::new(OffsetBuffer::new(offsets), text, None)
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::*;

    #[test]
    fn loose_keys_make_one_array_or_are_told_apart() {
        let keys = [Key::Int64(1), Key::UInt64(u64::MAX)];
        assert_eq!(array_of(&keys).unwrap().data_type(), &DataType::UInt64);
        assert_eq!(array_of(&keys[..1]).unwrap().data_type(), &DataType::Int64);
        assert_eq!(array_of(&[]).unwrap().len(), 0);
        let reason = array_of(&[Key::Int64(1), Key::Text("a")]).unwrap_err();
        assert!(reason.starts_with("has the key \"a\" among integers (Int64)"), "{reason}");
        assert!(array_of(&[Key::Int64(-1), Key::UInt64(u64::MAX)]).unwrap_err().contains("-1"));
    }
}
