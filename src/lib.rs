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
//! # The house
//! The data goes in one direction. A module imports only modules above it in this table; `python tests/imports.py` draws
//! the imports and fails on any other.
//!
//! | module | content |
//! |---|---|
//! | `error`, `utf8`, `exact`, `process`, `progress`, [`config`] | the ground: errors, invalid UTF-8, exact floats in JSON, forks, progress, and the table of hyperparameters |
//! | [`kernel`] | rows of floats and what is done to them, for each instruction set; it knows nothing of words |
//! | `arrow` | between arrow-rs and Polars; memory-mapped Arrow files |
//! | `pickle` | Python's pickles, of which nothing is run |
//! | `parquet_checks` | Parquet's footers and page headers, looked through before they are decoded |
//! | `store`, `output` | object stores; files, directories and objects that are written whole or not at all |
//! | [`npy`] | `.npy` files that are streamed, read by blocks, and made of bare buffers |
//! | [`bundle`] | named arrays and values in a directory or one file |
//! | [`toy_corpus`] | a generated corpus, to try everything |
//! | [`corpus`] | sources of token lists that can be read again |
//! | [`vocab`] | keys, counts, and what follows from the counts: noise, subsampling, the Huffman tree |
//! | [`phrases`] | words that are joined to phrases: a corpus over a corpus |
//! | [`encode`] | tokens as word numbers; the spool |
//! | [`train`] | epochs, workers, inputs and losses |
//! | [`tokenise`] | raw text to tokens |
//! | [`vectors`] | a table of keys and vectors: lookup and search |
//! | [`formats`] | a table of file formats |
//! | [`models`] | the job from a corpus to a model; checkpoints and saved models |
//! | [`plot`] | pictures of vectors and of trainings |
//! | [`expr`] | Polars expressions |
//! | [`cli`], `python` | the command and the Python classes, which only call the rest |
//!
//! # Features
//! - `python`: the extension module with the Python classes and the Polars expressions, built by maturin. Without it the
//!   crate and the `polargram` command do not need Python.

#![deny(missing_docs)]
#![warn(clippy::undocumented_unsafe_blocks)]

mod arrow;
pub mod bundle;
pub mod cli;
pub mod config;
pub mod corpus;
pub mod encode;
mod error;
mod exact;
pub mod expr;
pub mod formats;
pub mod kernel;
pub mod models;
pub mod npy;
mod output;
mod parquet_checks;
pub mod phrases;
mod pickle;
pub mod plot;
mod process;
mod progress;
#[cfg(feature = "python")]
mod python;
mod registry;
mod store;
pub mod tokenise;
pub mod toy_corpus;
pub mod train;
mod utf8;
pub mod vectors;
pub mod vocab;

pub use config::Config;
pub use error::{Error, Result};
pub use models::Word2Vec;
pub use progress::{Phase, Progress};
pub use store::Location;
pub use vectors::KeyedVectors;
