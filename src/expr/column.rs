//! Columns of vectors, and work on many rows at once.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use polars::prelude::*;
use polars_arrow::array::{Array, ArrayRef, FixedSizeListArray, ListArray, PrimitiveArray};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::datatypes::{ArrowDataType, Field as ArrowField};
use polars_arrow::offset::OffsetsBuffer;
use rayon::prelude::*;

use crate::kernel::zeros;
use crate::process::can_use_thread_pools;

/// Rows that a thread takes at a time.
const BLOCK: usize = 256;

/// What a column of vectors is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VectorType {
    pub(super) size: usize,
    /// Half precision, which Polars has in lists.
    pub(super) is_half: bool,
}

impl VectorType {
    pub(super) fn dtype(self) -> DataType {
        match self.is_half {
            true => DataType::List(Box::new(DataType::Float16)),
            false => DataType::Array(Box::new(DataType::Float32), self.size),
        }
    }

    /// A chunk of `len` vectors, one after another, of which some may be null.
    pub(super) fn chunk(self, values: Vec<f32>, len: usize, validity: Option<Bitmap>) -> PolarsResult<ArrayRef> {
        if !self.is_half {
            let values = PrimitiveArray::from_vec(values).boxed();
            let dtype = ArrowDataType::FixedSizeList(Box::new(item(ArrowDataType::Float32)), self.size);
            return Ok(FixedSizeListArray::try_new(dtype, len, values, validity)?.boxed());
        }
        let values = Series::from_vec(PlSmallStr::EMPTY, values).cast(&DataType::Float16)?;
        let offsets = (0..=len as i64).map(|row| row * self.size as i64).collect();
        list_chunk(values.chunks()[0].clone(), offsets, validity)
    }
}

fn item(dtype: ArrowDataType) -> ArrowField {
    ArrowField::new(PlSmallStr::from_static("item"), dtype, true)
}

/// A mask of nulls, unless there are none.
pub(super) fn validity(is_valid: &[bool]) -> Option<Bitmap> {
    (!is_valid.iter().all(|&is_valid| is_valid)).then(|| is_valid.iter().copied().collect())
}

/// A chunk of lists.
pub(super) fn list_chunk(values: ArrayRef, offsets: Vec<i64>, validity: Option<Bitmap>) -> PolarsResult<ArrayRef> {
    let dtype = ArrowDataType::LargeList(Box::new(item(values.dtype().clone())));
    Ok(ListArray::<i64>::try_new(dtype, OffsetsBuffer::try_from(offsets)?, values, validity)?.boxed())
}

/// A column of chunks that were made for its type.
pub(super) fn series_of(name: &PlSmallStr, chunks: Vec<ArrayRef>, dtype: &DataType) -> Series {
    if chunks.is_empty() {
        return Series::new_empty(name.clone(), dtype);
    }
    // SAFETY: the chunks were made for this type.
    unsafe { Series::from_chunks_and_dtype_unchecked(name.clone(), chunks, dtype) }
}

/// Vectors of `size` floats, one after another, and which of them are valid: what `fill` writes for a range of rows, on all
/// cores. `fill` has a scratch that no other thread uses, and the number of its first row.
pub(super) fn fill_blocks<S: Send>(
    rows: usize,
    size: usize,
    new: impl Fn() -> S + Sync,
    fill: impl Fn(&mut S, usize, &mut [f32], &mut [bool]) -> PolarsResult<()> + Sync,
) -> PolarsResult<(Vec<f32>, Vec<bool>)> {
    let mut values = zeros(rows * size);
    let mut is_valid = vec![false; rows];
    let free = Mutex::new(Vec::new());
    let block = |(i, (values, is_valid)): (usize, (&mut [f32], &mut [bool]))| -> PolarsResult<()> {
        let mut scratch = free.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_else(&new);
        fill(&mut scratch, i * BLOCK, values, is_valid)?;
        free.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        Ok(())
    };
    if rows > BLOCK && can_use_thread_pools() {
        let parts = values.par_chunks_mut(BLOCK * size).zip(is_valid.par_chunks_mut(BLOCK)).enumerate();
        parts.try_for_each(block)?;
    } else {
        values.chunks_mut(BLOCK * size).zip(is_valid.chunks_mut(BLOCK)).enumerate().try_for_each(block)?;
    }
    Ok((values, is_valid))
}

/// [`fill_blocks`] row by row: `fill` says whether the row is valid.
pub(super) fn fill_rows<S: Send>(
    rows: usize,
    size: usize,
    new: impl Fn() -> S + Sync,
    fill: impl Fn(&mut S, usize, &mut [f32]) -> PolarsResult<bool> + Sync,
) -> PolarsResult<(Vec<f32>, Vec<bool>)> {
    fill_blocks(rows, size, new, |scratch, first, values, is_valid| {
        for (i, (to, is_valid)) in values.chunks_exact_mut(size).zip(is_valid).enumerate() {
            *is_valid = fill(scratch, first + i, to)?;
        }
        Ok(())
    })
}

/// A value for each row, on all cores.
pub(super) fn map_rows<T: Send>(rows: usize, value: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    match rows > BLOCK && can_use_thread_pools() {
        true => (0..rows).into_par_iter().with_min_len(BLOCK).map(value).collect(),
        false => (0..rows).map(value).collect(),
    }
}

/// A value for each row, on all cores: what `values` gives for a range of rows.
pub(super) fn map_blocks<T: Send>(rows: usize, values: impl Fn(Range<usize>) -> Vec<T> + Sync + Send) -> Vec<T> {
    let block = |i: usize| values(i * BLOCK..rows.min((i + 1) * BLOCK));
    match rows > BLOCK && can_use_thread_pools() {
        true => (0..rows.div_ceil(BLOCK)).into_par_iter().flat_map_iter(block).collect(),
        false => values(0..rows),
    }
}

/// The chunks of a column in parts of at most `rows` rows.
pub(super) fn parts(column: &Series, rows: usize) -> impl Iterator<Item = ArrayRef> {
    column.chunks().iter().flat_map(move |chunk| {
        // A chunk of no rows is one part.
        let starts = (0..chunk.len().max(1)).step_by(rows);
        starts.map(move |start| chunk.sliced(start, rows.min(chunk.len() - start)))
    })
}

/// The rows of a list in its values.
pub(super) fn bounds(lists: &ListArray<i64>, row: usize) -> Range<usize> {
    let (start, end) = lists.offsets().start_end(row);
    start..end
}

/// A chunk as an array of lists.
pub(super) fn lists_of(chunk: &dyn Array) -> PolarsResult<&ListArray<i64>> {
    chunk.as_any().downcast_ref().ok_or_else(|| polars_err!(InvalidOperation: "expected lists"))
}

/// The length of columns, where one of length 1 is repeated.
///
/// # Errors
/// If two have other lengths.
pub(super) fn common_length(function: &str, columns: &[Series]) -> PolarsResult<usize> {
    let rows = columns.iter().map(|column| column.len()).find(|&len| len != 1).unwrap_or(1);
    match columns.iter().find(|column| column.len() != 1 && column.len() != rows) {
        None => Ok(rows),
        Some(other) => {
            polars_bail!(ShapeMismatch: "{function}: column {:?} has {} rows, another {rows}", other.name(), other.len())
        }
    }
}

/// The column with as many rows as others have, in one chunk.
pub(super) fn repeated(column: &Series, rows: usize) -> Series {
    let column = if column.len() == rows { column.clone() } else { column.new_from_index(0, rows) };
    column.rechunk()
}
