//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, IoContext, Result};

/// Files written under temporary names beside their targets. [`commit`](Staged::commit) syncs and renames them, so that
/// a crash leaves the old file or the new one; dropped before, they vanish.
#[derive(Default)]
pub(crate) struct Staged {
    files: Vec<(NamedTempFile, PathBuf)>,
}

/// Where a format writes to.
pub(crate) type Out<'a> = BufWriter<&'a File>;

impl Staged {
    /// Writes one file.
    ///
    /// # Errors
    /// [`Error::Io`] naming the target; whatever `content` fails with, under the target's name.
    pub(crate) fn write(&mut self, target: &Path, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<()> {
        let directory = directory_of(target);
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            // Like any new file, and subject to the umask; a temporary file would otherwise be its owner's alone.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file =
            builder.prefix(".polargram-").tempfile_in(directory).map_err(without_temporary_name).at("write", target)?;
        let mut out = BufWriter::new(file.as_file());
        content(&mut out).and_then(|()| out.flush()).map_err(|source| match source.kind() {
            io::ErrorKind::InvalidInput => Error::format(target, source.to_string()),
            _ => Error::Io { action: "write", path: target.to_owned(), source },
        })?;
        drop(out);
        self.files.push((file, target.to_owned()));
        Ok(())
    }

    /// Gives every file its name, and returns the names.
    ///
    /// # Errors
    /// [`Error::Io`]; files that already have their name keep it.
    pub(crate) fn commit(self) -> Result<Vec<PathBuf>> {
        for (file, target) in &self.files {
            file.as_file().sync_all().at("write", target)?;
            // Before the first rename, so that files that belong together are replaced together or not at all.
            if target.is_dir() {
                return Err(io::Error::from(io::ErrorKind::IsADirectory)).at("write", target);
            }
        }
        let mut targets = Vec::new();
        for (file, target) in self.files {
            file.persist(&target).map_err(|error| error.error).at("write", &target)?;
            // The name itself is in the directory, which not every system can sync.
            let _ = File::open(directory_of(&target)).and_then(|directory| directory.sync_all());
            targets.push(target);
        }
        Ok(targets)
    }
}

/// The system's own error: tempfile wraps it to name a file that the user has never heard of.
fn without_temporary_name(error: io::Error) -> io::Error {
    let code = error.get_ref().and_then(|wrapped| wrapped.source()?.downcast_ref::<io::Error>()?.raw_os_error());
    code.map_or(error, io::Error::from_raw_os_error)
}

fn directory_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
