//! What stands for the vectors of an expression.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::prelude::*;
use serde::Deserialize;

use super::error::compute_error;
use super::registry::{self, Registered};
use crate::vectors::KeyedVectors;

/// What stands for the vectors of an expression: a path or URL, which a plan can take along to another process, or vectors
/// in memory.
///
/// A file is opened once per process, when the plan is resolved, and mapped: see [`KeyedVectors::shared`].
#[derive(Debug, Clone)]
pub enum Handle {
    /// A file on this machine, or the URL of one in a store.
    File(PathBuf),
    /// Vectors in memory.
    Memory(Arc<KeyedVectors>),
    /// Vectors that were [registered](registry::register).
    Registered(Registered),
}

/// As options have it: some of the fields.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    path: Option<PathBuf>,
    #[serde(default)]
    id: Option<u64>,
    #[serde(default)]
    process: Option<u64>,
}

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Fields::deserialize(deserializer)? {
            Fields { id: Some(id), process: Some(process), path } => {
                Ok(Self::Registered(Registered { id, process, path }))
            }
            Fields { path: Some(path), .. } => Ok(Self::File(path)),
            _ => Err(serde::de::Error::custom("vectors: expected a path, or vectors that are registered")),
        }
    }
}

impl From<&str> for Handle {
    fn from(path: &str) -> Self {
        Self::File(path.into())
    }
}

impl From<String> for Handle {
    fn from(path: String) -> Self {
        Self::File(path.into())
    }
}

impl From<&Path> for Handle {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<PathBuf> for Handle {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<Arc<KeyedVectors>> for Handle {
    fn from(vectors: Arc<KeyedVectors>) -> Self {
        Self::Memory(vectors)
    }
}

impl From<KeyedVectors> for Handle {
    fn from(vectors: KeyedVectors) -> Self {
        Self::Memory(Arc::new(vectors))
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Registered(Registered { path: Some(path), .. }) => path.display().fmt(f),
            _ => f.write_str("the vectors"),
        }
    }
}

impl Handle {
    /// The vectors.
    ///
    /// # Errors
    /// If there is no such file, or none that can be read, or the vectors are not those of this process, or gone.
    pub(super) fn open(&self) -> PolarsResult<Arc<KeyedVectors>> {
        match self {
            Self::Memory(vectors) => Ok(vectors.clone()),
            Self::File(path) => KeyedVectors::shared(path).map_err(compute_error),
            Self::Registered(registered) => match (registry::find(registered), &registered.path) {
                (Ok(vectors), _) => Ok(vectors),
                (Err(_), Some(path)) => KeyedVectors::shared(path).map_err(compute_error),
                (Err(reason), None) => polars_bail!(ComputeError: "vectors: {reason}"),
            },
        }
    }
}
