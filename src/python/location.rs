//! Paths and URLs as Python gives them.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::store::{Location, StorageOptions};

/// A path or URL, with `storage_options`. Their values may be anything that has a text, such as `True` or 5.
pub(super) fn location(path: PathBuf, storage_options: Option<&Bound<'_, PyDict>>) -> PyResult<Location> {
    let Some(options) = storage_options else { return Ok(Location::from(path)) };
    let options = options.iter().map(|(name, value)| Ok((name.extract()?, value.str()?.extract()?)));
    Ok(Location::new(
        path,
        options.collect::<PyResult<Vec<(String, String)>>>()?.into_iter().collect::<StorageOptions>(),
    ))
}
