//! Files of a store and what comes from pipes, copied to this machine: what is mapped must be a file here.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use object_store::ObjectStoreExt;
use tempfile::TempDir;

use super::connect::connect;
use super::{Fetcher, Location, Object, Span, block_on, file_in, is_pipe, local, pipe};
use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;

/// Bytes that are fetched before they are written.
const FETCH_AHEAD: u64 = 32 << 20;

/// A file or directory on this machine: itself, or a temporary copy of one in a store or of what came from a pipe. When
/// this is dropped the copy is removed; its files that are mapped stay readable.
pub(crate) struct LocalCopy {
    /// Where it really is.
    location: Location,
    path: PathBuf,
    temporary: Option<TempDir>,
}

impl LocalCopy {
    /// A file as it is, or its copy. A pipe is read to its end.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no such object, it changes while it is read, or this machine has no room for it;
    /// [`Error::Interrupted`].
    pub(crate) fn of_file(location: &Location, progress: &Progress) -> Result<Self> {
        let copy = Self::new(location)?;
        if let Some(url) = location.url() {
            Download::find(url, location, progress)?.save(&copy.path, progress)?;
            return Ok(copy);
        }
        if !is_pipe(&copy.path) {
            return Ok(copy);
        }
        let Self { path: pipe, .. } = copy;
        let name = pipe.file_name().unwrap_or(pipe.as_os_str());
        let copy = Self::temporary(location, name.as_ref())?;
        pipe::copy(&pipe, &mut File::create(&copy.path).at(COPYING, &pipe)?, COPYING, progress)?;
        Ok(copy)
    }

    /// A directory as it is, or a copy of its files of these names: all of the `needed` ones, and those of the `others`
    /// that exist. Of the needed ones, the first is the one that was written last.
    ///
    /// # Errors
    /// As for [`of_file`](Self::of_file).
    pub(crate) fn of_directory(
        location: &Location,
        needed: &[&str],
        others: &[&str],
        progress: &Progress,
    ) -> Result<Self> {
        let copy = Self::new(location)?;
        let Some(url) = location.url() else { return Ok(copy) };
        let find =
            |name: &str| Download::find(&file_in(url.as_ref(), name.as_ref()).to_string_lossy(), location, progress);
        // All are found before the first is read, so that one that is replaced later is an error.
        let mut found = Vec::new();
        for &name in needed.iter().chain(others) {
            match find(name) {
                Ok(download) => found.push((name, download)),
                Err(error) if others.contains(&name) && is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        fs::create_dir(&copy.path).at(COPYING, url.as_ref())?;
        for (name, download) in &found {
            download.save(&copy.path.join(name), progress)?;
        }
        // Otherwise some were replaced before they were found, and others after.
        match found.first() {
            Some((name, last)) if !last.object.is_same(&find(name)?.object) => Err(last.object.changed()),
            _ => Ok(copy),
        }
    }

    fn new(location: &Location) -> Result<Self> {
        let Some(url) = location.url() else {
            return Ok(Self { path: local(location.path())?, location: location.clone(), temporary: None });
        };
        // The name tells the format.
        Self::temporary(location, url.trim_end_matches('/').rsplit('/').next().unwrap_or_default().as_ref())
    }

    /// Where a copy of this name goes.
    fn temporary(location: &Location, name: &Path) -> Result<Self> {
        let temporary = tempfile::Builder::new().prefix("polargram-copy-").tempdir();
        let temporary = temporary.at(COPYING, location.path())?;
        Ok(Self { path: temporary.path().join(name), location: location.clone(), temporary: Some(temporary) })
    }

    /// Copies the file beside this one that has another ending.
    ///
    /// # Errors
    /// As for [`of_file`](Self::of_file); [`Error::Format`] if this came from a pipe.
    pub(crate) fn add_companion(&mut self, ending: &str, progress: &Progress) -> Result<()> {
        if self.temporary.is_none() {
            return Ok(());
        }
        if self.location.url().is_none() {
            let reason = format!(
                "is a pipe or a device, and such vectors need a second file, NAME.{ending}; save both as files first"
            );
            return Err(Error::format(self.location.path(), reason));
        }
        let url = self.location.path().with_extension(ending);
        Download::find(&url.to_string_lossy(), &self.location, progress)?
            .save(&self.path.with_extension(ending), progress)
    }

    /// Copies the file beside this one whose name goes on with `suffix`.
    ///
    /// # Errors
    /// As for [`add_companion`](Self::add_companion).
    pub(crate) fn add_beside(&mut self, suffix: &str, progress: &Progress) -> Result<()> {
        let name = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        if self.location.url().is_none() {
            let reason = format!("is a pipe or a device, and its arrays are in other files, as NAME{suffix}");
            return Err(Error::format(self.location.path(), reason));
        }
        let url = name(self.location.path());
        Download::find(&url.to_string_lossy(), &self.location, progress)?.save(&name(&self.path), progress)
    }

    /// True if it is a copy.
    pub(crate) fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// Where it is on this machine.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The error with the URL in place of the copy's path.
    pub(crate) fn named(&self, mut error: Error) -> Error {
        if let (Error::Io { path, .. } | Error::Format { path, .. } | Error::Truncated { path, .. }, Some(_)) =
            (&mut error, &self.temporary)
        {
            let rest = path.strip_prefix(&self.path).map(Path::to_owned);
            match rest {
                Ok(rest) if rest.as_os_str().is_empty() => *path = self.location.path().to_owned(),
                Ok(rest) => *path = file_in(self.location.path(), &rest),
                // A companion.
                Err(_) => {
                    if let Some(name) = path.file_name() {
                        *path = self.location.path().with_file_name(name);
                    }
                }
            }
        }
        error
    }
}

/// True if the error tells that there is no such object. If the user may not list its objects, a store refuses access
/// instead.
pub(crate) fn is_absent(error: &Error) -> bool {
    use io::ErrorKind::{NotFound, PermissionDenied};
    matches!(error, Error::Io { source, .. } if matches!(source.kind(), NotFound | PermissionDenied))
}

/// The object that a URL stands for now.
///
/// # Errors
/// [`Error::Io`] if there is no such object, or the store fails; [`Error::Interrupted`].
pub(crate) fn find_object(url: &str, location: &Location, progress: &Progress) -> Result<Object> {
    Ok(Download::find(url, location, progress)?.object)
}

/// What fails if there is no room.
const COPYING: &str = "write a temporary copy of";

/// An object that is to be copied.
struct Download {
    object: Object,
    url: String,
}

impl Download {
    fn find(url: &str, location: &Location, progress: &Progress) -> Result<Self> {
        let (store, key) = connect(url, location.storage(), progress)?;
        let path = store.path_of(url, &key)?;
        let meta = block_on(progress, async {
            store.inner.head(&path).await.map_err(|error| store.failed("read", url, &error))
        })?;
        Ok(Self { object: Object::new(store, meta), url: url.to_owned() })
    }

    /// Writes it to a file, block by block: memory does not grow with it.
    fn save(&self, path: &Path, progress: &Progress) -> Result<()> {
        let Self { object, url } = self;
        let mut file = File::create(path).at(COPYING, url.as_ref())?;
        let bytes = 0..object.size();
        let mut reader = Fetcher::new(vec![Span { object: object.clone(), bytes }], FETCH_AHEAD).read(0, progress)?;
        while let Some(block) = reader.next_block()? {
            file.write_all(&block).at(COPYING, url.as_ref())?;
        }
        Ok(())
    }
}

#[cfg(all(test, any(target_os = "linux", target_os = "macos")))]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn pipe(name: &str) -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        (directory, path)
    }

    #[test]
    fn what_comes_through_a_pipe_is_a_file_of_the_same_name_until_it_is_dropped() {
        let (_directory, path) = pipe("v.txt");
        let text: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
        let (target, bytes) = (path.clone(), text.clone());
        let writer = thread::spawn(move || {
            // Nobody writes at first, and then with a pause.
            thread::sleep(Duration::from_millis(150));
            let mut out = File::options().write(true).open(target).unwrap();
            out.write_all(&bytes[..1000]).unwrap();
            thread::sleep(Duration::from_millis(150));
            out.write_all(&bytes[1000..]).unwrap();
        });
        let mut copy = LocalCopy::of_file(&Location::from(&path), &Progress::default()).unwrap();
        writer.join().unwrap();
        assert!(fs::read(copy.path()).unwrap() == text);
        assert_eq!(copy.path().file_name().unwrap(), "v.txt");
        let error = copy.add_companion("vocab.txt", &Progress::default()).unwrap_err().to_string();
        assert!(error.contains("v.txt: is a pipe") && error.contains("NAME.vocab.txt"), "{error}");
        let error = copy.named(Error::format(copy.path(), "is damaged")).to_string();
        assert_eq!(error, format!("{}: is damaged", path.display()));
        let place = copy.path().to_owned();
        drop(copy);
        assert!(!place.exists());
    }

    #[test]
    fn a_pipe_without_a_writer_is_waited_for_until_the_user_stops() {
        let (_directory, path) = pipe("v.txt");
        let progress = Progress::default();
        let watched = progress.clone();
        let user = thread::spawn(move || {
            thread::sleep(Duration::from_millis(250));
            watched.cancel();
        });
        assert!(matches!(LocalCopy::of_file(&Location::from(&path), &progress), Err(Error::Interrupted)));
        user.join().unwrap();
    }

    #[test]
    fn a_device_that_gives_nothing_is_an_empty_file() {
        let copy = LocalCopy::of_file(&Location::from("/dev/null"), &Progress::default()).unwrap();
        assert_eq!(fs::metadata(copy.path()).unwrap().len(), 0);
    }
}
