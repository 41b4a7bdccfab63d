//! Files that go to a store.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

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
            begun.abort().await.map_err(failed)
        })?;
        Ok(target)
    }

    fn path_of(&self, name: &str) -> Result<object_store::path::Path> {
        self.store.path_of(name, &format!("{}{name}", self.prefix))
    }

    /// Sends a file; it appears when all of it is there. Gives its URL.
    ///
    /// # Errors
    /// [`Error::Io`], and then nothing appears; [`Error::Interrupted`].
    pub(crate) fn upload(&self, file: &Path, progress: &Progress) -> Result<PathBuf> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let path = self.path_of(&name)?;
        let url = self.store.url(&path);
        let failed = |error| self.store.failed("write", &url, &error);
        let mut file = Parts(File::open(file).at("read", file)?);
        let mut upload =
            block_on(progress, async { tried(|| self.store.inner.put_multipart(&path)).await.map_err(failed) })?;
        let sent = block_on(progress, async {
            let parts = stream::iter(&mut file).map(|part| {
                let part = part.map(|bytes| upload.put_part(PutPayload::from(bytes)));
                async { part.at("read", url.as_ref())?.await.map_err(failed) }
            });
            parts.buffer_unordered(PARTS_AT_ONCE).try_collect::<()>().await?;
            upload.complete().await.map(drop).map_err(failed)
        });
        if sent.is_err() {
            // What it failed with is told.
            let _ = block_on(&Progress::default(), async {
                Ok::<_, Error>(tokio::time::timeout(ABORT_TIMEOUT, upload.abort()).await.is_ok())
            });
        }
        sent.map(|()| url.into())
    }
}

/// The parts of a file.
struct Parts(File);

impl Iterator for Parts {
    type Item = std::io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut part = Vec::new();
        match (&mut self.0).take(PART as u64).read_to_end(&mut part) {
            Ok(0) => None,
            Ok(_) => Some(Ok(part)),
            Err(error) => Some(Err(error)),
        }
    }
}
