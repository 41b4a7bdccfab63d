//! The weights: aligned matrices shared by the workers.

mod buffer;
mod matrix;
mod weights;

pub(crate) use buffer::AlignedBuffer;
pub use matrix::Matrix;
pub(crate) use matrix::{load_relaxed, store_relaxed};
pub use weights::Weights;
