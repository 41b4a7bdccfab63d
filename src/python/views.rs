//! NumPy views of rows. They keep the memory, and are counted: a model whose rows move tells of those that it leaves behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use numpy::ndarray::{ArrayView1, ArrayView2, ShapeBuilder};
use numpy::{PyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;

use crate::vectors::Rows;

/// Counts the views of some rows.
#[derive(Clone, Default)]
pub(super) struct Views(Arc<AtomicUsize>);

impl Views {
    /// True if there are any.
    pub(super) fn exist(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// A view of all rows.
    pub(super) fn matrix<'py>(&self, py: Python<'py>, rows: &Rows) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let shape = (rows.len(), rows.vector_size()).strides((rows.stride(), 1));
        let owner = self.owner(py, rows)?;
        // SAFETY: the pointer and shape are those of live rows, which the owner keeps alive, and the array the owner.
        Ok(unsafe { PyArray2::borrow_from_array(&ArrayView2::from_shape_ptr(shape, rows.as_ptr()), owner) })
    }

    /// A read-only view of one row, which must be there.
    pub(super) fn row<'py>(&self, py: Python<'py>, rows: &Rows, row: usize) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let owner = self.owner(py, rows)?;
        // SAFETY: as for `matrix`.
        Ok(read_only(unsafe { PyArray1::borrow_from_array(&ArrayView1::from(rows.row(row)), owner) }))
    }

    fn owner<'py>(&self, py: Python<'py>, rows: &Rows) -> PyResult<Bound<'py, PyAny>> {
        // A view of nothing shows nothing that could be out of date.
        let views = if rows.is_empty() { Self::default() } else { self.clone() };
        views.0.fetch_add(1, Ordering::Relaxed);
        Ok(Bound::new(py, RowsOwner { _rows: rows.clone(), views })?.into_any())
    }
}

/// Keeps the memory of a view alive.
#[pyclass(frozen)]
struct RowsOwner {
    _rows: Rows,
    views: Views,
}

impl Drop for RowsOwner {
    fn drop(&mut self) {
        self.views.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) fn read_only<D: numpy::ndarray::Dimension>(array: Bound<'_, PyArray<f32, D>>) -> Bound<'_, PyArray<f32, D>> {
    array.readwrite().make_nonwriteable();
    array
}
