//! Paths, directories and globs to files on this machine.

use std::fs;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};
use walkdir::WalkDir;

use super::FileFormat;
use super::files::format_of_name;
use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;
use crate::store;

const NO_REGULAR_FILE: &str = "is no regular file; a corpus is read more than once, so write it to one first";

/// The files that a path, directory, glob or `file://` URL stands for.
///
/// # Errors
/// [`Error::Io`] for what cannot be looked at; [`Error::Corpus`] for what stands for no file, or for one that cannot be
/// read; [`Error::Interrupted`].
pub(super) fn expand(source: &str, format: Option<FileFormat>, progress: &Progress) -> Result<Vec<PathBuf>> {
    let path = store::local_path(source)?;
    if path.is_dir() {
        return files_in(&path, format);
    }
    // A file whose name holds a bracket is a file first.
    if !path.exists() && source.contains(['*', '?', '[']) {
        return files_matching(&path.to_string_lossy(), progress);
    }
    // What is missing is told of when it is opened. Opening a pipe would wait for whoever writes to it.
    if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(Error::corpus(source, NO_REGULAR_FILE));
    }
    Ok(vec![path])
}

/// The directory's own files of a format, else its Parquet files, or if there are none the Arrow IPC files; sorted.
fn files_in(directory: &Path, format: Option<FileFormat>) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).at("read", directory)? {
        let path = entry.at("read", directory)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && is_wanted(&path, false)? {
            files.push(path);
        }
    }
    files.sort();
    if format.is_some() && !files.is_empty() {
        return Ok(files);
    }
    for format in [FileFormat::Parquet, FileFormat::Ipc] {
        let of_format = |path: &&PathBuf| format_of_name(&path.to_string_lossy()) == Some(format);
        let found: Vec<PathBuf> = files.iter().filter(of_format).cloned().collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let reason = match format {
        Some(_) => "the directory holds no files",
        None => "the directory holds no *.parquet or *.arrow file; name others by a glob",
    };
    Err(Error::corpus(directory.display().to_string(), reason))
}

/// The files that match a glob, sorted. Links are followed, but not back to a directory that they are in.
fn files_matching(pattern: &str, progress: &Progress) -> Result<Vec<PathBuf>> {
    let parts = || Path::new(pattern).components();
    // As the walk writes them: without doubled slashes and a dot in front.
    let plain: PathBuf = parts().collect();
    let glob = Pattern::new(&without_dot(&plain).to_string_lossy());
    let glob = glob.map_err(|error| Error::corpus(pattern, format!("is no valid glob: {error}")))?;
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
    let is_wild = |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let base: PathBuf = parts().take_while(|part| !is_wild(part)).collect();
    let depth = parts().skip_while(|part| !is_wild(part)).count();
    let depth = if pattern.contains("**") { usize::MAX } else { depth };
    let root = if base.as_os_str().is_empty() { Path::new(".") } else { &base };
    let matches = |path: &Path| glob.matches_with(&without_dot(path).to_string_lossy(), options);
    let mut files = Vec::new();
    for entry in WalkDir::new(root).min_depth(1).max_depth(depth).follow_links(true) {
        progress.check()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.loop_ancestor().is_some() => continue,
            Err(_) if !root.exists() => continue,
            // What a link that leads nowhere is called may not be wanted; a directory that cannot be read may hold files.
            Err(error) if error.path().is_some_and(|path| path.is_symlink() && !matches(path)) => continue,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                return Err(Error::Io { action: "read", path, source: error.into() });
            }
        };
        if matches(entry.path()) && is_wanted(entry.path(), true)? {
            files.push(without_dot(entry.path()).to_owned());
        }
    }
    files.sort();
    if files.is_empty() { Err(Error::corpus("corpus", format!("no file matches {pattern}"))) } else { Ok(files) }
}

fn without_dot(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

/// Whether an entry of a directory is a file. One that bears the name of a corpus, or is asked for, and cannot be read
/// as one must not be passed over in silence.
fn is_wanted(path: &Path, is_asked: bool) -> Result<bool> {
    let name = path.display().to_string();
    let has_format = format_of_name(&name).is_some();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(_) if !has_format && !is_asked => return Ok(false),
        Err(error) => return Err(error).at("read", path),
    };
    if metadata.is_dir() && !(is_asked && has_format) {
        return Ok(false);
    }
    let refused = |reason: &str| Err(Error::corpus(&name, reason));
    if metadata.is_dir() {
        refused("is a directory; name the files in it, as in x.parquet/*.parquet")
    } else if metadata.is_file() {
        if path.to_str().is_some() { Ok(true) } else { refused("has a name that is not UTF-8; rename it") }
    } else if has_format || is_asked {
        refused(NO_REGULAR_FILE)
    } else {
        Ok(false)
    }
}
