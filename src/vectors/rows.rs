//! A matrix of vectors, in memory or in a mapped file.

use std::any::Any;
use std::fmt;
use std::ops::Range;
#[cfg(feature = "python")]
use std::panic::AssertUnwindSafe;
#[cfg(feature = "python")]
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "python")]
use arrow::buffer::Buffer;
use arrow::buffer::ScalarBuffer;

use crate::error::Result;
use crate::kernel::{Matrix, store_relaxed};

/// V rows of d floats: the weights of a model (rows padded), a buffer, or a memory-mapped file (rows contiguous). Cheap
/// to clone; the memory lives as long as a clone does.
#[derive(Clone)]
pub struct Rows {
    start: *const f32,
    len: usize,
    vector_size: usize,
    stride: usize,
    is_mapped: bool,
    /// Raised when values have changed. A model's matrix has a version of its own.
    version: Arc<AtomicU64>,
    owner: Arc<dyn Any + Send + Sync>,
}

// SAFETY: the memory is owned by `owner`, which is Send and Sync, and only read here. Python may write to
// NumPy views of owned rows, as in gensim: a search at the same time sees old or new floats.
unsafe impl Send for Rows {}
// SAFETY: as above.
unsafe impl Sync for Rows {}

impl Rows {
    /// The rows of a model's matrix. The matrix must not be trained while they are read.
    pub fn from_matrix(matrix: Arc<Matrix>) -> Self {
        Self {
            start: matrix.start(),
            len: matrix.rows(),
            vector_size: matrix.columns(),
            stride: matrix.stride(),
            is_mapped: false,
            version: Arc::default(),
            owner: matrix,
        }
    }

    /// Contiguous rows of a memory-mapped file. Values after the last whole row are left out.
    pub(crate) fn from_mapped(values: ScalarBuffer<f32>, vector_size: usize) -> Self {
        Self { is_mapped: true, ..Self::from_buffer(values, vector_size) }
    }

    /// Contiguous rows in memory that is nobody else's.
    pub(crate) fn from_buffer(values: ScalarBuffer<f32>, vector_size: usize) -> Self {
        let len = values.len().checked_div(vector_size).unwrap_or(0);
        Self {
            start: values.as_ptr(),
            len,
            vector_size,
            stride: vector_size,
            is_mapped: false,
            version: Arc::default(),
            owner: Arc::new(values),
        }
    }

    /// Contiguous rows.
    pub fn from_vec(values: Vec<f32>, vector_size: usize) -> Self {
        Self::from_buffer(values.into(), vector_size)
    }

    /// The first rows, at most `len`.
    #[must_use]
    pub(crate) fn first(self, len: usize) -> Self {
        Self { len: self.len.min(len), ..self }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Floats in a row.
    pub fn vector_size(&self) -> usize {
        self.vector_size
    }

    /// Floats from the start of one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// True if they lie in a memory-mapped file, which nobody may write to.
    pub fn is_mapped(&self) -> bool {
        self.is_mapped
    }

    /// A number that is another one after the values have changed.
    pub(super) fn version(&self) -> u64 {
        self.matrix().map_or_else(|| self.version.load(Ordering::Acquire), Matrix::version)
    }

    /// To be called when the values have changed: what was computed from them, here and in others that share the memory,
    /// is out of date.
    pub(super) fn changed(&self) {
        match self.matrix() {
            Some(matrix) => matrix.changed(),
            None => {
                self.version.fetch_add(1, Ordering::Release);
            }
        }
    }

    fn matrix(&self) -> Option<&Matrix> {
        self.owner.downcast_ref()
    }

    /// Writes a row that others may read at the same time: they see old or new floats.
    ///
    /// # Panics
    /// If there is no such row, if it has another length, or if the rows are mapped.
    pub(super) fn write(&self, index: usize, values: &[f32]) {
        assert!(!self.is_mapped && index < self.len && values.len() == self.vector_size, "row {index} of {}", self.len);
        for (column, &value) in values.iter().enumerate() {
            // SAFETY: in bounds; the memory is not a mapped file, so it may be written to, as NumPy's views of it may.
            unsafe { store_relaxed(self.start.add(index * self.stride + column).cast_mut(), value) }
        }
    }

    /// These rows, then zeros, `len` rows in all: in the same memory where it has room, else in memory with room for more.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if there is no memory.
    pub(super) fn extended(&self, len: usize) -> Result<Self> {
        let whole = self.matrix().filter(|matrix| matrix.rows() == self.len);
        match whole.and_then(|matrix| matrix.grown(len)) {
            Some(grown) => Ok(Self::from_matrix(Arc::new(grown))),
            None => self.copied_to(len, 0..self.len),
        }
    }

    /// Some of the rows, in memory of their own.
    ///
    /// # Errors
    /// As for [`extended`](Self::extended).
    ///
    /// # Panics
    /// If there is no such row.
    pub(super) fn select(&self, rows: impl ExactSizeIterator<Item = usize>) -> Result<Self> {
        self.copied_to(rows.len(), rows)
    }

    fn copied_to(&self, len: usize, rows: impl Iterator<Item = usize>) -> Result<Self> {
        let matrix = Matrix::with_room(len, self.vector_size)?;
        rows.enumerate().for_each(|(to, from)| matrix.write(to, self.row(from)));
        Ok(Self::from_matrix(Arc::new(matrix)))
    }

    /// The start of the first row.
    pub fn as_ptr(&self) -> *const f32 {
        self.start
    }

    /// One row.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    pub fn row(&self, index: usize) -> &[f32] {
        assert!(index < self.len, "row {index} of {}", self.len);
        // SAFETY: in bounds; the memory is initialised and lives as long as `owner`.
        unsafe { slice::from_raw_parts(self.start.add(index * self.stride), self.vector_size) }
    }

    /// The floats from the start of the first row of a range to the end of its last, with what lies between rows.
    ///
    /// # Panics
    /// If there are no such rows.
    pub(super) fn span(&self, rows: Range<usize>) -> &[f32] {
        assert!(rows.start < rows.end && rows.end <= self.len, "rows {rows:?} of {}", self.len);
        let floats = (rows.len() - 1) * self.stride + self.vector_size;
        // SAFETY: in bounds; the memory is initialised, padding too, and lives as long as `owner`.
        unsafe { slice::from_raw_parts(self.start.add(rows.start * self.stride), floats) }
    }

    /// The rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        (0..self.len).map(|index| self.row(index))
    }

    /// All values, row after row, without padding: shared if they already lie like this, else copied.
    pub fn to_buffer(&self) -> ScalarBuffer<f32> {
        match self.owner.downcast_ref::<ScalarBuffer<f32>>() {
            Some(values) => values.slice(0, self.len * self.vector_size),
            None => {
                let mut values = Vec::with_capacity(self.len * self.vector_size);
                self.iter().for_each(|row| values.extend_from_slice(row));
                values.into()
            }
        }
    }
}

impl Rows {
    /// All values, row after row: shared unless there is padding between the rows, and then whoever holds them sees later
    /// changes of a model's rows.
    #[cfg(feature = "python")]
    pub(crate) fn shared_buffer(&self) -> ScalarBuffer<f32> {
        let values = self.len * self.vector_size;
        let start = NonNull::new(self.start.cast_mut().cast::<u8>());
        match start.filter(|_| self.stride == self.vector_size && values > 0 && self.matrix().is_some()) {
            Some(start) => {
                let owner = Arc::new(AssertUnwindSafe(self.clone()));
                // SAFETY: the rows lie one after another, and the owner keeps them alive.
                let bytes = unsafe { Buffer::from_custom_allocation(start, values * size_of::<f32>(), owner) };
                ScalarBuffer::new(bytes, 0, values)
            }
            None => self.to_buffer(),
        }
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rows({} × {})", self.len, self.vector_size)
    }
}
