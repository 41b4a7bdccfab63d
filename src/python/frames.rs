//! Frames with only the columns that are read: others may be of types that no other library knows.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySlice, PyString};

use crate::corpus::{Query, candidates, no_column};

/// The name of a frame or stream in messages.
pub(super) const ORIGIN: &str = "Arrow stream";

/// The columns of a Polars, pandas or Narwhals frame that are read, in a form that Arrow knows; any other object as it
/// is.
pub(super) fn with_columns_read<'py>(object: &Bound<'py, PyAny>, query: &Query) -> PyResult<Bound<'py, PyAny>> {
    let is_frame = object.hasattr("columns")?;
    match library_of(object)?.as_str() {
        "polars" if is_frame => polars_frame(object, query),
        "polars" if object.hasattr("dtype")? => polars_series(object),
        "pandas" if is_frame => pandas_frame(object, query),
        "narwhals" if is_frame => {
            let names: Vec<String> = object.getattr("columns")?.extract()?;
            with_columns_read(
                &object.call_method1("select", (names_read(&names, query)?,))?.call_method0("to_native")?,
                query,
            )
        }
        _ => Ok(object.clone()),
    }
}

/// The package that an object's type comes from.
fn library_of(object: &Bound<'_, PyAny>) -> PyResult<String> {
    let module = object.get_type().module()?;
    Ok(module.to_cow()?.split('.').next().unwrap_or_default().to_owned())
}

/// Those of the names that may stand for the columns that are read.
///
/// # Errors
/// ValueError with the names that there are.
fn names_read<'a>(names: &'a [String], query: &Query) -> PyResult<Vec<&'a str>> {
    let mut read: Vec<&str> = Vec::new();
    for column in query.columns() {
        let found = candidates(column, names);
        if found.is_empty() {
            return Err(no_column(column, names, ORIGIN).into());
        }
        let new: Vec<_> = found.into_iter().filter(|name| !read.contains(name)).collect();
        read.extend(new);
    }
    Ok(read)
}

fn polars_frame<'py>(frame: &Bound<'py, PyAny>, query: &Query) -> PyResult<Bound<'py, PyAny>> {
    let names: Vec<String> = frame.getattr("columns")?.extract()?;
    let frame = frame.call_method1("select", (names_read(&names, query)?,))?;
    let casts = PyDict::new(frame.py());
    for (name, data_type) in frame.getattr("columns")?.try_iter()?.zip(frame.getattr("dtypes")?.try_iter()?) {
        let name = name?;
        let is_count = query.columns().nth(1).is_some_and(|count| name.eq(count).unwrap_or(false));
        if let Some(data_type) = without_null(&data_type?, if is_count { Null::Count } else { Null::Lists })? {
            casts.set_item(name, data_type)?;
        }
    }
    if casts.is_empty() { Ok(frame) } else { frame.call_method1("cast", (casts,)) }
}

fn polars_series<'py>(series: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match without_null(&series.getattr("dtype")?, Null::Lists)? {
        Some(data_type) => series.call_method1("cast", (data_type,)),
        None => Ok(series.clone()),
    }
}

/// What nulls without a type stand for.
#[derive(Clone, Copy)]
enum Null {
    Lists,
    Token,
    Count,
}

/// A type of Polars with another for its Null, which Polars exports with a buffer that arrow-rs does not expect; `None`
/// if there is no Null in it.
fn without_null<'py>(data_type: &Bound<'py, PyAny>, null: Null) -> PyResult<Option<Bound<'py, PyAny>>> {
    let polars = data_type.py().import("polars")?;
    let class = data_type.call_method0("base_type")?;
    let inner = || without_null(&data_type.getattr("inner")?, Null::Token);
    Ok(match class.getattr("__name__")?.cast::<PyString>()?.to_str()? {
        "Null" => Some(match null {
            Null::Lists => polars.getattr("List")?.call1((polars.getattr("String")?,))?,
            Null::Token => polars.getattr("String")?,
            Null::Count => polars.getattr("UInt64")?,
        }),
        "List" => inner()?.map(|inner| class.call1((inner,))).transpose()?,
        "Array" => {
            let size = data_type.getattr("size")?;
            inner()?.map(|inner| class.call1((inner, size))).transpose()?
        }
        "Struct" => {
            let (fields, mut has_null) = (PyDict::new(data_type.py()), false);
            for field in data_type.getattr("fields")?.try_iter()? {
                let field = field?;
                let data_type = field.getattr("dtype")?;
                let changed = without_null(&data_type, null)?;
                has_null |= changed.is_some();
                fields.set_item(field.getattr("name")?, changed.unwrap_or(data_type))?;
            }
            if has_null { Some(class.call1((fields,))?) } else { None }
        }
        _ => None,
    })
}

/// Columns are taken by place: their labels may be of any type. The index is left out, unless one of its levels is
/// asked for by name.
fn pandas_frame<'py>(frame: &Bound<'py, PyAny>, query: &Query) -> PyResult<Bound<'py, PyAny>> {
    let py = frame.py();
    let labels = |of: &Bound<'py, PyAny>| -> PyResult<Vec<String>> {
        of.try_iter()?.map(|label| Ok(label?.str()?.to_string())).collect()
    };
    let columns = labels(&frame.getattr("columns")?)?;
    let levels = labels(&frame.getattr("index")?.getattr("names")?)?;
    let is_level = |name: &str| candidates(name, &columns).is_empty() && levels.iter().any(|level| level == name);
    let frame = if query.columns().any(is_level) { frame.call_method0("reset_index")? } else { frame.clone() };
    let columns = labels(&frame.getattr("columns")?)?;
    let read = names_read(&columns, query)?;
    let places = PyList::new(py, (0..columns.len()).filter(|&i| read.contains(&columns[i].as_str())))?;
    let frame = frame.getattr("iloc")?.get_item((PySlice::full(py), places))?;
    let drop = PyDict::new(py);
    drop.set_item("drop", true)?;
    frame.call_method("reset_index", (), Some(&drop))
}
