//! The C interface by which Polars calls an expression of ours, which [`export_expression`] writes for a function.
//!
//! pyo3-polars has an attribute for this. That attribute makes a macro depend on Polars, so that a build compiles Polars
//! twice, and it turns on Polars' Python nodes and their serialisation, which no expression needs: a quarter of a first
//! build.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

use polars::prelude::*;
use polars_arrow::array::{Array, FixedSizeListArray};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::datatypes::ArrowDataType;
use polars_arrow::ffi::{ArrowArray, ArrowSchema, export_field_to_c, import_array_from_c, import_field_from_c};
use polars_ffi::version_0::{SeriesExport, export_series};
use serde::de::DeserializeOwned;

/// Exports a function of columns and options, and the one that tells its type, under the names that Polars looks for.
macro_rules! export_expression {
    ($function:path as $name:literal, $field_type:path as $field_name:literal) => {
        // In a scope of its own, so that a file can export several.
        const _: () = {
            #[unsafe(export_name = $name)]
            unsafe extern "C" fn exported_call(
                inputs: *mut polars_ffi::version_0::SeriesExport,
                inputs_len: usize,
                options: *const u8,
                options_len: usize,
                output: *mut polars_ffi::version_0::SeriesExport,
                _context: *const polars_ffi::version_0::CallerContext,
            ) {
                // SAFETY: Polars gives what the interface of plugins demands.
                unsafe { $crate::expr::plugin::call($function, inputs, inputs_len, options, options_len, output) }
            }

            #[unsafe(export_name = $field_name)]
            unsafe extern "C" fn exported_type(
                inputs: *const polars_arrow::ffi::ArrowSchema,
                inputs_len: usize,
                output: *mut polars_arrow::ffi::ArrowSchema,
                options: *const u8,
                options_len: usize,
            ) {
                // SAFETY: as above.
                unsafe {
                    $crate::expr::plugin::field_type($field_type, inputs, inputs_len, options, options_len, output)
                }
            }
        };
    };
}
pub(super) use export_expression;

thread_local! {
    /// Polars reads it on the thread of the call that failed.
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// Calls an expression on columns that Polars exported.
///
/// # Safety
/// `inputs` are `inputs_len` columns that this call consumes, `options` are `options_len` bytes, `output` can be written.
pub(super) unsafe fn call<Options: DeserializeOwned>(
    function: impl FnOnce(&[Series], Options) -> PolarsResult<Series>,
    inputs: *mut SeriesExport,
    inputs_len: usize,
    options: *const u8,
    options_len: usize,
    output: *mut SeriesExport,
) {
    // SAFETY: as the caller promises.
    unsafe {
        answer(output, || {
            let inputs = (0..inputs_len).map(|i| import(inputs.add(i).read())).collect::<PolarsResult<Vec<_>>>()?;
            function(&inputs, parse(options, options_len)?).map(|series| export_series(&series))
        });
    }
}

/// The fields of [`SeriesExport`], which are part of the interface, and private there.
#[repr(C)]
struct Exported {
    field: *mut ArrowSchema,
    arrays: *mut *mut ArrowArray,
    len: usize,
    release: Option<unsafe extern "C" fn(*mut SeriesExport)>,
    private_data: *mut c_void,
}

/// How an array starts in Arrow's C data interface. Its fields are private in polars-arrow.
#[repr(C)]
struct Head {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *const *const c_void,
    children: *const *const Head,
}

/// An array of lists of a fixed size. Before Polars 2 a slice of one was exported with values from its own start, although
/// its offset counts from another, and one of nulls without the values that Arrow demands. Read as they stand, they panic.
///
/// # Safety
/// It is such an array that Polars exported.
unsafe fn import_array(mut array: ArrowArray, dtype: &ArrowDataType, width: usize) -> PolarsResult<Box<dyn Array>> {
    // SAFETY: both are the structure of the interface, of which `Head` is the start; an array of lists has one child, and
    // a buffer with a bit for each row up to the last, if some are null. The array stays what it was but for its nulls,
    // which are given to it again.
    unsafe {
        let head = &mut *(&raw mut array).cast::<Head>();
        let (offset, length) = (head.offset as usize, head.length as usize);
        let values = (**head.children).length as usize;
        if values == 0 && head.null_count == head.length {
            return Ok(FixedSizeListArray::new_null(dtype.clone(), length).boxed());
        }
        let starts_itself = offset > 0 && length.checked_mul(width) == Some(values);
        if !starts_itself {
            return import_array_from_c(array, dtype.clone());
        }
        let bits = if head.null_count == 0 { std::ptr::null() } else { (*head.buffers).cast::<u8>() };
        let validity = (!bits.is_null()).then(|| {
            let bytes = slice::from_raw_parts(bits, (offset + length).div_ceil(8));
            Bitmap::from_u8_slice(bytes, offset + length).sliced(offset, length)
        });
        (head.offset, head.null_count) = (0, 0);
        Ok(import_array_from_c(array, dtype.clone())?.with_validity(validity))
    }
}

/// The column that Polars exported, chunk by chunk.
///
/// Polars 0.55 has a function for all chunks at once. Of lists of categories it loses the rows of chunks without values, and
/// takes the values of one chunk for those of another.
///
/// # Safety
/// It is a column that Polars exported.
unsafe fn import(column: SeriesExport) -> PolarsResult<Series> {
    const { assert!(size_of::<Exported>() == size_of::<SeriesExport>()) };
    // SAFETY: the two have the same fields in the same order. The arrays are taken over here, as the interface says: the
    // release of a column, when it is dropped, frees the memory of the pointers to them.
    unsafe {
        let Exported { field, arrays, len, .. } = &*(&raw const column).cast::<Exported>();
        let field = import_field_from_c(&**field)?;
        let mut series: Option<Series> = None;
        let chunks = slice::from_raw_parts(*arrays, *len).iter().map(|array| array.read());
        for chunk in chunks {
            let chunk = match &field.dtype {
                ArrowDataType::FixedSizeList(_, width) => import_array(chunk, &field.dtype, *width)?,
                dtype => import_array_from_c(chunk, dtype.clone())?,
            };
            let (name, metadata) = (field.name.clone(), field.metadata.as_deref());
            let chunk = Series::_try_from_arrow_unchecked_with_md(name, vec![chunk], &field.dtype, metadata)?;
            match &mut series {
                Some(series) => drop(series.append(&chunk)?),
                None => series = Some(chunk),
            }
        }
        Ok(series.unwrap_or_else(|| Series::new_empty(field.name.clone(), &DataType::from_arrow_field(&field))))
    }
}

/// Tells the name and the type of an expression's column from those of its inputs.
///
/// # Safety
/// `inputs` are `inputs_len` fields, `options` are `options_len` bytes, `output` can be written.
pub(super) unsafe fn field_type<Options: DeserializeOwned>(
    function: impl FnOnce(&[Field], Options) -> PolarsResult<Field>,
    inputs: *const ArrowSchema,
    inputs_len: usize,
    options: *const u8,
    options_len: usize,
    output: *mut ArrowSchema,
) {
    // SAFETY: as the caller promises.
    unsafe {
        answer(output, || {
            let inputs = slice::from_raw_parts(inputs, inputs_len).iter();
            let inputs: Vec<Field> =
                inputs.map(|field| Ok(Field::from(&import_field_from_c(field)?))).collect::<PolarsResult<_>>()?;
            let field = function(&inputs, parse(options, options_len)?)?;
            Ok(export_field_to_c(&field.to_arrow(CompatLevel::newest())))
        });
    }
}

/// Writes what `work` gives, or keeps its error for Polars to ask for and leaves `output` empty, as Polars made it.
///
/// # Safety
/// `output` can be written.
unsafe fn answer<T>(output: *mut T, work: impl FnOnce() -> PolarsResult<T>) {
    let panicked =
        || Err(polars_err!(ComputeError: "the expression panicked: this is a bug of polargram; stderr says where"));
    // The panic hook says where: this is not a damaged file, on which a library panics.
    match catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| panicked()) {
        // SAFETY: as the caller promises; what it holds is empty and needs no drop.
        Ok(value) => unsafe { output.write(value) },
        Err(error) => {
            let message = CString::new(error.to_string().replace('\0', "\\0")).unwrap_or_default();
            LAST_ERROR.replace(message);
        }
    }
}

/// The options, which arrive as a pickle of plain values: reading them runs no code.
///
/// # Safety
/// `options` are `len` bytes.
unsafe fn parse<Options: DeserializeOwned>(options: *const u8, len: usize) -> PolarsResult<Options> {
    // SAFETY: as the caller promises; without bytes the pointer may be null.
    let bytes = if len == 0 { &[] } else { unsafe { slice::from_raw_parts(options, len) } };
    serde_pickle::from_slice(bytes, serde_pickle::DeOptions::default())
        .map_err(|error| polars_err!(InvalidOperation: "the expression's options: {error}"))
}

#[unsafe(export_name = "_polars_plugin_get_last_error_message")]
extern "C" fn last_error_message() -> *const c_char {
    // The pointer is valid until the next error on this thread.
    LAST_ERROR.with_borrow(|message| message.as_ptr())
}

#[unsafe(export_name = "_polars_plugin_get_version")]
extern "C" fn version() -> u32 {
    let (major, minor) = polars_ffi::get_version();
    (u32::from(major) << 16) + u32::from(minor)
}
