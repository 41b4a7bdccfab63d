//! Plain text, read as gensim's `LineSentence`, `Text8Corpus` and `BrownCorpus` read it; but a byte order mark at its start
//! is no part of the first word.

mod bounded_file;
mod parser;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use self::bounded_file::BoundedFile;
use self::parser::TextParser;
use super::compressed::{decompressed, is_compressed};
use crate::corpus::batch::Batches;
use crate::corpus::options::{TextLayout, TextOptions};
use crate::corpus::query::{ListsOf, Query};
use crate::corpus::token_file::{FileLocation, Opening, Spans, TokenFile};
use crate::error::{IoContext, Result};
use crate::store::{CHANGED, Span};

/// Bytes of a part of a local file, about.
const PART_BYTES: u64 = 8 << 20;

/// A file of plain text, compressed or not.
pub(super) struct TextFile {
    location: FileLocation,
    query: Arc<Query>,
    options: TextOptions,
    /// The file, if it is on this machine and not compressed.
    local: Option<LocalText>,
}

impl TextFile {
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Parameter`] for options that do not fit together or to a text.
    pub(super) fn open(file: Opening<'_>) -> Result<Self> {
        let Opening { location, partition, query, text, .. } = file;
        query.refuse_columns(&partition, &location.name(), "plain text")?;
        text.check()?;
        let local = match &location {
            FileLocation::Local(path) if !is_compressed(&location.name()) => Some(LocalText::open(path, text.clone())?),
            _ => None,
        };
        Ok(Self { location, query, options: text.clone(), local })
    }
}

impl TokenFile for TextFile {
    fn parts(&self) -> usize {
        self.local.as_ref().map_or(1, LocalText::parts)
    }

    fn spans(&self) -> Vec<Span> {
        self.location.whole()
    }

    fn read(&self, part: usize, spans: Spans<'_>) -> Result<Batches<'_>> {
        let lists = match &self.local {
            Some(text) => text.batches(part)?,
            None => {
                let name = self.location.name();
                Box::new(TextParser::new(decompressed(self.location.bytes(spans)?, &name), self.options.clone(), name))
            }
        };
        Ok(self.query.of_lists(lists, self.location.name()))
    }

    fn origin(&self, _part: usize) -> String {
        self.location.name()
    }
}

/// A local file of text that is not compressed, in parts of whole lines that several threads can read at once. Text8 is
/// one part, and so is a text whose first lines alone are wanted.
struct LocalText {
    path: PathBuf,
    options: TextOptions,
    /// Where each part starts, and where the last ends. All are starts of lines.
    starts: Vec<u64>,
    /// Length and time tell whether it is still the same file: a directory may hold more files than a process may keep
    /// open.
    length: u64,
    modified: Option<SystemTime>,
}

impl LocalText {
    /// Opens a file, which must not change while it is read.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read.
    fn open(path: &Path, options: TextOptions) -> Result<Self> {
        let file = File::open(path).at("read", path)?;
        let metadata = file.metadata().at("read", path)?;
        if metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory)).at("read", path);
        }
        let (length, modified) = (metadata.len(), metadata.modified().ok());
        let is_one_part = options.layout == TextLayout::Text8 || options.limit.is_some();
        let starts = starts(&file, length, if is_one_part { length } else { PART_BYTES }).at("read", path)?;
        Ok(Self { path: path.to_owned(), options, starts, length, modified })
    }

    /// The number of parts.
    fn parts(&self) -> usize {
        self.starts.len() - 1
    }

    /// TextParser of one part, in batches.
    ///
    /// # Errors
    /// [`Error::Io`] if the file is gone, or was changed since it was opened.
    fn batches(&self, part: usize) -> Result<ListsOf<'static>> {
        let (start, end) = (self.starts[part], self.starts[part + 1]);
        let mut file = File::open(&self.path).at("read", &self.path)?;
        let metadata = file.metadata().at("read", &self.path)?;
        if metadata.len() != self.length || metadata.modified().ok() != self.modified {
            return Err(io::Error::other(CHANGED)).at("read", &self.path);
        }
        file.seek(SeekFrom::Start(start)).at("read", &self.path)?;
        let text = BoundedFile::new(file, end - start);
        let mut sentences = TextParser::new(Box::new(text), self.options.clone(), self.path.display().to_string());
        sentences.before = Some((self.path.clone(), start));
        sentences.is_at_start = start == 0;
        Ok(Box::new(sentences))
    }
}

/// Where parts of whole lines, of about so many bytes each, start in a file, and where the last one ends.
fn starts(file: &File, length: u64, part: u64) -> io::Result<Vec<u64>> {
    let mut text = BufReader::new(file);
    let mut starts = vec![0];
    let mut start = 0;
    while start < length {
        let least = (start + part).min(length);
        text.seek(SeekFrom::Start(least))?;
        start = length.min(least + text.skip_until(b'\n')? as u64);
        starts.push(start);
    }
    Ok(starts)
}

#[cfg(test)]
mod tests;
