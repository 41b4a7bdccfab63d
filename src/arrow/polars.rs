//! Arrays between arrow-rs and Polars, through the Arrow C data interface: nothing is copied.

use std::mem::transmute;

use arrow::array::{ArrayRef, RecordBatch, make_array};
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use polars::prelude::{Column, DataFrame, PlSmallStr, Series};
use polars_arrow::array::Array as PolarsArray;
use polars_arrow::datatypes::Field;
use polars_arrow::ffi;

use crate::error::Result;

/// An array as Polars has it.
///
/// # Errors
/// [`Error::Polars`](crate::Error::Polars) for a type that Polars does not know.
pub(crate) fn to_polars(array: &ArrayRef) -> Result<Box<dyn PolarsArray>> {
    let (array, schema) = to_ffi(&array.to_data()).map_err(refused)?;
    // SAFETY: both libraries lay out the structs as the C data interface specifies; ownership moves, since Polars calls
    // the release callback and the transmute forgets the struct of arrow-rs.
    let array = unsafe {
        let array = transmute::<FFI_ArrowArray, ffi::ArrowArray>(array);
        let schema = transmute::<FFI_ArrowSchema, ffi::ArrowSchema>(schema);
        let field = ffi::import_field_from_c(&schema)?;
        ffi::import_array_from_c(array, field.dtype)?
    };
    Ok(array)
}

/// A column of chunks.
///
/// # Errors
/// As for [`to_polars`].
pub(crate) fn series(name: &str, array: &ArrayRef) -> Result<Series> {
    Ok(Series::try_from((PlSmallStr::from_str(name), to_polars(array)?))?)
}

/// A table.
///
/// # Errors
/// As for [`to_polars`].
pub(crate) fn frame(batch: &RecordBatch) -> Result<DataFrame> {
    let schema = batch.schema();
    let named = schema.fields().iter().zip(batch.columns());
    let columns = named.map(|(field, column)| Ok(Column::from(series(field.name(), column)?)));
    Ok(DataFrame::new(batch.num_rows(), columns.collect::<Result<_>>()?)?)
}

/// A series in one chunk, as arrow-rs has it.
///
/// # Errors
/// [`Error::Polars`](crate::Error::Polars) for a type that arrow-rs does not know.
pub(crate) fn from_polars(series: &Series) -> Result<ArrayRef> {
    let chunk = series.rechunk().to_arrow(0, polars::prelude::CompatLevel::newest());
    let field = Field::new(PlSmallStr::from_static("item"), chunk.dtype().clone(), true);
    // SAFETY: as in `to_polars`, in the other direction.
    let data = unsafe {
        let schema = transmute::<ffi::ArrowSchema, FFI_ArrowSchema>(ffi::export_field_to_c(&field));
        let array = transmute::<ffi::ArrowArray, FFI_ArrowArray>(ffi::export_array_to_c(chunk));
        from_ffi(array, &schema).map_err(refused)?
    };
    Ok(make_array(data))
}

fn refused(error: ArrowError) -> polars::error::PolarsError {
    polars::error::PolarsError::ComputeError(error.to_string().into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, AsArray, StringArray};

    use super::*;

    #[test]
    fn strings_and_nulls_survive_the_way_there_and_back() {
        let words: ArrayRef =
            Arc::new(StringArray::from(vec![Some("to"), None, Some("a word of more than twelve bytes")]));
        let back = from_polars(&series("word", &words).unwrap()).unwrap();
        assert_eq!(back.len(), 3);
        let back = back.as_string_view();
        assert_eq!(back.iter().collect::<Vec<_>>(), words.as_string::<i32>().iter().collect::<Vec<_>>());
    }
}
