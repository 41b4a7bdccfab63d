//! Plain text, read as gensim's `LineSentence`, `Text8Corpus` and `BrownCorpus` read it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, LargeListBuilder, LargeStringBuilder};
use memchr::{memchr, memchr_iter, memrchr};
use memmap2::Mmap;

use super::compressed::decompressed;
use super::files::{Place, Spans, TokenFile, unwrapped};
use super::query::Query;
use super::{Batches, ListsOf, ReadOptions};
use crate::error::{Error, IoContext, Result};
use crate::store::Span;

/// Bytes of a part of a mapped file, about.
const PART_BYTES: usize = 8 << 20;
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
    mapped: Option<MappedText>,
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
        let mapped = match &place {
            Place::Local(path) if !COMPRESSED.iter().any(|ending| name.ends_with(ending)) => {
                Some(MappedText::open(path, options.text.clone())?)
            }
            _ => None,
        };
        Ok(Self { place, query: query.clone(), options: options.text.clone(), mapped })
    }
}

impl TokenFile for TextFile {
    fn parts(&self) -> usize {
        self.mapped.as_ref().map_or(1, MappedText::parts)
    }

    fn spans(&self) -> Vec<Span> {
        self.place.whole()
    }

    fn read(&self, part: usize, spans: Spans<'_>) -> Result<Batches<'_>> {
        let lists = match &self.mapped {
            Some(text) => text.batches(part),
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
struct MappedText {
    path: PathBuf,
    text: Option<Mmap>,
    options: TextOptions,
    /// Where each part starts, and where the last ends. All are starts of lines.
    starts: Vec<usize>,
}

impl MappedText {
    /// Opens a file; it is mapped, and must not change while it is read.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Parameter`] for options that do not fit together.
    fn open(path: impl AsRef<Path>, options: TextOptions) -> Result<Self> {
        options.check()?;
        let path = path.as_ref().to_owned();
        let file = File::open(&path).at("read", &path)?;
        let metadata = file.metadata().at("read", &path)?;
        if metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory)).at("read", &path);
        }
        let text = match metadata.len() {
            0 => None,
            // SAFETY: as in `ipc::map`; text that is changed meanwhile is checked for UTF-8 after it was copied.
            _ => Some(unsafe { Mmap::map(&file) }.at("map", &path)?),
        };
        let starts = starts(first_lines(text.as_deref().unwrap_or_default(), options.limit), options.layout);
        Ok(Self { path, text, options, starts })
    }

    /// The number of parts.
    fn parts(&self) -> usize {
        self.starts.len() - 1
    }

    /// Sentences of one part, in batches.
    fn batches(&self, part: usize) -> ListsOf<'_> {
        let bytes = self.text.as_deref().unwrap_or_default();
        let text = &bytes[self.starts[part]..self.starts[part + 1]];
        let options = TextOptions { limit: None, ..self.options.clone() };
        let mut sentences = Sentences::new(Box::new(text), options, self.path.display().to_string());
        sentences.before = &bytes[..self.starts[part]];
        Box::new(sentences)
    }
}

/// As many lines as the limit allows.
fn first_lines(text: &[u8], limit: Option<usize>) -> &[u8] {
    match limit {
        None => text,
        Some(0) => &[],
        Some(limit) => memchr_iter(b'\n', text).nth(limit - 1).map_or(text, |end| &text[..=end]),
    }
}

fn starts(text: &[u8], layout: TextLayout) -> Vec<usize> {
    let part = if layout == TextLayout::Text8 { text.len() } else { PART_BYTES };
    let mut starts = vec![0];
    while let Some(&start) = starts.last()
        && start < text.len()
    {
        let least = (start + part).min(text.len());
        starts.push(memchr(b'\n', &text[least..]).map_or(text.len(), |at| least + at + 1));
    }
    starts
}

/// Reads blocks that end where the layout allows a cut, and takes them apart into batches.
struct Sentences<'a> {
    bytes: Box<dyn Read + Send + 'a>,
    options: TextOptions,
    origin: String,
    /// What stands in the file before `bytes`: it is only looked at for the number of a line.
    before: &'a [u8],
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
            before: &[],
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
        let lines: usize = [self.before, &block[..at]].iter().map(|text| memchr_iter(b'\n', text).count()).sum();
        Error::corpus(
            format!("{}, line {}", self.origin, self.lines + lines + 1),
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
mod tests {
    use std::io::Cursor;

    use arrow::array::{Array, AsArray};
    use proptest::prelude::*;

    use super::*;

    const LAYOUTS: [TextLayout; 3] = [TextLayout::Lines, TextLayout::Text8, TextLayout::Brown];
    const ERRORS: [Utf8Errors; 3] = [Utf8Errors::Strict, Utf8Errors::Replace, Utf8Errors::Ignore];

    fn collected(batches: ListsOf<'_>) -> Result<Vec<Vec<String>>> {
        let mut sentences = Vec::new();
        for lists in batches {
            for words in lists?.as_list::<i64>().iter().flatten() {
                sentences.push(words.as_string::<i64>().iter().flatten().map(str::to_owned).collect());
            }
        }
        Ok(sentences)
    }

    fn mapped(text: &[u8], options: TextOptions) -> Result<Vec<Vec<String>>> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("corpus.txt");
        std::fs::write(&path, text).unwrap();
        let corpus = MappedText::open(&path, options)?;
        let parts: Result<Vec<_>> = (0..corpus.parts()).map(|part| collected(corpus.batches(part))).collect();
        Ok(parts?.concat())
    }

    fn read(text: &[u8], options: TextOptions) -> Result<Vec<Vec<String>>> {
        collected(sentences(Box::new(Cursor::new(text.to_vec())), options, "corpus.txt".into()))
    }

    #[test]
    fn a_line_is_a_sentence_with_and_without_a_last_line_break() {
        for text in ["a b\n\nc\t d\r\n", "a b\n\nc\t d"] {
            let expected = [["a", "b"], ["c", "d"]];
            assert_eq!(read(text.as_bytes(), TextOptions::default()).unwrap(), expected, "{text:?}");
            assert_eq!(mapped(text.as_bytes(), TextOptions::default()).unwrap(), expected, "{text:?}");
        }
        for layout in LAYOUTS {
            assert!(mapped(b"", TextOptions { layout, ..Default::default() }).unwrap().is_empty());
            assert!(read(b"", TextOptions { layout, ..Default::default() }).unwrap().is_empty());
        }
    }

    #[test]
    fn long_files_come_in_parts_of_whole_lines_and_batches_of_8_mib() {
        let text = ("word ".repeat(100_000) + "\n").repeat(40);
        let read = mapped(text.as_bytes(), TextOptions::default()).unwrap();
        assert_eq!(read.len(), 40);
        assert!(read.iter().all(|sentence| sentence.len() == 100_000));
        let batches = sentences(Box::new(Cursor::new(text)), TextOptions::default(), String::new());
        let lengths: Vec<usize> = batches.map(|lists| lists.unwrap().len()).collect();
        assert_eq!(lengths, [17, 17, 6]);
    }

    #[test]
    fn what_is_not_utf8_is_refused_with_its_line_of_the_whole_file_and_nothing_follows() {
        let mut text = "word\n".repeat(4_000_000).into_bytes();
        text.extend(b"bad \xff\ngood\n");
        for layout in LAYOUTS {
            let options = TextOptions { layout, ..Default::default() };
            let origin = "corpus.txt, line 4000001: is not UTF-8 (byte 0xff)";
            let error = mapped(&text, options.clone()).unwrap_err().to_string();
            assert!(error.contains(origin), "{error}");
            let mut batches = sentences(Box::new(Cursor::new(text.clone())), options, "corpus.txt".into());
            let error = batches.find_map(Result::err).unwrap().to_string();
            assert!(error.contains(origin), "{error}");
            assert!(batches.next().is_none());
        }
    }

    #[test]
    fn white_space_is_that_of_python() {
        for char in '\0'..=char::MAX {
            let expected = if char.is_whitespace() || ('\x1c'..='\x1f').contains(&char) { char.len_utf8() } else { 0 };
            assert_eq!(white_space(char.to_string().as_bytes()), expected, "{char:?}");
        }
    }

    #[test]
    fn brown_keeps_words_whose_tags_begin_with_letters() {
        let options = TextOptions { layout: TextLayout::Brown, ..Default::default() };
        let text = "\tThe/at-tl ÉTÉ/n ,/, a/b/c plain /nn x/ y/n1 z/np$\n./. '/'\nit's/pps+bez\n";
        let expected = [vec!["the/at", "été/n", "/nn", "z/np"], vec!["it's/pp"]];
        assert_eq!(read(text.as_bytes(), options).unwrap(), expected);
    }

    #[test]
    fn options_that_cannot_be_are_refused() {
        for options in [
            TextOptions { max_sentence_length: Some(0), ..Default::default() },
            TextOptions { layout: TextLayout::Text8, limit: Some(1), ..Default::default() },
        ] {
            assert!(matches!(read(b"a", options.clone()), Err(Error::Parameter { .. })));
            assert!(matches!(mapped(b"a", options), Err(Error::Parameter { .. })));
        }
    }

    #[test]
    fn a_stream_that_breaks_off_is_an_error_that_names_the_file() {
        let bytes = crate::corpus::compressed::decompressed(Box::new(Cursor::new(b"\x1f\x8b")), "corpus.txt.gz");
        let error =
            collected(sentences(bytes, TextOptions::default(), "corpus.txt.gz".into())).unwrap_err().to_string();
        assert!(error.starts_with("cannot read corpus.txt.gz: gzip data: "), "{error}");
    }

    /// The whole text at once, in the plainest way.
    fn naive(text: &[u8], options: &TextOptions) -> Result<Vec<Vec<String>>, usize> {
        let limit = options.limit.unwrap_or(usize::MAX);
        let text = text.split_inclusive(|&byte| byte == b'\n').take(limit).collect::<Vec<_>>().concat();
        let text = match (String::from_utf8(text.clone()), options.errors) {
            (Ok(text), _) => text,
            (Err(error), Utf8Errors::Strict) => {
                let valid = &text[..error.utf8_error().valid_up_to()];
                return Err(1 + valid.iter().filter(|&&byte| byte == b'\n').count());
            }
            (_, Utf8Errors::Replace) => String::from_utf8_lossy(&text).into_owned(),
            (_, Utf8Errors::Ignore) => text.utf8_chunks().map(|chunk| chunk.valid()).collect(),
        };
        let split = |text: &str| -> Vec<String> {
            let words = text.split(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c));
            words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let brown = |word: String| {
            let [word, tag] = word.split('/').collect::<Vec<_>>().try_into().ok()?;
            let tag: String = tag.chars().take(2).collect();
            (!tag.is_empty() && tag.chars().all(char::is_alphabetic)).then(|| word.to_lowercase() + "/" + &tag)
        };
        let sentences: Vec<Vec<String>> = match options.layout {
            TextLayout::Lines => text.split('\n').map(split).collect(),
            TextLayout::Text8 => vec![split(&text)],
            TextLayout::Brown => {
                text.split('\n').map(|line| split(line).into_iter().filter_map(brown).collect()).collect()
            }
        };
        let max = options.max_sentence_length.unwrap_or(1 << 20);
        Ok(sentences.iter().flat_map(|words| words.chunks(max).map(<[String]>::to_vec)).collect())
    }

    /// Text in which what is hard is common.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let hard =
            b" ,\n,\r\n,\t,\x0b,\x1c,\x1f,\xc2\x85,\xe3\x80\x80,\xe2\x80\xa8,\xe2,\x80,\xc2,\xff,\xf0\x9f\x98\x80,\
            \xf0\x9f,\xc3\x89,/,/nn-tl,word,a,\0";
        let hard: Vec<&[u8]> = hard.split(|&byte| byte == b',').collect();
        let pieces = proptest::sample::select(hard);
        prop_oneof![
            proptest::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat()),
            "[a-zÉ/ \u{3000}\u{85}\n😀]{0,60}".prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #[test]
        fn whatever_the_size_of_reads_the_sentences_are_those_of_the_whole(
            text in text(),
            layout in proptest::sample::select(LAYOUTS.as_slice()),
            errors in proptest::sample::select(ERRORS.as_slice()),
            max_sentence_length in proptest::option::of(1usize..4),
            limit in proptest::option::of(0usize..4),
            block_bytes in 1usize..12,
        ) {
            let limit = limit.filter(|_| layout != TextLayout::Text8);
            let options = TextOptions { layout, max_sentence_length, limit, errors };
            let mut stream = Sentences::new(Box::new(text.as_slice()), options.clone(), "corpus.txt".into());
            stream.block_bytes = block_bytes;
            for read in [collected(Box::new(stream)), mapped(&text, options.clone())] {
                match (read, naive(&text, &options)) {
                    (Ok(read), Ok(expected)) => prop_assert_eq!(read, expected),
                    (Err(Error::Corpus { origin, .. }), Err(line)) => {
                        let suffix = format!("corpus.txt, line {line}");
                        prop_assert!(origin.ends_with(&suffix), "{} is not {}", origin, suffix);
                    }
                    (read, expected) => prop_assert!(false, "{read:?} is not {expected:?}"),
                }
            }
        }
    }
}
