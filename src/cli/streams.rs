//! `-`: standard input and output.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::settings::is_standard_stream;
use crate::error::{IoContext, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::store::{Location, StorageOptions};

/// Where `-` is read from.
const STANDARD_INPUT: &str = "/dev/stdin";

/// A file or URL to read, or standard input.
pub(super) fn input(path: &str, storage: StorageOptions) -> Location {
    Location::new(if is_standard_stream(path) { STANDARD_INPUT } else { path }, storage)
}

/// Writes a file, or to standard output: `write` gets the location of a file of this ending.
pub(super) fn output(
    path: &str,
    ending: &str,
    storage: StorageOptions,
    write: impl FnOnce(&Location) -> Result<()>,
) -> Result<()> {
    if !is_standard_stream(path) {
        return write(&Location::new(path, storage));
    }
    let name = "standard output".as_ref();
    let directory = tempfile::Builder::new().prefix("polargram-output-").tempdir().at("write to", name)?;
    let file = directory.path().join(format!("output.{ending}"));
    write(&Location::from(&file))?;
    let mut out = io::stdout().lock();
    // What follows the last line break would stay in the buffer: Python's process ends without flushing it.
    let copied = io::copy(&mut File::open(&file).at("write to", name)?, &mut out).and_then(|_| out.flush());
    closed_is_enough(copied).at("write to", name)
}

/// Writes text to a file or URL, whole or not at all, or to standard output.
pub(super) fn write_text(path: &str, text: &str, storage: StorageOptions, progress: &Progress) -> Result<()> {
    if is_standard_stream(path) {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        return closed_is_enough(written).at("write to", "standard output".as_ref());
    }
    let location = Location::new(path, storage);
    let mut output = Output::files(&location, progress);
    output.write(location.path(), |out| out.write_all(text.as_bytes()))?;
    output.commit().map(drop)
}

/// A closed pipe is not an error: the reader has seen enough.
fn closed_is_enough(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// True if a directory can take a file of this name, which must be known before the hours of training, not after.
pub(super) fn ensure_can_be_written(path: &str) -> Result<()> {
    let path = Path::new(path);
    if crate::store::is_url(&path.to_string_lossy()) || is_standard_stream(&path.to_string_lossy()) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or(PathBuf::from("."), Into::into);
    let folder_is_there = if folder.is_dir() { Ok(()) } else { Err(io::Error::from(io::ErrorKind::NotFound)) };
    folder_is_there.at("write", path)?;
    if path.is_dir() { Err(io::Error::from(io::ErrorKind::IsADirectory)).at("write", path) } else { Ok(()) }
}
