//! The inputs: which rows a block of centres trains.
//!
//! An architecture is one file, and a variant of [`Inputs`]. It says which rows are the inputs of a centre, and passes them to
//! the [`Losses`].

mod block;
mod cbow;
mod locks;
mod skipgram;

use super::losses::Losses;
use super::rng::BatchRng;
use super::shared::Shared;
pub(super) use block::CentreBlock;
use cbow::Cbow;
use skipgram::SkipGram;

/// The architecture of a training run.
pub(super) enum Inputs<'a> {
    SkipGram(SkipGram<'a>),
    Cbow(Cbow<'a>),
}

impl<'a> Inputs<'a> {
    pub(super) fn new(shared: &'a Shared<'a>) -> Self {
        match shared.config.sg {
            true => Self::SkipGram(SkipGram::new(shared)),
            false => Self::Cbow(Cbow::new(shared)),
        }
    }

    /// Trains a block of centres.
    #[inline(always)]
    pub(super) fn train(&mut self, block: &CentreBlock<'_>, losses: &mut Losses<'_>, rate: f32, rng: &mut BatchRng) {
        match self {
            Self::SkipGram(inputs) => inputs.train(block, losses, rate, rng),
            Self::Cbow(inputs) => inputs.train(block, losses, rate, rng),
        }
    }
}
