//! Work on many rows, on all cores.

use std::ops::Range;

use rayon::prelude::*;

use crate::process::can_use_thread_pools;

/// Rows of one task: fewer are not worth another thread.
pub(super) const ROWS_PER_TASK: usize = 4096;

/// A number for each of a range of rows, on all cores if they are many.
pub(super) fn map_rows<C>(rows: Range<usize>, number: impl Fn(usize) -> f32 + Sync + Send) -> C
where
    C: FromIterator<f32> + FromParallelIterator<f32>,
{
    match rows.len() > ROWS_PER_TASK && can_use_thread_pools() {
        true => rows.into_par_iter().with_min_len(ROWS_PER_TASK).map(number).collect(),
        false => rows.map(number).collect(),
    }
}
