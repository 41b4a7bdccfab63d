//! Bytes of text to sentences, block by block.

use std::collections::VecDeque;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, LargeListBuilder, LargeStringBuilder};
use memchr::{memchr_iter, memrchr};

use super::bounded_file::lines_up_to;
use crate::corpus::options::{TextLayout, TextOptions};
use crate::corpus::token_file::unwrapped;
use crate::error::{Error, Result};

/// Bytes of a stream that are read at a time.
const BLOCK_BYTES: usize = 256 << 10;
/// Bytes of a line, or for Text8 of a word, that are held at most.
const LONGEST_LINE: usize = 1 << 30;
/// TextParser that are passed on at a time.
const SENTENCES_PER_BATCH: usize = 4096;
/// Bytes of text that are passed on at a time, if they are no more sentences.
const BYTES_PER_BATCH: usize = 8 << 20;
/// Words of a sentence of running text unless the options say otherwise, as in gensim.
const TEXT8_SENTENCE: usize = 10_000;

/// As many lines as the limit allows.
fn first_lines(text: &[u8], limit: Option<usize>) -> &[u8] {
    match limit {
        None => text,
        Some(0) => &[],
        Some(limit) => memchr_iter(b'\n', text).nth(limit - 1).map_or(text, |end| &text[..=end]),
    }
}

/// Reads blocks that end where the layout allows a cut, and takes them apart into batches.
pub(super) struct TextParser<'a> {
    bytes: Box<dyn Read + Send + 'a>,
    options: TextOptions,
    origin: String,
    /// The file, and where in it `bytes` starts: it is only looked at for the number of a line.
    pub(super) before: Option<(PathBuf, u64)>,
    /// True until the start of the text was parsed.
    pub(super) is_at_start: bool,
    pub(super) block_bytes: usize,
    pub(super) longest_line: usize,
    /// Bytes that were read and not parsed yet; the text cannot be cut within the first `searched` of them.
    buffer: Vec<u8>,
    searched: usize,
    /// Lines that ended before the buffer.
    lines: usize,
    batcher: Batcher,
    is_done: bool,
}

impl<'a> TextParser<'a> {
    pub(super) fn new(bytes: Box<dyn Read + Send + 'a>, options: TextOptions, origin: String) -> Self {
        let uncut = if options.layout == TextLayout::Text8 { TEXT8_SENTENCE } else { usize::MAX };
        Self {
            bytes,
            origin,
            before: None,
            is_at_start: true,
            block_bytes: BLOCK_BYTES,
            longest_line: LONGEST_LINE,
            buffer: Vec::new(),
            searched: 0,
            lines: 0,
            batcher: Batcher::new(options.max_sentence_length.unwrap_or(uncut)),
            is_done: options.limit == Some(0),
            options,
        }
    }

    /// Reads the next block, and parses up to the last position where the text can be cut.
    fn advance(&mut self) -> Result<()> {
        let read = (&mut self.bytes).take(self.block_bytes as u64).read_to_end(&mut self.buffer);
        self.is_done = read.map_err(|error| unwrapped(error, &self.origin))? < self.block_bytes;
        let end = if self.is_done { self.buffer.len() } else { self.last_cut() };
        if end == 0 && self.buffer.len() > self.longest_line {
            let line = self.lines_before()? + self.lines + 1;
            return Err(Error::corpus(format!("{}, line {line}", self.origin), "is longer than 1 GiB; split it"));
        }
        let left = self.options.limit.map(|limit| limit - self.lines);
        let block = first_lines(&self.buffer[..end], left);
        let text = self.options.errors.decode(block).map_err(|at| self.invalid(block, at))?;
        // A byte order mark is no part of the first word.
        let text = if self.is_at_start { text.strip_prefix('\u{feff}').unwrap_or(&text) } else { &text };
        self.is_at_start &= end == 0;
        match self.options.layout {
            TextLayout::Lines => text.split('\n').for_each(|line| self.batcher.sentence(words(line))),
            TextLayout::Text8 => words(text).for_each(|word| self.batcher.word(word)),
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

    /// Lines of the file before `bytes`.
    fn lines_before(&self) -> Result<usize> {
        let lines = self.before.as_ref().map_or(Ok(0), |(path, end)| lines_up_to(path, *end));
        lines.map_err(|error| unwrapped(error, &self.origin))
    }

    fn invalid(&self, block: &[u8], at: usize) -> Error {
        let before = match self.lines_before() {
            Ok(lines) => lines,
            Err(error) => return error,
        };
        let line = before + self.lines + memchr_iter(b'\n', &block[..at]).count() + 1;
        Error::corpus(
            format!("{}, line {line}", self.origin),
            format!(
                "is not UTF-8 (byte 0x{:02x}). Convert the file to UTF-8, or read it with errors (--errors, \
                 LineSentence(errors=…)) \"replace\" or \"ignore\".",
                block[at]
            ),
        )
    }
}

impl Iterator for TextParser<'_> {
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

/// How many bytes of white space, as Python has it, the text starts with: those of one character, or none.
///
/// Its first byte starts a character wherever it stands, in text that is not UTF-8 too.
#[inline]
pub(super) fn white_space(text: &[u8]) -> usize {
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
