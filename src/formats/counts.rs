//! Words and how often they occur, without vectors: as Parquet, Arrow or text.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::contents;
use super::parquet::io_error;
use super::vocabulary::word_fault;
use crate::error::{Error, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::store::Location;
use crate::vocab::Keys;

/// How a table of words and counts is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountsFormat {
    /// Parquet with the columns `word` and `count`.
    Parquet,
    /// Arrow IPC with the same columns.
    Arrow,
    /// Lines of a word, a tab and its count, most frequent first. What takes words of a vocabulary, such as gensim's
    /// `fvocab`, reads them.
    Text,
}

impl CountsFormat {
    /// The format of a file of this name. Text may be compressed: `.txt.gz`.
    ///
    /// ```
    /// use polargram::formats::CountsFormat;
    ///
    /// assert_eq!(CountsFormat::of_name("words.tsv".as_ref()).unwrap(), CountsFormat::Text);
    /// assert!(CountsFormat::of_name("words.doc".as_ref()).is_err());
    /// ```
    ///
    /// # Errors
    /// [`Error::Format`] if the ending is none of those that are known.
    pub fn of_name(name: &Path) -> Result<Self> {
        let file = name.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let has = |endings: &[&str]| endings.iter().any(|ending| file.ends_with(ending));
        if has(&[".parquet"]) {
            Ok(Self::Parquet)
        } else if has(&[".arrow", ".ipc", ".feather"]) {
            Ok(Self::Arrow)
        } else if has(&[".txt", ".tsv", ".txt.gz", ".tsv.gz"]) {
            Ok(Self::Text)
        } else {
            Err(Error::format(name, "counts are saved as .parquet, .arrow, .txt or .tsv, of which text may end in .gz"))
        }
    }
}

/// Saves words and counts in the format of the file's ending. The file appears whole or not at all.
///
/// # Errors
/// [`Error::Format`] for an unknown ending, or a word that text cannot hold; [`Error::Io`] if it cannot be written;
/// [`Error::Interrupted`].
pub fn save_counts(keys: &Keys, counts: &[u64], location: &Location, progress: &Progress) -> Result<()> {
    let format = CountsFormat::of_name(location.path())?;
    if format == CountsFormat::Text {
        ensure_lines(keys, location.path())?;
    }
    let mut output = Output::files(location, progress);
    output.write(location.path(), |out| match format {
        CountsFormat::Parquet => write_parquet(keys, counts, out),
        CountsFormat::Arrow => write_arrow(keys, counts, out),
        CountsFormat::Text => contents::write(location.path(), out, |out| write_lines(keys, counts, out)),
    })?;
    output.commit().map(drop)
}

/// Writes lines of a word, a tab and its count.
///
/// # Errors
/// [`Error::Format`] for a word with a line break, naming `name`.
pub(crate) fn lines<'a>(
    keys: &'a Keys,
    counts: &'a [u64],
    name: &Path,
) -> Result<impl Iterator<Item = String> + use<'a>> {
    ensure_lines(keys, name)?;
    Ok(keys.iter().zip(counts).map(|(key, count)| format!("{key}\t{count}")))
}

fn ensure_lines(keys: &Keys, name: &Path) -> Result<()> {
    match keys.iter().find(|key| key.as_text().is_some_and(|word| word_fault(word).is_some())) {
        None => Ok(()),
        Some(key) => {
            let reason =
                format!("the word {key:?} has a line break, which text cannot hold; save as .parquet or .arrow");
            Err(Error::format(name, reason))
        }
    }
}

fn write_lines(keys: &Keys, counts: &[u64], out: &mut dyn Write) -> io::Result<()> {
    keys.iter().zip(counts).try_for_each(|(key, count)| writeln!(out, "{key}\t{count}"))
}

fn batch(keys: &Keys, counts: &[u64]) -> io::Result<RecordBatch> {
    let words = keys.short_array();
    let fields =
        vec![Field::new("word", words.data_type().clone(), false), Field::new("count", DataType::UInt64, false)];
    let columns: Vec<arrow::array::ArrayRef> = vec![words, Arc::new(UInt64Array::from(counts.to_vec()))];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(io::Error::other)
}

fn write_parquet(keys: &Keys, counts: &[u64], out: &mut (impl Write + Send)) -> io::Result<()> {
    let batch = batch(keys, counts)?;
    let level = ZstdLevel::try_new(3).map_err(io_error)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer = ArrowWriter::try_new(out, batch.schema(), Some(properties)).map_err(io_error)?;
    writer.write(&batch).map_err(io_error)?;
    writer.close().map(drop).map_err(io_error)
}

fn write_arrow(keys: &Keys, counts: &[u64], out: &mut impl Write) -> io::Result<()> {
    let batch = batch(keys, counts)?;
    let mut writer = FileWriter::try_new(out, &batch.schema()).map_err(io::Error::other)?;
    writer.write(&batch).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_holds_every_word_but_those_with_line_breaks() {
        let directory = tempfile::tempdir().unwrap();
        let save = |words: &[&str], name: &str| {
            let keys: Keys = words.iter().copied().collect();
            let counts: Vec<u64> = (1..=words.len() as u64).rev().collect();
            save_counts(&keys, &counts, &Location::from(directory.path().join(name)), &Progress::default())
        };
        save(&["the", "new york", ""], "v.tsv").unwrap();
        assert_eq!(std::fs::read_to_string(directory.path().join("v.tsv")).unwrap(), "the\t3\nnew york\t2\n\t1\n");
        let error = save(&["a\nb"], "v.txt").unwrap_err().to_string();
        assert!(error.contains("v.txt: the word \"a\\nb\" has a line break"), "{error}");
        save(&["a\nb"], "v.parquet").unwrap();
        assert!(save(&["a"], "v.csv").unwrap_err().to_string().contains(".parquet, .arrow"));
        assert!(!directory.path().join("v.txt").exists());
    }
}
