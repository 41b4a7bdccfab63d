//! Columns of vectors.

use polars::prelude::*;
use polars_arrow::array::{FixedSizeListArray, PrimitiveArray};
use polars_arrow::bitmap::{Bitmap, BitmapBuilder};
use polars_arrow::datatypes::{ArrowDataType, Field as ArrowField};

use crate::vectors::KeyedVectors;

/// An `Array(Float32, d)` column that grows row by row.
pub(super) struct VectorColumn {
    values: Vec<f32>,
    validity: BitmapBuilder,
    vector_size: usize,
}

impl VectorColumn {
    pub(super) fn with_capacity(rows: usize, vectors: &KeyedVectors) -> Self {
        let vector_size = vectors.vector_size();
        Self {
            values: Vec::with_capacity(rows * vector_size),
            validity: BitmapBuilder::with_capacity(rows),
            vector_size,
        }
    }

    /// Adds a row: what `fill` writes if it is valid, else a null.
    pub(super) fn push(&mut self, is_valid: bool, fill: impl FnOnce(&mut [f32])) {
        let start = self.values.len();
        self.values.resize(start + self.vector_size, 0.0);
        self.validity.push(is_valid);
        if is_valid {
            fill(&mut self.values[start..]);
        }
    }

    pub(super) fn finish(self, name: PlSmallStr, vectors: &KeyedVectors) -> PolarsResult<Series> {
        let len = self.validity.len();
        let item = ArrowField::new(PlSmallStr::from_static("item"), ArrowDataType::Float32, true);
        let dtype = ArrowDataType::FixedSizeList(Box::new(item), self.vector_size);
        let values = PrimitiveArray::from_vec(self.values).boxed();
        let validity: Bitmap = self.validity.freeze();
        let array = FixedSizeListArray::try_new(dtype, len, values, Some(validity))?;
        // SAFETY: the array's type is the one that `vector_type` describes.
        Ok(unsafe { Series::from_chunks_and_dtype_unchecked(name, vec![array.boxed()], &vector_type(vectors)) })
    }
}

/// The type of a column of vectors.
pub(super) fn vector_type(vectors: &KeyedVectors) -> DataType {
    DataType::Array(Box::new(DataType::Float32), vectors.vector_size())
}
