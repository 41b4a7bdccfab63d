//! Checkpoints: a training that is killed can be resumed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::saved::{DESCRIPTION, MODEL, Resume, Saved, load, save};
use super::state::{Family, State};
use crate::config::{Config, Parameter};
use crate::encode::Encoded;
use crate::error::{Error, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::store::{Location, local};
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
    /// After every epoch, and within an epoch whenever this much time has passed.
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

    /// True if a state was saved here.
    ///
    /// # Errors
    /// [`Error::Format`] for a directory in a store.
    pub fn is_saved(&self) -> Result<bool> {
        self.location()?;
        Ok(local(&self.directory)?.join(DESCRIPTION).exists())
    }

    /// The directory, which is on this machine: training does not wait for a store.
    fn location(&self) -> Result<Location> {
        let location = Location::from(&self.directory);
        match location.url() {
            Some(_) => Err(Error::format(&self.directory, "is in a store; keep checkpoints on this machine")),
            None => Ok(location),
        }
    }

    /// Checks that checkpoints can be written, before the hours of training rather than after.
    pub(super) fn check_writable(&self) -> Result<()> {
        Output::new_directory(&self.location()?, &MODEL, &Progress::default()).map(drop)
    }

    /// The model and the position that were saved here, if any were.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Format`] if they cannot be read, or are of another family or other hyperparameters than
    /// `config`.
    pub fn resume<F: Family>(&self, config: &Config) -> Result<Option<(F, Resume)>> {
        Ok(self.saved(config)?.map(|(model, resume, _)| (model, resume)))
    }

    /// [`resume`](Self::resume), with what the observer of the run kept.
    pub(crate) fn saved<F: Family>(&self, config: &Config) -> Result<Option<(F, Resume, serde_json::Value)>> {
        if !self.is_saved()? {
            return Ok(None);
        }
        let Saved { model, resume, attributes } = load::<F>(&self.location()?, &Progress::default())?;
        let resume = resume.ok_or_else(|| {
            Error::format(&self.directory, "is a model, not a checkpoint; choose another directory for checkpoints")
        })?;
        let state = model.state();
        if let Some(difference) = first_difference(&state.config, config) {
            let reason = format!("was made with {difference}; remove it to start again, or choose another directory");
            return Err(Error::format(&self.directory, reason));
        }
        Ok(Some((F::from_state(State { config: config.clone(), ..state }), resume, attributes)))
    }

    pub(super) fn observer<'a, F: Family>(
        &'a self,
        model: &'a F,
        encoded: Encoded,
        inner: &'a mut dyn Observer,
    ) -> Checkpointing<'a, F> {
        Checkpointing { checkpoint: self, model, encoded, inner, saved: Instant::now() }
    }
}

/// The first hyperparameter that differs: "window=5, not 3". A run may go on with another number of workers.
fn first_difference(was: &Config, is: &Config) -> Option<String> {
    let differs =
        |parameter: &&Parameter<Config>| parameter.get(was) != parameter.get(is) && parameter.name != "workers";
    let parameter = Config::PARAMETERS.iter().find(differs)?;
    let text = |config| parameter.range.text(parameter.get(config));
    Some(format!("{}={}, not {}", parameter.name, text(was), text(is)))
}

/// Saves a model while it is trained, and passes everything on to another observer.
pub(super) struct Checkpointing<'a, F> {
    checkpoint: &'a Checkpoint,
    model: &'a F,
    encoded: Encoded,
    inner: &'a mut dyn Observer,
    saved: Instant,
}

impl<F: Family> Checkpointing<'_, F> {
    fn save(&mut self, position: &Position) -> Result<()> {
        let resume = Resume { position: position.clone(), encoded: self.encoded };
        let location = Location::from(&self.checkpoint.directory);
        // An interrupted run keeps what it has: the checkpoint is written to its end.
        save(self.model, &location, Some(resume), self.inner.kept(), &Progress::default())?;
        self.saved = Instant::now();
        Ok(())
    }
}

impl<F: Family> Observer for Checkpointing<'_, F> {
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
