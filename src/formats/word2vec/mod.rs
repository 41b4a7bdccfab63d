//! The format of the original word2vec program, text and binary.
//!
//! A header line `V d`, then for each word the word, a space, and d floats. Text has decimals, separated by spaces, up to
//! a line break; binary has little-endian float32, followed by a line break (which gensim leaves out). In text the last d
//! fields of a line are the vector, and the rest is the word, which may have spaces. In binary the word ends at the first
//! space. GloVe's files are such text without the header.
//!
//! ```
//! use polargram::KeyedVectors;
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("vectors.txt");
//! KeyedVectors::from_rows(["a", "b"], 2, &[1.0, 0.5, 0.0, 1.0])?.save(&path)?;
//! assert_eq!(std::fs::read_to_string(&path).unwrap(), "2 2\na 1 0.5\nb 0 1\n");
//! # Ok::<(), polargram::Error>(())
//! ```

mod binary;
mod content;
mod float;
mod header;
mod lines;
mod rows;

use std::io::{self, Write};
use std::path::Path;

use self::binary::BinaryRows;
pub(super) use self::content::Content;
use self::header::Header;
pub(super) use self::header::without_mark;
use self::rows::RowReader;
use super::contents::{self, Contents};
use super::options::{LoadOptions, SaveOptions, Word2VecFormat};
use crate::error::{Error, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::vectors::KeyedVectors;
use crate::vocab::WordId;

/// True if the bytes are text, with or without a header; where they could be binary too, if the name says so.
pub(super) fn resembles_text(bytes: &[u8], is_named: bool) -> bool {
    let content = Content::of(bytes, is_named.then_some(false));
    matches!(content, Some(Content::Text | Content::TextWithoutHeader))
}

/// True if the bytes are binary; where they could be text too, if the name says so.
pub(super) fn resembles_binary(bytes: &[u8], is_named: bool) -> bool {
    Content::of(bytes, is_named.then_some(true)) == Some(Content::Binary)
}

/// Why the binary format cannot hold a word, which ends at a space and may follow line breaks.
pub(super) fn binary_word_fault(word: &str) -> Option<&'static str> {
    match word.contains(' ') {
        true => Some("has a space"),
        false => word.starts_with('\n').then_some("starts with a line break"),
    }
}

pub(super) fn write_text(
    vectors: &KeyedVectors,
    options: &SaveOptions,
    path: &Path,
    output: &mut Output,
) -> Result<()> {
    options.ensure_float32("txt").map_err(|reason| Error::format(&output.target(path), reason))?;
    let format = Word2VecFormat::default();
    output.write(path, |out| contents::write(path, out, |out| write(vectors, &format, 0..vectors.len(), out)))
}

pub(super) fn write_binary(
    vectors: &KeyedVectors,
    options: &SaveOptions,
    path: &Path,
    output: &mut Output,
) -> Result<()> {
    options.ensure_float32("bin").map_err(|reason| Error::format(&output.target(path), reason))?;
    let format = Word2VecFormat { binary: true, ..Word2VecFormat::default() };
    output.write(path, |out| contents::write(path, out, |out| write(vectors, &format, 0..vectors.len(), out)))
}

/// Writes some rows, in this order.
pub(super) fn write(
    vectors: &KeyedVectors,
    format: &Word2VecFormat,
    order: impl Iterator<Item = usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if format.write_header {
        writeln!(out, "{} {}", format.total_vec.unwrap_or(vectors.len()), vectors.vector_size())?;
    }
    for number in order {
        let (key, row) = (vectors.keys().key(number as WordId), vectors.rows().row(number));
        write!(out, "{}{key}", format.prefix)?;
        if format.binary {
            out.write_all(b" ")?;
            for value in row {
                out.write_all(&value.to_le_bytes())?;
            }
        } else {
            for value in row {
                // The shortest decimal that reads back as the same float.
                write!(out, " {value}")?;
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Reads text, with or without a header: what the user did not say, the first lines do.
pub(super) fn read_text(contents: &Contents<'_>, options: &LoadOptions, progress: &Progress) -> Result<KeyedVectors> {
    let has_no_header = Content::of(contents.bytes(), Some(false)) == Some(Content::TextWithoutHeader);
    let options = LoadOptions { no_header: options.no_header || has_no_header, ..options.clone() };
    read(contents, false, &options, progress)
}

pub(super) fn read_binary(contents: &Contents<'_>, options: &LoadOptions, progress: &Progress) -> Result<KeyedVectors> {
    read(contents, true, options, progress)
}

/// Reads text or binary as the options say.
pub(super) fn read(
    contents: &Contents<'_>,
    binary: bool,
    options: &LoadOptions,
    progress: &Progress,
) -> Result<KeyedVectors> {
    let (bytes, mut rows) = (contents.bytes(), RowReader::new(options, progress));
    let read = match (binary, options.no_header) {
        (true, true) => Err("is binary, and such files have a header; no_header is for text".to_owned()),
        (true, false) => rows.read_binary(bytes),
        (false, false) => rows.read_text(bytes),
        (false, true) => rows.read_text_without_header(bytes),
    };
    read.map_err(|reason| if rows.is_cut() { contents.cut(reason) } else { contents.fault(reason) })?;
    progress.check()?;
    let place = |id: usize| match binary {
        true => format!("word {}", id + 1),
        false => format!("line {}", id + if options.no_header { 1 } else { 2 }),
    };
    rows.finish(place).map_err(|reason| contents.fault(reason))
}

/// True if these bytes, of the start of a file, hold the first `limit` rows.
pub(super) fn has_rows(start: &[u8], limit: usize, expects_binary: Option<bool>) -> bool {
    match (Content::of(start, expects_binary), Header::read(start)) {
        (Some(Content::Binary), Ok(header)) => {
            BinaryRows::new(&header).take(limit.min(header.words)).count() == limit.min(header.words)
        }
        (Some(_), _) => memchr::memchr_iter(b'\n', start).nth(limit).is_some(),
        (None, _) => false,
    }
}
