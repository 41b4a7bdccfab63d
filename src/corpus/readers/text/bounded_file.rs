//! A part of a file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::store::CHANGED;

/// The next bytes of a file, up to a number of them, all of which must be there.
pub(super) struct BoundedFile {
    file: File,
    left: u64,
}

impl BoundedFile {
    pub(super) fn new(file: File, bytes: u64) -> Self {
        Self { file, left: bytes }
    }
}

impl Read for BoundedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read(&mut buffer[..room])?;
        if read == 0 && room > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, CHANGED));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// The number of lines that end before a position in a file.
pub(super) fn lines_up_to(path: &Path, end: u64) -> io::Result<usize> {
    let (mut lines, mut text) = (0, BufReader::new(BoundedFile::new(File::open(path)?, end)));
    while text.skip_until(b'\n')? > 0 {
        lines += 1;
    }
    Ok(lines)
}
