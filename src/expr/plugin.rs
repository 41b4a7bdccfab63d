//! The C interface by which Polars calls an expression of ours, which [`export_expression`] writes for a function.
//!
//! pyo3-polars has an attribute for this. That attribute makes a macro depend on Polars, so that a build compiles Polars
//! twice, and it turns on Polars' Python nodes and their serialisation, which no expression needs: a quarter of a first
//! build.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

use polars::prelude::*;
use polars_arrow::ffi::{ArrowSchema, export_field_to_c, import_field_from_c};
use polars_ffi::version_0::{SeriesExport, export_series, import_series_buffer};
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
            let inputs = import_series_buffer(inputs, inputs_len)?;
            function(&inputs, parse(options, options_len)?).map(|series| export_series(&series))
        });
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
