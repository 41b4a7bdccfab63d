//! Files that go to a store.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use super::connect::connect;
use super::{StorageOptions, Store, block_on, file_in, retry_truncated};
use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;

/// Bytes of each part; the stores want at least 5 MiB.
const PART: usize = 8 << 20;
/// Parts under way at a time.
const PARTS_AT_ONCE: usize = 4;
/// How long it may take to abort an upload, whose parts would otherwise stay in the store unseen.
const ABORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Files that are sent to stores, and appear when all of them are there. If this is dropped before, none appears.
pub(crate) struct Uploads {
    options: StorageOptions,
    progress: Progress,
    /// Those that are already connected.
    stores: Vec<Arc<Store>>,
    sent: Vec<Upload>,
}

/// A file whose parts are in the store, or on their way.
struct Upload {
    store: Arc<Store>,
    url: String,
    upload: Box<dyn MultipartUpload>,
}

impl Uploads {
    pub(crate) fn new(options: &StorageOptions, progress: &Progress) -> Self {
        Self { options: options.clone(), progress: progress.clone(), stores: Vec::new(), sent: Vec::new() }
    }

    /// Others, to the same stores, which appear on their own.
    pub(crate) fn apart(&self) -> Self {
        let (options, progress) = (self.options.clone(), self.progress.clone());
        Self { options, progress, stores: self.stores.clone(), sent: Vec::new() }
    }

    /// Checks that files can be written under a prefix: an upload is created there and aborted, which leaves nothing.
    ///
    /// # Errors
    /// [`Error::Io`] if the store refuses it.
    pub(crate) fn check(&mut self, prefix: &str) -> Result<()> {
        let (store, path) = self.store_of(&file_in(prefix.as_ref(), "vectors.arrow".as_ref()).to_string_lossy())?;
        let failed = |error| store.failed("write to", prefix, &error);
        block_on(&self.progress, async {
            let mut begun = retry_truncated(|| store.inner.put_multipart(&path)).await.map_err(failed)?;
            if store.upload_starts_lazily {
                // Blocks that are never committed stay invisible, and are dropped.
                begun.put_part(PutPayload::from_static(b"?")).await.map_err(failed)?;
            }
            begun.abort().await.map_err(failed)
        })
    }

    /// Sends a file.
    ///
    /// # Errors
    /// [`Error::Io`] naming the URL, or [`Error::Interrupted`].
    pub(crate) fn send(&mut self, file: &File, url: &str) -> Result<()> {
        let (store, path) = self.store_of(url)?;
        let begun = block_on(&self.progress, async {
            let begun = retry_truncated(|| store.inner.put_multipart(&path)).await;
            begun.map_err(|error| store.failed("write", url, &error))
        });
        self.sent.push(Upload { upload: begun?, url: url.to_owned(), store });
        self.sent.last_mut().map_or(Ok(()), |upload| upload.send(file, &self.progress))
    }

    /// Makes the files appear.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Interrupted`], and then nothing appears; but if the store fails later than at the first
    /// file, it says which have appeared.
    pub(crate) fn complete(&mut self) -> Result<()> {
        let mut written: Vec<PathBuf> = Vec::new();
        while let Some(Upload { store, url, upload }) = self.sent.first_mut() {
            // After the first has appeared, the others cannot be interrupted.
            let progress = if written.is_empty() { &self.progress } else { &Progress::default() };
            let completed = block_on(progress, async {
                upload.complete().await.map_err(|error| store.failed("write", url, &error))
            });
            completed.map_err(|error| after(error, &written))?;
            written.push(PathBuf::from(self.sent.remove(0).url));
        }
        Ok(())
    }

    /// Removes an object, if there is one.
    ///
    /// # Errors
    /// [`Error::Io`] naming the URL.
    pub(crate) fn remove(&mut self, url: &str) -> Result<()> {
        let (store, path) = self.store_of(url)?;
        // The new files have appeared, so this cannot be interrupted.
        block_on(&Progress::default(), async {
            match store.inner.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(store.failed("remove", url, &error)),
            }
        })
    }

    /// The store that a URL is in, and the URL's place there.
    fn store_of(&mut self, url: &str) -> Result<(Arc<Store>, Path)> {
        let known = self.stores.iter().find_map(|store| {
            let key = url.strip_prefix(&store.root)?.strip_prefix('/')?;
            Some((store.clone(), key.to_owned()))
        });
        let (store, key) = match known {
            Some(known) => known,
            None => {
                let (store, key) = connect(url, &self.options, &self.progress)?;
                self.stores.push(store.clone());
                (store, key)
            }
        };
        let path = store.path_of(url, &key)?;
        Ok((store, path))
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        if self.sent.is_empty() {
            return;
        }
        let aborted = self.sent.iter_mut().map(|Upload { upload, .. }| upload.abort());
        // The job already has an error to tell.
        let _ = block_on(&Progress::default(), async {
            Ok::<_, Error>(tokio::time::timeout(ABORT_TIMEOUT, join_all(aborted)).await.is_ok())
        });
    }
}

impl Upload {
    fn send(&mut self, mut file: &File, progress: &Progress) -> Result<()> {
        let Self { store, url, upload } = self;
        let (store, url) = (&*store, url.as_str());
        file.seek(SeekFrom::Start(0)).at("read the temporary file for", url.as_ref())?;
        let parts = stream::iter(Parts(file)).map(|part| {
            let part = part.map(|bytes| upload.put_part(PutPayload::from(bytes)));
            async move {
                let part = part.at("read the temporary file for", url.as_ref())?;
                part.await.map_err(|error| store.failed("write", url, &error))
            }
        });
        block_on(progress, parts.buffer_unordered(PARTS_AT_ONCE).try_collect())
    }
}

/// The error, with the files that were written before it.
fn after(error: Error, written: &[PathBuf]) -> Error {
    if written.is_empty() {
        return error;
    }
    let written: Vec<String> = written.iter().map(|url| url.display().to_string()).collect();
    error.with_note(&format!("written before it: {}", written.join(", ")))
}

/// The parts of a file.
struct Parts<'a>(&'a File);

impl Iterator for Parts<'_> {
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
