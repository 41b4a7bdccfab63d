//! Values in JSON, exactly as they were.

use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A small value of a bundle: what JSON can hold, NaN and infinity too. Floats come back to the last bit, and dictionaries
/// in their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Python's None.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer, from `i64::MIN` to `u64::MAX`.
    Int(i128),
    /// A float.
    Float(f64),
    /// Text.
    Text(String),
    /// Several values.
    List(Vec<Value>),
    /// Values by name.
    Dict(Vec<(String, Value)>),
}

/// The key of a dictionary that stands for a float that JSON would not give back.
const FLOAT: &str = "__float__";
/// The key of a dictionary that stands for one whose keys begin like these.
const DICT: &str = "__dict__";

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => serializer.serialize_i64(value),
                (_, Ok(value)) => serializer.serialize_u64(value),
                _ => Err(serde::ser::Error::custom("an integer of more than 64 bits")),
            },
            Self::Float(value) if is_exact(*value) => serializer.serialize_f64(*value),
            Self::Float(value) => serializer.collect_map([(FLOAT, value.to_string())]),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(value))?;
                list.end()
            }
            Self::Dict(items) if items.iter().any(|(key, _)| key.starts_with("__")) => {
                serializer.collect_map([(DICT, items)])
            }
            Self::Dict(items) => {
                let mut map = serializer.serialize_map(Some(items.len()))?;
                items.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

/// True if the JSON parser gives this float back.
fn is_exact(value: f64) -> bool {
    let text = serde_json::to_string(&value);
    let read = text.ok().and_then(|text| serde_json::from_str::<f64>(&text).ok());
    read.is_some_and(|read| read.to_bits() == value.to_bits())
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Int(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut items: Vec<(String, Value)> = Vec::new();
        while let Some(item) = entries.next_entry()? {
            items.push(item);
        }
        plain(items).map_err(A::Error::custom)
    }
}

/// The value that a dictionary in the file stands for.
fn plain(mut items: Vec<(String, Value)>) -> Result<Value, &'static str> {
    let pair = |item: Value| match item {
        Value::List(pair) => match <[Value; 2]>::try_from(pair) {
            Ok([Value::Text(key), value]) => Some((key, value)),
            _ => None,
        },
        _ => None,
    };
    match (items.len(), items.pop()) {
        (1, Some((key, Value::Text(text)))) if key == FLOAT => {
            text.parse().map(Value::Float).map_err(|_| "a value that is not a float")
        }
        (1, Some((key, Value::List(pairs)))) if key == DICT => {
            let pairs = pairs.into_iter().map(pair).collect::<Option<Vec<_>>>();
            pairs.map(Value::Dict).ok_or("a dictionary that is not one of pairs")
        }
        (_, last) => {
            items.extend(last);
            Ok(Value::Dict(items))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::None),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(|value| Value::Int(value.into())),
            any::<u64>().prop_map(|value| Value::Int(value.into())),
            any::<f64>().prop_map(Value::Float),
            ".{0,9}|__float__|nan".prop_map(Value::Text),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let key = ".{0,4}|__float__|__dict__|__x";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
                prop::collection::vec((key, inner), 0..5).prop_map(Value::Dict),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in values()) {
            let text = serde_json::to_string(&value).unwrap();
            let read: Value = serde_json::from_str(&text).unwrap();
            // NaN is not equal to itself; its text is.
            prop_assert_eq!(format!("{read:?}"), format!("{value:?}"));
        }
    }

    #[test]
    fn floats_that_json_cannot_hold_are_written_as_text() {
        let text = |value: f64| serde_json::to_string(&Value::Float(value)).unwrap();
        assert_eq!(text(0.5), "0.5");
        assert_eq!(text(1.0), "1.0");
        assert_eq!(text(f64::NAN), "{\"__float__\":\"NaN\"}");
        assert_eq!(text(f64::NEG_INFINITY), "{\"__float__\":\"-inf\"}");
        assert!(serde_json::from_str::<Value>("{\"__float__\":\"x\"}").is_err());
        assert!(serde_json::to_string(&Value::Int(1 << 64)).is_err());
    }
}
