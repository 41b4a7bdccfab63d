//! Polars expressions, thin over [`vectors`](crate::vectors): a file for each group of them. Each is a pure function of
//! a row, so that Polars may run it on any chunk.

mod column;
mod embed;
mod error;
mod phrases;
mod plugin;
mod tokens;
