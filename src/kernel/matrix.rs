//! A matrix that many workers update at once.

use std::path::Path;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::MmapMut;

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
pub struct Matrix {
    /// Owns the rows, which are only accessed through `start`.
    _memory: MmapMut,
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
        let stride = Self::stride_of(columns);
        let mut memory = bytes_of(rows, stride)
            .ok_or_else(|| std::io::Error::other("rows × columns overflows the address space"))
            .and_then(|bytes| MmapMut::map_anon(bytes.max(1)))
            .at("reserve memory for", Path::new(&format!("{rows} × {columns} weights")))?;
        // Rows are accessed at random: with pages of 4 KiB nearly every access would miss the TLB. A refusal costs only
        // speed.
        #[cfg(all(target_os = "linux", not(miri)))]
        let _ = memory.advise(memmap2::Advice::HugePage);
        let start = NonNull::from(memory.as_mut()).cast();
        Ok(Self { _memory: memory, start, rows, columns, stride })
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
    /// If there is no such row.
    pub fn values(&mut self, index: usize) -> &mut [f32] {
        assert!(index < self.rows, "row {index} of {}", self.rows);
        // SAFETY: in bounds, and `&mut self` excludes workers.
        unsafe { slice::from_raw_parts_mut(self.row(index as u32), self.columns) }
    }

    /// A copy with `rows` rows, in which the new rows are zero.
    pub(crate) fn extended(&self, rows: usize) -> Result<Self> {
        let copy = Self::zeros(rows.max(self.rows), self.columns)?;
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
    fn an_impossible_size_is_an_error() {
        assert!(Matrix::zeros(usize::MAX / 8, 100).is_err());
    }
}
