//! Rows of text and of the binary format, read to a table.

use std::cell::Cell;

use arrow::array::LargeStringBuilder;
use half::f16;
use memchr::memchr;

use super::binary::BinaryRows;
use super::content::{split_last, trailing_numbers, vector_size_of};
use super::float::number;
use super::header::{Header, without_mark};
use super::lines::{self, ParsedLines};
use crate::formats::options::{FloatType, LoadOptions};
use crate::kernel::zeros;
use crate::progress::Progress;
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::{Keys, WordId};

/// Err says what is wrong with the file.
pub(super) type Parsed<T> = Result<T, String>;

/// Rows between two looks at the user's wish to stop.
const ROWS_PER_LOOK: usize = 1024;

/// Words and values that were read so far.
pub(super) struct RowReader<'a> {
    options: &'a LoadOptions,
    progress: &'a Progress,
    words: LargeStringBuilder,
    values: Vec<f32>,
    vector_size: usize,
    rows: usize,
    is_cut: Cell<bool>,
}

impl<'a> RowReader<'a> {
    pub(super) fn new(options: &'a LoadOptions, progress: &'a Progress) -> Self {
        let words = LargeStringBuilder::new();
        Self { options, progress, words, values: Vec::new(), vector_size: 0, rows: 0, is_cut: Cell::default() }
    }

    /// True if the file was found to end early.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.get()
    }

    /// The rows as a table. `place` says where the row of a number stands.
    pub(super) fn finish(mut self, place: impl Fn(usize) -> String) -> Parsed<KeyedVectors> {
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
        if self.options.float == FloatType::Float16 {
            self.values.iter_mut().for_each(|value| *value = f16::from_f32(*value).to_f32());
        }
        // The format has no counts. As in gensim, they fall from word to word, from the number of rows.
        let counts = (0..keys.len()).map(|id| (self.rows - id) as u64).collect();
        let rows = Rows::from_vec(self.values, self.vector_size);
        KeyedVectors::new(keys, counts, rows, None).map_err(|error| error.to_string())
    }

    /// # Errors
    /// What is wrong with the file. If the job was cancelled, rows are missing.
    pub(super) fn read_binary(&mut self, bytes: &[u8]) -> Parsed<()> {
        let header = Header::read(bytes)?;
        let wanted = self.wanted(&header);
        self.reserve(wanted, header.rows.len() / size_of::<f32>());
        let mut rows = BinaryRows::new(&header);
        while self.rows < wanted && !self.is_cancelled() {
            let (word, row) = rows.next().ok_or_else(|| self.cut(&header))?;
            self.push_word(word)?;
            self.values.extend(row.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
        }
        self.ensure_end(&header, rows.rest())
    }

    /// # Errors
    /// As for [`read_binary`](Self::read_binary).
    pub(super) fn read_text(&mut self, bytes: &[u8]) -> Parsed<()> {
        let header = Header::read(bytes)?;
        let wanted = self.wanted(&header);
        // A value takes at least two bytes: a digit and a space.
        self.reserve(wanted, header.rows.len() / 2);
        let parsed = lines::parse(header.rows, self.vector_size, wanted, self.options, self.progress);
        if let Some(parsed) = parsed.filter(|parsed| parsed.len() == wanted) {
            let rest = &header.rows[parsed.read..];
            self.take(parsed);
            return self.ensure_end(&header, rest);
        }
        let mut lines = Lines(header.rows);
        while self.rows < wanted && !self.is_cancelled() {
            let Some(Line { text, is_whole }) = lines.next() else { return Err(self.cut(&header)) };
            match self.read_line(text) {
                Err(_) if !is_whole || (text.trim_ascii().is_empty() && lines.are_blank()) => {
                    return Err(self.cut(&header));
                }
                read => read?,
            }
        }
        self.ensure_end(&header, lines.0)
    }

    /// Reads text that starts with the first word.
    ///
    /// # Errors
    /// As for [`read_binary`](Self::read_binary).
    pub(super) fn read_text_without_header(&mut self, bytes: &[u8]) -> Parsed<()> {
        let bytes = without_mark(bytes);
        self.vector_size = vector_size_of(bytes);
        if self.vector_size == 0 {
            return Err("has no line that is a word and its vector".to_owned());
        }
        let limit = self.options.limit.unwrap_or(usize::MAX);
        // Blank lines may follow the last.
        let end = bytes.trim_ascii_end().len();
        let whole = memchr(b'\n', &bytes[end..]).map_or(&bytes[..0], |at| &bytes[..=end + at]);
        if let Some(parsed) = lines::parse(whole, self.vector_size, limit, self.options, self.progress) {
            self.take(parsed);
            return Ok(());
        }
        let mut lines = Lines(bytes);
        while self.rows < limit && !lines.are_blank() && !self.is_cancelled() {
            let Some(Line { text, is_whole }) = lines.next() else { break };
            self.read_line(text).map_err(|reason| match (self.rows, is_whole) {
                (0, _) if Header::read(bytes).is_ok_and(|header| header.vector_size == self.vector_size) => {
                    format!("{reason}; the line looks like a header: load it without no_header")
                }
                (1.., false) => {
                    self.is_cut.set(true);
                    format!("{reason}; the file was cut there")
                }
                _ => reason,
            })?;
        }
        Ok(())
    }

    /// Reads a line whose last fields are the vector; what stands before the space in front of them is the word.
    fn read_line(&mut self, line: &[u8]) -> Parsed<()> {
        let (size, before) = (self.vector_size, self.values.len());
        let fault = |found: usize| {
            if line.trim_ascii().is_empty() {
                return format!("word {} is missing: its line is empty", self.rows + 1);
            }
            format!("word {} has {found} values at the end of its line; expected {size}", self.rows + 1)
        };
        // The header may promise a vector that the line, or the memory, cannot hold.
        if size > line.len() {
            return Err(fault(trailing_numbers(line, usize::MAX)));
        }
        let mut rest = line;
        let mut found = 0;
        self.values.resize(before + size, 0.0);
        for value in self.values[before..].iter_mut().rev() {
            let last = split_last(rest).and_then(|(before, field)| Some((before, number(field)?)));
            let Some((before, last)) = last else { break };
            (rest, *value) = (before, last);
            found += 1;
        }
        if found < size {
            return Err(fault(found));
        }
        self.push_word(rest)
    }

    fn take(&mut self, parsed: ParsedLines) {
        parsed.words().for_each(|word| self.words.append_value(word));
        self.rows = parsed.len();
        self.values = parsed.values;
    }

    fn wanted(&mut self, header: &Header<'_>) -> usize {
        self.vector_size = header.vector_size;
        header.words.min(self.options.limit.unwrap_or(usize::MAX))
    }

    /// Makes room for so many rows, if the file can hold them.
    fn reserve(&mut self, rows: usize, most_values: usize) {
        self.values = zeros(rows.saturating_mul(self.vector_size).min(most_values));
        self.values.clear();
    }

    fn is_cancelled(&self) -> bool {
        self.rows.is_multiple_of(ROWS_PER_LOOK) && self.progress.is_cancelled()
    }

    /// Says how much of the file there is.
    fn cut(&self, header: &Header<'_>) -> String {
        self.is_cut.set(true);
        let (rows, announced) = (self.rows, header.words);
        let holds = match (rows, header.rows.trim_ascii().is_empty()) {
            (0, true) => format!("ends after its header, which announces {announced} words"),
            (0, false) => {
                let size = header.vector_size;
                format!("ends within the first of the {announced} words of {size} dimensions that its header announces")
            }
            _ => format!("holds {rows} of the {announced} words that its header announces"),
        };
        match rows {
            0 => format!("{holds}; the file was cut"),
            _ => format!("{holds}: it was cut; load_word2vec_format with limit={rows} loads these"),
        }
    }

    /// Without a limit, nothing but white space may follow the last word.
    fn ensure_end(&self, header: &Header<'_>, rest: &[u8]) -> Parsed<()> {
        let words = header.words;
        if self.options.limit.is_some() || self.rows < words || rest.trim_ascii().is_empty() {
            return Ok(());
        }
        let advice = match words {
            0 => String::new(),
            _ => format!("; load_word2vec_format with limit={words} loads these alone"),
        };
        Err(format!("has a header that announces {words} words, but more follow{advice}"))
    }

    fn push_word(&mut self, word: &[u8]) -> Parsed<()> {
        self.rows += 1;
        let text = self.options.decode(word).map_err(|at| {
            format!("word {} is not UTF-8 (byte {at}); pass unicode_errors=\"replace\" or \"ignore\"", self.rows)
        })?;
        self.words.append_value(text);
        Ok(())
    }
}

/// Lines that were not read yet.
struct Lines<'b>(&'b [u8]);

/// A line without its line break.
struct Line<'b> {
    text: &'b [u8],
    /// False if the file ends in it.
    is_whole: bool,
}

impl<'b> Lines<'b> {
    fn next(&mut self) -> Option<Line<'b>> {
        if self.0.is_empty() {
            return None;
        }
        let end = memchr(b'\n', self.0);
        let text = &self.0[..end.unwrap_or(self.0.len())];
        self.0 = &self.0[end.map_or(self.0.len(), |end| end + 1)..];
        Some(Line { text, is_whole: end.is_some() })
    }

    /// True if no line has a word.
    fn are_blank(&self) -> bool {
        self.0.trim_ascii_start().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::utf8::Utf8Errors;

    #[derive(Clone, Copy, Debug)]
    enum Kind {
        Text,
        Binary,
        WithoutHeader,
    }
    use Kind::{Binary, Text, WithoutHeader};

    fn read(bytes: &[u8], kind: Kind, options: &LoadOptions) -> Parsed<KeyedVectors> {
        let progress = Progress::default();
        let mut rows = RowReader::new(options, &progress);
        match kind {
            Text => rows.read_text(bytes)?,
            Binary => rows.read_binary(bytes)?,
            WithoutHeader => rows.read_text_without_header(bytes)?,
        }
        rows.finish(|id| format!("word {id}"))
    }

    fn words(bytes: &[u8], kind: Kind) -> Parsed<Vec<String>> {
        let vectors = read(bytes, kind, &LoadOptions::default())?;
        Ok(vectors.keys().iter().map(|key| key.to_string()).collect())
    }

    fn limited(limit: usize) -> LoadOptions {
        LoadOptions { limit: Some(limit), ..LoadOptions::default() }
    }

    fn shape(bytes: &[u8], kind: Kind, options: &LoadOptions) -> Parsed<(usize, usize)> {
        read(bytes, kind, options).map(|vectors| (vectors.len(), vectors.vector_size()))
    }

    fn kinds() -> impl Strategy<Value = Kind> {
        prop_oneof![Just(Text), Just(Binary), Just(WithoutHeader)]
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in kinds()) {
            let _ = read(&bytes, kind, &LoadOptions::default());
        }

        #[test]
        fn no_body_behind_a_header_panics(words in 0usize..9, size in 0usize..9, body in prop::collection::vec(any::<u8>(), 0..200), kind in kinds()) {
            let mut bytes = format!("{words} {size}\n").into_bytes();
            bytes.extend(body);
            let _ = read(&bytes, kind, &LoadOptions::default());
        }
    }

    /// A number and what stands before it.
    fn field() -> impl Strategy<Value = String> {
        let number = prop_oneof![
            8 => "-?[0-9]{1,9}(\\.[0-9]{1,9})?(e-?[0-9])?",
            1 => Just("nan".to_owned()),
            1 => "[0-9.e-]{1,4}",
        ];
        let space = prop_oneof![12 => Just(" "), 1 => Just("\t"), 1 => Just("  ")];
        (space, number).prop_map(|(space, number)| format!("{space}{number}"))
    }

    /// Lines of words and numbers, most of them without a fault.
    fn lines() -> impl Strategy<Value = String> {
        let word = prop_oneof![6 => "[a-c1]{1,2}", 1 => "[a1 .]{0,3}"];
        let end = prop_oneof![12 => Just("\n"), 1 => Just("\r\n"), 1 => Just(" \n"), 1 => Just("\n\n")];
        let count = prop_oneof![9 => Just(2usize), 1 => 0..4usize];
        let fields = count.prop_flat_map(|count| prop::collection::vec(field(), count));
        let line = (word, fields, end).prop_map(|(word, fields, end)| format!("{word}{}{end}", fields.concat()));
        prop::collection::vec(line, 1..9).prop_map(|lines| lines.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn lines_that_are_read_on_all_cores_are_what_they_are_in_order(lines in lines(), task_bytes in 1usize..40) {
            let progress = Progress::default();
            let parsed = lines::parse_in_tasks(lines.as_bytes(), 2, usize::MAX, &LoadOptions::default(), &progress, task_bytes);
            let Some(parsed) = parsed else { return Ok(()) };
            let bytes = format!("{} 2\n{lines}", parsed.len());
            let options = LoadOptions::default();
            let mut rows = RowReader::new(&options, &progress);
            rows.read_text(bytes.as_bytes()).unwrap();
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&rows.values), bits(&parsed.values));
            let words = rows.words.finish();
            prop_assert_eq!(words.iter().flatten().collect::<Vec<_>>(), parsed.words().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_header_that_promises_more_than_memory_holds_is_refused() {
        for header in
            ["1000000000000000000 300\na ", "9223372036854775807 9223372036854775807\n", "-5 10\n", "3 0\n", "3\n"]
        {
            for kind in [Text, Binary] {
                for options in [LoadOptions::default(), limited(3)] {
                    assert!(shape(header.as_bytes(), kind, &options).is_err(), "{header}");
                }
            }
        }
    }

    #[test]
    fn the_limit_stops_early_and_glove_needs_no_header() {
        assert_eq!(shape(b"2 2\na 1 2\nb 3 4\n", Text, &limited(1)), Ok((1, 2)));
        assert_eq!(shape(b"a 1 2 3\nb 3 4\n", WithoutHeader, &limited(1)), Ok((1, 3)));
        let glove = |bytes| shape(bytes, WithoutHeader, &LoadOptions::default());
        assert_eq!(glove(b"a 1 2 3\nb 3 4 5\n"), Ok((2, 3)));
        assert_eq!(glove(b"a 1 2 3\nb 3 4 5\n\n\r\n"), Ok((2, 3)));
        // What stands after an empty line is not lost.
        assert!(glove(b"a 1 2 3\n\nb 3 4 5\n").unwrap_err().contains("word 2 is missing"));
        assert!(glove(b"\n").is_err());
    }

    #[test]
    fn of_a_text_line_the_last_fields_are_the_vector_and_the_rest_is_the_word() {
        let lines = ". . . 1 2\nat the bank 3 4 \r\nx\u{a0}y\t5\t6\n 7 8\n1 2 9 9\na  1 2\n\u{feff} nan -inf\n";
        let want = [". . .", "at the bank", "x\u{a0}y", "", "1 2", "a ", "\u{feff}"];
        for start in ["7 2\n", "\u{feff}7 2\r\n"] {
            assert_eq!(words(format!("{start}{lines}").as_bytes(), Text).unwrap(), want);
        }
        assert_eq!(words(lines.as_bytes(), WithoutHeader).unwrap(), want);
        assert_eq!(words("\u{feff}the 1 2\n. . . 3 4\n".as_bytes(), WithoutHeader).unwrap(), ["the", ". . ."]);
    }

    fn binary(header: &str, rows: &[&[u8]]) -> Vec<u8> {
        let mut bytes = header.as_bytes().to_vec();
        for (row, x) in rows.iter().zip(1u8..) {
            bytes.extend([row, &f32::from(x).to_le_bytes()[..]].concat());
        }
        bytes
    }

    #[test]
    fn binary_words_are_what_stands_before_the_space() {
        let bytes = binary("5 1\n", &[b"the ", b" ", b"\tx ", b"\n\ny\n ", "\r\u{feff} ".as_bytes()]);
        assert_eq!(words(&bytes, Binary).unwrap(), ["the", "", "\tx", "y\n", "\r\u{feff}"]);
    }

    #[test]
    fn more_words_than_announced_need_a_limit() {
        let cases = [(Text, b"1 1\na 1\nb 2\n".to_vec()), (Binary, binary("1 1\n", &[b"a ", b"\nb "]))];
        for (kind, bytes) in cases {
            let error = shape(&bytes, kind, &LoadOptions::default()).unwrap_err();
            assert!(error.contains("announces 1 words, but more follow") && error.contains("limit=1"), "{error}");
            assert_eq!(shape(&bytes, kind, &limited(1)), Ok((1, 1)));
            assert_eq!(shape(&[&bytes[..bytes.len() - 4], b"\n \r\n"].concat(), kind, &limited(1)), Ok((1, 1)));
        }
        assert_eq!(shape(b"1 1\na 1\n\n \r\n", Text, &LoadOptions::default()), Ok((1, 1)));
    }

    #[test]
    fn a_cut_file_says_what_it_holds_and_a_limit_loads_that() {
        let text = |bytes: &[u8]| (Text, bytes.to_vec());
        let of_binary = binary("2000000 1\n", &[b"a ", b"b ", b"c "]);
        for (kind, bytes) in [
            text(b"2000000 1\na 1\nb 2\nc 3\n"),
            text(b"2000000 1\na 1\nb 2\nc 3\n\n"),
            text(b"2000000 1\na 1\nb 2\nc 3\nd "),
            (Binary, of_binary.clone()),
            (Binary, [of_binary.as_slice(), b"d \0\0"].concat()),
        ] {
            for options in [LoadOptions::default(), limited(4)] {
                let error = shape(&bytes, kind, &options).unwrap_err();
                assert!(error.contains("holds 3 of the 2000000 words") && error.contains("limit=3"), "{error}");
            }
            assert_eq!(shape(&bytes, kind, &limited(3)), Ok((3, 1)));
        }
        for kind in [Text, Binary] {
            for bytes in [&b"9 300\n"[..], b"9 300\na 1"] {
                assert!(shape(bytes, kind, &LoadOptions::default()).unwrap_err().ends_with("the file was cut"));
            }
        }
    }

    #[test]
    fn a_line_that_lacks_values_is_named() {
        for (bytes, kind, reason) in [
            (&b"2 2\na 1 2\nb 3\nc 1 2\n"[..], Text, "word 2 has 1 values at the end of its line; expected 2"),
            (b"2 2\na 1 2\nb 3 four\nc 1 2\n", Text, "word 2 has 0 values"),
            (b"2 2\na 1 2\n\nc 1 2\n", Text, "word 2 is missing: its line is empty"),
            (b"a 1 2\nb 3\nc 1 2\n", WithoutHeader, "word 2 has 1 values"),
            (b"a 1 2\nc 1 2\nb 3", WithoutHeader, "the file was cut there"),
            (b"2 2\na 1 2\nc 1 2\n", WithoutHeader, "load it without no_header"),
        ] {
            let error = shape(bytes, kind, &LoadOptions::default()).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn words_that_are_not_utf8_are_refused_replaced_or_shortened() {
        let with = |errors| shape(b"1 1\n\xff\xfe 1\n", Text, &LoadOptions { errors, ..LoadOptions::default() });
        assert!(with(Utf8Errors::Strict).unwrap_err().contains("unicode_errors"));
        assert_eq!(with(Utf8Errors::Replace), Ok((1, 1)));
        assert_eq!(with(Utf8Errors::Ignore), Ok((1, 1)));
    }

    #[test]
    fn reading_stops_when_it_is_cancelled() {
        let (progress, options) = (Progress::default(), LoadOptions::default());
        progress.cancel();
        let mut rows = RowReader::new(&options, &progress);
        rows.read_text(b"2 1\na 1\nb 2\n").unwrap();
        assert_eq!(rows.rows, 0);
    }
}
