//! The values of a pickle.

use std::sync::Arc;

/// A word, or null.
pub(super) type Token = Option<Arc<str>>;
/// A sentence, or null.
pub(in super::super) type Sentence = Option<Arc<[Token]>>;

/// The only globals that NumPy's arrays of objects name.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Global {
    Reconstruct,
    NdArray,
    DType,
    /// In protocol 2: makes b"b" of "b".
    Encode,
}

impl Global {
    pub(super) fn new(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Some(Self::Reconstruct),
            ("numpy", "ndarray") => Some(Self::NdArray),
            ("numpy", "dtype") => Some(Self::DType),
            ("_codecs", "encode") => Some(Self::Encode),
            _ => None,
        }
    }
}

#[derive(Clone)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float,
    Text(Arc<str>),
    Bytes,
    Global(Global),
    /// Its items, and whether there are tuples among them.
    Tuple(Arc<[Value]>, bool),
    /// A sentence that may still grow, and where it will be kept if it is fetched again.
    List(Vec<Token>, Option<u64>),
    /// A list that has been fetched before it was complete.
    Same(u64),
    /// A list that is complete.
    Sentence(Arc<[Token]>),
    DType,
    /// The array, then the list of its items, then the array with them.
    Array,
    Items,
    Filled,
}

impl Value {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) | Self::Int(_) | Self::Float => "a number",
            Self::Text(_) => "a string",
            Self::Bytes => "bytes",
            Self::Tuple(..) | Self::List(..) | Self::Same(_) | Self::Sentence(_) => "a list",
            _ => "a part of an array",
        }
    }
}

/// # Errors
/// What it is instead.
pub(super) fn token(value: Value) -> Result<Token, &'static str> {
    match value {
        Value::Text(text) => Ok(Some(text)),
        Value::None => Ok(None),
        other => Err(other.name()),
    }
}
