//! Pipes and devices: files that can be read once, from start to end.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;

/// Bytes that are read at a time.
const BLOCK_BYTES: usize = 1 << 16;

/// True for what is neither a file that can be read again nor a directory: a pipe, a terminal, another device.
pub(crate) fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Copies what comes from a pipe to a file, until the writers have closed it. Waits for the first of them.
///
/// # Errors
/// [`Error::Io`] if the pipe cannot be read or the copy not be written; [`Error::Interrupted`].
pub(super) fn copy(pipe: &Path, to: &mut File, writing: &'static str, progress: &Progress) -> Result<()> {
    let mut source = open(pipe).at("read", pipe)?;
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        progress.check()?;
        if !can_read(&source).at("read", pipe)? {
            continue;
        }
        match source.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(read) => to.write_all(&block[..read]).at(writing, pipe)?,
            // Another process was faster.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(source) => return Err(Error::Io { action: "read", path: pipe.to_owned(), source }),
        }
    }
}

/// Opens a pipe without waiting for a writer.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn open(pipe: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(pipe)
}

/// True if there is something to read, or nothing will come any more. Waits for it a little, so that a user who wants
/// to stop is heard.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn can_read(source: &File) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    match poll(&mut [PollFd::new(source, PollFlags::IN)], Some(&PATIENCE)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn open(pipe: &Path) -> io::Result<File> {
    File::open(pipe)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn can_read(_: &File) -> io::Result<bool> {
    Ok(true)
}
