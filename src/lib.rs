//! Word vectors from Parquet and Arrow columns of tokens, looked up again inside Polars expressions.
//!
//! A corpus arrives as Arrow record batches, is counted by Polars, encoded once, trained in parallel on a SIMD kernel,
//! and leaves as a memory-mappable Arrow file, `.npy`, or the word2vec C format:
//!
//! ```no_run
//! use polargram::corpus::{FileCorpus, ReadOptions};
//! use polargram::{Config, KeyedVectors, Progress, Word2Vec};
//!
//! let progress = Progress::default();
//! let corpus = FileCorpus::open(["corpus/*.parquet"], &ReadOptions::column("tokens"), &progress)?;
//! let (model, _) = Word2Vec::fit(&corpus, Config { sg: true, ..Config::default() }, &progress)?;
//! model.vectors()?.save("vectors.arrow")?;
//!
//! let wv = KeyedVectors::load("vectors.arrow")?;
//! for (key, cosine) in wv.most_similar(&["king", "woman"], &["man"], 5)? {
//!     println!("{key} {cosine:.3}");
//! }
//! # Ok::<(), polargram::Error>(())
//! ```
//!
//! The way of the data is one direction: [`corpus`] → [`vocab`] → [`encode`] → [`train`] → [`vectors`] → [`formats`] →
//! [`models`]. A module uses what stands before it, never what stands after.
//!
//! # Features
//! - `python`: the extension module with the Python classes and the Polars expressions; built by maturin. The crate and
//!   the `polargram` command need no Python without it.

#![deny(missing_docs)]
#![warn(clippy::undocumented_unsafe_blocks)]

mod arrow;
pub mod cli;
pub mod config;
pub mod corpus;
pub mod encode;
mod error;
mod exact;
#[cfg(feature = "python")]
mod expr;
pub mod formats;
pub mod kernel;
pub mod models;
mod output;
mod process;
mod progress;
#[cfg(feature = "python")]
mod python;
mod store;
pub mod toy_corpus;
pub mod train;
pub mod vectors;
pub mod vocab;

pub use config::Config;
pub use error::{Error, Result};
pub use models::Word2Vec;
pub use progress::{Phase, Progress};
pub use store::Location;
pub use vectors::KeyedVectors;
