//! The objects that a URL stands for.

use std::path::PathBuf;

use futures_util::TryStreamExt;
use glob::{MatchOptions, Pattern};
use object_store::{Error as StoreError, ObjectMeta, ObjectStoreExt};
use url::Url;

use super::connect::connect;
use super::{Object, StorageOptions, Store, block_on, is_answer, tried};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// Whether a source is a URL of a store, not a path on this machine.
pub(crate) fn is_url(source: &str) -> bool {
    source.split_once("://").is_some_and(|(scheme, _)| {
        scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric()) && !scheme.eq_ignore_ascii_case("file")
    })
}

/// The path that a source stands for which is no URL of a store, as it is or as a `file://` URL.
///
/// # Errors
/// [`Error::Parameter`] for a `file://` URL of another machine.
pub(crate) fn local_path(source: &str) -> Result<PathBuf> {
    if !source.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file://")) {
        return Ok(PathBuf::from(source));
    }
    // In a glob a question mark begins no query.
    let url = Url::parse(&source.replace('?', "%3F").replace('#', "%23")).ok();
    let path = url.and_then(|url| url.to_file_path().ok());
    path.ok_or_else(|| Error::parameter("corpus", format!("{source}: is no path on this machine; write file:///path")))
}

/// The objects that a URL of an object, a prefix or a glob stands for, sorted. Of a prefix those that the first of `wanted`
/// that knows any by name does, at any depth, but for names and folders that start with `.` or `_`.
///
/// # Errors
/// [`Error::Io`] if there is no such object or bucket, access is refused or the store fails; [`Error::Corpus`] if
/// nothing matches.
pub(crate) fn expand(
    url: &str,
    options: &StorageOptions,
    wanted: &[&(dyn Fn(&str) -> bool + Sync)],
    progress: &Progress,
) -> Result<Vec<Object>> {
    let (store, key) = connect(url, options, progress)?;
    let mut objects = block_on(progress, async {
        if !store.has_listings && (key.is_empty() || key.ends_with('/') || key.contains(['*', '?', '['])) {
            return Err(Error::corpus(url, "a web server lists no files; give the URL of each"));
        }
        if key.contains(['*', '?', '[']) {
            return store.matching(url, &key).await;
        }
        if !key.is_empty() && !key.ends_with('/') {
            let path = store.path_of(url, &key)?;
            match store.inner.head(&path).await {
                Ok(meta) => return Ok(vec![meta]),
                // It may be a prefix without its slash.
                Err(StoreError::NotFound { .. }) if store.has_listings => {}
                // Stores that keep objects in folders cannot answer for a folder.
                Err(error @ StoreError::Generic { .. }) if store.has_listings && is_answer(&error) => {
                    let listed: Result<Vec<_>, _> = store.inner.list(Some(&path)).try_collect().await;
                    return match listed {
                        Ok(objects) if !objects.is_empty() => below(url, &key, objects, wanted),
                        _ => Err(store.failed("read", url, &error)),
                    };
                }
                Err(error) => return Err(store.failed("read", url, &error)),
            }
        }
        below(url, &key, store.list(url, key.trim_end_matches('/')).await?, wanted)
    })?;
    if objects.is_empty() {
        return Err(Error::corpus(url, "there is no such object, and nothing under this prefix or glob"));
    }
    objects.sort_by(|a, b| a.location.cmp(&b.location));
    Ok(objects.into_iter().map(|meta| Object::new(store.clone(), meta)).collect())
}

impl Store {
    async fn matching(&self, url: &str, pattern: &str) -> Result<Vec<ObjectMeta>> {
        let glob = Pattern::new(pattern).map_err(|error| Error::corpus(url, format!("is no valid glob: {error}")))?;
        // What stands before the first folder with a wildcard narrows the listing.
        let literal = pattern.split(['*', '?', '[']).next().unwrap_or_default();
        let prefix = literal.rsplit_once('/').map_or("", |(folder, _)| folder);
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let objects = self.list(url, prefix).await?;
        Ok(objects.into_iter().filter(|meta| glob.matches_with(meta.location.as_ref(), options)).collect())
    }

    /// Every object under a folder, page by page.
    async fn list(&self, url: &str, folder: &str) -> Result<Vec<ObjectMeta>> {
        let folder = self.path_of(url, folder)?;
        let listed = tried(|| self.inner.list(Some(&folder)).try_collect()).await;
        listed.map_err(|error| self.failed("list", url, &error))
    }
}

/// Of the objects under a prefix those that a corpus is made of.
fn below(
    url: &str,
    prefix: &str,
    mut objects: Vec<ObjectMeta>,
    wanted: &[&(dyn Fn(&str) -> bool + Sync)],
) -> Result<Vec<ObjectMeta>> {
    let prefix = prefix.trim_end_matches('/');
    objects.retain(|meta| {
        let below = meta.location.as_ref().strip_prefix(prefix).unwrap_or_default();
        !below.split('/').any(|part| part.starts_with(['.', '_']))
    });
    for is_wanted in wanted {
        if objects.iter().any(|meta| is_wanted(meta.location.as_ref())) {
            objects.retain(|meta| is_wanted(meta.location.as_ref()));
            return Ok(objects);
        }
    }
    match objects.len() {
        0 => Ok(Vec::new()),
        n => Err(Error::corpus(
            url,
            format!("none of the {n} objects under this prefix is *.parquet or *.arrow; name others by a glob"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_from_paths() {
        for url in ["s3://bucket/key", "gs://b", "https://host/file.parquet", "abfss://c@a.dfs.core.windows.net/x"] {
            assert!(is_url(url), "{url}");
        }
        for path in ["data/*.parquet", "/a/b", "C:\\corpus", "file:///tmp/x.parquet", "odd://", "a b://c"] {
            assert_eq!(is_url(path), path == "odd://", "{path}");
        }
    }
}
