//! Scratch memory with the alignment that the kernel needs.

use super::matrix::MAX_WIDTH;

/// 64 bytes: the widest register, and a cache line.
#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
struct Line([f32; MAX_WIDTH]);

/// A growing buffer of floats, aligned to 64 bytes.
#[derive(Default)]
pub(crate) struct AlignedBuffer(Vec<Line>);

impl AlignedBuffer {
    /// A pointer to at least `floats` floats, which are zero where they were never written.
    #[inline(always)]
    pub(crate) fn at_least(&mut self, floats: usize) -> *mut f32 {
        if self.0.len() * MAX_WIDTH < floats {
            self.grow(floats);
        }
        self.0.as_mut_ptr().cast()
    }

    /// The first floats.
    ///
    /// # Panics
    /// If the buffer is smaller.
    pub(crate) fn first(&self, floats: usize) -> &[f32] {
        assert!(floats <= self.0.len() * MAX_WIDTH);
        // SAFETY: the lines are initialised arrays of floats, one after another.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), floats) }
    }

    /// The first floats, to write to. The buffer grows to hold them.
    pub(super) fn first_mut(&mut self, floats: usize) -> &mut [f32] {
        let start = self.at_least(floats);
        // SAFETY: the lines are initialised arrays of floats, one after another, and there are enough.
        unsafe { std::slice::from_raw_parts_mut(start, floats) }
    }

    pub(super) fn as_ptr(&self) -> *const f32 {
        self.0.as_ptr().cast()
    }

    #[cold]
    fn grow(&mut self, floats: usize) {
        self.0.resize(floats.div_ceil(MAX_WIDTH), Line::default());
    }
}
