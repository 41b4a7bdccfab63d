//! Directories: made for an output, or replaced as a whole.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use super::file::{is_temporary, parent_of, sync_directory};
use crate::error::{Error, IoContext, Result};

/// What may be replaced by a new directory.
pub(crate) struct DirectoryKind {
    /// As in "is not a model's directory".
    pub(crate) name: &'static str,
    /// Files that such a directory may consist of, besides those that its description lists. Others belong to the user.
    pub(crate) files: &'static [&'static str],
    /// The files that a description lists.
    pub(crate) listed: fn(&[u8]) -> Vec<String>,
    /// The file that tells the kind. It is written last.
    pub(crate) description: &'static str,
    /// True if the description is one of this kind. Other programs may use its name too.
    pub(crate) is_description: fn(&[u8]) -> bool,
}

impl DirectoryKind {
    /// The files that a directory with this description may consist of.
    pub(super) fn files_of(&self, description: Option<&[u8]>) -> Vec<String> {
        let listed = description.map(self.listed).unwrap_or_default();
        self.files.iter().map(|&file| file.to_owned()).chain(listed).collect()
    }

    /// The description of a directory, if it is of this kind.
    fn description_in(&self, directory: &Path) -> Option<Vec<u8>> {
        fs::read(directory.join(self.description)).ok().filter(|text| (self.is_description)(text))
    }

    /// The error that something else stands at this place.
    pub(super) fn refused(&self, place: &Path) -> Error {
        let reason = format!("is not {}'s directory; choose another place, or remove it first", self.name);
        Error::format(place, reason)
    }
}

/// A directory that is written beside its target under a hidden name. Dropped before it takes its place, it is removed.
pub(super) struct NewDirectory {
    path: PathBuf,
    target: PathBuf,
    /// The files of the older directory at its target, and its own.
    files: Vec<String>,
}

impl NewDirectory {
    pub(super) fn beside(target: &Path, kind: &'static DirectoryKind) -> Result<Self> {
        // Without a slash at its end, which would hide that it is a link.
        let mut target: PathBuf = target.components().collect();
        if target.is_symlink() {
            // The link stays; what it leads to is replaced.
            target = fs::canonicalize(&target).at("follow the link", &target)?;
        }
        let description = kind.description_in(&target);
        if target.exists() && description.is_none() && !is_empty(&target) {
            return Err(kind.refused(&target));
        }
        let name = target.file_name().ok_or_else(|| Error::format(&target, "is not a name for a directory"))?;
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(".partial");
        let path = parent_of(&target).join(hidden);
        // A run that was killed has left it, perhaps with files of the user's.
        if path.exists() {
            // Without a description it has never been at the target, and nothing in it is the user's.
            let left = kind.description_in(&path);
            if let Some(left) = left.filter(|_| target.exists()) {
                keep_others(&path, &target, &kind.files_of(Some(&left)))?;
            }
            fs::remove_dir_all(&path).at("remove", &path)?;
        }
        fs::create_dir(&path).at("create the directory", &target)?;
        Ok(Self { path, target, files: kind.files_of(description.as_deref()) })
    }

    /// Counts a file among its own before it is written.
    pub(super) fn expect(&mut self, name: &Path) {
        self.files.push(name.to_string_lossy().into_owned());
    }

    /// Where to write its files.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The error with the name that its file will have.
    pub(super) fn named(&self, mut error: Error) -> Error {
        if let Error::Io { path, .. } | Error::Format { path, .. } | Error::Truncated { path, .. } = &mut error
            && let Ok(name) = path.strip_prefix(&self.path)
        {
            *path = self.target.join(name);
        }
        error
    }

    pub(super) fn take_its_place(self) -> Result<()> {
        let target = self.target.as_path();
        sync_directory(&self.path);
        if target.exists() {
            exchange(&self.path, target).at("replace", target)?;
            // The old files are now here.
            keep_others(&self.path, target, &self.files)?;
        } else {
            fs::rename(&self.path, target).at("create", target)?;
        }
        sync_directory(parent_of(target));
        Ok(())
    }
}

impl Drop for NewDirectory {
    fn drop(&mut self) {
        // Not all that is in it: after a failure these may be files of the user's.
        for file in &self.files {
            let _ = fs::remove_file(self.path.join(file));
        }
        let _ = fs::remove_dir(&self.path);
    }
}

/// Moves files that are not among these: they belong to the user.
fn keep_others(from: &Path, to: &Path, files: &[String]) -> Result<()> {
    for entry in fs::read_dir(from).at("read", from)? {
        let name = entry.at("read", from)?.file_name();
        let is_one_of_them = files.iter().any(|file| name == OsStr::new(file));
        if !is_one_of_them && !is_temporary(&name) {
            let kept = to.join(&name);
            fs::rename(from.join(&name), &kept).at("keep", &kept)?;
        }
    }
    Ok(())
}

/// True for a directory without files.
fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none())
}

/// Exchanges the names of two directories, in one step if the system can.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(new: &Path, old: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
        // Some file systems cannot, such as network ones.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            exchange_in_steps(new, old)
        }
        done => Ok(done?),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(new: &Path, old: &Path) -> std::io::Result<()> {
    exchange_in_steps(new, old)
}

/// A crash between two steps leaves the older directory under a name that ends in `.old`.
fn exchange_in_steps(new: &Path, old: &Path) -> std::io::Result<()> {
    let mut aside = old.as_os_str().to_owned();
    aside.push(".old");
    fs::rename(old, &aside)?;
    fs::rename(new, old)?;
    fs::rename(&aside, new)
}

/// A directory for files. If it or its parents were missing they are made, and removed again if the job fails.
pub(super) struct MadeDirectories {
    path: PathBuf,
    made: Vec<PathBuf>,
}

impl MadeDirectories {
    pub(super) fn up_to(path: &Path) -> Result<Self> {
        let missing = path.ancestors().take_while(|part| !part.as_os_str().is_empty() && !part.exists());
        let made = Self { path: path.to_owned(), made: missing.map(Path::to_owned).collect() };
        fs::create_dir_all(path).at("create the directory", path)?;
        tempfile::tempfile_in(path).at("write to the directory", path)?;
        Ok(made)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for MadeDirectories {
    fn drop(&mut self) {
        for path in &self.made {
            // Not empty means that another program has put something there.
            let _ = fs::remove_dir(path);
        }
    }
}
