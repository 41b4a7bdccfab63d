//! A generated corpus, to try the crate without downloading anything.
//!
//! Its sentences are about a small world of countries, people, verbs, animals and trades. It has some 2,900 words with
//! Zipf-like frequencies. 2.5 million tokens are enough for vectors whose nearest neighbours make sense and which answer
//! the [`questions()`]: over 99 % of them after five epochs of skip-gram with gensim 4.4 (64 or 100 dimensions, window 5, 5
//! negative samples), but less than half after one epoch. So it can test a whole training run.
//!
//! ```no_run
//! let written = polargram::toy_corpus::write_corpus("corpus".as_ref(), 2_500_000, 1)?;
//! println!("{} tokens in {:?}", written.tokens, written.files);
//! # Ok::<(), polargram::Error>(())
//! ```

mod clauses;
mod files;
mod generator;
mod grammar;
mod questions;
mod world;

pub use files::{Written, write_corpus};
pub use generator::SentenceGenerator;
pub use questions::questions;
