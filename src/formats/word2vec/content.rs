//! What a file of word2vec's formats holds, told from its header and its first rows.

use memchr::{memchr, memrchr, memrchr2};

use super::binary::BinaryRows;
use super::float::number;
use super::header::{Header, without_mark};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Text,
    Binary,
    /// Text without the first line, as GloVe's.
    TextWithoutHeader,
}

impl Content {
    /// What the bytes are, if they are of one of word2vec's formats. Where they could be either, it is what is expected:
    /// binary, text (false), or None for text.
    pub(crate) fn of(bytes: &[u8], expects_binary: Option<bool>) -> Option<Self> {
        let Ok(header) = Header::read(bytes) else {
            return is_text_without_header(bytes).then_some(Self::TextWithoutHeader);
        };
        let has_rows = !header.rows.trim_ascii().is_empty();
        match expects_binary {
            Some(true) if starts_as_text(&header) && !is_whole_binary(&header) => Some(Self::Text),
            Some(true) => Some(Self::Binary),
            _ if !starts_as_text(&header) && starts_as_binary(&header) => Some(Self::Binary),
            Some(false) => Some(Self::Text),
            None => (!has_rows || starts_as_text(&header)).then_some(Self::Text),
        }
    }
}

/// True if the first row is a line that ends with a vector.
fn starts_as_text(header: &Header<'_>) -> bool {
    trailing_numbers(first_line(header.rows), header.vector_size) == header.vector_size
}

/// True if the first vector has bytes that no text has.
fn starts_as_binary(header: &Header<'_>) -> bool {
    let Some(space) = memchr(b' ', header.rows) else { return false };
    let row = &header.rows[space + 1..];
    let row = &row[..row.len().min(header.vector_size.saturating_mul(size_of::<f32>()))];
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    row.iter().any(is_control) || std::str::from_utf8(row).is_err_and(|error| error.error_len().is_some())
}

/// True if the file ends after the last row that the header announces.
fn is_whole_binary(header: &Header<'_>) -> bool {
    let mut rows = BinaryRows::new(header);
    rows.by_ref().take(header.words).count() == header.words && rows.rest().trim_ascii().is_empty()
}

/// Fewer could be counts, or the fields of another table.
const LEAST_VALUES: usize = 2;
/// Lines that are looked at.
const FIRST_LINES: usize = 100;

/// True if each of the first lines is a word and as many numbers. One at least is whole.
fn is_text_without_header(bytes: &[u8]) -> bool {
    let bytes = without_mark(bytes);
    let values = if memchr(b'\n', bytes).is_some() { vector_size_of(bytes) } else { 0 };
    values >= LEAST_VALUES && first_lines(bytes).all(|line| trailing_numbers(line, values) == values)
}

/// How many values the rows of a text without a header have: that number of numbers with which most of the first lines
/// end. A word may end with a number too.
pub(super) fn vector_size_of(bytes: &[u8]) -> usize {
    let sizes: Vec<usize> = first_lines(bytes).map(|line| trailing_numbers(line, usize::MAX)).collect();
    let times = |size: usize| sizes.iter().filter(|&&other| other == size).count();
    // The first of those that are equally frequent.
    sizes.iter().rev().copied().max_by_key(|&size| times(size)).unwrap_or(0)
}

/// Lines that are whole; of a single line, what there is of it.
fn first_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = memrchr(b'\n', bytes).map_or(bytes, |end| &bytes[..end]);
    whole.split(|&byte| byte == b'\n').take(FIRST_LINES).filter(|line| !line.trim_ascii().is_empty())
}

fn first_line(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr(b'\n', bytes).unwrap_or(bytes.len())]
}

/// Takes the last field off a line: what stands before the space or tab in front of it, and the field.
pub(super) fn split_last(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.trim_ascii_end();
    memrchr2(b' ', b'\t', line).map(|at| (&line[..at], &line[at + 1..]))
}

/// With how many numbers a line ends, at most `limit`. Its first field is a word.
pub(super) fn trailing_numbers(mut line: &[u8], limit: usize) -> usize {
    let mut found = 0;
    while found < limit
        && let Some((before, field)) = split_last(line)
        && number(field).is_some()
    {
        line = before;
        found += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"2 2\na 1 2\nb 3 4\n";

    fn binary() -> Vec<u8> {
        let row = |word: &str, x: f32| [word.as_bytes(), b" ", &x.to_le_bytes(), &x.to_le_bytes()].concat();
        [b"2 2\n".to_vec(), row("a", 0.1), row("b", -1e-3)].concat()
    }

    #[test]
    fn text_and_binary_are_told_apart_whatever_is_expected() {
        for expected in [None, Some(true), Some(false)] {
            assert_eq!(Content::of(TEXT, expected), Some(Content::Text), "{expected:?}");
            assert_eq!(Content::of(&binary(), expected), Some(Content::Binary), "{expected:?}");
            assert_eq!(Content::of(&TEXT[4..], expected), Some(Content::TextWithoutHeader), "{expected:?}");
            assert_eq!(Content::of(b"to be or\nnot to be\n", expected), None);
            assert_eq!(Content::of(b"the 300\nof 20\n", expected), None);
        }
    }

    #[test]
    fn what_could_be_either_is_what_is_expected() {
        // Four bytes after each word and its space, with which the file ends: text, or binary with odd floats.
        let either = b"2 1\na 1.5\nb 2.5\n";
        assert_eq!(Content::of(either, Some(true)), Some(Content::Binary));
        assert_eq!(Content::of(either, Some(false)), Some(Content::Text));
        assert_eq!(Content::of(either, None), Some(Content::Text));
        for expected in [true, false] {
            let content = if expected { Content::Binary } else { Content::Text };
            assert_eq!(Content::of(b"0 3\n", Some(expected)), Some(content));
        }
    }

    #[test]
    fn a_word_that_ends_with_a_number_does_not_change_how_many_values_there_are() {
        assert_eq!(vector_size_of(b"new 5 0.1 0.2\nof 0.3 0.4\nto 0.5 0.6\n"), 2);
        assert_eq!(vector_size_of(b". . 0.1 0.2\n1 0.3 0.4\n"), 2);
        // A line that lacks a value does not either.
        assert_eq!(vector_size_of(b"a 1 2 3\nb 1 2\n"), 3);
        assert_eq!(vector_size_of(b""), 0);
    }
}
