//! Arrow arrays: between arrow-rs and Polars, and in memory-mapped files.

pub(crate) mod ipc;
pub(crate) mod polars;
