//! The objects that a URL stands for.

use std::collections::HashSet;
use std::path::PathBuf;

use futures_util::TryStreamExt;
use glob::{MatchOptions, Pattern};
use object_store::{Error as StoreError, ObjectMeta, ObjectStoreExt};
use url::Url;

use super::connect::connect;
use super::listed::TakenOut;
use super::{Object, StorageOptions, Store, block_on, check_key, is_answer, retry_truncated};
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

/// What a source stands for.
pub(crate) struct Listing<T> {
    pub(crate) kind: Kind,
    /// Files with their paths below what was searched.
    pub(crate) files: Vec<(String, T)>,
    /// The paths of empty objects that mark a folder.
    pub(crate) folders: Vec<String>,
    /// The paths of objects that cannot be addressed, and with a glob match it.
    pub(crate) unreadable: Vec<String>,
}

/// What kind of source it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One file, whose path is empty.
    File,
    /// A glob; its files are sorted, and their paths are below the first folder with a wildcard.
    Glob,
    /// A directory or prefix: all that is in and below it.
    Directory,
}

impl<T> Listing<T> {
    pub(crate) fn file(file: T) -> Self {
        Self { files: vec![(String::new(), file)], ..Self::empty(Kind::File) }
    }

    pub(crate) fn empty(kind: Kind) -> Self {
        Self { kind, files: Vec::new(), folders: Vec::new(), unreadable: Vec::new() }
    }

    pub(crate) fn map<U>(self, change: impl Fn(T) -> U) -> Listing<U> {
        let Self { kind, files, folders, unreadable } = self;
        let files = files.into_iter().map(|(path, file)| (path, change(file))).collect();
        Listing { kind, files, folders, unreadable }
    }
}

/// The objects that a URL of an object, a prefix or a glob stands for.
///
/// # Errors
/// [`Error::Io`] if there is no such object or bucket, access is refused or the store fails; [`Error::Corpus`] if
/// nothing matches.
pub(crate) fn expand(url: &str, options: &StorageOptions, progress: &Progress) -> Result<Listing<Object>> {
    let (store, key) = connect(url, options, progress)?;
    check_key(url, &key)?;
    let is_glob = key.contains(['*', '?', '[']);
    if !store.has_listings && (key.is_empty() || key.ends_with('/') || is_glob) {
        return Err(Error::corpus(url, "a web server lists no files; give the URL of each"));
    }
    let found = block_on(progress, async {
        match is_glob {
            true => store.matching(url, &key).await,
            false => store.object_or_below(url, &key).await,
        }
    })?;
    match found.files.is_empty() && found.unreadable.is_empty() {
        true => Err(Error::corpus(url, "there is no such object, and nothing under this prefix or glob")),
        false => Ok(found.map(|meta| Object::new(store.clone(), meta))),
    }
}

impl Store {
    /// The objects that match a glob.
    async fn matching(&self, url: &str, pattern: &str) -> Result<Listing<ObjectMeta>> {
        let glob =
            Pattern::new(pattern).map_err(|error| Error::corpus(url, format!("is not a valid glob: {error}")))?;
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        // What stands before the first folder with a wildcard narrows the listing.
        let literal = pattern.split(['*', '?', '[']).next().unwrap_or_default();
        let folder = literal.rsplit_once('/').map_or("", |(folder, _)| folder);
        let in_folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let matches = |path: &str| glob.matches_with(&format!("{in_folder}{path}"), options);
        let mut found = self.list(url, folder).await?;
        found.files.retain(|(path, _)| matches(path));
        found.folders.retain(|path| matches(path.trim_end_matches('/')));
        found.unreadable.retain(|path| matches(path));
        found.files.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Listing { kind: Kind::Glob, ..found })
    }

    /// The object of a key; or if there is none, or it only marks a folder, the objects below the key.
    async fn object_or_below(&self, url: &str, key: &str) -> Result<Listing<ObjectMeta>> {
        let folder = key.strip_suffix('/').unwrap_or(key);
        if key.is_empty() || key.ends_with('/') {
            return self.list(url, folder).await;
        }
        let path = self.path_of(url, key)?;
        match self.inner.head(&path).await {
            Ok(meta) if meta.size == 0 && self.has_listings => {
                // Whoever may read one object may not be allowed to list them.
                let below = self.list(url, folder).await.ok().filter(|below| !below.files.is_empty());
                Ok(below.unwrap_or_else(|| Listing::file(meta)))
            }
            Ok(meta) => Ok(Listing::file(meta)),
            // It may be a prefix without its slash.
            Err(StoreError::NotFound { .. }) if self.has_listings => self.list(url, folder).await,
            // Stores that keep objects in folders cannot answer for a folder.
            Err(error @ StoreError::Generic { .. }) if self.has_listings && is_answer(&error) => {
                match self.list(url, folder).await {
                    Ok(below) if !below.files.is_empty() => Ok(below),
                    _ => Err(self.failed("read", url, &error)),
                }
            }
            Err(error) => Err(self.failed("read", url, &error)),
        }
    }

    /// Everything below a folder, page by page.
    async fn list(&self, url: &str, folder: &str) -> Result<Listing<ObjectMeta>> {
        let path = self.path_of(url, folder)?;
        self.listed.taken_out();
        let listed: Result<Vec<ObjectMeta>, _> = retry_truncated(|| self.inner.list(Some(&path)).try_collect()).await;
        let objects = listed.map_err(|error| self.failed("list", url, &error))?;
        let TakenOut { folders, unreadable } = self.listed.taken_out();
        let below = |key: &str| {
            let rest = key.strip_prefix(path.as_ref()).filter(|_| !folder.is_empty()).unwrap_or(key);
            rest.strip_prefix('/').filter(|_| !folder.is_empty()).unwrap_or(rest).to_owned()
        };
        let mut folders: Vec<String> = folders.iter().map(|key| below(key)).filter(|path| !path.is_empty()).collect();
        let files = objects.into_iter().map(|meta| (below(meta.location.as_ref()), meta)).collect();
        let files = without_folders(files, &mut folders);
        let unreadable = unreadable.iter().map(|key| below(key)).collect();
        Ok(Listing { kind: Kind::Directory, files, folders, unreadable })
    }
}

/// What Hadoop adds to the name of a folder.
const FOLDER_ENDING: &str = "_$folder$";

/// The objects that hold something; the paths of empty ones that mark a folder are added to `folders`.
fn without_folders(files: Vec<(String, ObjectMeta)>, folders: &mut Vec<String>) -> Vec<(String, ObjectMeta)> {
    let parents: HashSet<String> =
        files.iter().flat_map(|(path, _)| path.match_indices('/').map(|(end, _)| path[..end].to_owned())).collect();
    let is_folder =
        |path: &str, meta: &ObjectMeta| meta.size == 0 && (path.ends_with(FOLDER_ENDING) || parents.contains(path));
    let (marks, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|(path, meta)| is_folder(path, meta));
    folders.extend(marks.into_iter().map(|(path, _)| path));
    files
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
