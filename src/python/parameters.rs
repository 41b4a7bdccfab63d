//! From Python's keyword arguments to the types of the crate.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};

use crate::config::{Config, Range, Value};
use crate::encode::SpoolOptions;
use crate::models::{Checkpoint, Every};

/// Keyword arguments. An error names the argument that has the wrong type or is out of range.
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

    fn number(&self, name: &str) -> PyResult<f64> {
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

    /// The hyperparameters. All of them must be there.
    pub(super) fn config(&self) -> PyResult<Config> {
        let mut config = Config::default();
        for parameter in Config::PARAMETERS {
            parameter.set(&mut config, self.value(parameter.name, parameter.range)?)?;
        }
        Ok(config)
    }

    fn value(&self, name: &str, range: Range) -> PyResult<Value> {
        Ok(match range {
            Range::Whole { .. } => Value::Whole(self.count(name)?),
            Range::Real { .. } => Value::Real(self.number(name)?),
            Range::Optional => self.count::<Option<u64>>(name)?.map_or(Value::None, Value::Whole),
            Range::Switch | Range::ZeroOrOne => Value::Switch(self.switch(name)?),
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

/// The names of the hyperparameters and their defaults.
pub(super) fn defaults(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let defaults = PyDict::new(py);
    for parameter in Config::PARAMETERS {
        defaults.set_item(parameter.name, object_of(py, parameter.default())?)?;
    }
    Ok(defaults)
}

/// The value of a hyperparameter as a configuration holds it.
pub(super) fn checked<'py>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let (parameter, mut config) = (Config::parameter(name)?, Config::default());
    let arguments = PyDict::new(py);
    arguments.set_item(name, value)?;
    parameter.set(&mut config, Parameters(&arguments).value(name, parameter.range)?)?;
    match (parameter.range, parameter.get(&config)) {
        // gensim's flags are numbers; where it has others, they stay what they are.
        (Range::ZeroOrOne, Value::Switch(is_on)) => object_of(py, Value::Whole(is_on.into())),
        (Range::Switch, Value::Switch(is_on)) if !is_truth_value(value) => object_of(py, Value::Whole(is_on.into())),
        (_, value) => object_of(py, value),
    }
}

fn object_of(py: Python<'_>, value: Value) -> PyResult<Bound<'_, PyAny>> {
    Ok(match value {
        Value::None => py.None().into_bound(py),
        Value::Switch(is_on) => PyBool::new(py, is_on).to_owned().into_any(),
        Value::Whole(number) => number.into_pyobject(py)?.into_any(),
        Value::Real(number) => number.into_pyobject(py)?.into_any(),
    })
}

/// True for Python's and NumPy's truth values.
fn is_truth_value(object: &Bound<'_, PyAny>) -> bool {
    object.extract::<bool>().is_ok()
}
