//! A worker's way to the rows of a matrix that all workers share.

use crate::model::Matrix;

/// Rows of a shared matrix.
pub(crate) struct SharedRows<'a> {
    matrix: &'a Matrix,
}

impl<'a> SharedRows<'a> {
    pub(crate) fn new(matrix: &'a Matrix) -> Self {
        Self { matrix }
    }

    #[inline(always)]
    pub(crate) fn stride(&self) -> usize {
        self.matrix.stride()
    }

    /// A row about to be trained.
    #[inline(always)]
    pub(crate) fn row(&mut self, index: u32) -> *mut f32 {
        self.matrix.row(index)
    }
}
