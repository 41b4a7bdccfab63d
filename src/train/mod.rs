//! Training: epochs, the learning-rate schedule, and the workers that share the weights.
//!
//! ```text
//! for each epoch                                     epochs
//!     for each batch, taken by the next free worker      segment
//!         rate ← alpha falling to min_alpha                  schedule
//!         keep each token with its probability               batches
//!         for each block of centres                          workers
//!             choose the input rows                              inputs::{skipgram, cbow}
//!             for each loss, choose targets and labels           losses::{negative, hierarchical}
//!                 train inputs against targets                       kernel::train_block
//! ```
//!
//! An architecture is a short file in `inputs` that says which rows are the inputs of a centre. A loss is a short file in
//! `losses` that says which rows are the targets of a centre, and their labels. [`kernel`](crate::kernel) does the
//! arithmetic.

mod batches;
mod epochs;
mod inputs;
mod losses;
mod observer;
mod position;
mod rng;
mod rows;
mod run;
mod schedule;
mod segment;
mod shared;
mod source;
mod stats;
mod weights;
mod workers;

pub use epochs::{Trained, train};
pub use observer::{Next, Observer};
pub use position::Position;
pub(crate) use rows::{PRIVATE_NODES, PRIVATE_WORDS};
pub use run::TrainingRun;
pub use source::Source;
pub(crate) use source::corpus_changed;
pub use weights::Weights;

#[cfg(test)]
mod tests;
