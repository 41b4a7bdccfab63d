//! Keyword arguments to what the crate takes.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::config::Config;
use crate::encode::SpoolOptions;
use crate::models::{Checkpoint, Every};

/// Keyword arguments, named when one is of the wrong type or out of range.
pub(super) struct Parameters<'a, 'py>(pub(super) &'a Bound<'py, PyDict>);

impl<'py> Parameters<'_, 'py> {
    pub(super) fn get<T: FromPyObjectOwned<'py>>(&self, name: &str, expected: &str) -> PyResult<T> {
        let value = self.0.get_item(name)?.ok_or_else(|| PyValueError::new_err(format!("{name}: is missing")))?;
        let refused = |_| PyValueError::new_err(format!("{name}: {value:?} is not {expected}"));
        value.extract::<T>().map_err(|error| refused(error.into()))
    }

    pub(super) fn count<T: FromPyObjectOwned<'py>>(&self, name: &str) -> PyResult<T> {
        self.get(name, "a whole number of at least 0 that fits 64 bits")
    }

    /// A bound, which None and 0 lift.
    fn bound(&self, name: &str) -> PyResult<Option<usize>> {
        Ok(self.count::<Option<usize>>(name)?.filter(|&bound| bound > 0))
    }

    fn number<T: FromPyObjectOwned<'py>>(&self, name: &str) -> PyResult<T> {
        self.get(name, "a number")
    }

    pub(super) fn spool(&self) -> PyResult<SpoolOptions> {
        Ok(SpoolOptions { spool: self.switch("spool")?, memory_budget: self.count("memory_budget")? })
    }

    /// True, False, 1 or 0.
    pub(super) fn switch(&self, name: &str) -> PyResult<bool> {
        self.get::<bool>(name, "").or_else(|_| match self.get(name, "0 or 1")? {
            0u8 => Ok(false),
            1u8 => Ok(true),
            other => Err(PyValueError::new_err(format!("{name}: {other} is not 0 or 1"))),
        })
    }

    pub(super) fn config(&self) -> PyResult<Config> {
        Ok(Config {
            vector_size: self.count("vector_size")?,
            window: self.count("window")?,
            min_count: self.count("min_count")?,
            max_vocab_size: self.bound("max_vocab_size")?,
            max_final_vocab: self.count("max_final_vocab")?,
            sorted_vocab: self.switch("sorted_vocab")?,
            null_word: self.switch("null_word")?,
            sg: self.switch("sg")?,
            hs: self.switch("hs")?,
            negative: self.count("negative")?,
            shared_negatives: self.switch("shared_negatives")?,
            ns_exponent: self.number("ns_exponent")?,
            sample: self.number("sample")?,
            alpha: self.number("alpha")?,
            min_alpha: self.number("min_alpha")?,
            epochs: self.count("epochs")?,
            workers: self.count("workers")?,
            seed: self.count("seed")?,
            cbow_mean: self.switch("cbow_mean")?,
            shrink_windows: self.switch("shrink_windows")?,
            batch_words: self.count("batch_words")?,
            shuffle: self.switch("shuffle")?,
            compute_loss: self.switch("compute_loss")?,
        })
    }

    pub(super) fn checkpoint(&self) -> PyResult<Option<Checkpoint>> {
        let Some(directory) = self.get::<Option<PathBuf>>("checkpoint", "a path")? else { return Ok(None) };
        let every = match self.get::<Option<f64>>("checkpoint_every", "a number of minutes")? {
            None => Every::Epoch,
            Some(minutes) if minutes > 0.0 && minutes.is_finite() => {
                Every::Time(Duration::from_secs_f64(60.0 * minutes.min(1e9)))
            }
            Some(minutes) => {
                return Err(PyValueError::new_err(format!(
                    "checkpoint_every: {minutes} is neither \"epoch\" nor a number of minutes above 0"
                )));
            }
        };
        Ok(Some(Checkpoint::new(directory, every)))
    }
}
