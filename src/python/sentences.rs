//! Python's lists of strings, of ints, and NumPy's arrays of integers as Arrow lists.

use std::fmt::Display;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, Int64Builder, LargeListArray, LargeStringBuilder, NullArray, UInt64Builder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use numpy::{PyArrayDescrMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};

use crate::vocab::KeyType;

/// Sentences of one type of tokens. The first token that is not None decides whether they are text or integers.
pub(super) struct SentenceBuilder {
    tokens: Tokens,
    /// Where each sentence ends in the tokens.
    ends: Vec<i64>,
    is_valid: Vec<bool>,
    /// The number of the first sentence.
    first: usize,
}

enum Tokens {
    /// So many nulls.
    Nulls(usize),
    Text(LargeStringBuilder),
    Int64(Int64Builder),
    UInt64(UInt64Builder),
}

impl SentenceBuilder {
    /// For tokens of this type, if it is known. Errors count sentences from `first`.
    pub(super) fn new(key_type: Option<KeyType>, first: usize) -> Self {
        let tokens = key_type.map_or(Tokens::Nulls(0), Tokens::new);
        Self { tokens, ends: Vec::new(), is_valid: Vec::new(), first }
    }

    /// The number of sentences.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The type of the tokens, if it is known.
    pub(super) fn key_type(&self) -> Option<KeyType> {
        match self.tokens {
            Tokens::Nulls(_) => None,
            Tokens::Text(_) => Some(KeyType::Text),
            Tokens::Int64(_) => Some(KeyType::Int64),
            Tokens::UInt64(_) => Some(KeyType::UInt64),
        }
    }

    /// What is wrong with the next sentence.
    fn fault(&self, what: impl Display) -> PyErr {
        PyTypeError::new_err(format!("corpus: sentence {}: {what}", self.first + self.len()))
    }

    /// Takes a list of strings, a list of ints, an array of integers, or None.
    pub(super) fn push(&mut self, sentence: &Bound<'_, PyAny>) -> PyResult<()> {
        if !sentence.is_none() {
            if sentence.is_instance_of::<PyString>() {
                return Err(self.fault("is a string; expected a list of strings, its words"));
            }
            let array = sentence.cast::<PyUntypedArray>().ok();
            match array.filter(|array| matches!(array.dtype().kind(), b'i' | b'u')) {
                Some(array) => self.push_integers(array)?,
                None => {
                    let tokens = sentence.try_iter().map_err(|_| self.fault("is not a list of strings or integers"))?;
                    for token in tokens {
                        self.push_token(&token?)?;
                    }
                }
            }
        }
        self.ends.push(self.tokens.len() as i64);
        self.is_valid.push(!sentence.is_none());
        Ok(())
    }

    /// Copies an array's integers, without making a Python object of each.
    fn push_integers(&mut self, array: &Bound<'_, PyUntypedArray>) -> PyResult<()> {
        if array.ndim() != 1 {
            return Err(self.fault(format!("is an array of {} dimensions; expected one", array.ndim())));
        }
        if array.len() == 0 {
            return Ok(());
        }
        let is_unsigned = array.dtype().kind() == b'u' && array.dtype().itemsize() == 8;
        let key_type = if is_unsigned { KeyType::UInt64 } else { KeyType::Int64 };
        let unfit =
            |dtype: &str| format!("holds integers that do not fit {dtype}, the type of those before; cast all to one");
        let unfit = match self.of_kind(key_type)? {
            Tokens::UInt64(numbers) if fits(array, "min", |least| least.extract::<u64>().is_ok())? => {
                numbers.append_slice(&values_as(array, "uint64")?);
                return Ok(());
            }
            Tokens::Int64(numbers) if fits(array, "max", |most| most.extract::<i64>().is_ok())? => {
                numbers.append_slice(&values_as(array, "int64")?);
                return Ok(());
            }
            Tokens::UInt64(_) => unfit("uint64"),
            _ => unfit("int64"),
        };
        Err(self.fault(unfit))
    }

    fn push_token(&mut self, token: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Ok(word) = token.cast::<PyString>() {
            if let Tokens::Text(words) = self.of_kind(KeyType::Text)? {
                words.append_value(word.to_cow()?);
            }
            return Ok(());
        }
        if token.is_none() {
            self.tokens.append_null();
            return Ok(());
        }
        // NumPy's integers have it too, but so do Python's truth values.
        if token.is_instance_of::<PyBool>() || !token.hasattr("__index__")? {
            return Err(self.fault(format!("holds {}; expected strings or integers", token.get_type())));
        }
        let taken = match self.of_kind(KeyType::Int64)? {
            Tokens::UInt64(numbers) => token.extract().map(|number| numbers.append_value(number)),
            Tokens::Int64(numbers) => token.extract().map(|number| numbers.append_value(number)),
            Tokens::Nulls(_) | Tokens::Text(_) => Ok(()),
        };
        taken.map_err(|_| {
            self.fault(format!("holds {token}, which does not fit; for keys beyond Int64 pass arrays of uint64"))
        })
    }

    /// The tokens so far, if those of this type can follow. Where none came before, it decides.
    fn of_kind(&mut self, key_type: KeyType) -> PyResult<&mut Tokens> {
        if let Tokens::Nulls(nulls) = self.tokens {
            self.tokens = Tokens::new(key_type);
            (0..nulls).for_each(|_| self.tokens.append_null());
        }
        match self.key_type() {
            Some(before) if before.is_integer() != key_type.is_integer() => {
                let [found, before] = [key_type, before].map(|t| if t.is_integer() { "integers" } else { "strings" });
                Err(self.fault(format!(
                    "holds {found}, but {before} came before; all tokens must be strings, or all integers"
                )))
            }
            _ => Ok(&mut self.tokens),
        }
    }

    /// The sentences as lists.
    pub(super) fn finish(self) -> PyResult<ArrayRef> {
        let unfit = |error: ArrowError| PyValueError::new_err(format!("corpus: {error}"));
        let tokens = self.tokens.finish().map_err(unfit)?;
        let item = Arc::new(Field::new_list_field(tokens.data_type().clone(), true));
        let offsets = OffsetBuffer::new(std::iter::once(0).chain(self.ends).collect());
        let lists = LargeListArray::try_new(item, offsets, tokens, Some(NullBuffer::from(self.is_valid)));
        Ok(Arc::new(lists.map_err(unfit)?))
    }
}

impl Tokens {
    fn new(key_type: KeyType) -> Self {
        match key_type {
            KeyType::Text => Self::Text(LargeStringBuilder::new()),
            KeyType::Int64 => Self::Int64(Int64Builder::new()),
            KeyType::UInt64 => Self::UInt64(UInt64Builder::new()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Nulls(nulls) => *nulls,
            Self::Text(words) => words.len(),
            Self::Int64(numbers) => numbers.len(),
            Self::UInt64(numbers) => numbers.len(),
        }
    }

    fn append_null(&mut self) {
        match self {
            Self::Nulls(nulls) => *nulls += 1,
            Self::Text(words) => words.append_null(),
            Self::Int64(numbers) => numbers.append_null(),
            Self::UInt64(numbers) => numbers.append_null(),
        }
    }

    fn finish(self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            // Of any type, since there is none to tell.
            Self::Nulls(nulls) => return cast(&NullArray::new(nulls), &DataType::LargeUtf8),
            Self::Text(mut words) => Arc::new(words.finish()),
            Self::Int64(mut numbers) => Arc::new(numbers.finish()),
            Self::UInt64(mut numbers) => Arc::new(numbers.finish()),
        })
    }
}

/// True if the least or greatest of an array's integers, as `name` says, is right: NumPy would wrap around.
fn fits(array: &Bound<'_, PyUntypedArray>, name: &str, is_right: impl Fn(&Bound<'_, PyAny>) -> bool) -> PyResult<bool> {
    Ok(is_right(&array.call_method0(name)?))
}

/// An array's integers as those of another type, which they fit.
fn values_as<T: numpy::Element + Copy>(array: &Bound<'_, PyUntypedArray>, dtype: &str) -> PyResult<Vec<T>> {
    let values = array.call_method1("astype", (dtype, "C"))?;
    let values = values.extract::<PyReadonlyArray1<'_, T>>().map_err(PyErr::from)?;
    Ok(values.as_slice()?.to_vec())
}
