//! A file under a temporary name.

use std::ffi::OsStr;
#[cfg(unix)]
use std::fs;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, IoContext, Result};
use crate::store::{is_pipe, url_of};

/// What the names of temporary files start with.
const TEMPORARY_PREFIX: &str = ".polargram-";

/// True for the name of a temporary file.
pub(super) fn is_temporary(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(TEMPORARY_PREFIX)
}

/// What fails if there is no room for what is sent to a store.
const IN_TEMPORARY: &str = "write to a temporary file for";

/// Where a format writes to.
pub(crate) type Out<'a> = BufWriter<&'a File>;

/// A file that was written, but does not have its name yet.
pub(crate) struct StagedFile {
    content: Content,
    /// Its path or URL.
    target: PathBuf,
}

enum Content {
    /// In the directory of its target.
    Beside(NamedTempFile),
    /// In the directory for temporary files, without a name: the system removes it, however this process ends.
    Unnamed(File),
}

impl StagedFile {
    /// An empty file. It is dropped, or [synced](Self::sync) and then [appears](Self::appear).
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Format`], naming the target.
    pub(crate) fn create(target: PathBuf) -> Result<Self> {
        refuse_pipe(&target)?;
        let (file, action) = match url_of(&target) {
            Some(_) => (tempfile::tempfile().map(Content::Unnamed), IN_TEMPORARY),
            None => (named_beside(&target).map(Content::Beside), "write"),
        };
        Ok(Self { content: file.at(action, &target)?, target })
    }

    /// Writes the content.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Format`], naming the target.
    pub(super) fn write(target: PathBuf, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<Self> {
        let file = Self::create(target)?;
        let action = if file.url().is_some() { IN_TEMPORARY } else { "write" };
        let mut out = BufWriter::new(file.content());
        content(&mut out).and_then(|()| out.flush()).map_err(|source| match source.kind() {
            io::ErrorKind::InvalidInput => Error::format(&file.target, source.to_string()),
            _ => Error::Io { action, path: file.target.clone(), source },
        })?;
        drop(out);
        Ok(file)
    }

    pub(crate) fn content(&self) -> &File {
        match &self.content {
            Content::Beside(file) => file.as_file(),
            Content::Unnamed(file) => file,
        }
    }

    /// Its path or URL.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The URL that the content is to be sent to.
    pub(super) fn url(&self) -> Option<&str> {
        url_of(&self.target)
    }

    /// Makes the content durable, and checks that nothing prevents that it gets its name.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn sync(&self) -> Result<()> {
        self.content().sync_all().at("write", &self.target)?;
        match self.target.is_dir() {
            true => Err(io::Error::from(io::ErrorKind::IsADirectory)).at("write", &self.target),
            false => Ok(()),
        }
    }

    /// Gives the content its name, which is returned. A file that was sent to a store has it already.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn appear(self) -> Result<PathBuf> {
        let Self { content, target } = self;
        if let Content::Beside(file) = content {
            file.persist(&target).map_err(|error| error.error).at("write", &target)?;
            sync_directory(parent_of(&target));
        }
        Ok(target)
    }
}

/// Refuses a pipe or a device: renamed over it, a file would take its place.
fn refuse_pipe(target: &Path) -> Result<()> {
    // What a shell's `>` leads to may be a file, but its name in /dev is no place for one.
    let is_device = is_pipe(target) || (cfg!(unix) && target.starts_with("/dev") && !target.starts_with("/dev/shm"));
    match is_device {
        true => Err(Error::format(target, "is a pipe or a device; save to a file, which appears whole or not at all")),
        false => Ok(()),
    }
}

fn named_beside(target: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // As of any new file, subject to the umask; otherwise only the owner could read a temporary file.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.prefix(TEMPORARY_PREFIX).tempfile_in(parent_of(target))
}

/// The directory that a path is in.
pub(super) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the names in a directory durable, on systems that can.
pub(super) fn sync_directory(path: &Path) {
    let _ = File::open(path).and_then(|directory| directory.sync_all());
}
