//! Paths, directories and globs to files on this machine.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};
use walkdir::WalkDir;

use super::readers::format_of_name;
use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;
use crate::store::{self, Kind, Listing};

const NO_REGULAR_FILE: &str = "is not a regular file; a corpus is read more than once, to count words and then to train, \
                               so write it to a file first (.gz, .bz2, .zst and .xz are read as they are)";

/// True if a name is left out of directories and prefixes: those that start with `.` or `_` belong to other
/// programs, or are not complete yet.
pub(super) fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".") || name.starts_with(b"_")
}

/// The files that a path, directory, glob or `file://` URL stands for.
///
/// # Errors
/// [`Error::Io`] for what cannot be looked at; [`Error::Corpus`] for a source without files, or a file that cannot be
/// read; [`Error::Interrupted`].
pub(super) fn expand(source: &str, progress: &Progress) -> Result<Listing<PathBuf>> {
    let path = store::local_path(source)?;
    if source == "-" && !path.exists() {
        let reason = "standard input is read once, but a corpus more than once; pass the path of a file";
        return Err(Error::corpus(source, reason));
    }
    if path.is_dir() {
        return Ok(Listing { files: files_below(&path, progress)?, ..Listing::empty(Kind::Directory) });
    }
    // A file whose name holds a bracket is a file first.
    if !path.exists() && source.contains(['*', '?', '[']) {
        let files = files_matching(&path.to_string_lossy(), progress)?;
        return Ok(Listing { files, ..Listing::empty(Kind::Glob) });
    }
    // A missing file is an error when it is opened. Opening a pipe would wait for its writer.
    if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(Error::corpus(source, NO_REGULAR_FILE));
    }
    Ok(Listing::file(path))
}

/// The files in a directory and below, with their paths below it. Links are followed; each directory is read once. Of
/// what is hidden, only the uppermost name is there.
fn files_below(root: &Path, progress: &Progress) -> Result<Vec<(String, PathBuf)>> {
    let real_root = fs::canonicalize(root).at("read", root)?;
    let mut seen = HashSet::new();
    let hidden = RefCell::new(Vec::new());
    let walk = WalkDir::new(root).min_depth(1).follow_links(true).sort_by_file_name();
    let wanted = walk.into_iter().filter_entry(|entry| {
        if is_hidden(entry.file_name().as_encoded_bytes()) {
            hidden.borrow_mut().push(entry.path().to_owned());
            return false;
        }
        let Some(real) = entry.file_type().is_dir().then(|| fs::canonicalize(entry.path()).ok()).flatten() else {
            return true;
        };
        // What a link within the directory leads to is read where it stands, unless it is hidden there.
        let is_read_there = real
            .strip_prefix(&real_root)
            .is_ok_and(|below| !below.iter().any(|name| is_hidden(name.as_encoded_bytes())));
        !(entry.path_is_symlink() && is_read_there) && seen.insert(real)
    });
    let mut files = Vec::new();
    for entry in wanted {
        progress.check()?;
        let path = match entry {
            Ok(entry) if entry.file_type().is_dir() => continue,
            Ok(entry) => entry.into_path(),
            Err(error) if error.loop_ancestor().is_some() => continue,
            // A link that leads nowhere.
            Err(error) => match error.path().filter(|path| path.is_symlink()) {
                Some(path) => path.to_owned(),
                None => {
                    let path = error.path().unwrap_or(root).to_owned();
                    return Err(Error::Io { action: "read", path, source: error.into() });
                }
            },
        };
        let name = path.file_name().unwrap_or_default();
        if is_hidden(name.as_encoded_bytes()) {
            hidden.borrow_mut().push(path);
        } else if is_wanted(&path, false)? {
            files.push((names_below(&path, root), path));
        }
    }
    files.extend(hidden.take().into_iter().map(|path| (names_below(&path, root), path)));
    Ok(files)
}

/// The files that match a glob, sorted, with their paths below the first directory with a wildcard. Links are followed,
/// but not back to a directory that they are in.
fn files_matching(pattern: &str, progress: &Progress) -> Result<Vec<(String, PathBuf)>> {
    let parts = || Path::new(pattern).components();
    // As the walk writes them: without doubled slashes and a dot in front.
    let plain: PathBuf = parts().collect();
    let glob = Pattern::new(&without_dot(&plain).to_string_lossy());
    let glob = glob.map_err(|error| Error::corpus(pattern, format!("is not a valid glob: {error}")))?;
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
    let is_wild = |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let base: PathBuf = parts().take_while(|part| !is_wild(part)).collect();
    let depth = parts().skip_while(|part| !is_wild(part)).count();
    let depth = if pattern.contains("**") { usize::MAX } else { depth };
    let root = if base.as_os_str().is_empty() { Path::new(".") } else { &base };
    let matches = |path: &Path| glob.matches_with(&without_dot(path).to_string_lossy(), options);
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for entry in WalkDir::new(root).min_depth(1).max_depth(depth).follow_links(true) {
        progress.check()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.loop_ancestor().is_some() => continue,
            Err(_) if !root.exists() => continue,
            // A broken link may have a name that does not match; a directory that cannot be read may hold files.
            Err(error) if error.path().is_some_and(|path| path.is_symlink() && !matches(path)) => continue,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                return Err(Error::Io { action: "read", path, source: error.into() });
            }
        };
        if !matches(entry.path()) {
            continue;
        }
        let path = without_dot(entry.path()).to_owned();
        if entry.file_type().is_dir() {
            directories.push(path);
        } else if is_wanted(entry.path(), true)? {
            files.push(path);
        }
    }
    files.sort();
    // One that has the name of a corpus must not be left out in silence.
    let is_read = |directory: &Path| files.iter().any(|file| file.starts_with(directory));
    let has_format = |directory: &Path| format_of_name(&directory.display().to_string()).is_some();
    if let Some(directory) = directories.iter().find(|directory| has_format(directory) && !is_read(directory)) {
        let reason = "is a directory; name the files in it, as in x.parquet/*.parquet";
        return Err(Error::corpus(directory.display().to_string(), reason));
    }
    match files.is_empty() {
        true => Err(Error::corpus("corpus", format!("no file matches {pattern}"))),
        false => Ok(files.into_iter().map(|path| (names_below(&path, without_dot(&base)), path)).collect()),
    }
}

/// The names of a path below a directory, as one text.
fn names_below(path: &Path, directory: &Path) -> String {
    let below = path.strip_prefix(directory).unwrap_or(path);
    below.iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn without_dot(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

/// True if an entry of a directory is a file. One that has the name of a corpus, or is asked for, and cannot be read
/// as one must not be left out in silence.
fn is_wanted(path: &Path, is_asked: bool) -> Result<bool> {
    let name = path.display().to_string();
    let has_format = format_of_name(&name).is_some();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(_) if !has_format && !is_asked => return Ok(false),
        Err(error) => return Err(error).at("read", path),
    };
    if metadata.is_dir() {
        return Ok(false);
    }
    let refused = |reason: &str| Err(Error::corpus(&name, reason));
    if metadata.is_file() {
        if path.to_str().is_some() { Ok(true) } else { refused("has a name that is not UTF-8; rename it") }
    } else if has_format || is_asked {
        refused(NO_REGULAR_FILE)
    } else {
        Ok(false)
    }
}
