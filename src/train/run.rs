//! What to train, and on what.

use super::position::Position;
use super::source::Source;
use super::weights::Weights;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::vocab::Vocabulary;

/// What to train, and on what.
pub struct TrainingRun<'a> {
    /// The hyperparameters.
    pub config: &'a Config,
    /// The words. Word i has row i of the weights.
    pub vocabulary: &'a Vocabulary,
    /// The weights, trained in place.
    pub weights: &'a Weights,
    /// For each word the share of its updates that its vector takes (gensim: `vectors_lockf`): 1 for a vector that is
    /// trained normally, 0 for one that does not change.
    pub locks: Option<&'a [f32]>,
    /// The encoded corpus.
    pub source: Source<'a>,
    /// In-vocabulary tokens of an epoch for the decay of the learning rate, if they are not those of `source`.
    pub expected_tokens: Option<u64>,
    /// Where to start.
    pub start: Position,
    /// The instruction set. It must be available: see [`Isa::detect`].
    pub isa: Isa,
}

impl TrainingRun<'_> {
    /// Checks that the parts fit together.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the part that does not fit.
    pub(super) fn check(&self) -> Result<()> {
        if !self.isa.is_available() {
            return Err(Error::parameter("isa", format!("this machine does not have {}", self.isa)));
        }
        self.config.validate()?;
        self.weights.check(self.config)?;
        let (words, rows) = (self.vocabulary.len(), self.weights.input.rows());
        if rows != words {
            return Err(Error::parameter("vocabulary", format!("has {words} words, but the weights have {rows} rows")));
        }
        if let Some(locks) = self.locks
            && locks.len() != words
        {
            return Err(Error::parameter("vectors_lockf", format!("has {} factors for {words} words", locks.len())));
        }
        let start = self.start.check(self.config, self.source.encoded());
        start.map_err(|reason| Error::parameter("start", format!("cannot occur in this run: it {reason}")))
    }
}
