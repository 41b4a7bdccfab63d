//! `.npy` files for `polargram.npy`.

use std::path::PathBuf;
use std::sync::Mutex;

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::job;
use crate::npy::{ArrayFile, Blocks, Header, Object, Objects, Writer, from_raw};

/// A type, the order and shape of an array.
pub(super) type Description = (String, bool, Vec<u64>);

pub(super) fn description(header: &Header) -> Description {
    (header.descr.clone(), header.is_fortran, header.shape.clone())
}

/// The type, order and shape of an array in a file, and where its values start.
#[pyfunction]
pub(super) fn npy_header(path: PathBuf) -> PyResult<(PathBuf, String, bool, Vec<u64>, u64)> {
    let array = ArrayFile::open(path)?;
    let (descr, is_fortran, shape) = description(array.header());
    Ok((array.path().to_owned(), descr, is_fortran, shape, array.offset()))
}

/// Makes a `.npy` of a file that holds the values alone.
#[pyfunction]
pub(super) fn npy_from_raw(
    py: Python<'_>,
    raw: PathBuf,
    out: PathBuf,
    descr: &str,
    shape: Vec<Option<u64>>,
) -> PyResult<()> {
    job::run(py, None, |progress, _| from_raw(raw, out, descr, &shape, progress))
}

/// Streams rows into a file, given as the bytes of their values.
#[pyclass(name = "NpyWriter", module = "polargram._polargram", frozen)]
pub(super) struct PyNpyWriter(Mutex<Option<Writer>>);

impl PyNpyWriter {
    fn with<T>(&self, py: Python<'_>, work: impl FnOnce(&mut Option<Writer>) -> PyResult<T> + Send) -> PyResult<T>
    where
        T: Send,
    {
        // Another thread may hold it and wait for the interpreter.
        py.detach(|| work(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)))
    }
}

fn closed() -> PyErr {
    PyValueError::new_err("the writer is closed; start another one")
}

#[pymethods]
impl PyNpyWriter {
    #[new]
    fn new(path: PathBuf, descr: &str, shape: Vec<Option<u64>>) -> PyResult<Self> {
        Ok(Self(Mutex::new(Some(Writer::create(path, descr, &shape)?))))
    }

    /// Appends rows: the bytes of their values in C order.
    fn append(&self, py: Python<'_>, values: PyReadonlyArray1<'_, u8>) -> PyResult<()> {
        let values = values.as_slice()?;
        self.with(py, |writer| Ok(writer.as_mut().ok_or_else(closed)?.append(values)?))
    }

    /// Makes the file appear.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |writer| match writer.take() {
            Some(writer) => Ok(writer.close().map(drop)?),
            None => Ok(()),
        })
    }

    /// Leaves nothing.
    fn discard(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |writer| {
            writer.take();
            Ok(())
        })
    }

    /// The number of rows so far; None if it is closed.
    fn rows(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        self.with(py, |writer| Ok(writer.as_ref().map(Writer::rows)))
    }
}

/// Blocks of rows, as the bytes of their values.
#[pyclass(name = "NpyBlocks", module = "polargram._polargram", frozen)]
pub(super) struct PyNpyBlocks {
    blocks: Mutex<Blocks>,
    description: Description,
}

#[pymethods]
impl PyNpyBlocks {
    #[new]
    fn new(path: PathBuf, rows: u64) -> PyResult<Self> {
        let blocks = Blocks::open(path, rows)?;
        let description = description(blocks.array().header());
        Ok(Self { blocks: Mutex::new(blocks), description })
    }

    /// The type, order and shape.
    fn description(&self) -> Description {
        self.description.clone()
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<u8>>>> {
        let block = py.detach(|| self.blocks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next());
        Ok(block.transpose()?.map(|values| PyArray1::from_vec(py, values)))
    }
}

/// True if a file holds Python objects.
#[pyfunction]
pub(super) fn npy_has_objects(path: PathBuf) -> PyResult<bool> {
    Ok(Objects::are_in(path)?)
}

/// The objects of an array. `array` makes an array of a type, an order, a shape and the bytes of the values.
#[pyclass(name = "NpyObjects", module = "polargram._polargram", frozen)]
pub(super) struct PyNpyObjects {
    objects: Mutex<Objects>,
    array: Py<PyAny>,
}

#[pymethods]
impl PyNpyObjects {
    #[new]
    fn new(py: Python<'_>, path: PathBuf, array: Py<PyAny>) -> PyResult<Self> {
        Ok(Self { objects: Mutex::new(py.detach(|| Objects::open(path))?), array })
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let next = py.detach(|| self.objects.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next());
        next.transpose()?.map(|object| python_object(object, self.array.bind(py))).transpose()
    }
}

fn python_object<'py>(object: Object, array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = array.py();
    let all = |objects: Vec<Object>| -> PyResult<Vec<_>> {
        objects.into_iter().map(|object| python_object(object, array)).collect()
    };
    Ok(match object {
        Object::None => py.None().into_bound(py),
        Object::Bool(value) => PyBool::new(py, value).to_owned().into_any(),
        Object::Int(value) => value.into_pyobject(py)?.into_any(),
        Object::BigInt(bytes) => {
            let options = PyDict::new(py);
            options.set_item("signed", true)?;
            py.get_type::<PyInt>().call_method("from_bytes", (PyBytes::new(py, &bytes), "little"), Some(&options))?
        }
        Object::Float(value) => PyFloat::new(py, value).into_any(),
        Object::Text(value) => PyString::new(py, &value).into_any(),
        Object::Bytes(value) => PyBytes::new(py, &value).into_any(),
        Object::List(objects) => PyList::new(py, all(objects)?)?.into_any(),
        Object::Tuple(objects) => PyTuple::new(py, all(objects)?)?.into_any(),
        Object::Dict(items) => {
            let dict = PyDict::new(py);
            for (key, value) in items {
                let set = dict.set_item(python_object(key, array)?, python_object(value, array)?);
                set.map_err(|error| {
                    PyValueError::new_err(format!("a dictionary has a key that cannot be one: {error}"))
                })?;
            }
            dict.into_any()
        }
        Object::Array(header, values) => {
            let (descr, is_fortran, shape) = description(&header);
            array.call1((descr, is_fortran, PyTuple::new(py, shape)?, PyArray1::from_vec(py, values)))?
        }
    })
}
