//! The objects that a URL stands for.

use std::path::PathBuf;

use futures_util::TryStreamExt;
use glob::{MatchOptions, Pattern};
use object_store::{Error as StoreError, ObjectMeta, ObjectStoreExt};
use url::Url;

use super::connect::connect;
use super::{Object, StorageOptions, Store, block_on, is_answer, retry_truncated};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// True if a source is a URL of a store, not a path on this machine.
pub(crate) fn is_url(source: &str) -> bool {
    source.split_once("://").is_some_and(|(scheme, _)| {
        scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric()) && !scheme.eq_ignore_ascii_case("file")
    })
}

/// The path of a source that is not a URL of a store: a path as it is, or a `file://` URL.
///
/// # Errors
/// [`Error::Parameter`] for a `file://` URL of another machine.
pub(crate) fn local_path(source: &str) -> Result<PathBuf> {
    if !source.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file://")) {
        return Ok(PathBuf::from(source));
    }
    // A question mark may belong to a glob, where it does not start a query.
    let url = Url::parse(&source.replace('?', "%3F").replace('#', "%23")).ok();
    let path = url.and_then(|url| url.to_file_path().ok());
    path.ok_or_else(|| {
        Error::parameter("location", format!("{source}: is not a path on this machine; write file:///path"))
    })
}

/// What a source stands for; files with their paths below what was searched.
pub(crate) enum Listing<T> {
    /// One file.
    File(T),
    /// The files that match a glob, sorted; below the first folder with a wildcard.
    Matching(Vec<(String, T)>),
    /// All files in a directory or under a prefix.
    Below(Vec<(String, T)>),
}

impl<T> Listing<T> {
    pub(crate) fn map<U>(self, change: impl Fn(T) -> U) -> Listing<U> {
        let changed = |files: Vec<(String, T)>| files.into_iter().map(|(path, file)| (path, change(file))).collect();
        match self {
            Self::File(file) => Listing::File(change(file)),
            Self::Matching(files) => Listing::Matching(changed(files)),
            Self::Below(files) => Listing::Below(changed(files)),
        }
    }
}

/// The objects that a URL of an object, a prefix or a glob stands for.
///
/// # Errors
/// [`Error::Io`] if there is no such object or bucket, access is refused or the store fails; [`Error::Corpus`] if
/// nothing matches.
pub(crate) fn expand(url: &str, options: &StorageOptions, progress: &Progress) -> Result<Listing<Object>> {
    let (store, key) = connect(url, options, progress)?;
    let is_glob = key.contains(['*', '?', '[']);
    if !store.has_listings && (key.is_empty() || key.ends_with('/') || is_glob) {
        return Err(Error::corpus(url, "a web server lists no files; give the URL of each"));
    }
    // What stands before the first folder with a wildcard narrows the listing.
    let literal = key.split(['*', '?', '[']).next().unwrap_or_default();
    let folder = if is_glob { literal.rsplit_once('/').map_or("", |(folder, _)| folder) } else { key.as_str() };
    let folder = folder.trim_end_matches('/');
    let objects = block_on(progress, async {
        if is_glob {
            return Ok(Listing::Matching(store.matching(url, &key, folder).await?));
        }
        if !key.is_empty() && !key.ends_with('/') {
            let path = store.path_of(url, &key)?;
            match store.inner.head(&path).await {
                Ok(meta) => return Ok(Listing::File(meta)),
                // It may be a prefix without its slash.
                Err(StoreError::NotFound { .. }) if store.has_listings => {}
                // Stores that keep objects in folders cannot answer for a folder.
                Err(error @ StoreError::Generic { .. }) if store.has_listings && is_answer(&error) => {
                    let listed: Result<Vec<_>, _> = store.inner.list(Some(&path)).try_collect().await;
                    return match listed {
                        Ok(objects) if !objects.is_empty() => Ok(Listing::Below(below(folder, objects))),
                        _ => Err(store.failed("read", url, &error)),
                    };
                }
                Err(error) => return Err(store.failed("read", url, &error)),
            }
        }
        Ok(Listing::Below(below(folder, store.list(url, folder).await?)))
    })?;
    match &objects {
        Listing::Matching(objects) | Listing::Below(objects) if objects.is_empty() => {
            Err(Error::corpus(url, "there is no such object, and nothing under this prefix or glob"))
        }
        _ => Ok(objects.map(|meta| Object::new(store.clone(), meta))),
    }
}

/// Objects with their keys below a folder.
fn below(folder: &str, objects: Vec<ObjectMeta>) -> Vec<(String, ObjectMeta)> {
    let key_below = |meta: &ObjectMeta| {
        let key = meta.location.as_ref();
        key.strip_prefix(folder).unwrap_or(key).trim_start_matches('/').to_owned()
    };
    objects.into_iter().map(|meta| (key_below(&meta), meta)).collect()
}

impl Store {
    async fn matching(&self, url: &str, pattern: &str, folder: &str) -> Result<Vec<(String, ObjectMeta)>> {
        let glob =
            Pattern::new(pattern).map_err(|error| Error::corpus(url, format!("is not a valid glob: {error}")))?;
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let mut objects = self.list(url, folder).await?;
        objects.retain(|meta| glob.matches_with(meta.location.as_ref(), options));
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(below(folder, objects))
    }

    /// Every object under a folder, page by page.
    async fn list(&self, url: &str, folder: &str) -> Result<Vec<ObjectMeta>> {
        let folder = self.path_of(url, folder)?;
        let listed = retry_truncated(|| self.inner.list(Some(&folder)).try_collect()).await;
        listed.map_err(|error| self.failed("list", url, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_distinguished_from_paths() {
        for url in ["s3://bucket/key", "gs://b", "https://host/file.parquet", "abfss://c@a.dfs.core.windows.net/x"] {
            assert!(is_url(url), "{url}");
        }
        for path in ["data/*.parquet", "/a/b", "C:\\corpus", "file:///tmp/x.parquet", "odd://", "a b://c"] {
            assert_eq!(is_url(path), path == "odd://", "{path}");
        }
    }
}
