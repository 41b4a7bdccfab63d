//! Plain text, read as gensim's `LineSentence`, `Text8Corpus` and `BrownCorpus` read it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arrow::array::{ArrayRef, LargeListBuilder, LargeStringBuilder};
use memchr::{memchr_iter, memrchr};

use super::compressed::decompressed;
use super::files::{Place, Spans, TokenFile, unwrapped};
use super::query::Query;
use super::{Batches, ListsOf, ReadOptions};
use crate::error::{Error, IoContext, Result};
use crate::store::{CHANGED, Span};

/// Bytes of a part of a local file, about.
const PART_BYTES: u64 = 8 << 20;
/// Bytes of a stream that are read at a time.
const BLOCK_BYTES: usize = 256 << 10;
/// Sentences that are passed on at a time.
const SENTENCES_PER_BATCH: usize = 4096;
/// Bytes of text that are passed on at a time, if they are no more sentences.
const BYTES_PER_BATCH: usize = 8 << 20;
/// Words of a sentence of running text unless the options say otherwise, as in gensim.
const TEXT8_SENTENCE: usize = 10_000;

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

/// Endings of names of files that were compressed.
const COMPRESSED: [&str; 4] = [".gz", ".bz2", ".zst", ".xz"];

impl TextFile {
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Parameter`] for options that do not fit together or to a text.
    pub(super) fn open(place: Place, query: &Query, options: &ReadOptions) -> Result<Self> {
        query.refuse_columns(&place.name(), "plain text")?;
        options.text.check()?;
        let name = place.name().to_ascii_lowercase();
        let local = match &place {
            Place::Local(path) if !COMPRESSED.iter().any(|ending| name.ends_with(ending)) => {
                Some(LocalText::open(path, options.text.clone())?)
            }
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
                sentences(decompressed(self.place.bytes(spans)?, &name), self.options.clone(), name)
            }
        };
        Ok(self.query.of_lists(lists))
    }

    fn origin(&self, _part: usize) -> String {
        self.place.name()
    }
}

/// Sentences of a stream of text, in batches. `origin` names it in errors.
fn sentences(bytes: Box<dyn Read + Send>, options: TextOptions, origin: String) -> ListsOf<'static> {
    match options.check() {
        Ok(()) => Box::new(Sentences::new(bytes, options, origin)),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

/// A local file of text that is not compressed, in parts of whole lines that can be read by several threads at once.
/// Text8 is one part.
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
    /// [`Error::Io`] if it cannot be read, [`Error::Parameter`] for options that do not fit together.
    fn open(path: &Path, options: TextOptions) -> Result<Self> {
        options.check()?;
        let file = File::open(path).at("read", path)?;
        let metadata = file.metadata().at("read", path)?;
        if metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory)).at("read", path);
        }
        let (length, modified) = (metadata.len(), metadata.modified().ok());
        let starts = starts(&file, length, &options).at("read", path)?;
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
        let options = TextOptions { limit: None, ..self.options.clone() };
        let text = Stretch { file, left: end - start };
        let mut sentences = Sentences::new(Box::new(text), options, self.path.display().to_string());
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

/// Where the parts of a file start, and where the last ends: no more lines are read than the limit allows.
fn starts(file: &File, length: u64, options: &TextOptions) -> io::Result<Vec<u64>> {
    let mut text = BufReader::new(file);
    let end = match options.limit {
        None => length,
        Some(limit) => {
            let mut end = 0;
            for _ in 0..limit {
                match text.skip_until(b'\n')? {
                    0 => break,
                    line => end += line as u64,
                }
            }
            end
        }
    };
    let part = if options.layout == TextLayout::Text8 { end } else { PART_BYTES };
    let mut starts = vec![0];
    let mut start = 0;
    while start < end {
        let least = (start + part).min(end);
        text.seek(SeekFrom::Start(least))?;
        start = end.min(least + text.skip_until(b'\n')? as u64);
        starts.push(start);
    }
    Ok(starts)
}

/// As many lines as the limit allows.
fn first_lines(text: &[u8], limit: Option<usize>) -> &[u8] {
    match limit {
        None => text,
        Some(0) => &[],
        Some(limit) => memchr_iter(b'\n', text).nth(limit - 1).map_or(text, |end| &text[..=end]),
    }
}

/// Reads blocks that end where the layout allows a cut, and takes them apart into batches.
struct Sentences<'a> {
    bytes: Box<dyn Read + Send + 'a>,
    options: TextOptions,
    origin: String,
    /// The file, and where in it `bytes` starts: it is only looked at for the number of a line.
    before: Option<(PathBuf, u64)>,
    block_bytes: usize,
    /// What is read and not yet taken apart; its first `searched` bytes hold no place for a cut.
    buffer: Vec<u8>,
    searched: usize,
    /// Lines that ended before the buffer.
    lines: usize,
    batcher: Batcher,
    is_done: bool,
}

impl<'a> Sentences<'a> {
    fn new(bytes: Box<dyn Read + Send + 'a>, options: TextOptions, origin: String) -> Self {
        let uncut = if options.layout == TextLayout::Text8 { TEXT8_SENTENCE } else { usize::MAX };
        Self {
            bytes,
            origin,
            before: None,
            block_bytes: BLOCK_BYTES,
            buffer: Vec::new(),
            searched: 0,
            lines: 0,
            batcher: Batcher::new(options.max_sentence_length.unwrap_or(uncut)),
            is_done: options.limit == Some(0),
            options,
        }
    }

    /// Reads on, and takes apart what is read up to the last place for a cut.
    fn advance(&mut self) -> Result<()> {
        let read = (&mut self.bytes).take(self.block_bytes as u64).read_to_end(&mut self.buffer);
        self.is_done = read.map_err(|error| unwrapped(error, &self.origin))? < self.block_bytes;
        let end = if self.is_done { self.buffer.len() } else { self.last_cut() };
        let left = self.options.limit.map(|limit| limit - self.lines);
        let block = first_lines(&self.buffer[..end], left);
        let text = decode(block, self.options.errors).map_err(|at| self.invalid(block, at))?;
        match self.options.layout {
            TextLayout::Lines => text.split('\n').for_each(|line| self.batcher.sentence(words(line))),
            TextLayout::Text8 => words(&text).for_each(|word| self.batcher.word(word)),
            TextLayout::Brown => text.split('\n').for_each(|line| self.batcher.brown_sentence(line)),
        }
        self.lines += memchr_iter(b'\n', block).count();
        self.is_done |= self.options.limit == Some(self.lines);
        self.buffer.drain(..end);
        self.searched = self.buffer.len();
        if self.is_done {
            self.batcher.finish();
        }
        Ok(())
    }

    /// Where the whole lines, or for Text8 the whole words, in the buffer end; 0 if there are none.
    fn last_cut(&self) -> usize {
        if self.options.layout != TextLayout::Text8 {
            return memrchr(b'\n', &self.buffer[self.searched..]).map_or(0, |at| self.searched + at + 1);
        }
        // The first two bytes of white space may have come with the last block, and its third with this one.
        let new = self.searched.saturating_sub(2)..self.buffer.len();
        new.rev().find(|&at| white_space(&self.buffer[at..]) > 0).map_or(0, |at| at + white_space(&self.buffer[at..]))
    }

    fn invalid(&self, block: &[u8], at: usize) -> Error {
        let before = match self.before.as_ref().map_or(Ok(0), |(path, end)| lines_up_to(path, *end)) {
            Ok(lines) => lines,
            Err(error) => return unwrapped(error, &self.origin),
        };
        let line = before + self.lines + memchr_iter(b'\n', &block[..at]).count() + 1;
        Error::corpus(
            format!("{}, line {line}", self.origin),
            format!(
                "is not UTF-8 (byte 0x{:02x}). Convert the file to UTF-8, or set errors to \"replace\" or \"ignore\".",
                block[at]
            ),
        )
    }
}

impl Iterator for Sentences<'_> {
    type Item = Result<ArrayRef>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.batcher.ready.is_empty() && !self.is_done {
            if let Err(error) = self.advance() {
                self.is_done = true;
                return Some(Err(error));
            }
        }
        self.batcher.ready.pop_front().map(Ok)
    }
}

/// The text of the bytes, or where in them it ceases to be UTF-8.
fn decode(bytes: &[u8], errors: Utf8Errors) -> Result<Cow<'_, str>, usize> {
    match (std::str::from_utf8(bytes), errors) {
        (Ok(text), _) => Ok(Cow::Borrowed(text)),
        (Err(error), Utf8Errors::Strict) => Err(error.valid_up_to()),
        (Err(_), Utf8Errors::Replace) => Ok(String::from_utf8_lossy(bytes)),
        (Err(_), Utf8Errors::Ignore) => Ok(bytes.utf8_chunks().map(|chunk| chunk.valid()).collect()),
    }
}

/// How many bytes of white space, as Python has it, the text starts with: those of one character, or none.
///
/// Its first byte starts a character wherever it stands, in text that is not UTF-8 too.
#[inline]
fn white_space(text: &[u8]) -> usize {
    match text {
        [0x09..=0x0d | 0x1c..=0x20, ..] => 1,
        [..0xc2, ..] => 0,
        [0xc2, 0x85 | 0xa0, ..] => 2,
        [0xe1, 0x9a, 0x80, ..] | [0xe2, 0x81, 0x9f, ..] | [0xe3, 0x80, 0x80, ..] => 3,
        [0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf, ..] => 3,
        _ => 0,
    }
}

/// The words as Python's `str.split()` gives them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = text.as_bytes();
        while at < bytes.len()
            && let space = white_space(&bytes[at..])
            && space > 0
        {
            at += space;
        }
        let start = at;
        while at < bytes.len() && white_space(&bytes[at..]) == 0 {
            at += 1;
        }
        (start < at).then(|| &text[start..at])
    })
}

/// Collects words to sentences, and sentences to batches.
struct Batcher {
    max_sentence_length: usize,
    // Offsets of 32 bits would overflow in a line, or so many lines, of more than 2 GiB.
    lists: LargeListBuilder<LargeStringBuilder>,
    /// Words of the sentence that is not at its end.
    words: usize,
    sentences: usize,
    bytes: usize,
    ready: VecDeque<ArrayRef>,
}

impl Batcher {
    fn new(max_sentence_length: usize) -> Self {
        let lists = LargeListBuilder::new(LargeStringBuilder::new());
        Self { max_sentence_length, lists, words: 0, sentences: 0, bytes: 0, ready: VecDeque::new() }
    }

    fn word(&mut self, word: &str) {
        self.lists.values().append_value(word);
        self.words += 1;
        self.bytes += word.len() + 1;
        if self.words == self.max_sentence_length {
            self.end_sentence();
        }
    }

    fn sentence<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        words.for_each(|word| self.word(word));
        self.end_sentence();
    }

    fn brown_sentence(&mut self, line: &str) {
        for (word, tag) in words(line).filter_map(|word| word.split_once('/')) {
            let kind = tag.char_indices().nth(2).map_or(tag, |(end, _)| &tag[..end]);
            if !tag.contains('/') && !kind.is_empty() && kind.chars().all(char::is_alphabetic) {
                self.word(&format!("{}/{kind}", word.to_lowercase()));
            }
        }
        self.end_sentence();
    }

    fn end_sentence(&mut self) {
        if self.words > 0 {
            self.words = 0;
            self.lists.append(true);
            self.sentences += 1;
            if self.sentences == SENTENCES_PER_BATCH || self.bytes >= BYTES_PER_BATCH {
                self.end_batch();
            }
        }
    }

    fn end_batch(&mut self) {
        self.ready.push_back(Arc::new(self.lists.finish()));
        (self.sentences, self.bytes) = (0, 0);
    }

    fn finish(&mut self) {
        self.end_sentence();
        if self.sentences > 0 {
            self.end_batch();
        }
    }
}

#[cfg(test)]
mod tests;
