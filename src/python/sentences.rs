//! Python's lists of strings, of ints, NumPy's arrays of integers, and arrays of Arrow as Arrow lists.

use std::fmt::Display;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, AsArray, Int64Builder, LargeListArray, LargeStringBuilder, NullArray, UInt64Builder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use numpy::{PyArrayDescrMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyFloat, PyList, PyString, PyTuple};
use pyo3_arrow::{PyArray, PyArrayReader};

use crate::process::catch_panic;
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

    /// Takes a list of strings or ints, an array of NumPy, Arrow, Polars or pandas, or None.
    pub(super) fn push(&mut self, sentence: &Bound<'_, PyAny>) -> PyResult<()> {
        let is_plain = sentence.is_instance_of::<PyList>() || sentence.is_instance_of::<PyTuple>();
        // A list that pyarrow takes out of an array, or a null.
        if !is_plain && sentence.hasattr("as_py")? {
            return self.push(&sentence.call_method0("as_py")?);
        }
        let is_valid = is_plain || !is_missing(sentence)?;
        match is_plain {
            true => self.push_tokens(sentence)?,
            false if is_valid => self.push_array(sentence)?,
            false => {}
        }
        self.ends.push(self.tokens.len() as i64);
        self.is_valid.push(is_valid);
        Ok(())
    }

    /// Takes the tokens of an array, or of any other iterable.
    fn push_array(&mut self, sentence: &Bound<'_, PyAny>) -> PyResult<()> {
        if sentence.is_instance_of::<PyString>() {
            return Err(self.fault("is a string; expected a list of strings, its words"));
        }
        if is_bytes(sentence) {
            return Err(self.fault("is bytes; expected a list of strings, its words"));
        }
        if let Ok(array) = sentence.cast::<PyUntypedArray>() {
            let is_integer = matches!(array.dtype().kind(), b'i' | b'u');
            return if is_integer { self.push_integers(array) } else { self.push_tokens(sentence) };
        }
        // pandas would ask pyarrow, which takes longer.
        if sentence.hasattr("iloc")? {
            let array = sentence.call_method0("to_numpy")?;
            // It makes floats of integers with nulls, which iterating does not.
            let is_exact = array.cast::<PyUntypedArray>().is_ok_and(|array| array.dtype().kind() != b'f');
            return if is_exact { self.push_array(&array) } else { self.push_tokens(sentence) };
        }
        if let Some(chunks) = arrow_chunks(sentence)? {
            return chunks.iter().try_for_each(|tokens| self.push_arrow(tokens));
        }
        self.push_tokens(sentence)
    }

    fn push_tokens(&mut self, sentence: &Bound<'_, PyAny>) -> PyResult<()> {
        let tokens = sentence.try_iter().map_err(|_| self.fault("is not a list of strings or integers"))?;
        for token in tokens {
            self.push_token(&token?)?;
        }
        Ok(())
    }

    /// Copies the tokens of an Arrow array.
    fn push_arrow(&mut self, tokens: &ArrayRef) -> PyResult<()> {
        // An array of nulls may be of any type, and null tokens are skipped.
        if tokens.logical_null_count() == tokens.len() {
            return Ok(());
        }
        let cast =
            |to: &DataType| cast_with_options(tokens, to, &CastOptions { safe: false, ..CastOptions::default() });
        let found = match tokens.data_type() {
            DataType::Dictionary(_, values) => values.as_ref(),
            other => other,
        };
        match KeyType::of(found) {
            Some(KeyType::Text) => {}
            Some(integers) => {
                let unfit = match self.of_kind(integers)? {
                    Tokens::UInt64(numbers) => {
                        cast(&DataType::UInt64).map(|array| numbers.append_array(array.as_primitive()))
                    }
                    Tokens::Int64(numbers) => {
                        cast(&DataType::Int64).map(|array| numbers.append_array(array.as_primitive()))
                    }
                    Tokens::Nulls(_) | Tokens::Text(_) => Ok(()),
                };
                return unfit.map_err(|_| self.unfit());
            }
            None if matches!(found, DataType::Binary | DataType::LargeBinary | DataType::BinaryView) => {}
            None => return Err(self.fault(format!("is an array of {found}; expected strings or integers"))),
        }
        let words =
            cast(&DataType::LargeUtf8).map_err(|_| self.fault("holds bytes that are not UTF-8; decode them first"))?;
        let appended = match self.of_kind(KeyType::Text)? {
            Tokens::Text(text) => text.append_array(words.as_string()),
            _ => Ok(()),
        };
        appended.map_err(|error| self.fault(error))
    }

    /// Integers that the type of those before does not hold.
    fn unfit(&self) -> PyErr {
        let dtype = if matches!(self.tokens, Tokens::UInt64(_)) { "uint64" } else { "int64" };
        self.fault(format!("holds integers that do not fit {dtype}, the type of those before; cast all to one"))
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
        match self.of_kind(key_type)? {
            Tokens::UInt64(numbers) if fits(array, "min", |least| least.extract::<u64>().is_ok())? => {
                numbers.append_slice(&values_as(array, "uint64")?);
            }
            Tokens::Int64(numbers) if fits(array, "max", |most| most.extract::<i64>().is_ok())? => {
                numbers.append_slice(&values_as(array, "int64")?);
            }
            _ => return Err(self.unfit()),
        }
        Ok(())
    }

    fn push_token(&mut self, token: &Bound<'_, PyAny>) -> PyResult<()> {
        if let Ok(word) = token.cast::<PyString>() {
            if let Tokens::Text(words) = self.of_kind(KeyType::Text)? {
                words.append_value(word.to_cow()?);
            }
            return Ok(());
        }
        if is_missing(token)? {
            self.tokens.append_null();
            return Ok(());
        }
        if is_bytes(token) {
            return Err(self.fault("holds bytes; decode them first, as in [word.decode() for word in sentence]"));
        }
        if token.hasattr("as_py")? {
            // A value that pyarrow takes out of an array.
            return self.push_token(&token.call_method0("as_py")?);
        }
        // NumPy's integers have it too, but so do Python's truth values and NumPy's arrays.
        let is_other = token.is_instance_of::<PyBool>() || token.cast::<PyUntypedArray>().is_ok();
        if is_other || !token.hasattr("__index__")? {
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

/// True for None, and for what pandas has for it: NaN and its own NA.
fn is_missing(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    if object.is_none() {
        return Ok(true);
    }
    match object.cast::<PyFloat>() {
        Ok(float) => Ok(float.value().is_nan()),
        Err(_) => Ok(object.get_type().name()? == "NAType"),
    }
}

fn is_bytes(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<PyBytes>() || object.is_instance_of::<PyByteArray>()
}

/// The chunks of an Arrow array; `None` for another object, or if it has no valid ones.
fn arrow_chunks(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<ArrayRef>>> {
    let chunks = if object.hasattr("__arrow_c_array__")? {
        catch_panic(|| object.extract::<PyArray>().map(|array| vec![array.into_inner().0]))
    } else if object.hasattr("__arrow_c_stream__")? {
        let read = || -> PyResult<Vec<ArrayRef>> {
            let reader = object.extract::<PyArrayReader>()?.into_reader()?;
            reader.collect::<Result<_, _>>().map_err(|error| PyValueError::new_err(error.to_string()))
        };
        catch_panic(read)
    } else {
        return Ok(None);
    };
    // Of its columns of Python objects, Polars exports the addresses.
    let is_object = |chunk: &ArrayRef| matches!(chunk.data_type(), DataType::FixedSizeBinary(_));
    let is_valid = |chunks: &Vec<ArrayRef>| {
        catch_panic(|| chunks.iter().all(|chunk| chunk.to_data().validate_full().is_ok())).unwrap_or(false)
    };
    match chunks {
        // Iterating says what is wrong.
        Some(Err(error)) if error.is_instance_of::<PyValueError>(object.py()) => Ok(None),
        Some(chunks) => chunks.map(|chunks| Some(chunks).filter(|c| !c.iter().any(is_object) && is_valid(c))),
        None => Ok(None),
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
