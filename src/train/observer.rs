//! What the caller of a training run is told.

use std::time::Instant;

use super::position::Position;
use crate::error::Result;

/// Is called on the thread that called [`train`](super::train). No worker runs during a call.
pub trait Observer {
    /// An epoch begins, unless the answer is [`Next::Stop`].
    ///
    /// # Errors
    /// An error stops the training and is returned by it.
    fn epoch_begins(&mut self, _epoch: usize) -> Result<Next> {
        Ok(Next::Continue)
    }

    /// An epoch has ended; `position` is the start of the next one. [`Next::Stop`] ends the training early.
    ///
    /// # Errors
    /// As for [`epoch_begins`](Self::epoch_begins).
    fn epoch_ends(&mut self, _epoch: usize, _position: &Position) -> Result<Next> {
        Ok(Next::Continue)
    }

    /// What the observer has to know again when the training is resumed from a checkpoint of this moment.
    fn kept(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// When to stop the workers within an epoch and call [`paused`](Self::paused).
    fn next_pause(&self) -> Option<Instant> {
        None
    }

    /// The workers have stopped at `position`.
    ///
    /// # Errors
    /// As for [`epoch_begins`](Self::epoch_begins).
    fn paused(&mut self, _position: &Position) -> Result<()> {
        Ok(())
    }
}

/// Observes nothing.
impl Observer for () {}

/// Whether the training continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It continues.
    Continue,
    /// No epoch follows.
    Stop,
}
