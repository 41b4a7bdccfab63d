//! From a corpus to a model: training it in one call or step by step, saving it, and what it takes of memory.

mod checkpoint;
mod inference;
mod memory;
mod saved;
mod word2vec;

pub use checkpoint::{Checkpoint, Every};
pub use memory::{Memory, peak_memory};
pub use saved::Saved;
pub use word2vec::{CorpusSize, Resume, TrainOptions, Word2Vec};
