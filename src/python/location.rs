//! Paths and URLs as Python gives them, and the options of their stores.

use std::path::PathBuf;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyString};

use crate::store::{Location, StorageOptions};

/// A path or URL, with `storage_options`.
pub(super) fn location(path: PathBuf, options: Option<&Bound<'_, PyDict>>) -> PyResult<Location> {
    Ok(Location::new(path, storage_options(options)?))
}

/// `storage_options` as Polars takes them: text, numbers, and True or False. An option that is None is not given.
///
/// # Errors
/// TypeError naming an option that is none of these, without its value: it may be a secret.
pub(super) fn storage_options(options: Option<&Bound<'_, PyDict>>) -> PyResult<StorageOptions> {
    let mut given = Vec::new();
    for (name, value) in options.into_iter().flat_map(|options| options.iter()) {
        let refused = |reason: &str| PyTypeError::new_err(format!("storage_options: {name} {reason}"));
        let name: String = name.extract().map_err(|_| refused("is not a name; expected a string"))?;
        let text = match &value {
            value if value.is_none() => continue,
            // The text itself: an Enum of strings has another str().
            value if value.is_instance_of::<PyString>() => value.extract()?,
            value if value.extract::<bool>().is_ok() => value.is_truthy()?.to_string(),
            value if value.extract::<i64>().is_ok() => value.extract::<i64>()?.to_string(),
            value if value.is_instance_of::<PyFloat>() => value.extract::<f64>()?.to_string(),
            value => {
                let kind = value.get_type().name()?;
                return Err(refused(&format!("is of type {kind}; expected a string, a number, True, False or None")));
            }
        };
        given.push((name, text));
    }
    Ok(given.into_iter().collect())
}
