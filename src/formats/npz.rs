//! NumPy's `.npz`, a zip of `.npy` arrays: `vectors`, `counts`, and the keys.
//!
//! Integer keys are the array `keys`. Words are the array `words` of NumPy's text (`<U…`), as `numpy.load` gives it without
//! pickles. Such an array has room for the longest word in each row, and cannot hold a NUL at the end of a word: where it
//! would take more than 256 MiB, or a word ends like this, the words are one run of UTF-8, `words_utf8`, and row i of
//! `words_offsets` is where word i starts in it. Vectors are stored as they are, so that they can be memory-mapped.
//!
//! Of other programs' files, the vectors are the array `vectors`, or else the only matrix of floats; the keys are `words` or
//! `keys`, or else the only list of text, or else of integers. Options name others.
//!
//! ```
//! use polargram::KeyedVectors;
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("vectors.npz");
//! KeyedVectors::from_rows(["a", "b"], 2, &[1.0, 0.0, 0.0, 1.0])?.save(&path)?;
//! assert_eq!(KeyedVectors::load(&path)?.vector("b")?, [0.0, 1.0]);
//! # Ok::<(), polargram::Error>(())
//! ```

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Write};
use std::path::Path;

use arrow::array::{Int64Array, LargeStringBuilder, UInt64Array};
use arrow::buffer::Buffer;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::contents::Contents;
use super::npy::{self, Layout, header};
use super::options::{LoadOptions, SaveOptions};
use super::parts::{KeyBytes, Parsed, Parts, counts_of, words_of};
use super::values;
use crate::arrow::ipc::map_bytes;
use crate::error::{Error, IoContext, Result};
use crate::npy::{Header, HeaderError};
use crate::output::{Out, Output};
use crate::progress::Progress;
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::{KeyType, Keys};

/// What a file starts with.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";
/// Bytes that an array of text may take when it is written.
const LONGEST_TEXT: usize = 256 << 20;
/// The values of vectors start at a multiple of this, as in `.npy`.
const ALIGNMENT: u16 = 64;
/// An array may be this many times as long as its compressed bytes, if it is longer than [`HARMLESS`].
const MOST_EXPANSION: u64 = 100;
const HARMLESS: u64 = 64 << 20;
/// Bytes that are decompressed between two looks at the user's wish to stop.
const BLOCK_BYTES: u64 = 1 << 20;

pub(super) fn write(vectors: &KeyedVectors, options: &SaveOptions, path: &Path, output: &mut Output) -> Result<()> {
    values::ensure_in_range(vectors, options, &output.target(path))?;
    output.write(path, |out| {
        let mut zip = ZipWriter::new(out);
        let written = write_arrays(vectors, options, &mut zip);
        if written.is_err() {
            // Dropped, it would try to finish the file, and print that it cannot.
            std::mem::forget(zip);
            return written;
        }
        zip.finish().map(drop).map_err(io_error)
    })
}

fn io_error(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(source) => source,
        other => io::Error::other(other),
    }
}

type Zip<'a, 'o> = ZipWriter<&'a mut Out<'o>>;

fn write_arrays(vectors: &KeyedVectors, options: &SaveOptions, zip: &mut Zip<'_, '_>) -> io::Result<()> {
    let (rows, float) = (vectors.rows(), options.float);
    start(zip, "vectors", CompressionMethod::Stored, rows.len() * rows.vector_size() * values::width_of(float))?;
    npy::write_matrix(rows, float, zip)?;
    write_list(zip, "counts", "<u8", vectors.counts().iter().map(|count| count.to_le_bytes()))?;
    let (keys, longest) = (vectors.keys(), longest_word(vectors.keys()));
    if let Some(longest) = longest {
        return write_text(zip, keys, longest);
    }
    match KeyBytes::of(keys) {
        KeyBytes::Int64(keys) => write_list(zip, "keys", "<i8", keys.iter().map(|key| key.to_le_bytes())),
        KeyBytes::UInt64(keys) => write_list(zip, "keys", "<u8", keys.iter().map(|key| key.to_le_bytes())),
        KeyBytes::Text { bytes, offsets } => {
            write_list(zip, "words_offsets", "<i8", offsets.iter().map(|offset| offset.to_le_bytes()))?;
            start(zip, "words_utf8", CompressionMethod::Deflated, bytes.len())?;
            zip.write_all(&header("|u1", &[bytes.len() as u64]))?;
            zip.write_all(&bytes)
        }
    }
}

/// Starts the file of an array of about this many bytes.
fn start(zip: &mut Zip<'_, '_>, name: &str, method: CompressionMethod, bytes: usize) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(DateTime::default())
        // Larger ones need longer fields.
        .large_file(bytes > (u32::MAX / 2) as usize);
    let options = if method == CompressionMethod::Stored { options.with_alignment(ALIGNMENT) } else { options };
    zip.start_file(format!("{name}.npy"), options).map_err(io_error)
}

/// Writes a list of numbers.
fn write_list(
    zip: &mut Zip<'_, '_>,
    name: &str,
    descr: &str,
    values: impl ExactSizeIterator<Item = [u8; 8]>,
) -> io::Result<()> {
    start(zip, name, CompressionMethod::Stored, values.len() * 8)?;
    zip.write_all(&header(descr, &[values.len() as u64]))?;
    let bytes: Vec<u8> = values.flatten().collect();
    zip.write_all(&bytes)
}

/// Characters of the longest word, if NumPy's text can hold the words.
fn longest_word(keys: &Keys) -> Option<usize> {
    if keys.key_type() != KeyType::Text {
        return None;
    }
    let words = || keys.iter().filter_map(|key| key.as_text());
    let longest = words().map(|word| word.chars().count()).max().unwrap_or(0).max(1);
    let fits = longest.checked_mul(4)?.checked_mul(keys.len())? <= LONGEST_TEXT;
    (fits && !words().any(|word| word.ends_with('\0'))).then_some(longest)
}

/// Writes NumPy's text: UTF-32, padded with zeros.
fn write_text(zip: &mut Zip<'_, '_>, keys: &Keys, longest: usize) -> io::Result<()> {
    start(zip, "words", CompressionMethod::Deflated, longest * 4 * keys.len())?;
    zip.write_all(&header(&format!("<U{longest}"), &[keys.len() as u64]))?;
    let mut row = Vec::with_capacity(longest * 4);
    for word in keys.iter().filter_map(|key| key.as_text()) {
        row.clear();
        word.chars().for_each(|character| row.extend(u32::from(character).to_le_bytes()));
        row.resize(longest * 4, 0);
        zip.write_all(&row)?;
    }
    Ok(())
}

pub(super) fn read(contents: &Contents<'_>, options: &LoadOptions, progress: &Progress) -> Result<KeyedVectors> {
    let path = contents.path_to_map()?;
    let bytes = map_bytes(&File::open(path).at("read", path)?, path)?;
    let fault = |reason: String| Error::format(path, reason);
    let mut archive = Archive::open(&bytes).map_err(fault)?;
    let parts = archive.parts(options, progress);
    // What was read before an interruption is not whole.
    progress.check()?;
    parts.map_err(fault)?.into_vectors(options, path)
}

/// The arrays of a file.
struct Archive<'b> {
    bytes: &'b Buffer,
    zip: ZipArchive<Cursor<&'b [u8]>>,
    arrays: Vec<Array>,
}

struct Array {
    /// Without `.npy`.
    name: String,
    /// Its number in the archive.
    index: usize,
    header: Header,
    /// Where it starts in the file, if it is not compressed.
    stored_at: Option<u64>,
    compressed: u64,
}

impl Array {
    /// True for a list of NumPy's text.
    fn is_text(&self) -> bool {
        self.header.shape.len() == 1 && matches!(self.header.descr.as_bytes().get(1), Some(b'U' | b'S' | b'O'))
    }

    fn is_integers(&self) -> bool {
        self.header.shape.len() == 1 && matches!(self.header.descr.as_bytes().get(1), Some(b'i' | b'u'))
    }
}

/// Which arrays hold the keys.
enum KeyArrays {
    List(usize),
    /// UTF-8 and offsets.
    Run(usize, usize),
}

impl<'b> Archive<'b> {
    /// # Errors
    /// Why the bytes are not such an archive, or which of its files is refused.
    fn open(bytes: &'b Buffer) -> Parsed<Self> {
        let damaged = |error: ZipError| format!("is not a readable .npz file: {error}");
        let mut zip = ZipArchive::new(Cursor::new(bytes.as_slice())).map_err(damaged)?;
        if zip.has_duplicate_names() || zip.has_overlapping_files().map_err(damaged)? {
            return Err("is a zip with several files of one name, or in one place; it was not written by NumPy".into());
        }
        let mut arrays = Vec::new();
        for index in 0..zip.len() {
            let entry = zip.by_index_data(index).map_err(damaged)?;
            let name = entry.name().map_err(damaged)?.into_owned();
            if entry.encrypted() {
                return Err(format!("has the encrypted file {name:?}; save it without a password"));
            }
            if entry.enclosed_name().is_none() || name.starts_with(['/', '\\']) {
                return Err(format!("has the file {name:?}, whose name leads out of the archive"));
            }
            if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
                let reason = "is compressed in a way that NumPy does not write; expected stored or deflated";
                return Err(format!("its file {name:?} {reason}"));
            }
            if let Some(stem) = name.strip_suffix(".npy") {
                let array = Array::read(&mut zip, index, stem);
                arrays.push(array.map_err(|reason| format!("its array {stem:?} {reason}"))?);
            }
        }
        Ok(Self { bytes, zip, arrays })
    }

    fn parts(&mut self, options: &LoadOptions, progress: &Progress) -> Parsed<Parts> {
        let vectors = self.vectors(options.vector_column.as_deref())?;
        let layout = Layout::of(&self.arrays[vectors].header).map_err(|reason| self.about(vectors, &reason))?;
        let keys = self.keys(options.key_column.as_deref())?;
        let counts = self.named("counts").or_else(|| self.named("count")).filter(|&at| self.arrays[at].is_integers());
        let wanted = options.rows_of(layout.rows);
        for at in counts.into_iter().chain(if let KeyArrays::List(at) = keys { Some(at) } else { None }) {
            if self.arrays[at].header.shape != [layout.rows as u64] {
                let reason = format!("has the shape {:?} for {} vectors", self.arrays[at].header.shape, layout.rows);
                return Err(self.about(at, &reason));
            }
        }
        let rows = self.rows(vectors, &layout, progress).map_err(|reason| self.about(vectors, &reason))?.first(wanted);
        let keys = match keys {
            KeyArrays::List(at) => self.list(at, wanted, progress).map_err(|reason| self.about(at, &reason))?,
            KeyArrays::Run(text, offsets) => {
                let places = self.integers(offsets, wanted + 1).map_err(|reason| self.about(offsets, &reason))?;
                let text = self.bytes_of(text, progress).map_err(|reason| self.about(text, &reason))?;
                words_of(&text, &places.signed().ok_or("its offsets of words do not fit")?)?
            }
        };
        let counts = match counts {
            None => None,
            Some(at) => {
                let counts = match self.integers(at, wanted)? {
                    Integers::Signed(counts) => counts_of(&counts),
                    Integers::Unsigned(counts) => Ok(counts),
                };
                Some(counts.map_err(|reason| self.about(at, &reason))?.into())
            }
        };
        Ok(Parts { keys, counts, rows, config: None })
    }

    fn about(&self, at: usize, reason: &str) -> String {
        format!("its array {:?} {reason}", self.arrays[at].name)
    }

    fn named(&self, name: &str) -> Option<usize> {
        self.arrays.iter().position(|array| array.name == name)
    }

    fn asked_for(&self, name: &str, option: &str) -> Parsed<usize> {
        self.named(name).ok_or_else(|| format!("{option}: there is no array {name:?}; it has {}", self.listed()))
    }

    fn listed(&self) -> String {
        let arrays = self.arrays.iter().map(|array| {
            let Header { descr, shape, .. } = &array.header;
            format!("{:?} ({descr} of shape {shape:?})", array.name)
        });
        let arrays: Vec<String> = arrays.collect();
        if arrays.is_empty() { "no arrays".to_owned() } else { arrays.join(", ") }
    }

    fn only(&self, is_wanted: impl Fn(&Array) -> bool) -> Option<usize> {
        let mut found = (0..self.arrays.len()).filter(|&at| is_wanted(&self.arrays[at]));
        found.next().filter(|_| found.next().is_none())
    }

    fn vectors(&self, name: Option<&str>) -> Parsed<usize> {
        if let Some(name) = name {
            return self.asked_for(name, "vector_column");
        }
        let found = self.named("vectors").or_else(|| self.only(|array| Layout::of(&array.header).is_ok()));
        found.ok_or_else(|| {
            format!(
                "has no array \"vectors\", and not just one matrix of floats; name one with vector_column=; it has {}",
                self.listed()
            )
        })
    }

    fn keys(&self, name: Option<&str>) -> Parsed<KeyArrays> {
        let is_list = |at: &usize| self.arrays[*at].is_text() || self.arrays[*at].is_integers();
        if let Some(name) = name {
            let at = self.asked_for(name, "key_column")?;
            return Some(at)
                .filter(is_list)
                .map(KeyArrays::List)
                .ok_or_else(|| format!("its array {name:?} is no list of text or integers; it has {}", self.listed()));
        }
        if let Some(at) = ["words", "keys"].iter().find_map(|name| self.named(name)).filter(is_list) {
            return Ok(KeyArrays::List(at));
        }
        if let (Some(text), Some(offsets)) = (self.named("words_utf8"), self.named("words_offsets")) {
            return Ok(KeyArrays::Run(text, offsets));
        }
        let is_count = |array: &Array| matches!(array.name.as_str(), "counts" | "count");
        let found = self.only(Array::is_text).or_else(|| self.only(|array| array.is_integers() && !is_count(array)));
        found.map(KeyArrays::List).ok_or_else(|| {
            format!("has no array \"words\" or \"keys\", and not just one list of text; name one with key_column=; it has {}", self.listed())
        })
    }

    /// The matrix: mapped if it is not compressed.
    fn rows(&mut self, at: usize, layout: &Layout, progress: &Progress) -> Parsed<Rows> {
        let Array { header, stored_at, compressed, .. } = &self.arrays[at];
        if let Some(start) = stored_at {
            let range = usize::try_from(*start).ok().zip(usize::try_from(*compressed).ok());
            let range =
                range.filter(|(start, length)| start.checked_add(*length).is_some_and(|end| end <= self.bytes.len()));
            let (start, length) = range.ok_or("lies outside the file")?;
            let array = self.bytes.slice_with_length(start, length);
            return layout.matrix(&array.slice(header.end.min(length)), true);
        }
        let wanted = layout.bytes().unwrap_or(usize::MAX);
        ensure_no_bomb(wanted as u64, *compressed)?;
        let bytes = self.bytes_of(at, progress)?;
        layout.matrix(&Buffer::from_vec(bytes), false)
    }

    /// The bytes after the header. Memory grows with what comes out.
    fn bytes_of(&mut self, at: usize, progress: &Progress) -> Parsed<Vec<u8>> {
        let compressed = self.arrays[at].compressed;
        let mut reader = self.reader(at)?;
        let mut bytes = Vec::new();
        while !progress.is_cancelled() {
            bytes.try_reserve(BLOCK_BYTES as usize).map_err(|_| "does not fit into memory")?;
            let read = reader.by_ref().take(BLOCK_BYTES).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
            ensure_no_bomb(bytes.len() as u64, compressed)?;
            if (read as u64) < BLOCK_BYTES {
                break;
            }
        }
        Ok(bytes)
    }

    /// Reads an array from behind its header.
    fn reader(&mut self, at: usize) -> Parsed<impl Read + '_> {
        let Array { index, header, .. } = &self.arrays[at];
        let mut reader = BufReader::new(self.zip.by_index(*index).map_err(|error| error.to_string())?);
        let skipped = io::copy(&mut reader.by_ref().take(header.end as u64), &mut io::sink());
        skipped.map_err(|error| error.to_string())?;
        Ok(reader)
    }

    /// The first keys of a list.
    fn list(&mut self, at: usize, rows: usize, progress: &Progress) -> Parsed<Keys> {
        let descr = self.arrays[at].header.descr.clone();
        let width = |characters: &str| characters.parse::<usize>().ok().filter(|&width| width > 0);
        match (descr.get(1..2), descr.get(2..).and_then(width)) {
            (Some("O"), _) => {
                Err("holds Python objects; save it as text: np.savez(…, words=np.array(words, dtype=str))".into())
            }
            (Some("U"), Some(characters)) => {
                let is_big_endian = descr.starts_with('>');
                let width = characters.checked_mul(4).ok_or("has impossibly long words")?;
                self.words(at, rows, width, progress, |row, word| utf32(row, is_big_endian, word))
            }
            (Some("S"), Some(width)) => self.words(at, rows, width, progress, |row, word| {
                let end = row.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                word.push_str(str::from_utf8(&row[..end]).ok()?);
                Some(())
            }),
            (Some("U" | "S"), _) => Err("has words of no length".into()),
            _ => {
                let keys = match self.integers(at, rows)? {
                    Integers::Signed(keys) => Keys::new(&Int64Array::from(keys)),
                    Integers::Unsigned(keys) => Keys::new(&UInt64Array::from(keys)),
                };
                keys.map_err(|error| error.to_string())
            }
        }
    }

    /// The first rows of text, each of so many bytes, which `decode` adds to a word.
    fn words(
        &mut self,
        at: usize,
        rows: usize,
        width: usize,
        progress: &Progress,
        decode: impl Fn(&[u8], &mut String) -> Option<()>,
    ) -> Parsed<Keys> {
        let compressed = self.arrays[at].compressed;
        let mut reader = self.reader(at)?;
        let (mut words, mut row, mut word, mut bytes) = (LargeStringBuilder::new(), Vec::new(), String::new(), 0);
        for number in 0..rows {
            if progress.is_cancelled() {
                break;
            }
            row.clear();
            word.clear();
            // A row of text may be long; memory grows with what comes out.
            let read = reader.by_ref().take(width as u64).read_to_end(&mut row).map_err(|error| error.to_string())?;
            if read < width {
                return Err(format!("ends in row {number} of {rows}"));
            }
            decode(&row, &mut word).ok_or_else(|| format!("has a word in row {number} that is not Unicode"))?;
            words.append_value(&word);
            bytes += word.len() as u64;
            ensure_no_bomb(bytes, compressed)?;
        }
        Keys::new(&words.finish()).map_err(|error| error.to_string())
    }

    /// The first integers of a list.
    fn integers(&mut self, at: usize, rows: usize) -> Parsed<Integers> {
        let header = &self.arrays[at].header;
        let (descr, promised) = (header.descr.clone(), header.shape.first().copied().unwrap_or(0));
        let width = match descr.get(1..) {
            Some("i1" | "u1") => 1,
            Some("i2" | "u2") => 2,
            Some("i4" | "u4") => 4,
            Some("i8" | "u8") => 8,
            _ => return Err(format!("holds {descr}; expected integers")),
        };
        if promised < rows as u64 {
            return Err(format!("has {promised} integers; expected {rows}"));
        }
        let mut bytes = Vec::new();
        let wanted = rows.checked_mul(width).ok_or("has too many integers")?;
        let reader = self.reader(at)?;
        // To the end of the file, where its checksum is compared.
        let most = wanted.max(promised.saturating_mul(width as u64).min(HARMLESS) as usize) as u64;
        reader.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        let bytes = bytes.get(..wanted).ok_or_else(|| format!("ends before row {rows}"))?;
        Ok(integers(bytes, &descr, width))
    }
}

impl Array {
    fn read(zip: &mut ZipArchive<Cursor<&[u8]>>, index: usize, name: &str) -> Parsed<Self> {
        let mut entry = zip.by_index(index).map_err(|error| format!("cannot be read: {error}"))?;
        let header = Header::read(&mut entry).map_err(|error| match error {
            HeaderError::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                "ends within its header".to_owned()
            }
            HeaderError::Io(source) => format!("cannot be read: {source}"),
            HeaderError::Invalid(reason) => reason.to_owned(),
        })?;
        let is_stored = entry.compression() == CompressionMethod::Stored;
        let stored_at = if is_stored { entry.data_start() } else { None };
        Ok(Self { name: name.to_owned(), index, header, stored_at, compressed: entry.compressed_size() })
    }
}

/// Refuses an array that becomes far longer than any vectors when it is decompressed.
fn ensure_no_bomb(bytes: u64, compressed: u64) -> Parsed<()> {
    match bytes > HARMLESS && bytes / MOST_EXPANSION > compressed {
        true => Err(format!(
            "becomes more than {MOST_EXPANSION} times as long when it is decompressed, as a zip bomb does; if it is none, \
             save it with np.savez, not compressed"
        )),
        false => Ok(()),
    }
}

/// Adds the characters of a row of UTF-32, which is padded with zeros.
fn utf32(row: &[u8], is_big_endian: bool, word: &mut String) -> Option<()> {
    let units = row.as_chunks::<4>().0;
    let units =
        || units.iter().map(|&unit| if is_big_endian { u32::from_be_bytes(unit) } else { u32::from_le_bytes(unit) });
    let length = units().rposition(|unit| unit != 0).map_or(0, |last| last + 1);
    units().take(length).try_for_each(|unit| char::from_u32(unit).map(|character| word.push(character)))
}

enum Integers {
    Signed(Vec<i64>),
    Unsigned(Vec<u64>),
}

impl Integers {
    /// With a sign, if all fit.
    fn signed(self) -> Option<Vec<i64>> {
        match self {
            Self::Signed(values) => Some(values),
            Self::Unsigned(values) => values.into_iter().map(|value| value.try_into().ok()).collect(),
        }
    }
}

fn integers(bytes: &[u8], descr: &str, width: usize) -> Integers {
    let (is_big_endian, is_signed) = (descr.starts_with('>'), descr.as_bytes().get(1) == Some(&b'i'));
    let values = bytes.chunks_exact(width).map(|chunk| {
        let byte = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
        if is_big_endian { chunk.iter().fold(0, byte) } else { chunk.iter().rev().fold(0, byte) }
    });
    let unused = 64 - 8 * width as u32;
    match (is_signed, width) {
        (true, _) => Integers::Signed(values.map(|value| (value << unused).cast_signed() >> unused).collect()),
        (false, 8) => Integers::Unsigned(values.collect()),
        (false, _) => Integers::Signed(values.map(u64::cast_signed).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(descr: &str, shape: &[u64], values: &[u8]) -> Vec<u8> {
        [header(descr, shape).as_slice(), values].concat()
    }

    fn zipped(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn load(bytes: &[u8]) -> Result<KeyedVectors> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.npz");
        std::fs::write(&path, bytes).unwrap();
        KeyedVectors::load(&path)
    }

    fn matrix() -> Vec<u8> {
        array("<f4", &[2, 1], &[1.0f32.to_le_bytes(), 2.0f32.to_le_bytes()].concat())
    }

    #[test]
    fn words_of_each_type_of_text_and_integers_of_each_width_are_keys() {
        let vectors = matrix();
        let cases: [(&str, Vec<u8>, [&str; 2]); 6] = [
            ("<U2", "a\0bc".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(), ["a", "bc"]),
            (">U1", "aé".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(), ["a", "é"]),
            ("|S2", b"a\0bc".to_vec(), ["a", "bc"]),
            ("|i1", vec![0xff, 7], ["-1", "7"]),
            (">u2", vec![1, 0, 0, 7], ["256", "7"]),
            ("<u8", [u64::MAX.to_le_bytes(), [0; 8]].concat(), ["18446744073709551615", "0"]),
        ];
        for (descr, values, want) in cases {
            let keys = array(descr, &[2], &values);
            for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
                let read = load(&zipped(&[("emb.npy", &vectors), ("index.npy", &keys)], method)).unwrap();
                let keys: Vec<String> = read.keys().iter().map(|key| key.to_string()).collect();
                assert_eq!(keys, want, "{descr}");
                assert_eq!((read.rows().to_buffer().to_vec(), read.counts()), (vec![1.0, 2.0], &[2, 1][..]));
            }
        }
    }

    #[test]
    fn words_that_numpys_text_cannot_hold_are_a_run_of_utf8() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.npz");
        for words in [["a\0", "é"], ["", "\0"]] {
            KeyedVectors::from_rows(words, 1, &[1.0, 2.0]).unwrap().save(&path).unwrap();
            let back = KeyedVectors::load(&path).unwrap();
            assert_eq!(back.keys().iter().map(|key| key.to_string()).collect::<Vec<_>>(), words);
            assert!(back.rows().is_mapped());
        }
    }

    #[test]
    fn archives_that_no_numpy_writes_are_refused_with_the_reason() {
        let (vectors, words) = (matrix(), array("|S1", &[2], b"ab"));
        let refused =
            |files: &[(&str, &[u8])]| load(&zipped(files, CompressionMethod::Deflated)).unwrap_err().to_string();
        let long = array("<f4", &[1_000_000_000_000_000_000, 300], &[]);
        let objects = array("|O", &[2], b"\x80\x04.");
        for (files, reason) in [
            (vec![("vectors.npy", &vectors), ("../words.npy", &words)], "leads out of the archive"),
            (vec![("vectors.npy", &vectors)], "no array \"words\""),
            (vec![("words.npy", &words)], "no array \"vectors\""),
            (vec![("vectors.npy", &long), ("words.npy", &words)], "does not fit its shape"),
            (vec![("vectors.npy", &vectors), ("words.npy", &objects)], "dtype=str"),
            (vec![("vectors.npy", &vectors), ("a.npy", &words), ("b.npy", &words)], "key_column="),
            (vec![], "no array \"vectors\""),
        ] {
            let files: Vec<(&str, &[u8])> = files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
            if !files.is_empty() {
                assert!(refused(&files).contains(reason), "{}", refused(&files));
            }
        }
        // Two files of one name: the second name is changed behind the writer's back.
        let mut twice = zipped(
            &[("vectors.npy", &vectors), ("wordsA.npy", &words), ("wordsB.npy", &words)],
            CompressionMethod::Stored,
        );
        for at in 0..twice.len() - 6 {
            if twice[at..].starts_with(b"wordsB") {
                twice[at + 5] = b'A';
            }
        }
        assert!(load(&twice).unwrap_err().to_string().contains("several files of one name"));
    }

    #[test]
    fn a_zip_bomb_is_refused_before_it_is_decompressed() {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file("words.npy", deflated).unwrap();
        zip.write_all(&array("|S1", &[2], b"ab")).unwrap();
        zip.start_file("vectors.npy", deflated).unwrap();
        zip.write_all(&header("<f4", &[2, 20_000_000])).unwrap();
        (0..160).for_each(|_| zip.write_all(&[0; 1_000_000]).unwrap());
        let error = load(&zip.finish().unwrap().into_inner()).unwrap_err().to_string();
        assert!(error.contains("zip bomb"), "{error}");
    }
}
