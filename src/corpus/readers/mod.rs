//! The formats of a corpus: each is a file or folder here, and a row of a table.

mod compressed;
mod ipc;
mod npy;
mod parquet;
mod text;

use std::path::Path;

use ::parquet::arrow::arrow_reader::ArrowReaderMetadata;

use self::compressed::is_compressed;
pub(crate) use self::compressed::{compression_of, decompressed};
use self::ipc::IpcFile;
use self::npy::NpyFile;
use self::parquet::{ParquetFile, remote_footer};
use self::text::TextFile;
use super::options::FileFormat;
use super::token_file::{FileLocation, Opening, TokenFile};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::store;

/// How files of a format are known and opened.
struct Reader {
    format: FileFormat,
    /// Endings of names, in lower case.
    endings: &'static [&'static str],
    /// First bytes by which a file with another ending is known.
    magics: &'static [&'static [u8]],
    open: fn(Opening<'_>, Option<ArrowReaderMetadata>) -> Result<Box<dyn TokenFile>>,
}

/// All formats. A compressed file is text.
const READERS: [Reader; 4] = [
    Reader {
        format: FileFormat::Parquet,
        endings: &["parquet", "pq", "parq"],
        magics: &[b"PAR1"],
        open: |file, footer| Ok(Box::new(ParquetFile::open(file, footer)?)),
    },
    Reader {
        format: FileFormat::Ipc,
        endings: &["arrow", "arrows", "ipc", "feather"],
        magics: &[b"ARROW1", &[0xFF; 4]],
        open: |file, _| Ok(Box::new(IpcFile::open(file)?)),
    },
    Reader {
        format: FileFormat::Npy,
        endings: &["npy"],
        magics: &[b"\x93NUMPY"],
        open: |file, _| Ok(Box::new(NpyFile::open(file)?)),
    },
    Reader {
        format: FileFormat::Text,
        endings: &["txt", "text"],
        magics: &[],
        open: |file, _| Ok(Box::new(TextFile::open(file)?)),
    },
];
/// Bytes that the longest magic has at most.
const MAGIC_BYTES: u64 = 8;

/// The format that a name tells.
pub(super) fn format_of_name(name: &str) -> Option<FileFormat> {
    if is_compressed(name) {
        return Some(FileFormat::Text);
    }
    let ending = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
    let reader = READERS.iter().find(|reader| reader.endings.contains(&ending.as_str()));
    reader.map(|reader| reader.format)
}

/// The format that a file's name tells, or else its first bytes.
///
/// # Errors
/// [`Error::Io`]; [`Error::Corpus`] for a file of no format that is known.
pub(super) fn format_of(location: &FileLocation, progress: &Progress) -> Result<FileFormat> {
    let name = location.name();
    if let Some(format) = format_of_name(&name) {
        return Ok(format);
    }
    let head = location.head(MAGIC_BYTES, progress)?;
    let reader = READERS.iter().find(|reader| reader.magics.iter().any(|magic| head.starts_with(magic)));
    reader.map(|reader| reader.format).ok_or_else(|| {
        let reason = "is neither Parquet nor Arrow IPC nor .npy; plain text is known by its name (.txt, .gz, …) or given \
                      as corpus_file";
        Error::corpus(name, reason)
    })
}

/// Opens a file of a format; for a Parquet object with its [footer](remote_footers).
///
/// # Errors
/// [`Error::Io`]; [`Error::Corpus`] for a damaged file, or one that lacks a column; [`Error::Parameter`] for an option
/// that its format does not have.
pub(super) fn open(
    format: FileFormat,
    file: Opening<'_>,
    footer: Option<ArrowReaderMetadata>,
) -> Result<Box<dyn TokenFile>> {
    let reader = READERS.iter().find(|reader| reader.format == format);
    let reader = reader.ok_or_else(|| Error::corpus(file.location.name(), "is of no format that is known"))?;
    (reader.open)(file, footer)
}

/// The footer of each file that is a Parquet object. They are fetched at once.
///
/// # Errors
/// [`Error::Io`] if the store fails; [`Error::Corpus`] for a damaged footer.
pub(super) fn remote_footers<'a>(
    files: impl Iterator<Item = (&'a FileLocation, FileFormat)>,
    progress: &Progress,
) -> Result<Vec<Option<ArrowReaderMetadata>>> {
    let (mut footers, mut wanted, mut requests) = (Vec::new(), Vec::new(), Vec::new());
    for (i, file) in files.enumerate() {
        footers.push(None);
        if let (FileLocation::Remote(object), FileFormat::Parquet) = file {
            wanted.push(i);
            requests.push(remote_footer(object));
        }
    }
    if !requests.is_empty() {
        for (i, footer) in wanted.into_iter().zip(store::all(requests, progress)?) {
            footers[i] = Some(footer);
        }
    }
    Ok(footers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_its_row_and_no_ending_has_two() {
        let formats = [FileFormat::Parquet, FileFormat::Ipc, FileFormat::Npy, FileFormat::Text];
        assert_eq!(READERS.each_ref().map(|reader| reader.format), formats);
        for reader in &READERS {
            for ending in reader.endings {
                assert_eq!(format_of_name(&format!("a.{}", ending.to_uppercase())), Some(reader.format));
            }
            assert!(reader.magics.iter().all(|magic| magic.len() as u64 <= MAGIC_BYTES));
        }
        assert_eq!(format_of_name("a.parquet.gz"), Some(FileFormat::Text));
        assert_eq!(format_of_name("parquet"), None);
    }
}
