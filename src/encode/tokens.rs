//! Word ids of an array of tokens.

use arrow::array::{Array, ArrayAccessor, AsArray, PrimitiveArray, StringViewArray};
use arrow::datatypes::{
    ArrowDictionaryKeyType, ArrowNativeType, DataType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};

use super::index::{IntegerIndex, KeyIndex, TextIndex};
use crate::error::{Error, Result};
use crate::vocab::{KeyType, View, WordId, bits_of};

/// Stands for a token that has no id; every id is below it.
pub(crate) const UNKNOWN: WordId = WordId::MAX - 1;
/// Stands for a null.
pub(crate) const NULL: WordId = WordId::MAX;

/// The id of each token, or [`UNKNOWN`], or [`NULL`]. Each value of a dictionary is looked up once.
///
/// # Errors
/// [`Error::Corpus`] naming `origin`, for an array that holds no tokens, or tokens of another kind than the keys.
pub(crate) fn ids_of_tokens(tokens: &dyn Array, index: &KeyIndex<'_>, origin: &str) -> Result<Vec<WordId>> {
    if let DataType::Dictionary(key, _) = tokens.data_type() {
        return match key.as_ref() {
            DataType::Int8 => ids_of_dictionary::<Int8Type>(tokens, index, origin),
            DataType::Int16 => ids_of_dictionary::<Int16Type>(tokens, index, origin),
            DataType::Int32 => ids_of_dictionary::<Int32Type>(tokens, index, origin),
            DataType::Int64 => ids_of_dictionary::<Int64Type>(tokens, index, origin),
            DataType::UInt8 => ids_of_dictionary::<UInt8Type>(tokens, index, origin),
            DataType::UInt16 => ids_of_dictionary::<UInt16Type>(tokens, index, origin),
            DataType::UInt32 => ids_of_dictionary::<UInt32Type>(tokens, index, origin),
            _ => ids_of_dictionary::<UInt64Type>(tokens, index, origin),
        };
    }
    if tokens.null_count() == tokens.len() {
        return Ok(vec![NULL; tokens.len()]);
    }
    match (index, tokens.data_type()) {
        (KeyIndex::Text(index), DataType::Utf8) => Ok(ids_of_strings(tokens.as_string::<i32>(), index)),
        (KeyIndex::Text(index), DataType::LargeUtf8) => Ok(ids_of_strings(tokens.as_string::<i64>(), index)),
        (KeyIndex::Text(index), DataType::Utf8View) => Ok(ids_of_views(tokens.as_string_view(), index)),
        (KeyIndex::Integers(index), DataType::Int64 | DataType::UInt64) => Ok(ids_of_integers(tokens, index)),
        (index, other) => Err(Error::corpus(
            origin,
            match KeyType::of(other) {
                Some(tokens) => format!("holds {tokens}, but the keys of the vocabulary are {}", index.key_type()),
                None => format!("tokens are {other}; expected strings or integers"),
            },
        )),
    }
}

fn ids_of_integers(tokens: &dyn Array, index: &IntegerIndex) -> Vec<WordId> {
    let bits = bits_of(tokens).unwrap_or_default();
    // The bits of a number that only one of the two types has mean another number in the other.
    let is_foreign = |bits: u64| bits.cast_signed() < 0;
    let is_of_same_type = KeyType::of(tokens.data_type()) == Some(index.key_type());
    match tokens.nulls() {
        None if is_of_same_type => bits.iter().map(|&bits| index.id(bits).unwrap_or(UNKNOWN)).collect(),
        nulls => {
            let id = |(i, &bits): (usize, &u64)| match () {
                () if nulls.is_some_and(|nulls| nulls.is_null(i)) => NULL,
                () if !is_of_same_type && is_foreign(bits) => UNKNOWN,
                () => index.id(bits).unwrap_or(UNKNOWN),
            };
            bits.iter().enumerate().map(id).collect()
        }
    }
}

fn ids_of_views(tokens: &StringViewArray, index: &TextIndex<'_>) -> Vec<WordId> {
    let id = |(i, &view): (usize, &u128)| match View(view) {
        _ if tokens.is_null(i) => NULL,
        view if view.is_whole() => index.id_of_short(view.padded()).unwrap_or(UNKNOWN),
        // SAFETY: i is below the array's length.
        _ => index.id_of_long(unsafe { tokens.value_unchecked(i) }).unwrap_or(UNKNOWN),
    };
    tokens.views().iter().enumerate().map(id).collect()
}

fn ids_of_strings<'a>(tokens: impl ArrayAccessor<Item = &'a str>, index: &TextIndex<'_>) -> Vec<WordId> {
    let id = |i| match tokens.is_null(i) {
        true => NULL,
        // SAFETY: i is below the array's length.
        false => index.id(unsafe { tokens.value_unchecked(i) }).unwrap_or(UNKNOWN),
    };
    (0..tokens.len()).map(id).collect()
}

fn ids_of_dictionary<K: ArrowDictionaryKeyType>(
    tokens: &dyn Array,
    index: &KeyIndex<'_>,
    origin: &str,
) -> Result<Vec<WordId>> {
    let dictionary = tokens.as_dictionary::<K>();
    let ids = ids_of_tokens(dictionary.values().as_ref(), index, origin)?;
    let keys: &PrimitiveArray<K> = dictionary.keys();
    Ok(keys.iter().map(|key| key.map_or(NULL, |key| ids[key.as_usize()])).collect())
}
