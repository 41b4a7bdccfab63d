//! The first line of word2vec's formats.

use memchr::memchr;

/// The line `words dimensions`, and the rows after it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'b> {
    pub(super) words: usize,
    pub(super) vector_size: usize,
    pub(super) rows: &'b [u8],
}

/// Bytes that a header may have.
const LONGEST_HEADER: usize = 64;

impl<'b> Header<'b> {
    /// Reads it from the start of a file.
    ///
    /// # Errors
    /// Why the file does not start with a header.
    pub(super) fn read(bytes: &'b [u8]) -> Result<Self, String> {
        let bytes = without_mark(bytes);
        let end = memchr(b'\n', &bytes[..bytes.len().min(LONGEST_HEADER)]);
        let end = end.ok_or("has no header line `words dimensions`")?;
        let header = std::str::from_utf8(&bytes[..end]).unwrap_or_default();
        let numbers: Vec<usize> = header.split_ascii_whitespace().map_while(|n| n.parse().ok()).collect();
        match numbers.as_slice() {
            &[words, vector_size] if vector_size > 0 => Ok(Self { words, vector_size, rows: &bytes[end + 1..] }),
            _ => Err(format!("has the header {header:?}; expected `words dimensions`")),
        }
    }
}

/// The bytes after the byte order mark that some programs put at the start of a text.
pub(in crate::formats) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}
