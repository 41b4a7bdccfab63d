//! Integers of either sign as their 64 bits.

use arrow::array::{Array, AsArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{Int64Type, UInt64Type};

/// The bits of an Int64 or UInt64 array's values, which nulls have too. Nothing is copied.
pub(crate) fn bits_of(integers: &dyn Array) -> Option<ScalarBuffer<u64>> {
    match integers.as_primitive_opt::<Int64Type>() {
        Some(signed) => Some(signed.values().inner().clone().into()),
        None => integers.as_primitive_opt::<UInt64Type>().map(|unsigned| unsigned.values().clone()),
    }
}
