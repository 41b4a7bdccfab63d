//! The progress of a job, shared between its workers and the displays that show it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};

/// The stages of a job, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Counting words.
    Vocabulary,
    /// Turning tokens into word numbers.
    Encoding,
    /// Training.
    Training,
    /// Writing the results.
    Saving,
    /// Adding vectors to the rows of a table.
    Embedding,
}

impl Phase {
    const ALL: [Self; 5] = [Self::Vocabulary, Self::Encoding, Self::Training, Self::Saving, Self::Embedding];

    /// What its progress counts.
    pub fn unit(self) -> &'static str {
        if self == Self::Embedding { "rows" } else { "words" }
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Vocabulary => "vocabulary",
            Self::Encoding => "encoding",
            Self::Training => "training",
            Self::Saving => "saving",
            Self::Embedding => "embedding",
        })
    }
}

/// Counters that workers advance and a display polls, a flag with which a user stops the job, and notes for the log.
/// Clones share them. Only notes take a lock, so a worker never waits for a terminal.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    phase: AtomicU8,
    tokens: AtomicU64,
    total: AtomicU64,
    rate: AtomicU32,
    /// The bits of the sum of the losses of this phase, and the number of examples in it.
    loss: AtomicU64,
    examples: AtomicU64,
    cancelled: AtomicBool,
    notes: Mutex<Vec<String>>,
}

impl Progress {
    /// Enters a phase of `total` tokens; 0 if the number is not known.
    pub fn enter(&self, phase: Phase, total: u64) {
        self.0.tokens.store(0, Ordering::Relaxed);
        self.0.total.store(total, Ordering::Relaxed);
        self.0.loss.store(0f64.to_bits(), Ordering::Relaxed);
        self.0.examples.store(0, Ordering::Relaxed);
        self.0.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Adds completed tokens. Returns the number that was completed before.
    pub fn advance(&self, tokens: u64) -> u64 {
        self.0.tokens.fetch_add(tokens, Ordering::Relaxed)
    }

    pub(crate) fn set_learning_rate(&self, rate: f32) {
        self.0.rate.store(rate.to_bits(), Ordering::Relaxed);
    }

    /// Adds what a batch has lost.
    pub(crate) fn add_loss(&self, loss: f64, examples: u64) {
        let add = |bits| Some((f64::from_bits(bits) + loss).to_bits());
        // The closure never refuses.
        let _ = self.0.loss.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        self.0.examples.fetch_add(examples, Ordering::Relaxed);
    }

    /// The sum of the losses of this phase and the number of its examples: 0 of 0 unless the loss is added up
    /// ([`Config::compute_loss`](crate::Config::compute_loss)). In a run that was resumed, since then.
    pub fn loss(&self) -> (f64, u64) {
        (f64::from_bits(self.0.loss.load(Ordering::Relaxed)), self.0.examples.load(Ordering::Relaxed))
    }

    /// The current phase.
    pub fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.0.phase.load(Ordering::Relaxed))]
    }

    /// Completed tokens of this phase; in training, of all epochs.
    pub fn tokens(&self) -> u64 {
        self.0.tokens.load(Ordering::Relaxed)
    }

    /// The number of tokens of this phase, or 0 if it is not known; in training, over all epochs.
    pub fn total(&self) -> u64 {
        self.0.total.load(Ordering::Relaxed)
    }

    /// The current learning rate; 0 before training.
    pub fn learning_rate(&self) -> f32 {
        f32::from_bits(self.0.rate.load(Ordering::Relaxed))
    }

    /// Adds a line for the log: what is read, and what is left out.
    pub(crate) fn note(&self, note: String) {
        self.0.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }

    /// The lines for the log since the last call.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.0.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks the job to stop. It ends within a fraction of a second, with [`Error::Interrupted`].
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }

    /// True if the job was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Relaxed)
    }

    /// # Errors
    /// [`Error::Interrupted`] if the job was asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Interrupted) } else { Ok(()) }
    }
}
