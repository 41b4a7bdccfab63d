//! Polars expressions, thin over [`vectors`](crate::vectors). Each is a pure function of a row, so that Polars may run
//! it on any chunk.

mod embed;
