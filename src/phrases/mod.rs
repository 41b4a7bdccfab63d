//! Phrases: words that stand side by side more often than by chance, joined to one token (Mikolov et al. 2013).
//!
//! [`Phrases`] counts the words and the pairs of words of a corpus, and scores each pair; names, meanings and numbers are
//! those of gensim's `models.phrases`. [`PhraseModel`] does so in several passes, for phrases of more words.
//! [`PhrasedCorpus`] is a corpus over a corpus, with phrases joined while it is read.

mod arrays;
mod bounded;
mod codes;
mod corpus;
mod counting;
mod counts;
mod delimiter;
mod detector;
mod model;
mod passes;
#[cfg(feature = "python")]
mod registry;
mod rewrite;
mod rules;
mod scoring;
mod sieve;
mod table;
mod tokens;
mod views;
mod words;

pub use corpus::{Detectors, PhrasedCorpus};
#[cfg(feature = "python")]
pub(crate) use detector::Detector;
pub(crate) use model::Totals;
pub use model::{ENGLISH_CONNECTOR_WORDS, FrozenPhrases, Phrase, PhraseOptions, Phrases};
pub use passes::{MOST_PASSES, Pass, PhraseModel};
#[cfg(feature = "python")]
pub(crate) use registry::{register, registered};
pub(crate) use rewrite::write_parquet;
pub use scoring::{Candidate, CorpusCounts, Scorer, Scoring};
#[cfg(feature = "python")]
pub(crate) use tokens::Tokens;
#[cfg(feature = "python")]
pub(crate) use views::JoinedViews;
