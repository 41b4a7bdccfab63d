//! Files of vectors that are opened once per process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;
use crate::store::{Location, Object, find_object, is_pipe, local, url_of};
use crate::vectors::KeyedVectors;

/// Distinguishes a file from another one that has replaced it.
#[derive(PartialEq, Eq)]
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
        fs::canonicalize(&path).and_then(Self::at).at("read", &path)
    }

    /// Of the file at an absolute path without links.
    fn at(path: PathBuf) -> io::Result<Self> {
        let metadata = fs::metadata(&path)?;
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

    /// True if the file is still there, and has not been replaced.
    pub(crate) fn is_current(&self) -> bool {
        Self::at(self.path.clone()).is_ok_and(|now| now == *self)
    }

    /// The absolute path, without links.
    #[cfg(feature = "python")]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

static OPENED: Mutex<Opened> = Mutex::new(Opened(Vec::new()));

/// Files that stay open although nobody uses them: those used last.
const KEPT: usize = 8;
/// Files used within this time stay open however many they are, so that a query of many files opens each once.
const IN_USE: Duration = Duration::from_secs(60);
/// An object in a store is looked at again after this time, and not for each chunk of a query.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The files that are open, the one used last at the end.
struct Opened(Vec<OpenedFile>);

struct OpenedFile {
    origin: Origin,
    vectors: Arc<KeyedVectors>,
    used: Instant,
}

/// Where vectors came from.
enum Origin {
    File(Identity),
    /// An object in a store, and when it was last seen unchanged.
    Object {
        url: String,
        object: Object,
        seen: Instant,
    },
}

impl Origin {
    /// Finds what is at a path or URL now.
    fn of(path: &Path) -> Result<Self> {
        let Some(url) = url_of(path) else { return Identity::of(path).map(Self::File) };
        let object = find_object(url, &Location::from(path), &Progress::default())?;
        Ok(Self::Object { url: url.to_owned(), object, seen: Instant::now() })
    }

    fn path(&self) -> &Path {
        match self {
            Self::File(identity) => &identity.path,
            Self::Object { url, .. } => url.as_ref(),
        }
    }

    /// True if there is nothing to let go: a file is the one that was opened. Of objects it is not asked.
    fn is_current(&self) -> bool {
        match self {
            Self::File(identity) => identity.is_current(),
            Self::Object { .. } => true,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(a), Self::File(b)) => a == b,
            (Self::Object { url: a, object, .. }, Self::Object { url: b, object: other, .. }) => {
                a == b && object.is_same(other)
            }
            _ => false,
        }
    }

    /// True if it is the object of this URL, which was seen a short time ago.
    fn was_seen(&self, path: &Path, now: Instant) -> bool {
        match self {
            Self::File(_) => false,
            Self::Object { url, seen, .. } => {
                Path::new(url) == path && now.saturating_duration_since(*seen) < LOOK_AGAIN
            }
        }
    }
}

impl Opened {
    /// Lets go of the files that are gone or replaced, and of those that have not been used for long. Whoever still holds
    /// the vectors of one keeps them.
    fn let_go(&mut self, now: Instant) {
        let mut used_since = self.0.len();
        self.0.retain(|file| {
            used_since -= 1;
            let is_in_use = used_since < KEPT || now.saturating_duration_since(file.used) < IN_USE;
            is_in_use && file.origin.is_current()
        });
    }

    /// The vectors of the file that fits, which is then the one used last.
    fn take(&mut self, now: Instant, fits: impl Fn(&Origin) -> bool) -> Option<Arc<KeyedVectors>> {
        let at = self.0.iter().position(|file| fits(&file.origin))?;
        let mut file = self.0.remove(at);
        file.used = now;
        let vectors = file.vectors.clone();
        self.0.push(file);
        Some(vectors)
    }

    fn find(&mut self, origin: &Origin, now: Instant) -> Option<Arc<KeyedVectors>> {
        let found = self.take(now, |opened| opened.is_same(origin));
        if let (Some(_), Some(OpenedFile { origin: Origin::Object { seen, .. }, .. })) = (&found, self.0.last_mut()) {
            *seen = now;
        }
        found
    }
}

/// A file that is open: its path or URL, and its vectors.
#[derive(Debug, Clone)]
pub struct OpenFile {
    /// The absolute path, or the URL.
    pub path: PathBuf,
    /// What is in it.
    pub vectors: Arc<KeyedVectors>,
}

/// The files that [`KeyedVectors::shared`] holds open, the one used last at the end.
pub fn open_files() -> Vec<OpenFile> {
    let opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    let files = opened.0.iter();
    files.map(|file| OpenFile { path: file.origin.path().to_owned(), vectors: file.vectors.clone() }).collect()
}

/// Lets go of all files that [`KeyedVectors::shared`] holds open, and says how many there were.
pub fn close_files() -> usize {
    std::mem::take(&mut OPENED.lock().unwrap_or_else(PoisonError::into_inner).0).len()
}

impl KeyedVectors {
    /// The vectors of a file, which is loaded at the first call and then shared by the whole process. If the file has been
    /// replaced since, it is loaded again. It may be the URL of an object in a store, which is copied to this machine; the
    /// store is asked whether it has changed at most every ten seconds.
    ///
    /// Each call lets go of the files that have been removed or replaced, and of those that are neither among the eight
    /// used last nor used within a minute. Their memory is free when the last `Arc` of them is dropped.
    ///
    /// # Errors
    /// As for [`load`](Self::load); [`Error::Format`] for a pipe.
    pub fn shared(path: impl AsRef<Path>) -> Result<Arc<Self>> {
        let path = path.as_ref();
        let recent = |opened: &mut Opened| {
            let now = Instant::now();
            opened.take(now, |origin| origin.was_seen(path, now))
        };
        if let Some(vectors) = recent(&mut OPENED.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(vectors);
        }
        let origin = Origin::of(path);
        // Held while loading, so that threads that ask at once do not load twice.
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        // Also where this file is gone.
        opened.let_go(Instant::now());
        if let Some(url) = url_of(path) {
            // Of an object that has changed or is gone, the old vectors go.
            opened.0.retain(|file| {
                let is_it = file.origin.path() == Path::new(url);
                !is_it || origin.as_ref().is_ok_and(|origin| origin.is_same(&file.origin))
            });
        }
        let origin = origin?;
        if let Some(vectors) = opened.find(&origin, Instant::now()) {
            return Ok(vectors);
        }
        let vectors = Arc::new(Self::load(path)?);
        opened.0.push(OpenedFile { origin, vectors: vectors.clone(), used: Instant::now() });
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

    fn opened(directory: &Path, names: impl IntoIterator<Item = usize>, used: Instant) -> Opened {
        let vectors = Arc::new(KeyedVectors::from_rows(["a"], 1, &[1.0]).unwrap());
        let files = names.into_iter().map(|name| {
            let path = directory.join(format!("{name}.arrow"));
            vectors.save(&path).unwrap();
            OpenedFile { origin: Origin::of(&path).unwrap(), vectors: vectors.clone(), used }
        });
        Opened(files.collect())
    }

    fn names(opened: &Opened) -> Vec<&str> {
        opened.0.iter().map(|file| file.origin.path().file_stem().unwrap().to_str().unwrap()).collect()
    }

    #[test]
    fn files_that_are_gone_or_replaced_are_let_go_and_the_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let mut opened = opened(directory.path(), 0..4, now);
        std::fs::remove_file(directory.path().join("0.arrow")).unwrap();
        std::fs::rename(directory.path().join("3.arrow"), directory.path().join("2.arrow")).unwrap();
        opened.let_go(now);
        assert_eq!(names(&opened), ["1"]);
    }

    #[test]
    fn of_files_unused_for_a_minute_the_last_eight_stay() {
        let directory = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let mut opened = opened(directory.path(), 0..11, start);
        let first = Origin::of(&directory.path().join("0.arrow")).unwrap();
        assert!(opened.find(&first, start).is_some());
        opened.let_go(start + IN_USE / 2);
        assert_eq!(names(&opened).len(), 11);
        opened.let_go(start + IN_USE);
        assert_eq!(names(&opened), ["4", "5", "6", "7", "8", "9", "10", "0"]);
    }

    #[test]
    fn whoever_holds_the_vectors_of_a_file_that_is_gone_keeps_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.arrow");
        KeyedVectors::from_rows(["a"], 1, &[1.0]).unwrap().save(&path).unwrap();
        let held = KeyedVectors::shared(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(KeyedVectors::shared(&path).is_err());
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(held.vector("a").unwrap(), [1.0]);
    }

    #[test]
    fn a_file_url_is_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.arrow");
        KeyedVectors::from_rows(["a"], 1, &[1.0]).unwrap().save(&path).unwrap();
        let shared = KeyedVectors::shared(format!("file://{}", path.display())).unwrap();
        assert!(Arc::ptr_eq(&shared, &KeyedVectors::shared(&path).unwrap()));
    }

    #[test]
    #[cfg(unix)]
    fn a_pipe_is_refused_by_name() {
        let error = KeyedVectors::shared("/dev/null").unwrap_err().to_string();
        assert!(error.contains("/dev/null: is a pipe or a device"), "{error}");
    }
}
