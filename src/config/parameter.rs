//! A parameter as a row of a table: all that the command, Python and saved models need to know of it.

use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};
use crate::exact;

/// A parameter of the configuration `C`.
pub struct Parameter<C> {
    /// The name of the field, of the command's option (with dashes), and of the argument in Python.
    pub name: &'static str,
    /// What it means, as one paragraph.
    pub meaning: &'static str,
    /// The values it may take.
    pub range: Range,
    pub(super) get: fn(&C) -> Value,
    /// `None` if the field cannot hold the value.
    pub(super) set: fn(&mut C, Value) -> Option<()>,
}

/// The values that a parameter may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// A whole number from `least` to `most`.
    Whole {
        /// The smallest value.
        least: u64,
        /// The greatest value.
        most: u64,
    },
    /// A finite number from `least` to `most`.
    Real {
        /// The smallest value.
        least: f64,
        /// The greatest value.
        most: f64,
    },
    /// A whole number of at least 1, or none. Where users write it, 0 stands for none.
    Optional,
    /// True or false.
    Switch,
    /// True or false, written 1 or 0 by users, as in gensim.
    ZeroOrOne,
}

/// The value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// None, where the parameter is optional.
    None,
    /// True or false.
    Switch(bool),
    /// A whole number.
    Whole(u64),
    /// Any number.
    Real(f64),
}

pub(super) const fn whole(range: RangeInclusive<u64>) -> Range {
    Range::Whole { least: *range.start(), most: *range.end() }
}

pub(super) const fn real(range: RangeInclusive<f64>) -> Range {
    Range::Real { least: *range.start(), most: *range.end() }
}

impl<C> Parameter<C> {
    /// The value in a configuration.
    pub fn get(&self, config: &C) -> Value {
        (self.get)(config)
    }

    /// The default value.
    pub fn default(&self) -> Value
    where
        C: Default,
    {
        self.get(&C::default())
    }

    /// Sets the value in a configuration.
    ///
    /// # Errors
    /// [`Error::Parameter`] if it is out of range or of another type.
    pub fn set(&self, config: &mut C, value: Value) -> Result<()> {
        let value = self.range.converted(value);
        self.check(value)?;
        (self.set)(config, value).ok_or_else(|| self.refused(value))
    }

    /// # Errors
    /// [`Error::Parameter`] if the value is out of range or of another type.
    pub fn check(&self, value: Value) -> Result<()> {
        if self.range.contains(value) { Ok(()) } else { Err(self.refused(value)) }
    }

    fn refused(&self, value: Value) -> Error {
        Error::parameter(self.name, format!("must be {}, got {}", self.range, self.range.text(value)))
    }
}

impl Range {
    fn contains(self, value: Value) -> bool {
        match (self, value) {
            (Self::Whole { least, most }, Value::Whole(number)) => (least..=most).contains(&number),
            (Self::Real { least, most }, Value::Real(number)) => (least..=most).contains(&number),
            (Self::Optional, Value::Whole(number)) => number > 0,
            (Self::Optional, Value::None) | (Self::Switch | Self::ZeroOrOne, Value::Switch(_)) => true,
            _ => false,
        }
    }

    /// A value as users may write it, as the configuration holds it.
    fn converted(self, value: Value) -> Value {
        match (self, value) {
            (Self::Real { .. }, Value::Whole(number)) => Value::Real(number as f64),
            (Self::Optional, Value::Whole(0)) => Value::None,
            (Self::Switch | Self::ZeroOrOne, Value::Whole(number @ 0..=1)) => Value::Switch(number == 1),
            _ => value,
        }
    }

    /// Reads a value of the right type; whether it is in the range is not checked.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn parse(self, text: &str) -> Result<Value, String> {
        let parsed = match self {
            Self::Whole { .. } | Self::Optional => text.parse().ok().map(Value::Whole),
            Self::Real { .. } => text.parse().ok().map(Value::Real),
            Self::Switch | Self::ZeroOrOne => match text {
                "true" | "1" => Some(Value::Switch(true)),
                "false" | "0" => Some(Value::Switch(false)),
                _ => None,
            },
        };
        parsed.map(|value| self.converted(value)).ok_or_else(|| format!("expected {self}"))
    }

    /// A value as users write it.
    pub fn text(self, value: Value) -> String {
        match (self, value) {
            (_, Value::None) => "none".to_owned(),
            (Self::ZeroOrOne, Value::Switch(is_on)) => u8::from(is_on).to_string(),
            (_, Value::Switch(is_on)) => is_on.to_string(),
            (_, Value::Whole(number)) => number.to_string(),
            (_, Value::Real(number)) => format!("{number:?}"),
        }
    }
}

/// What is expected: "a whole number between 1 and 10000".
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Beyond it a single-precision float is not finite.
        const UNBOUNDED: f64 = f32::MAX as f64;
        match *self {
            Self::Whole { least, most } => write!(f, "a whole number between {least} and {most}"),
            Self::Real { least, most } if least <= -UNBOUNDED && most >= UNBOUNDED => f.write_str("a finite number"),
            Self::Real { least, most } if most >= UNBOUNDED => write!(f, "a finite number of at least {least}"),
            Self::Real { least, most } => write!(f, "a number between {least} and {most}"),
            Self::Optional => f.write_str("a whole number of at least 1, or none"),
            Self::Switch => f.write_str("true or false"),
            Self::ZeroOrOne => f.write_str("0 or 1"),
        }
    }
}

/// A type that a parameter's field may have.
pub(super) trait Field: Sized {
    fn to_value(&self) -> Value;
    fn from_value(value: Value) -> Option<Self>;
}

impl Field for bool {
    fn to_value(&self) -> Value {
        Value::Switch(*self)
    }

    fn from_value(value: Value) -> Option<Self> {
        if let Value::Switch(is_on) = value { Some(is_on) } else { None }
    }
}

impl Field for u64 {
    fn to_value(&self) -> Value {
        Value::Whole(*self)
    }

    fn from_value(value: Value) -> Option<Self> {
        if let Value::Whole(number) = value { Some(number) } else { None }
    }
}

impl Field for usize {
    fn to_value(&self) -> Value {
        Value::Whole(*self as u64)
    }

    fn from_value(value: Value) -> Option<Self> {
        u64::from_value(value)?.try_into().ok()
    }
}

impl Field for Option<usize> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::None, Field::to_value)
    }

    fn from_value(value: Value) -> Option<Self> {
        if value == Value::None { Some(None) } else { usize::from_value(value).map(Some) }
    }
}

impl Field for f64 {
    fn to_value(&self) -> Value {
        Value::Real(*self)
    }

    fn from_value(value: Value) -> Option<Self> {
        if let Value::Real(number) = value { Some(number) } else { None }
    }
}

impl Field for f32 {
    /// The shortest decimal that stands for the same single-precision float: 0.025, not 0.02500000037.
    fn to_value(&self) -> Value {
        Value::Real(self.to_string().parse().unwrap_or(f64::NAN))
    }

    fn from_value(value: Value) -> Option<Self> {
        f64::from_value(value).map(|number| number as Self)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_none(),
            Self::Switch(is_on) => serializer.serialize_bool(*is_on),
            Self::Whole(number) => serializer.serialize_u64(*number),
            Self::Real(number) => exact::serialize(number, serializer),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Range {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self {
            Self::Whole { .. } => u64::deserialize(deserializer).map(Value::Whole),
            Self::Real { .. } => exact::deserialize(deserializer).map(Value::Real),
            Self::Optional => Option::deserialize(deserializer).map(|number| number.map_or(Value::None, Value::Whole)),
            Self::Switch | Self::ZeroOrOne => bool::deserialize(deserializer).map(Value::Switch),
        }
    }
}

/// A configuration as a map from names to values.
pub(super) fn serialize<C, S: Serializer>(
    table: &'static [Parameter<C>],
    config: &C,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(table.iter().map(|parameter| (parameter.name, parameter.get(config))))
}

/// Parameters that are missing, as in files of older versions, have their defaults; names that are not in the table are
/// ignored.
pub(super) fn deserialize<'de, C: Default, D: Deserializer<'de>>(
    table: &'static [Parameter<C>],
    deserializer: D,
) -> Result<C, D::Error> {
    struct Values<C: 'static>(&'static [Parameter<C>], PhantomData<C>);

    impl<'de, C: Default> Visitor<'de> for Values<C> {
        type Value = C;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map from parameters to values")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<C, A::Error> {
            let mut config = C::default();
            while let Some(name) = map.next_key::<String>()? {
                match self.0.iter().find(|parameter| parameter.name == name) {
                    Some(parameter) => {
                        let value = map.next_value_seed(parameter.range);
                        let value = value.map_err(|error| A::Error::custom(format!("{name}: {error}")))?;
                        parameter.set(&mut config, value).map_err(A::Error::custom)?;
                    }
                    None => drop(map.next_value::<IgnoredAny>()?),
                }
            }
            Ok(config)
        }
    }

    deserializer.deserialize_map(Values(table, PhantomData))
}

/// Makes a configuration from its table. Each row is the meaning, the name, the type, the default and the [`Range`] of
/// a parameter; the struct, its defaults, its saved form and the table at run time follow from it.
macro_rules! parameters {
    (
        $(#[$attribute:meta])*
        pub struct $config:ident {
            $($(#[doc = $meaning:literal])+ $name:ident: $type:ty = $default:expr, $range:expr;)+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $config {
            $($(#[doc = $meaning])+ #[doc = concat!("\n\nDefault: `", stringify!($default), "`.")] pub $name: $type,)+
        }

        impl Default for $config {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl $config {
            /// All parameters, in the order in which they are listed to users.
            pub const PARAMETERS: &'static [Parameter<Self>] = &[$(Parameter {
                name: stringify!($name),
                meaning: concat!($($meaning),+).trim_ascii(),
                range: $range,
                get: |config| parameter::Field::to_value(&config.$name),
                set: |config, value| {
                    config.$name = parameter::Field::from_value(value)?;
                    Some(())
                },
            },)+];
        }

        impl serde::Serialize for $config {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                parameter::serialize(Self::PARAMETERS, self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $config {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                parameter::deserialize(Self::PARAMETERS, deserializer)
            }
        }
    };
}
pub(super) use parameters;
