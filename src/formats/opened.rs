//! Files of vectors that are opened once per process.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::error::{Error, IoContext, Result};
use crate::store::{is_pipe, local, url_of};
use crate::vectors::KeyedVectors;

/// Distinguishes a file from another one that has replaced it.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
    /// Device, inode and time of the last change of status, if the system has them: two files may agree in all else.
    #[cfg(unix)]
    place: (u64, u64, i64, i64),
}

impl Identity {
    /// Of the file that a path, or a link there, leads to now.
    ///
    /// # Errors
    /// [`Error::Io`] if there is none, [`Error::Format`] if it is in a store, or a pipe.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        if url_of(path).is_some() {
            return Err(Error::format(
                path,
                "is in a store; load the vectors, and save them to a file on this machine",
            ));
        }
        let path = local(path)?;
        if is_pipe(&path) {
            return Err(Error::format(
                &path,
                "is a pipe or a device, which can be read only once; load the vectors, and save them to a file",
            ));
        }
        let path = fs::canonicalize(&path).at("read", &path)?;
        let metadata = fs::metadata(&path).at("read", &path)?;
        Ok(Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            place: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
            },
            path,
        })
    }

    /// The absolute path, without links.
    #[cfg(feature = "python")]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

static OPENED: Mutex<Option<HashMap<Identity, Arc<KeyedVectors>>>> = Mutex::new(None);

impl KeyedVectors {
    /// The vectors of a file, which is loaded at the first call and then shared by the whole process. If the file has been
    /// replaced since, it is loaded again.
    ///
    /// # Errors
    /// As for [`load`](Self::load); [`Error::Format`] for a file in a store or a pipe.
    pub fn shared(path: impl AsRef<Path>) -> Result<Arc<Self>> {
        let path = path.as_ref();
        let identity = Identity::of(path)?;
        // Held while loading, so that threads that ask at once do not load twice.
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = opened.get_or_insert_default();
        if let Some(vectors) = opened.get(&identity) {
            return Ok(vectors.clone());
        }
        let vectors = Arc::new(Self::load(path)?);
        opened.retain(|other, _| other.path != identity.path);
        opened.insert(identity, vectors.clone());
        Ok(vectors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_loaded_once_until_it_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.arrow");
        KeyedVectors::from_rows(["a"], 1, &[1.0]).unwrap().save(&path).unwrap();
        let first = KeyedVectors::shared(&path).unwrap();
        assert!(Arc::ptr_eq(&first, &KeyedVectors::shared(&path).unwrap()));
        KeyedVectors::from_rows(["a", "b"], 1, &[1.0, 2.0]).unwrap().save(&path).unwrap();
        assert_eq!(KeyedVectors::shared(&path).unwrap().len(), 2);
        assert_eq!(first.len(), 1);
    }

    #[test]
    fn a_file_url_is_the_file_and_the_url_of_a_store_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.arrow");
        KeyedVectors::from_rows(["a"], 1, &[1.0]).unwrap().save(&path).unwrap();
        let shared = KeyedVectors::shared(format!("file://{}", path.display())).unwrap();
        assert!(Arc::ptr_eq(&shared, &KeyedVectors::shared(&path).unwrap()));
        let error = KeyedVectors::shared("s3://bucket/v.arrow").unwrap_err().to_string();
        assert!(error.contains("s3://bucket/v.arrow: is in a store"), "{error}");
    }

    #[test]
    #[cfg(unix)]
    fn a_pipe_is_refused_by_name() {
        let error = KeyedVectors::shared("/dev/null").unwrap_err().to_string();
        assert!(error.contains("/dev/null: is a pipe or a device"), "{error}");
    }
}
