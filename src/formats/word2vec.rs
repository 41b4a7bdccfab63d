//! The format of the original word2vec program, text and binary.
//!
//! A header line `V d`, then for each word the word, a space, and d floats. Text has decimals, separated by spaces, up to
//! a line break; binary has little-endian float32, followed by a line break (which gensim leaves out).
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

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use arrow::array::LargeStringBuilder;
use memmap2::Mmap;

use super::options::LoadOptions;
use super::table::{BINARY, TEXT};
use super::vocabulary;
use crate::error::{Error, IoContext, Result};
use crate::output::{Out, Output};
use crate::progress::Progress;
use crate::store::{LocalCopy, Location};
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::{Keys, WordId};

/// Why a line of text cannot hold a word.
pub(super) fn text_word_fault(word: &str) -> Option<&'static str> {
    word.contains('\n').then_some("has a line break")
}

/// Why the binary format cannot hold a word, which ends at a space and may follow line breaks.
pub(super) fn binary_word_fault(word: &str) -> Option<&'static str> {
    match word.contains(' ') {
        true => Some("has a space"),
        false => word.starts_with('\n').then_some("starts with a line break"),
    }
}

pub(super) fn write_text(vectors: &KeyedVectors, path: &Path, output: &mut Output) -> Result<()> {
    output.write(path, |out| write(vectors, false, out))
}

pub(super) fn write_binary(vectors: &KeyedVectors, path: &Path, output: &mut Output) -> Result<()> {
    output.write(path, |out| write(vectors, true, out))
}

/// Writes the word2vec C format, whatever the file's ending; and the lines `word count` to the path or URL `vocabulary`.
///
/// # Errors
/// [`Error::Io`] if a file cannot be written, [`Error::Format`] for a word that the format cannot hold; [`Error::Interrupted`].
pub fn save_word2vec_format(
    vectors: &KeyedVectors,
    location: &Location,
    binary: bool,
    vocabulary: Option<&Path>,
    progress: &Progress,
) -> Result<()> {
    let format = if binary { &BINARY } else { &TEXT };
    let mut output = Output::files(location, progress);
    format.ensure_holds(vectors.keys(), location.path())?;
    output.write(location.path(), |out| write(vectors, binary, out))?;
    if let Some(path) = vocabulary {
        output.write(path, |out| vocabulary::write(vectors, out))?;
    }
    output.commit().map(drop)
}

fn write(vectors: &KeyedVectors, binary: bool, out: &mut Out<'_>) -> io::Result<()> {
    writeln!(out, "{} {}", vectors.len(), vectors.vector_size())?;
    for (key, row) in vectors.keys().iter().zip(vectors.rows().iter()) {
        write!(out, "{key}")?;
        if binary {
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

pub(super) fn read_text(path: &Path, options: &LoadOptions) -> Result<KeyedVectors> {
    read(path, false, options)
}

pub(super) fn read_binary(path: &Path, options: &LoadOptions) -> Result<KeyedVectors> {
    read(path, true, options)
}

/// Reads the word2vec C format, whatever the file's ending, as gensim's `load_word2vec_format` does; the counts come from
/// the lines `word count` of `vocabulary`, if it is given. The storage options of `location` are also those of its URL.
///
/// # Errors
/// [`Error::Io`] if a file cannot be read, [`Error::Format`] if it is damaged, its header promises more than it has,
/// or a word has no count; [`Error::Interrupted`].
pub fn load_word2vec_format(
    location: &Location,
    binary: bool,
    vocabulary: Option<&Path>,
    options: &LoadOptions,
    progress: &Progress,
) -> Result<KeyedVectors> {
    let copy = LocalCopy::of_file(location, progress)?;
    let vectors = read(copy.path(), binary, options).map_err(|error| copy.named(error))?;
    let Some(vocabulary) = vocabulary else { return Ok(vectors) };
    let copy = LocalCopy::of_file(&Location::new(vocabulary, location.storage().clone()), progress)?;
    let (words, counts) =
        vocabulary::read(copy.path(), &LoadOptions { limit: None, ..*options }).map_err(|error| copy.named(error))?;
    let count_of = |key| match words.id(key) {
        Some(id) => Ok(counts[id as usize]),
        None => Err(Error::format(vocabulary, format!("has no line for the word {key:?}"))),
    };
    let counts = vectors.keys().iter().map(count_of).collect::<Result<_>>()?;
    KeyedVectors::new(vectors.keys().clone(), counts, vectors.rows().clone(), None)
}

fn read(path: &Path, binary: bool, options: &LoadOptions) -> Result<KeyedVectors> {
    let file = File::open(path).at("read", path)?;
    let bytes = match file.metadata().at("read", path)?.len() {
        0 => return Err(Error::format(path, "is empty")),
        // SAFETY: as in `ipc::map_file`.
        _ => unsafe { Mmap::map(&file) }.at("map", path)?,
    };
    if binary && options.no_header {
        return Err(Error::format(path, "binary files have a header; no_header is for text"));
    }
    let mut table = Table::new(options);
    let read = if binary { table.read_binary(&bytes) } else { table.read_text(&bytes) };
    let place = |id: usize| match binary {
        true => format!("word {}", id + 1),
        false => format!("line {}", id + if options.no_header { 1 } else { 2 }),
    };
    read.and_then(|()| table.finish(place)).map_err(|reason| Error::format(path, reason))
}

type Parsed<T> = std::result::Result<T, String>;

/// Words and values that were read so far.
struct Table<'a> {
    options: &'a LoadOptions,
    words: LargeStringBuilder,
    values: Vec<f32>,
    vector_size: usize,
}

impl<'a> Table<'a> {
    fn new(options: &'a LoadOptions) -> Self {
        Self { options, words: LargeStringBuilder::new(), values: Vec::new(), vector_size: 0 }
    }

    fn finish(mut self, place: impl Fn(usize) -> String) -> Parsed<KeyedVectors> {
        let words = Keys::new(&self.words.finish()).map_err(|error| error.to_string())?;
        let mut keys = self.options.keys(words, place)?;
        if keys.has_repeats() {
            // As in gensim, the first row of a word counts.
            let first: Vec<WordId> =
                keys.iter().zip(0..).filter(|(key, id)| keys.id(*key) == Some(*id)).map(|(_, id)| id).collect();
            let rows = self.values.chunks_exact(self.vector_size);
            self.values = rows
                .enumerate()
                .filter(|(row, _)| first.binary_search(&(*row as WordId)).is_ok())
                .flat_map(|(_, row)| row.to_vec())
                .collect();
            keys = keys.select(&first);
        }
        // The format has no counts. As in gensim, they fall from row to row.
        let counts = (1..=keys.len() as u64).rev().collect();
        let rows = Rows::from_vec(self.values, self.vector_size);
        KeyedVectors::new(keys, counts, rows, None).map_err(|error| error.to_string())
    }

    fn read_binary(&mut self, bytes: &[u8]) -> Parsed<()> {
        let (announced, mut rest) = self.read_header(bytes)?;
        let row_bytes = self.vector_size * size_of::<f32>();
        for number in 0..announced {
            let cut = |what: &str| format!("ends within the {what} of word {} of {announced}", number + 1);
            rest = rest.trim_ascii_start();
            let space = rest.iter().position(|&b| b == b' ').ok_or_else(|| cut("text"))?;
            self.push_word(&rest[..space], number)?;
            let (row, after) = rest[space + 1..].split_at_checked(row_bytes).ok_or_else(|| cut("vector"))?;
            self.values.extend(row.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
            rest = after;
        }
        Ok(())
    }

    fn read_text(&mut self, bytes: &[u8]) -> Parsed<()> {
        let (announced, rest) = match self.options.no_header {
            true => (self.options.limit.unwrap_or(usize::MAX), bytes),
            false => self.read_header(bytes)?,
        };
        let mut lines = rest.split(|&b| b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        for number in 0..announced {
            let Some(line) = lines.next().filter(|line| !line.is_empty()) else {
                return match self.options.no_header {
                    true if number > 0 && lines.all(<[u8]>::is_empty) => Ok(()),
                    true => Err(format!("line {} is empty", number + 1)),
                    false => Err(format!("ends after {number} of {announced} words")),
                };
            };
            self.read_line(line.trim_ascii_end(), number)?;
        }
        Ok(())
    }

    fn read_line(&mut self, line: &[u8], number: usize) -> Parsed<()> {
        let mut parts = line.split(|&b| b == b' ');
        self.push_word(parts.next().unwrap_or_default(), number)?;
        let before = self.values.len();
        for part in parts {
            let value = std::str::from_utf8(part).ok().and_then(|text| text.parse().ok());
            let text = || String::from_utf8_lossy(&part[..part.len().min(40)]).into_owned();
            self.values.push(value.ok_or_else(|| format!("word {}: {:?} is not a number", number + 1, text()))?);
        }
        let found = self.values.len() - before;
        if number == 0 && self.options.no_header {
            self.vector_size = found;
        }
        if found == 0 || found != self.vector_size {
            return Err(format!("word {} has {found} values; expected {}", number + 1, self.vector_size));
        }
        Ok(())
    }

    /// The number of words to read, and the bytes after the header. A header that promises more than the file can hold is
    /// refused.
    fn read_header<'b>(&mut self, bytes: &'b [u8]) -> Parsed<(usize, &'b [u8])> {
        const LONGEST: usize = 64;
        let end =
            bytes.iter().take(LONGEST).position(|&b| b == b'\n').ok_or("has no header line `words dimensions`")?;
        let header = std::str::from_utf8(&bytes[..end]).unwrap_or_default();
        let numbers: Vec<usize> = header.split_ascii_whitespace().map_while(|n| n.parse().ok()).collect();
        let &[words, vector_size] = numbers.as_slice() else {
            return Err(format!("has the header {header:?}; expected `words dimensions`"));
        };
        let rest = &bytes[end + 1..];
        // A value takes at least two bytes: a digit and a space.
        let least = vector_size.checked_mul(2).and_then(|row| row.checked_mul(words));
        if vector_size == 0 || least.is_none_or(|least| least > rest.len()) {
            return Err(format!(
                "announces {words} words of {vector_size} dimensions, but only {} bytes follow",
                rest.len()
            ));
        }
        self.vector_size = vector_size;
        Ok((words.min(self.options.limit.unwrap_or(usize::MAX)), rest))
    }

    fn push_word(&mut self, word: &[u8], number: usize) -> Parsed<()> {
        let text = self.options.errors.decode(word).map_err(|at| {
            format!("word {} is not UTF-8 (byte {at}); pass unicode_errors=\"replace\" or \"ignore\"", number + 1)
        })?;
        self.words.append_value(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::utf8::Utf8Errors;
    use proptest::prelude::*;

    fn read_bytes(bytes: &[u8], binary: bool, options: &LoadOptions) -> Parsed<(usize, usize)> {
        let mut table = Table::new(options);
        if binary {
            table.read_binary(bytes)?
        } else {
            table.read_text(bytes)?
        };
        let vectors = table.finish(|id| format!("word {id}"))?;
        Ok((vectors.len(), vectors.vector_size()))
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), binary: bool, no_header: bool) {
            let _ = read_bytes(&bytes, binary, &LoadOptions { no_header, ..LoadOptions::default() });
        }

        #[test]
        fn no_body_behind_a_header_panics(words in 0usize..9, size in 0usize..9, body in prop::collection::vec(any::<u8>(), 0..200), binary: bool) {
            let mut bytes = format!("{words} {size}\n").into_bytes();
            bytes.extend(body);
            let _ = read_bytes(&bytes, binary, &LoadOptions::default());
        }
    }

    #[test]
    fn a_header_that_promises_more_than_the_file_is_refused() {
        for header in
            ["1000000000000000000 300\na ", "9223372036854775807 9223372036854775807\n", "-5 10\n", "3 0\n", "3\n"]
        {
            for binary in [true, false] {
                assert!(read_bytes(header.as_bytes(), binary, &LoadOptions::default()).is_err(), "{header}");
            }
        }
    }

    #[test]
    fn the_limit_stops_early_and_glove_needs_no_header() {
        let limited = LoadOptions { limit: Some(1), ..LoadOptions::default() };
        assert_eq!(read_bytes(b"2 2\na 1 2\nb 3 4\n", false, &limited), Ok((1, 2)));
        let glove = LoadOptions { no_header: true, ..LoadOptions::default() };
        assert_eq!(read_bytes(b"a 1 2 3\nb 3 4 5\n", false, &glove), Ok((2, 3)));
        assert_eq!(read_bytes(b"a 1 2 3\nb 3 4 5\n\n\r\n", false, &glove), Ok((2, 3)));
        // What stands after an empty line is not lost.
        assert!(read_bytes(b"a 1 2 3\n\nb 3 4 5\n", false, &glove).unwrap_err().contains("line 2 is empty"));
    }

    #[test]
    fn words_that_are_not_utf8_are_refused_replaced_or_shortened() {
        let with = |errors| read_bytes(b"1 1\n\xff\xfe 1\n", false, &LoadOptions { errors, ..LoadOptions::default() });
        assert!(with(Utf8Errors::Strict).unwrap_err().contains("unicode_errors"));
        assert_eq!(with(Utf8Errors::Replace), Ok((1, 1)));
        assert_eq!(with(Utf8Errors::Ignore), Ok((1, 1)));
    }
}
