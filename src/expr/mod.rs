//! Polars expressions that look words up, thin over [`vectors`](crate::vectors): a file for each group of them.
//!
//! Each takes columns of tokens (strings, categories or integers) or of lists of them, and a [`Handle`]: a path or URL, or
//! vectors in memory. Each is a pure function of a row, so that Polars may run it on any chunk, in either engine. Columns of
//! length 1 are repeated. The type of the result is known when a plan is resolved, which is when a file of vectors is opened,
//! once per process.
//!
//! ```
//! use polargram::KeyedVectors;
//! use polargram::expr::{EmbedOptions, embed, most_similar};
//! use polargram::vectors::Pooling;
//! use polars::prelude::*;
//! use std::sync::Arc;
//!
//! let wv = Arc::new(KeyedVectors::from_rows(["king", "queen", "car"], 2, &[1.0, 0.9, 0.9, 1.0, -1.0, 0.2])?);
//! let mean = EmbedOptions { pooling: Some(Pooling::Mean), ..EmbedOptions::default() };
//! let frame = df!["text" => ["king queen", "car"], "word" => ["king", "queen"]]?.lazy().select([
//!     embed(col("text").str().split(lit(" ")), wv.clone(), mean),
//!     most_similar(col("word"), wv, 1),
//! ]);
//! let out = frame.collect()?;
//! assert_eq!(out["text"].dtype(), &DataType::Array(Box::new(DataType::Float32), 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod column;
mod embed;
mod encode;
mod error;
#[cfg(feature = "python")]
mod exports;
mod files;
mod functions;
mod handle;
mod kept;
mod lookup;
#[cfg(feature = "python")]
mod phrases;
#[cfg(feature = "python")]
mod plugin;
mod registry;
mod similar;
mod tokens;

pub use embed::{CommonComponents, EmbedOptions, Unknown};
pub use encode::EncodeOptions;
pub use files::{AddedColumn, TableFormat, TableInput, embed_files};
pub use functions::{
    analogy, doesnt_match, embed, embed_weighted, encode, ids, known, most_similar, oov_rate, similarity, words,
};
pub use handle::Handle;
pub use registry::{Registered, Source, register, registered, release};
