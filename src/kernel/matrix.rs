//! A matrix that many workers update at once.

use std::io;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::memory::Memory;
use crate::error::{IoContext, Result};

/// The most floats in a register of any instruction set. Rows are padded to a multiple of it, so that no path needs a
/// tail.
pub const MAX_WIDTH: usize = 16;

/// Rows of `f32`, each padded to a multiple of 16 floats and aligned to 64 bytes, on huge pages where the system offers
/// them.
///
/// # Shared updates
/// Workers read and write rows without locks (Hogwild; Recht et al. 2011). If two workers update the same row at the
/// same time, one of the two updates may be lost, which stochastic gradient descent over sparse rows tolerates; no other
/// memory is at risk. Rust calls such a race undefined unless the accesses are atomic. The portable path therefore uses
/// `load_relaxed` and `store_relaxed`, and is the path that Miri and ThreadSanitizer check. The SIMD paths cannot
/// (relaxed atomics cost 5 to 20 times as much). They rely on this: they access the rows only through raw pointers and
/// register-wide loads and stores of their instruction set, which the hardware performs in aligned pieces of at least
/// one float; and no Rust reference to a row exists while workers run, since [`row`](Matrix::row) takes `&self` and
/// returns a raw pointer, and everything that returns a slice takes `&mut self` or a matrix that no worker holds.
///
/// A matrix that has grown shares its memory with the one that it has grown from, which has fewer rows of it.
pub struct Matrix {
    /// Owns the rows, which are only accessed through `start`.
    memory: Arc<Memory>,
    start: NonNull<f32>,
    rows: usize,
    columns: usize,
    stride: usize,
}

// SAFETY: the matrix owns its memory, on whatever thread it is.
unsafe impl Send for Matrix {}
// SAFETY: shared writes go through raw pointers as described above.
unsafe impl Sync for Matrix {}

impl Matrix {
    /// A matrix of zeros, `rows` × `columns`. The memory is reserved now, and the system backs it when it is touched.
    ///
    /// # Errors
    /// [`Error::Io`](crate::error::Error) if the system refuses the memory.
    pub fn zeros(rows: usize, columns: usize) -> Result<Self> {
        Self::over(rows, columns, Memory::fixed)
    }

    /// [`zeros`](Self::zeros) to which rows can be added where they lie, if the system has address space for them.
    ///
    /// # Errors
    /// As for [`zeros`](Self::zeros).
    pub(crate) fn growing(rows: usize, columns: usize) -> Result<Self> {
        Self::over(rows, columns, Memory::growing)
    }

    /// [`growing`](Self::growing) that has room for as many rows again where the system has no address space to reserve.
    ///
    /// # Errors
    /// As for [`zeros`](Self::zeros).
    pub(crate) fn with_room(rows: usize, columns: usize) -> Result<Self> {
        Self::over(rows, columns, Memory::with_room)
    }

    fn over(rows: usize, columns: usize, memory: impl FnOnce(usize) -> io::Result<Memory>) -> Result<Self> {
        let stride = Self::stride_of(columns);
        let memory = bytes_of(rows, stride)
            .ok_or_else(|| io::Error::other("rows × columns overflows the address space"))
            .and_then(memory)
            .at("reserve memory for", Path::new(&format!("{rows} × {columns} weights")))?;
        Ok(Self { start: memory.start().cast(), memory: Arc::new(memory), rows, columns, stride })
    }

    /// Floats from one row to the next in a matrix with this number of columns.
    pub fn stride_of(columns: usize) -> usize {
        columns.next_multiple_of(MAX_WIDTH)
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns, without the padding.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Floats from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The start of a row, for the kernel: valid for [`stride`](Self::stride) floats while the matrix lives. Offsets
    /// have 64 bits: `index · stride` may exceed 2^31.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub fn row(&self, index: u32) -> *mut f32 {
        assert!((index as usize) < self.rows, "row {index} of {}", self.rows);
        // SAFETY: within the mapping, since the index is below `rows`.
        unsafe { self.start.as_ptr().add(offset(index, self.stride)) }
    }

    /// The values of a row, [`columns`](Self::columns) floats, in a matrix that no worker holds.
    ///
    /// # Panics
    /// If there is no such row, or if the matrix shares its memory with one that it has grown from.
    pub fn values(&mut self, index: usize) -> &mut [f32] {
        assert!(index < self.rows, "row {index} of {}", self.rows);
        assert!(Arc::get_mut(&mut self.memory).is_some(), "the rows are those of another matrix too");
        // SAFETY: in bounds, and `&mut self` excludes workers and, with the check above, other matrices.
        unsafe { slice::from_raw_parts_mut(self.row(index as u32), self.columns) }
    }

    /// Writes the first values of a row that others may read or train at the same time: they see old or new floats.
    ///
    /// # Panics
    /// If there is no such row, or if it is shorter.
    pub(crate) fn write(&self, index: usize, values: &[f32]) {
        assert!(index < self.rows && values.len() <= self.columns, "row {index} of {}", self.rows);
        let row = self.row(index as u32);
        // SAFETY: within the row.
        values.iter().enumerate().for_each(|(column, &value)| unsafe { store_relaxed(row.add(column), value) });
    }

    /// Makes all values zero, as [`write`](Self::write) does.
    pub(crate) fn clear(&self) {
        let zeros = vec![0.0; self.columns];
        (0..self.rows).for_each(|row| self.write(row, &zeros));
    }

    /// The same rows, in the same memory, with zeros behind them. `None` if there is no room for them, or if this matrix
    /// has grown before.
    pub(crate) fn grown(&self, rows: usize) -> Option<Self> {
        let (bytes, grown) = (bytes_of(self.rows, self.stride)?, bytes_of(rows, self.stride)?);
        let has_grown = rows >= self.rows && self.memory.grow(bytes, grown);
        has_grown.then(|| Self { memory: self.memory.clone(), rows, ..*self })
    }

    /// A number that is another one after [`changed`](Self::changed).
    pub(crate) fn version(&self) -> u64 {
        self.memory.version()
    }

    /// To be called when values have changed: what was computed from them, in whichever matrix of this memory, is out of
    /// date.
    pub(crate) fn changed(&self) {
        self.memory.change();
    }

    /// A copy with `rows` rows, in which the new rows are zero.
    pub(crate) fn extended(&self, rows: usize) -> Result<Self> {
        let copy = Self::growing(rows.max(self.rows), self.columns)?;
        // SAFETY: both mappings hold this many floats, and they do not overlap.
        unsafe { ptr::copy_nonoverlapping(self.start.as_ptr(), copy.start.as_ptr(), self.rows * self.stride) }
        Ok(copy)
    }

    /// The start of the first row.
    pub(crate) fn start(&self) -> *const f32 {
        self.start.as_ptr()
    }
}

/// The size of a matrix in bytes, or `None` if it exceeds the address space.
fn bytes_of(rows: usize, stride: usize) -> Option<usize> {
    rows.checked_mul(stride)?.checked_mul(size_of::<f32>()).filter(|&bytes| isize::try_from(bytes).is_ok())
}

/// The number of floats before a row.
#[inline(always)]
fn offset(index: u32, stride: usize) -> usize {
    index as usize * stride
}

/// Reads one float of a shared row.
///
/// # Safety
/// `from` is valid for reads and writes, and aligned.
#[inline(always)]
pub(crate) unsafe fn load_relaxed(from: *const f32) -> f32 {
    // SAFETY: an AtomicU32 has the size and alignment of a float; the caller vouches for the pointer.
    f32::from_bits(unsafe { AtomicU32::from_ptr(from.cast_mut().cast()) }.load(Ordering::Relaxed))
}

/// Writes one float of a shared row.
///
/// # Safety
/// As for [`load_relaxed`].
#[inline(always)]
pub(crate) unsafe fn store_relaxed(to: *mut f32, value: f32) {
    // SAFETY: as for `load_relaxed`.
    unsafe { AtomicU32::from_ptr(to.cast()) }.store(value.to_bits(), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_aligned_and_padded_with_zeros() {
        let mut m = Matrix::zeros(3, 17).unwrap();
        assert_eq!(m.stride(), 32);
        m.values(1).fill(2.0);
        assert_eq!(m.row(2) as usize % 64, 0);
        // SAFETY: the padding of row 1 lies in the mapping.
        assert_eq!(unsafe { *m.row(1).add(17) }, 0.0);
    }

    #[test]
    fn offsets_do_not_end_at_32_bits() {
        // More rows than a test can allocate.
        assert_eq!(offset(4_000_000_000, 112), 448_000_000_000);
        assert_eq!(bytes_of(4_000_000_000, 112), Some(1_792_000_000_000));
        assert_eq!(bytes_of(usize::MAX / 16, 112), None);
    }

    #[test]
    fn an_extended_matrix_keeps_its_rows() {
        let mut m = Matrix::zeros(2, 17).unwrap();
        m.values(1).fill(2.0);
        let mut m = m.extended(4).unwrap();
        assert_eq!((m.rows(), m.values(1)[16], m.values(3)[16]), (4, 2.0, 0.0));
    }

    #[test]
    fn a_matrix_grows_where_it_lies() {
        let mut first = Matrix::growing(3, 17).unwrap();
        first.values(1).fill(2.0);
        let second = first.grown(100).unwrap();
        assert_eq!((second.rows(), second.start()), (100, first.start()));
        second.write(99, &[4.0; 17]);
        second.write(1, &[3.0; 17]);
        // SAFETY: rows of live matrices, which nobody writes now.
        unsafe {
            assert_eq!((*first.row(1), *second.row(98).add(16), *second.row(99).add(16)), (3.0, 0.0, 4.0));
        }
        // The rows behind the first three are now the other's.
        assert!(first.grown(4).is_none());
        assert!(second.grown(99).is_none() && second.grown(usize::MAX / 8).is_none());
        drop(first);
        let mut third = second.grown(101).unwrap();
        drop(second);
        assert_eq!((third.values(1)[0], third.values(99)[0], third.values(100)[0]), (3.0, 4.0, 0.0));
    }

    #[test]
    fn a_matrix_with_room_has_it_everywhere() {
        let first = Matrix::with_room(300, 17).unwrap();
        let second = first.grown(600).unwrap();
        second.write(599, &[4.0; 17]);
        assert_eq!(second.start(), first.start());
        let small = Matrix::with_room(0, 17).unwrap();
        assert_eq!(small.grown(8).unwrap().rows(), 8);
    }

    #[test]
    fn what_does_not_grow_or_has_no_room_is_copied() {
        let fixed = Matrix::zeros(3, 17).unwrap();
        fixed.write(2, &[5.0; 17]);
        assert!(fixed.grown(1000).is_none());
        let mut copy = fixed.extended(1000).unwrap();
        assert_eq!((copy.values(2)[16], copy.values(999)[16]), (5.0, 0.0));
        fixed.clear();
        // SAFETY: a row of a live matrix.
        assert_eq!((unsafe { *fixed.row(2) }, copy.values(2)[16]), (0.0, 5.0));
    }

    #[test]
    #[should_panic(expected = "another matrix")]
    fn nobody_has_rows_of_shared_memory_for_himself() {
        let first = Matrix::growing(3, 17).unwrap();
        first.grown(4).unwrap().values(3).fill(1.0);
    }

    #[test]
    fn matrices_of_one_memory_have_one_version() {
        let first = Matrix::growing(3, 17).unwrap();
        let second = first.grown(4).unwrap();
        let before = first.version();
        second.changed();
        assert_ne!(first.version(), before);
        assert_eq!(first.version(), second.version());
    }

    #[test]
    fn an_impossible_size_is_an_error() {
        assert!(Matrix::zeros(usize::MAX / 8, 100).is_err());
    }
}
