//! Vectors as a table in memory.

use std::sync::Arc;

use arrow::array::{FixedSizeListArray, Float32Array, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;

use crate::vectors::KeyedVectors;

/// The columns word, count and vector. Keys and vectors are shared, not copied, unless the rows are padded.
///
/// # Errors
/// If a column is too long for Arrow.
pub(crate) fn shared_frame(vectors: &KeyedVectors) -> Result<RecordBatch, ArrowError> {
    let width = i32::try_from(vectors.vector_size()).map_err(|error| ArrowError::CastError(error.to_string()))?;
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    let values = Arc::new(Float32Array::new(vectors.rows().shared_buffer(), None));
    let list = FixedSizeListArray::try_new(item.clone(), width, values, None)?;
    let keys = vectors.keys().array();
    let fields = vec![
        Field::new("word", keys.data_type().clone(), true),
        Field::new("count", DataType::UInt64, true),
        Field::new_fixed_size_list("vector", item, width, true),
    ];
    let counts = Arc::new(UInt64Array::from(vectors.counts().to_vec()));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![keys, counts, Arc::new(list)])
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Float32Type;

    use super::*;

    #[test]
    fn the_frame_shares_the_memory_of_the_vectors_and_keeps_it() {
        let vectors = KeyedVectors::from_rows(["a", "b"], 2, &[1.0, 2.0, 3.0, 4.0]).unwrap();
        let start = vectors.rows().as_ptr();
        let frame = shared_frame(&vectors).unwrap();
        drop(vectors);
        let values = frame["vector"].as_fixed_size_list().values().as_primitive::<Float32Type>().values().clone();
        assert_eq!(values.as_ptr(), start);
        assert_eq!(&values[..], [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(frame["word"].len(), 2);
    }
}
