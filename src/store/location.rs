//! Where something is kept.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{StorageOptions, is_url, local_path};
use crate::error::Result;

/// A path on this machine, or a URL of an object store with its options. A path or string alone becomes a location whose
/// options come from the environment.
///
/// ```no_run
/// use polargram::corpus::StorageOptions;
/// use polargram::{KeyedVectors, Location};
///
/// let options: StorageOptions = [("aws_region", "eu-west-1")].into_iter().collect();
/// let wv = KeyedVectors::load(Location::new("s3://bucket/vectors.arrow", options))?;
/// wv.save("vectors.arrow")?;
/// # Ok::<(), polargram::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    path: PathBuf,
    storage: StorageOptions,
}

impl Location {
    /// A path or URL, and the options of its store.
    pub fn new(path: impl AsRef<Path>, storage: StorageOptions) -> Self {
        Self { path: path.as_ref().to_owned(), storage }
    }

    /// The path or URL as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The options of its store.
    pub fn storage(&self) -> &StorageOptions {
        &self.storage
    }

    /// The URL, if it is in a store.
    pub fn url(&self) -> Option<&str> {
        url_of(&self.path)
    }
}

impl<P: AsRef<Path>> From<P> for Location {
    fn from(path: P) -> Self {
        Self::new(path, StorageOptions::default())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// The URL, if this is one.
pub(crate) fn url_of(path: &Path) -> Option<&str> {
    path.to_str().filter(|path| is_url(path))
}

/// The path on this machine, which may be given as a `file://` URL.
///
/// # Errors
/// As for [`local_path`].
pub(crate) fn local(path: &Path) -> Result<PathBuf> {
    path.to_str().map_or_else(|| Ok(path.to_owned()), local_path)
}

/// A file in a directory of this machine or of a store.
pub(crate) fn file_in(directory: &Path, name: &Path) -> PathBuf {
    match (url_of(directory), name.to_str()) {
        // The separator of this machine may be another one.
        (Some(url), Some(name)) => PathBuf::from(format!("{}/{name}", url.strip_suffix('/').unwrap_or(url))),
        _ => directory.join(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_from_paths() {
        assert_eq!(Location::from("s3://bucket/v.arrow").url(), Some("s3://bucket/v.arrow"));
        assert_eq!(Location::from(PathBuf::from("v.arrow")).url(), None);
        assert_eq!(local(Path::new("file:///data/v.arrow")).unwrap(), Path::new("/data/v.arrow"));
    }

    #[test]
    fn a_file_in_a_prefix_has_one_slash_before_it() {
        for prefix in ["s3://bucket/model", "s3://bucket/model/"] {
            assert_eq!(file_in(Path::new(prefix), Path::new("v.npy")), Path::new("s3://bucket/model/v.npy"));
        }
        assert_eq!(file_in(Path::new("model"), Path::new("v.npy")), Path::new("model").join("v.npy"));
        assert_eq!(file_in(Path::new(""), Path::new("s3://bucket/v.npy")), Path::new("s3://bucket/v.npy"));
    }
}
