//! Plain text, read as gensim's `LineSentence`, `Text8Corpus` and `BrownCorpus` read it.

mod sentences;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use self::sentences::Sentences;
use super::compressed::{decompressed, is_compressed};
use super::files::{Place, Spans, TokenFile};
use super::query::Query;
use super::{Batches, ListsOf, ReadOptions};
use crate::error::{Error, IoContext, Result};
use crate::store::{CHANGED, Span};

/// Bytes of a part of a local file, about.
const PART_BYTES: u64 = 8 << 20;

/// How sentences and words stand in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextLayout {
    /// A sentence a line, its words separated by white space. Lines without words give no sentence (gensim:
    /// `LineSentence`).
    Lines,
    /// Running text: its words, whatever the lines, in sentences of `max_sentence_length` words and a last shorter one
    /// (gensim: `Text8Corpus`).
    Text8,
    /// A sentence a line of `word/tag` as in NLTK's Brown corpus. Gives the word in lower case with the first two
    /// letters of its tag, `the/at`; drops what is tagged otherwise, and sentences that nothing is left of (gensim:
    /// `BrownCorpus`).
    Brown,
}

/// What to do about bytes that are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Utf8Errors {
    /// Fail, naming the line.
    Strict,
    /// Read U+FFFD in their place, as Python does with `errors="replace"`.
    Replace,
    /// Leave them out.
    Ignore,
}

/// How a text is read.
///
/// White space is what Python's `str.split()` takes for it, and lines end at `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextOptions {
    /// How sentences and words stand in the text.
    pub layout: TextLayout,
    /// Words after which a sentence is cut and the next begins; at least 1. `None`: lines are not cut, and Text8 is cut
    /// after 10,000.
    pub max_sentence_length: Option<usize>,
    /// Lines of the file that are read, with and without words. Not for Text8.
    pub limit: Option<usize>,
    /// What to do about bytes that are not UTF-8.
    pub errors: Utf8Errors,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self { layout: TextLayout::Lines, max_sentence_length: None, limit: None, errors: Utf8Errors::Strict }
    }
}

impl TextOptions {
    /// # Errors
    /// [`Error::Parameter`] for options that mean nothing, or not together.
    pub fn check(&self) -> Result<()> {
        if self.max_sentence_length == Some(0) {
            return Err(Error::parameter("max_sentence_length", "is 0; expected 1 or more words"));
        }
        if self.layout == TextLayout::Text8 && self.limit.is_some() {
            return Err(Error::parameter("limit", "counts lines, which text8 does not have; leave it out"));
        }
        Ok(())
    }
}

/// A file of plain text, compressed or not.
pub(super) struct TextFile {
    place: Place,
    query: Query,
    options: TextOptions,
    /// If it is on this machine and not compressed.
    local: Option<LocalText>,
}

impl TextFile {
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Parameter`] for options that do not fit together or to a text.
    pub(super) fn open(place: Place, query: &Query, options: &ReadOptions) -> Result<Self> {
        query.refuse_columns(&place.name(), "plain text")?;
        options.text.check()?;
        let local = match &place {
            Place::Local(path) if !is_compressed(&place.name()) => Some(LocalText::open(path, options.text.clone())?),
            _ => None,
        };
        Ok(Self { place, query: query.clone(), options: options.text.clone(), local })
    }
}

impl TokenFile for TextFile {
    fn parts(&self) -> usize {
        self.local.as_ref().map_or(1, LocalText::parts)
    }

    fn spans(&self) -> Vec<Span> {
        self.place.whole()
    }

    fn read(&self, part: usize, spans: Spans<'_>) -> Result<Batches<'_>> {
        let lists = match &self.local {
            Some(text) => text.batches(part)?,
            None => {
                let name = self.place.name();
                Box::new(Sentences::new(decompressed(self.place.bytes(spans)?, &name), self.options.clone(), name))
            }
        };
        Ok(self.query.of_lists(lists))
    }

    fn origin(&self, _part: usize) -> String {
        self.place.name()
    }
}

/// A local file of text that is not compressed, in parts of whole lines that can be read by several threads at once.
/// Text8 is one part, and so is a text of which only the first lines are wanted.
struct LocalText {
    path: PathBuf,
    options: TextOptions,
    /// Where each part starts, and where the last ends. All are starts of lines.
    starts: Vec<u64>,
    /// By which it is known again: a directory may hold more files than a process may keep open.
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

    /// Sentences of one part, in batches.
    ///
    /// # Errors
    /// [`Error::Io`] if the file is gone, or another than was opened.
    fn batches(&self, part: usize) -> Result<ListsOf<'static>> {
        let (start, end) = (self.starts[part], self.starts[part + 1]);
        let mut file = File::open(&self.path).at("read", &self.path)?;
        let metadata = file.metadata().at("read", &self.path)?;
        if metadata.len() != self.length || metadata.modified().ok() != self.modified {
            return Err(io::Error::other(CHANGED)).at("read", &self.path);
        }
        file.seek(SeekFrom::Start(start)).at("read", &self.path)?;
        let text = Stretch { file, left: end - start };
        let mut sentences = Sentences::new(Box::new(text), self.options.clone(), self.path.display().to_string());
        sentences.before = Some((self.path.clone(), start));
        Ok(Box::new(sentences))
    }
}

/// So many bytes of a file.
struct Stretch {
    file: File,
    left: u64,
}

impl Read for Stretch {
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

/// The lines that end before a place in a file.
fn lines_up_to(path: &Path, end: u64) -> io::Result<usize> {
    let (mut lines, mut text) = (0, BufReader::new(Stretch { file: File::open(path)?, left: end }));
    while text.skip_until(b'\n')? > 0 {
        lines += 1;
    }
    Ok(lines)
}

/// Where the parts of a file start, of whole lines and about so many bytes each, and where the last ends.
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
