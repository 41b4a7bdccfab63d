//! Arrays between arrow-rs and Polars, and in files: each header and each bound is checked in one place.

pub(crate) mod footer;
pub(crate) mod ipc;
pub(crate) mod message;
pub(crate) mod polars;
