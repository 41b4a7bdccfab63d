//! Keys and counts in a text file: a line `word count` each.

use std::io::{self, Write};
use std::path::Path;

use super::contents::{self, Contents};
use super::options::{LoadOptions, Word2VecFormat};
use super::word2vec::without_mark;
use crate::error::{Error, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::store::{LocalCopy, Location};
use crate::vectors::KeyedVectors;
use crate::vocab::{Key, Keys, WordId};

const MARK: char = '\u{feff}';

/// Why a line cannot hold a word.
pub(super) fn word_fault(word: &str) -> Option<&'static str> {
    word.contains('\n').then_some("has a line break")
}

/// # Errors
/// [`Error::Format`] naming the first word that no line can hold.
pub(super) fn ensure_holds(keys: &Keys, prefix: &str, path: &Path) -> Result<()> {
    let of_prefix = word_fault(prefix).map(|fault| (Key::Text(prefix), fault));
    let fault = of_prefix.or_else(|| keys.iter().find_map(|key| Some((key, word_fault(key.as_text()?)?))));
    fault
        .map_or(Ok(()), |(key, fault)| Err(Error::format(path, format!("cannot hold the word {key:?}, which {fault}"))))
}

pub(super) fn write(vectors: &KeyedVectors, path: &Path, output: &mut Output) -> Result<()> {
    let rows: Vec<usize> = (0..vectors.len()).collect();
    output.write(path, |out| {
        contents::write(path, out, |out| write_lines(vectors, &Word2VecFormat::default(), &rows, out))
    })
}

/// Writes the lines of some rows, in this order.
pub(super) fn write_lines(
    vectors: &KeyedVectors,
    format: &Word2VecFormat,
    rows: &[usize],
    out: &mut dyn Write,
) -> io::Result<()> {
    let key = |row: usize| vectors.keys().key(row as WordId);
    let first = rows.first().filter(|_| format.prefix.is_empty() && !format.append);
    // The one that starts the file is no part of the first word.
    if first.is_some_and(|&row| key(row).as_text().is_some_and(|word| word.starts_with(MARK))) {
        write!(out, "{MARK}")?;
    }
    rows.iter().try_for_each(|&row| match &format.attribute {
        Some(values) => writeln!(out, "{}{} {}", format.prefix, key(row), values.get(row).map_or("", String::as_str)),
        None => writeln!(out, "{}{} {}", format.prefix, key(row), vectors.counts()[row]),
    })
}

/// Reads as many lines as `options` say.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::Format`] for a line that is not `word count`,
/// [`Error::Interrupted`].
pub(super) fn read(location: &Location, options: &LoadOptions, progress: &Progress) -> Result<(Keys, Vec<u64>)> {
    let copy = LocalCopy::of_file(location, progress)?;
    let contents = Contents::open(copy.path(), progress, |_| false).map_err(|error| copy.named(error))?;
    parse(contents.bytes(), options).map_err(|reason| copy.named(contents.fault(reason)))
}

fn parse(bytes: &[u8], options: &LoadOptions) -> std::result::Result<(Keys, Vec<u64>), String> {
    let (mut words, mut counts) = (Vec::new(), Vec::new());
    let lines = without_mark(bytes).trim_ascii_end();
    // Of no bytes, `split` makes a line.
    let lines = (!lines.is_empty()).then(|| lines.split(|&byte| byte == b'\n')).into_iter().flatten();
    for (line, number) in lines.zip(1..).take(options.rows_of(usize::MAX)) {
        let text = options.decode(line).map_err(|at| format!("line {number} is not UTF-8 (byte {at})"))?;
        let text = text.trim_ascii_end();
        // The last space or tab: the word may have others.
        let parsed = text.rsplit_once([' ', '\t']).and_then(|(word, count)| Some((word, count.parse().ok()?)));
        let Some((word, count)) = parsed else {
            let start: String = text.chars().take(40).collect();
            return Err(format!("line {number} is not `word count`: {start:?}"));
        };
        words.push(word.to_owned());
        counts.push(count);
    }
    let keys = words.iter().map(String::as_str).collect();
    Ok((options.keys(keys, |id| format!("line {}", id + 1))?, counts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::utf8::Utf8Errors;

    fn words(text: &[u8], errors: Utf8Errors) -> std::result::Result<(Vec<String>, Vec<u64>), String> {
        let (keys, counts) = parse(text, &LoadOptions { errors, ..LoadOptions::default() })?;
        Ok((keys.iter().map(|key| key.to_string()).collect(), counts))
    }

    #[test]
    fn the_word_is_all_before_the_last_space_or_tab() {
        let text = "\u{feff}the 9\r\nnew york\t8\n 7 \na\t 6\n\u{feff} 5\n\n";
        let want = ["the", "new york", "", "a\t", "\u{feff}"].map(str::to_owned).to_vec();
        assert_eq!(words(text.as_bytes(), Utf8Errors::Strict), Ok((want, vec![9, 8, 7, 6, 5])));
        assert_eq!(words(b"", Utf8Errors::Strict), Ok((Vec::new(), Vec::new())));
    }

    #[test]
    fn a_line_that_is_not_a_word_and_a_count_is_named() {
        for (text, reason) in [
            ("a 1\n\nb 2\n", "line 2"),
            ("a 1\nb\n", "line 2"),
            ("a 1.5\n", "line 1"),
            ("a -1\n", "line 1"),
            ("a 99999999999999999999\n", "line 1"),
        ] {
            assert!(words(text.as_bytes(), Utf8Errors::Strict).unwrap_err().contains(reason), "{text:?}");
        }
    }

    #[test]
    fn invalid_utf8_is_treated_as_asked() {
        let text = b"ok 2\ncaf\xc3 1\n";
        assert!(words(text, Utf8Errors::Strict).unwrap_err().contains("line 2 is not UTF-8"));
        assert_eq!(words(text, Utf8Errors::Replace).unwrap().0, ["ok", "caf\u{FFFD}"]);
        assert_eq!(words(text, Utf8Errors::Ignore).unwrap().0, ["ok", "caf"]);
    }
}
