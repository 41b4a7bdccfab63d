//! Files that go to a store.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::{ObjectStoreExt, WriteMultipart};

use super::connect::{connect, path_of};
use super::{StorageOptions, Store, block_on};
use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;

/// Bytes of each part; the stores want 5 MiB at least.
const PART: usize = 8 << 20;
/// Parts under way at a time.
const PARTS_AT_ONCE: usize = 4;

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
        let path = path_of(url, &target.key_of("vectors.arrow"))?;
        block_on(progress, async {
            let begun = target.store.inner.put_multipart(&path).await;
            let mut begun = begun.map_err(|error| target.store.failed("write to", url, &error))?;
            begun.abort().await.map_err(|error| target.store.failed("write to", url, &error))
        })?;
        Ok(target)
    }

    fn key_of(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Sends a file; it appears when all of it is there. Gives its URL.
    ///
    /// # Errors
    /// [`Error::Io`], and then nothing appears; [`Error::Interrupted`].
    pub(crate) fn upload(&self, file: &Path, progress: &Progress) -> Result<PathBuf> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let path = path_of(&name, &self.key_of(&name))?;
        let url = self.store.url(&path);
        let mut file = File::open(file).at("read", file)?;
        let failed = |error| self.store.failed("write", &url, &error);
        block_on(progress, async { self.store.inner.put_multipart(&path).await.map_err(failed) }).and_then(
            |upload| {
                let mut writer = WriteMultipart::new_with_chunk_size(upload, PART);
                let sent = self.send(&mut writer, &mut file, &url, progress);
                block_on(&Progress::default(), async {
                    match sent {
                        Ok(()) => writer.finish().await.map(|_| ()).map_err(failed),
                        Err(error) => {
                            // What it failed with is told; parts that stay behind are no object.
                            let _ = writer.abort().await;
                            Err(error)
                        }
                    }
                })
            },
        )?;
        Ok(url.into())
    }

    fn send(&self, writer: &mut WriteMultipart, file: &mut File, url: &str, progress: &Progress) -> Result<()> {
        loop {
            let mut part = Vec::new();
            file.take(PART as u64).read_to_end(&mut part).at("read", url.as_ref())?;
            if part.is_empty() {
                return Ok(());
            }
            block_on(progress, async {
                writer
                    .wait_for_capacity(PARTS_AT_ONCE)
                    .await
                    .map_err(|error| self.store.failed("write", url, &error))?;
                writer.put(Bytes::from(part));
                Ok::<_, Error>(())
            })?;
        }
    }
}
