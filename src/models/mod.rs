//! From a corpus to a model: fitting it in one call or step by step, checkpoints, saving, and the memory it takes.
//!
//! [`Job`], checkpoints and saved models work on any [`Family`] of models, of which [`Word2Vec`] is one.

mod checkpoint;
mod gensim;
mod history;
mod inference;
mod job;
mod memory;
mod saved;
mod state;
mod training;
mod word2vec;

pub use checkpoint::{Checkpoint, Every};
pub use history::{History, Moment};
#[cfg(feature = "python")]
pub(crate) use job::bounded;
pub use job::{Estimate, Fitted, Job, Prepared};
pub use memory::{Memory, peak_memory};
pub(crate) use saved::describe;
pub use saved::{Resume, Saved};
pub use state::{CorpusSize, Family, State, TableShape};
pub use training::TrainOptions;
pub use word2vec::Word2Vec;

#[cfg(test)]
mod tests;
