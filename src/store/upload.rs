//! Files that go to a store.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use super::connect::connect;
use super::{StorageOptions, Store, block_on, tried};
use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;

/// Bytes of each part; the stores want 5 MiB at least.
const PART: usize = 8 << 20;
/// Parts under way at a time.
const PARTS_AT_ONCE: usize = 4;
/// How long it may take to give up an upload, whose parts else stay behind unseen.
const ABORT_TIMEOUT: Duration = Duration::from_secs(5);

/// A folder in a store that files are written to.
pub(crate) struct Target {
    store: Arc<Store>,
    /// With a slash at the end, unless it is the whole bucket.
    prefix: String,
}

impl Target {
    /// A prefix that can be written to: an upload is begun there and given up, which leaves nothing.
    ///
    /// # Errors
    /// [`Error::Io`] if the store refuses it.
    pub(crate) fn prepare(url: &str, options: &StorageOptions, progress: &Progress) -> Result<Self> {
        let (store, key) = connect(url, options, progress)?;
        let key = key.trim_matches('/');
        let prefix = if key.is_empty() { String::new() } else { format!("{key}/") };
        let target = Self { store, prefix };
        let path = target.path_of("vectors.arrow")?;
        let failed = |error| target.store.failed("write to", url, &error);
        block_on(progress, async {
            let mut begun = tried(|| target.store.inner.put_multipart(&path)).await.map_err(failed)?;
            if target.store.begins_unheard {
                // Blocks that are never committed are seen by nobody, and dropped.
                begun.put_part(PutPayload::from_static(b"?")).await.map_err(failed)?;
            }
            begun.abort().await.map_err(failed)
        })?;
        Ok(target)
    }

    fn path_of(&self, name: &str) -> Result<object_store::path::Path> {
        self.store.path_of(name, &format!("{}{name}", self.prefix))
    }

    /// Sends files, of which none appears before all are there. Gives their URLs.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Interrupted`], and then nothing appears; but if the store fails when all was sent, it
    /// says which files have appeared.
    pub(crate) fn upload(&self, files: &[PathBuf], progress: &Progress) -> Result<Vec<PathBuf>> {
        let mut uploads = Vec::new();
        let sent = files.iter().try_for_each(|file| {
            let mut upload = self.begin(file, progress)?;
            let sent = self.send(&mut upload, file, progress);
            uploads.push(upload);
            sent
        });
        let mut written: Vec<PathBuf> = Vec::new();
        let completed = sent.and_then(|()| progress.check()).and_then(|()| {
            uploads.iter_mut().try_for_each(|Upload { url, upload }| {
                // Once one has appeared, nobody interrupts the others.
                let progress = if written.is_empty() { progress } else { &Progress::default() };
                let completed = block_on(progress, async {
                    upload.complete().await.map_err(|error| self.store.failed("write", url, &error))
                });
                completed.map_err(|error| after(error, &written))?;
                written.push(PathBuf::from(&*url));
                Ok(())
            })
        });
        if completed.is_err() {
            let left = uploads.iter_mut().skip(written.len()).map(|Upload { upload, .. }| upload.abort());
            // What it failed with is told.
            let _ = block_on(&Progress::default(), async {
                Ok::<_, Error>(tokio::time::timeout(ABORT_TIMEOUT, join_all(left)).await.is_ok())
            });
        }
        completed.map(|()| written)
    }

    fn begin(&self, file: &Path, progress: &Progress) -> Result<Upload> {
        let path = self.path_of(&file.file_name().unwrap_or_default().to_string_lossy())?;
        let url = self.store.url(&path);
        let begun = block_on(progress, async {
            let begun = tried(|| self.store.inner.put_multipart(&path)).await;
            begun.map_err(|error| self.store.failed("write", &url, &error))
        });
        Ok(Upload { upload: begun?, url })
    }

    fn send(&self, Upload { url, upload }: &mut Upload, file: &Path, progress: &Progress) -> Result<()> {
        let mut file = Parts(File::open(file).at("read", file)?);
        let store = &self.store;
        block_on(progress, async {
            let parts = stream::iter(&mut file).map(|part| {
                let part = part.map(|bytes| upload.put_part(PutPayload::from(bytes)));
                let url = url.as_str();
                async move { part.at("read", url.as_ref())?.await.map_err(|error| store.failed("write", url, &error)) }
            });
            parts.buffer_unordered(PARTS_AT_ONCE).try_collect().await
        })
    }
}

/// A file that is under way.
struct Upload {
    url: String,
    upload: Box<dyn MultipartUpload>,
}

/// The error, with what was written before it.
fn after(error: Error, written: &[PathBuf]) -> Error {
    match error {
        Error::Io { action, path, source } if !written.is_empty() => {
            let written: Vec<String> = written.iter().map(|url| url.display().to_string()).collect();
            let reason = format!("{source}; written before it: {}", written.join(", "));
            Error::Io { action, path, source: io::Error::new(source.kind(), reason) }
        }
        error => error,
    }
}

/// The parts of a file.
struct Parts(File);

impl Iterator for Parts {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut part = Vec::new();
        match (&mut self.0).take(PART as u64).read_to_end(&mut part) {
            Ok(0) => None,
            Ok(_) => Some(Ok(part)),
            Err(error) => Some(Err(error)),
        }
    }
}
