//! Bundles for `polargram.Bundle`.

use std::path::PathBuf;

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::job;
use super::location::location;
use super::npy::{Description, description};
use crate::bundle::{Array, Bundle, Content, Item, StoredArray, Value, save};

/// Lists and dictionaries within each other; more would be a circle, or overflow the stack.
const DEEPEST: usize = 32;

/// An item as Python gives it: what it is, and its content.
enum Given<'py> {
    Array(Description, PyReadonlyArray1<'py, u8>),
    Value(Value),
    Group(Vec<(String, Given<'py>)>),
}

/// Saves items: `("array", (descr, is_fortran, shape, bytes))`, `("value", object)` or `("group", items)`.
#[pyfunction]
#[pyo3(signature = (path, items, storage_options = None))]
pub(super) fn save_bundle(
    py: Python<'_>,
    path: PathBuf,
    items: &Bound<'_, PyList>,
    storage_options: Option<&Bound<'_, PyDict>>,
) -> PyResult<()> {
    let given = given(items, "")?;
    let items = given.iter().map(item).collect::<PyResult<Vec<_>>>()?;
    let location = location(path, storage_options)?;
    job::run(py, None, |progress, _| save(&location, &items, progress))
}

/// Items of a bundle, or of the group whose name and a dot stand `above`.
fn given<'py>(items: &Bound<'py, PyList>, above: &str) -> PyResult<Vec<(String, Given<'py>)>> {
    let one = |item: Bound<'py, PyAny>| {
        let (name, kind, content): (String, String, Bound<'py, PyAny>) = item.extract()?;
        let given = match kind.as_str() {
            "array" => {
                let (descr, is_fortran, shape, values) = content.extract()?;
                Given::Array((descr, is_fortran, shape), values)
            }
            "group" => Given::Group(given(content.cast()?, &format!("{name}."))?),
            _ => Given::Value(value(&content, &format!("{above}{name}"), 0)?),
        };
        Ok((name, given))
    };
    items.iter().map(one).collect()
}

fn item<'a>((name, given): &'a (String, Given<'_>)) -> PyResult<(String, Item<'a>)> {
    let item = match given {
        Given::Array((descr, is_fortran, shape), values) => {
            let (descr, shape, values) = (descr.clone(), shape.clone(), values.as_slice()?);
            Item::Array(Array { descr, is_fortran: *is_fortran, shape, values })
        }
        Given::Value(value) => Item::Value(value.clone()),
        Given::Group(items) => Item::Group(items.iter().map(item).collect::<PyResult<_>>()?),
    };
    Ok((name.clone(), item))
}

/// A value of JSON.
///
/// # Errors
/// TypeError for anything else, ValueError for what is too large or nested too deeply.
fn value(object: &Bound<'_, PyAny>, name: &str, depth: usize) -> PyResult<Value> {
    if depth > DEEPEST {
        return Err(PyValueError::new_err(format!("{name}: has more than {DEEPEST} lists within each other")));
    }
    let inner = |object: &Bound<'_, PyAny>| value(object, name, depth + 1);
    let value = match object {
        object if object.is_none() => Value::None,
        object if object.is_instance_of::<PyBool>() => Value::Bool(object.is_truthy()?),
        object if object.is_instance_of::<PyInt>() => Value::Int(integer(object, name)?),
        object if object.is_instance_of::<PyFloat>() => Value::Float(object.extract()?),
        object if object.is_instance_of::<PyString>() => {
            let text = object.extract::<String>();
            Value::Text(text.map_err(|_| PyValueError::new_err(format!("{name}: has text that is not valid Unicode")))?)
        }
        object if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() => {
            Value::List(object.try_iter()?.map(|item| inner(&item?)).collect::<PyResult<_>>()?)
        }
        object if let Ok(items) = object.cast::<PyDict>() => {
            let pair = |(key, item): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
                let key: String = key.extract().map_err(|_| refused(&key, name, "a key of a dictionary"))?;
                Ok((key, inner(&item)?))
            };
            Value::Dict(items.iter().map(pair).collect::<PyResult<_>>()?)
        }
        object => return Err(refused(object, name, "a value")),
    };
    Ok(value)
}

fn integer(object: &Bound<'_, PyAny>, name: &str) -> PyResult<i128> {
    let small = object.extract::<i64>().map(i128::from);
    let integer = small.or_else(|_| object.extract::<u64>().map(i128::from));
    integer.map_err(|_| PyValueError::new_err(format!("{name}: has an integer of more than 64 bits; save it as text")))
}

fn refused(object: &Bound<'_, PyAny>, name: &str, what: &str) -> PyErr {
    let kind = object.get_type().fully_qualified_name().map(|name| name.to_string()).unwrap_or_default();
    PyTypeError::new_err(format!(
        "{name}: has {what} of type {kind}; a bundle holds arrays, dictionaries of arrays, and None, bool, int, float, str, \
         and lists and dictionaries of these"
    ))
}

/// A bundle that is open, so that its files can be mapped.
#[pyclass(name = "OpenBundle", module = "polargram._polargram", frozen)]
pub(super) struct PyOpenBundle(Bundle);

#[pymethods]
impl PyOpenBundle {
    #[new]
    #[pyo3(signature = (path, ignore, storage_options = None))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        ignore: Vec<String>,
        storage_options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let location = location(path, storage_options)?;
        Ok(Self(job::run(py, None, |progress, _| Bundle::open(&location, &ignore, progress))?))
    }

    /// `(name, kind, content)` of each name. An array is `(descr, is_fortran, shape, place, index)`; its place is a file and
    /// where the values start, or None if it must be read; of vectors the content is their file.
    fn entries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        entries(py, &self.0.entries, &[])
    }

    /// The bytes of the array that has this index.
    fn read<'py>(&self, py: Python<'py>, index: Vec<usize>) -> PyResult<Bound<'py, PyArray1<u8>>> {
        let array = index.split_last().and_then(|(last, groups)| {
            let level = groups.iter().try_fold(&self.0.entries, |level, &group| match &level.get(group)?.1 {
                Content::Group(level) => Some(level),
                _ => None,
            })?;
            match &level.get(*last)?.1 {
                Content::Array(array) => Some(array),
                _ => None,
            }
        });
        let array = array.ok_or_else(|| PyValueError::new_err("there is no such array"))?;
        let values = py.detach(|| array.read())?;
        Ok(PyArray1::from_vec(py, values))
    }
}

fn entries<'py>(py: Python<'py>, level: &[(String, Content)], above: &[usize]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for (at, (name, content)) in level.iter().enumerate() {
        let index: Vec<usize> = above.iter().copied().chain([at]).collect();
        match content {
            Content::Array(array) => {
                let (descr, is_fortran, shape) = description(array.header());
                let place = match array {
                    StoredArray::File(file) => Some((file.path(), file.offset())),
                    StoredArray::Unpacked { .. } => None,
                };
                list.append((name, "array", (descr, is_fortran, shape, place, index)))?;
            }
            Content::Value(value) => list.append((name, "value", object(py, value)?))?,
            Content::Vectors(path) => list.append((name, "vectors", path))?,
            Content::Group(level) => list.append((name, "group", entries(py, level, &index)?))?,
        }
    }
    Ok(list)
}

fn object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::None => py.None().into_bound(py),
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Value::Int(value) => match u64::try_from(*value) {
            Ok(value) => value.into_pyobject(py)?.into_any(),
            Err(_) => (*value as i64).into_pyobject(py)?.into_any(),
        },
        Value::Float(value) => PyFloat::new(py, *value).into_any(),
        Value::Text(value) => PyString::new(py, value).into_any(),
        Value::List(values) => {
            let list = PyList::empty(py);
            values.iter().try_for_each(|value| list.append(object(py, value)?))?;
            list.into_any()
        }
        Value::Dict(items) => {
            let dict = PyDict::new(py);
            items.iter().try_for_each(|(key, value)| dict.set_item(key, object(py, value)?))?;
            dict.into_any()
        }
    })
}
