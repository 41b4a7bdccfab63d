//! The bytes of a file of vectors: mapped, or decompressed into memory.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use memmap2::Mmap;

use crate::corpus::{compression_of, decompressed};
use crate::error::{Error, IoContext, Result};
use crate::output::Out;
use crate::progress::Progress;

/// Bytes that are decompressed between two looks at the user's wish to stop.
const BLOCK_BYTES: usize = 1 << 20;

/// A file that is open, and what is in it.
pub(super) struct Contents<'p> {
    path: &'p Path,
    bytes: Bytes,
}

enum Bytes {
    Mapped(Mmap),
    InMemory(Vec<u8>),
}

impl<'p> Contents<'p> {
    /// Opens a regular file. One that starts as compressed files do is decompressed until `is_enough` says so.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Format`] if its compression is damaged; [`Error::Interrupted`].
    pub(super) fn open(path: &'p Path, progress: &Progress, is_enough: impl Fn(&[u8]) -> bool) -> Result<Self> {
        let file = File::open(path).at("read", path)?;
        let metadata = file.metadata().at("read", path)?;
        if metadata.is_dir() {
            return Err(io::Error::from(ErrorKind::IsADirectory)).at("read", path);
        }
        if metadata.len() == 0 {
            return Ok(Self { path, bytes: Bytes::InMemory(Vec::new()) });
        }
        // SAFETY: as in `ipc::map_bytes`.
        let mapping = unsafe { Mmap::map(&file) }.at("map", path)?;
        let Some(ending) = compression_of(&mapping) else { return Ok(Self { path, bytes: Bytes::Mapped(mapping) }) };
        let bytes = decompress(decompressed(Box::new(file), ending), path, progress, is_enough)?;
        Ok(Self { path, bytes: Bytes::InMemory(bytes) })
    }

    /// # Errors
    /// [`Error::Format`] if there is nothing in it.
    pub(super) fn ensure_not_empty(self) -> Result<Self> {
        if self.bytes().is_empty() { Err(self.fault("is empty")) } else { Ok(self) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(bytes) => bytes,
            Bytes::InMemory(bytes) => bytes,
        }
    }

    pub(super) fn path(&self) -> &'p Path {
        self.path
    }

    /// The path, for a reader that maps the file itself.
    ///
    /// # Errors
    /// [`Error::Format`] if it is compressed.
    pub(super) fn path_to_map(&self) -> Result<&'p Path> {
        match self.bytes {
            Bytes::Mapped(_) => Ok(self.path),
            Bytes::InMemory(_) => {
                Err(Error::format(self.path, "is compressed, and its format is memory-mapped; decompress the file"))
            }
        }
    }

    pub(super) fn fault(&self, reason: impl Into<String>) -> Error {
        Error::format(self.path, reason)
    }

    /// The error of a file that ends early.
    pub(super) fn cut(&self, reason: impl Into<String>) -> Error {
        Error::truncated(self.path, reason)
    }
}

/// Memory grows with what comes out, whatever the file says about its length.
fn decompress(
    mut reader: impl Read,
    path: &Path,
    progress: &Progress,
    is_enough: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u8>> {
    let (mut bytes, mut next_look) = (Vec::new(), BLOCK_BYTES);
    loop {
        progress.check()?;
        bytes.try_reserve(BLOCK_BYTES).map_err(|_| io::Error::from(ErrorKind::OutOfMemory)).at("decompress", path)?;
        let read = reader.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut bytes);
        let read = read.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => Error::truncated(path, error.to_string()),
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other => {
                Error::format(path, error.to_string())
            }
            _ => Error::Io { action: "read", path: path.to_owned(), source: error },
        })?;
        if read < BLOCK_BYTES {
            return Ok(bytes);
        }
        // Each look may go through all bytes, so they become rare.
        if bytes.len() >= next_look {
            if is_enough(&bytes) {
                return Ok(bytes);
            }
            next_look = bytes.len().saturating_mul(2);
        }
    }
}

/// The endings of files that other programs compress, and no format of ours writes.
const OTHER_COMPRESSIONS: [&str; 3] = ["bz2", "zst", "xz"];

fn ending(path: &Path) -> String {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase()
}

/// True if the name is that of a file that is compressed with gzip.
pub(super) fn is_gzip_name(path: &Path) -> bool {
    ending(path) == "gz"
}

/// Refuses the name of a compressed file that we cannot write, which would hold something else.
///
/// # Errors
/// [`Error::Format`].
pub(super) fn refuse_other_compressions(path: &Path) -> Result<()> {
    match ending(path) {
        ending if OTHER_COMPRESSIONS.contains(&ending.as_str()) => {
            Err(Error::format(path, format!("files of vectors are not written compressed as .{ending}; use .gz")))
        }
        _ => Ok(()),
    }
}

/// Writes the content, compressed with gzip if the name says so.
pub(super) fn write(
    path: &Path,
    out: &mut Out<'_>,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if !is_gzip_name(path) {
        return content(out);
    }
    // Numbers come in few bytes at a time.
    let mut buffer = BufWriter::with_capacity(64 << 10, GzEncoder::new(out, Compression::default()));
    content(&mut buffer)?;
    buffer.into_inner().map_err(io::IntoInnerError::into_error)?.finish().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn a_file_is_decompressed_by_what_it_starts_with_until_there_is_enough() {
        let bytes: Vec<u8> = (0..9u32 << 20).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
        let compressed = file(&gzip(&bytes));
        let read = |enough: usize| {
            let contents = Contents::open(compressed.path(), &Progress::default(), |bytes| bytes.len() >= enough);
            contents.unwrap().bytes().to_vec()
        };
        assert!(read(usize::MAX) == bytes);
        assert!(read(3 << 20) == bytes[..4 << 20]);
        assert!(read(0) == bytes[..1 << 20]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        let whole = gzip(b"2 1\na 1\nb 2\n");
        for (bytes, reason) in [
            (&b""[..], "is empty"),
            (&gzip(b""), "is empty"),
            (&whole[..whole.len() - 9], "gzip data"),
            (&[whole.as_slice(), b"more"].concat(), "gzip data"),
        ] {
            let file = file(bytes);
            let contents = Contents::open(file.path(), &Progress::default(), |_| false);
            let Err(error) = contents.and_then(Contents::ensure_not_empty) else { panic!("{reason}") };
            let name = file.path().file_name().unwrap().to_string_lossy().into_owned();
            assert!(error.to_string().contains(&name) && error.to_string().contains(reason), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Contents::open(folder.path(), &Progress::default(), |_| false), Err(Error::Io { .. })));
    }

    #[test]
    fn decompressing_is_interrupted() {
        let (file, progress) = (file(&gzip(b"text")), Progress::default());
        progress.cancel();
        assert!(matches!(Contents::open(file.path(), &progress, |_| false), Err(Error::Interrupted)));
    }
}
