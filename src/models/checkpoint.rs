//! Training that survives being killed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::saved::MODEL;
use super::{Resume, Saved, Word2Vec};
use crate::config::Config;
use crate::encode::Encoded;
use crate::error::{Error, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::store::Location;
use crate::train::{Next, Observer, Position};

/// A directory to which the state of a training run is saved now and then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    directory: PathBuf,
    every: Every,
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// After every epoch.
    Epoch,
    /// After every epoch, and after so much time within one.
    Time(Duration),
}

impl Checkpoint {
    /// Checkpoints in `directory`, which need not exist.
    pub fn new(directory: impl Into<PathBuf>, every: Every) -> Self {
        Self { directory: directory.into(), every }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether checkpoints can be written: to be known before the hours of training, not after.
    pub(super) fn check_place(&self) -> Result<()> {
        Output::new_directory(&Location::from(&self.directory), &MODEL, &Progress::default()).map(drop)
    }

    /// What was saved before, if anything was.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Format`] if it cannot be read; [`Error::Parameter`] if it is of other hyperparameters
    /// than `config`.
    pub fn resume(&self, config: &Config) -> Result<Option<(Word2Vec, Resume)>> {
        if !self.directory.join("config.json").exists() {
            return Ok(None);
        }
        let Saved { model, resume, .. } = Word2Vec::load(&self.directory)?;
        let resume = resume.ok_or_else(|| {
            Error::format(&self.directory, "is a model, not a checkpoint; choose another directory for checkpoints")
        })?;
        // The number of workers is the machine's affair.
        let theirs = Config { workers: config.workers, ..model.config().clone() };
        if let Some((name, was, is)) = first_difference(&theirs, config) {
            let reason =
                format!("was made with {name}={was}, not {is}; remove it to start anew, or choose another directory");
            return Err(Error::format(&self.directory, reason));
        }
        Ok(Some((model.with_config(config.clone()), resume)))
    }

    pub(super) fn observer<'a>(
        &'a self,
        model: &'a Word2Vec,
        encoded: Encoded,
        inner: &'a mut dyn Observer,
    ) -> Checkpointing<'a> {
        Checkpointing { checkpoint: self, model, encoded, inner, saved: Instant::now() }
    }
}

fn first_difference(a: &Config, b: &Config) -> Option<(String, serde_json::Value, serde_json::Value)> {
    let (Ok(serde_json::Value::Object(a)), Ok(serde_json::Value::Object(b))) =
        (serde_json::to_value(a), serde_json::to_value(b))
    else {
        return None;
    };
    a.into_iter().find_map(|(name, was)| {
        let is = b.get(&name).cloned().unwrap_or_default();
        (was != is).then_some((name, was, is))
    })
}

/// Saves a model while it is trained, and passes everything on to another observer.
pub(super) struct Checkpointing<'a> {
    checkpoint: &'a Checkpoint,
    model: &'a Word2Vec,
    encoded: Encoded,
    inner: &'a mut dyn Observer,
    saved: Instant,
}

impl Checkpointing<'_> {
    fn save(&mut self, position: &Position) -> Result<()> {
        let resume = Resume { position: position.clone(), encoded: self.encoded };
        let location = Location::from(&self.checkpoint.directory);
        // An interrupted run keeps what it has: the checkpoint is written to its end.
        self.model.save_as(&location, Some(resume), serde_json::Value::Null, &Progress::default())?;
        self.saved = Instant::now();
        Ok(())
    }
}

impl Observer for Checkpointing<'_> {
    fn epoch_begins(&mut self, epoch: usize) -> Result<Next> {
        self.inner.epoch_begins(epoch)
    }

    fn epoch_ends(&mut self, epoch: usize, position: &Position) -> Result<Next> {
        let next = self.inner.epoch_ends(epoch, position)?;
        self.save(position)?;
        Ok(next)
    }

    fn next_pause(&self) -> Option<Instant> {
        match self.checkpoint.every {
            Every::Epoch => None,
            Every::Time(time) => self.saved.checked_add(time),
        }
    }

    fn paused(&mut self, position: &Position) -> Result<()> {
        self.save(position)
    }
}
