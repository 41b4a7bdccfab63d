//! The word2vec C format, text or binary as the caller says, with counts in a file of their own: gensim's
//! `load_word2vec_format` and `save_word2vec_format`.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::fs::File;
use std::io;
use std::path::Path;

use super::contents::{self, Contents};
use super::options::{LoadOptions, Word2VecFormat};
use super::table::{BINARY, Format, TEXT};
use super::vocabulary;
use super::word2vec::{self, Content};
use crate::error::{Error, Result};
use crate::output::{Out, Output};
use crate::progress::Progress;
use crate::store::{LocalCopy, Location};
use crate::vectors::KeyedVectors;
use crate::vocab::{Key, Keys};

/// The rows in the order in which they are written.
///
/// # Errors
/// [`Error::Parameter`] for a row that is not there.
fn rows_in_order(vectors: &KeyedVectors, format: &Word2VecFormat) -> Result<Vec<usize>> {
    if let Some(order) = &format.order {
        let reason = |row: &usize| format!("there is no row {row}");
        let missing = order.iter().find(|&&row| row >= vectors.len()).map(reason);
        return missing.map_or_else(|| Ok(order.clone()), |reason| Err(Error::parameter("order", reason)));
    }
    let mut rows: Vec<usize> = (0..vectors.len()).collect();
    rows.sort_by_key(|&row| Reverse(vectors.counts()[row]));
    Ok(rows)
}

/// # Errors
/// [`Error::Format`] naming the first word that the file cannot hold.
fn ensure_holds(vectors: &KeyedVectors, format: &Word2VecFormat, path: &Path) -> Result<()> {
    let of_file = if format.binary { &BINARY } else { &TEXT };
    if format.prefix.is_empty() {
        return of_file.ensure_holds(vectors.keys(), path);
    }
    let words: Vec<String> = vectors.keys().iter().map(|key| format!("{}{key}", format.prefix)).collect();
    of_file.ensure_holds(&words.iter().map(String::as_str).collect(), path)
}

/// Writes the word2vec C format, whatever the file's ending, and the lines `word count` to the path or URL `vocabulary`.
/// Files whose names end in `.gz` are compressed.
///
/// # Errors
/// [`Error::Io`] if a file cannot be written, [`Error::Format`] for a word that the format cannot hold, or a name that
/// ends as other compressed files do; [`Error::Interrupted`].
pub fn save_word2vec_format(
    vectors: &KeyedVectors,
    location: &Location,
    vocabulary: Option<&Path>,
    format: &Word2VecFormat,
    progress: &Progress,
) -> Result<()> {
    for path in [Some(location.path()), vocabulary].into_iter().flatten() {
        contents::refuse_other_compressions(path)?;
    }
    ensure_holds(vectors, format, location.path())?;
    if let Some(path) = vocabulary {
        vocabulary::ensure_holds(vectors.keys(), &format.prefix, path)?;
    }
    let rows = rows_in_order(vectors, format)?;
    let mut output = Output::files(location, progress);
    let before = Before::of(location, format.append, progress)?;
    output.write(location.path(), |out| {
        before.copy(out)?;
        contents::write(location.path(), out, |out| word2vec::write(vectors, format, rows.iter().copied(), out))
    })?;
    if let Some(path) = vocabulary {
        let before = Before::of(&Location::new(path, location.storage().clone()), format.append, progress)?;
        output.write(path, |out| {
            before.copy(out)?;
            contents::write(path, out, |out| vocabulary::write_lines(vectors, format, &rows, out))
        })?;
    }
    output.commit().map(drop)
}

/// What a file holds to which something is added. It is copied, so that the new file appears whole or not at all.
struct Before(Option<LocalCopy>);

impl Before {
    fn of(location: &Location, append: bool, progress: &Progress) -> Result<Self> {
        if !append {
            return Ok(Self(None));
        }
        match LocalCopy::of_file(location, progress) {
            Ok(copy) => Ok(Self(copy.path().exists().then_some(copy))),
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }

    fn copy(&self, out: &mut Out<'_>) -> io::Result<()> {
        match &self.0 {
            Some(copy) => io::copy(&mut File::open(copy.path())?, out).map(drop),
            None => Ok(()),
        }
    }
}

/// Reads the word2vec C format, whatever the file's ending, as gensim's `load_word2vec_format` does; the counts come from
/// the lines `word count` of `vocabulary`, if it is given. The storage options of `location` are also those of its URL.
/// Compressed files are known by their first bytes. Pipes are read to their end first.
///
/// # Errors
/// [`Error::Io`] if a file cannot be read; [`Error::Format`] if it is damaged or of the other format, if its header
/// announces fewer words than it has and there is no limit, or if a word has no count; [`Error::Truncated`] if it ends
/// early; [`Error::Interrupted`].
pub fn load_word2vec_format(
    location: &Location,
    binary: bool,
    vocabulary: Option<&Path>,
    options: &LoadOptions,
    progress: &Progress,
) -> Result<KeyedVectors> {
    let copy = LocalCopy::of_file(location, progress)?;
    let vectors = read(copy.path(), binary, options, progress).map_err(|error| copy.named(error))?;
    let Some(vocabulary) = vocabulary else { return Ok(vectors) };
    let of_vocabulary = Location::new(vocabulary, location.storage().clone());
    let counts = Counts::read(&of_vocabulary, &LoadOptions { limit: None, ..options.clone() }, progress)?;
    let count_of = |key| {
        let missing = || Error::format(vocabulary, format!("has no line for the word {key:?}"));
        counts.of(key).ok_or_else(missing)
    };
    let counts = vectors.keys().iter().map(count_of).collect::<Result<_>>()?;
    KeyedVectors::new(vectors.keys().clone(), counts, vectors.rows().clone(), None)
}

/// The counts of words.
struct Counts {
    words: Keys,
    counts: Vec<u64>,
    /// The words without the white space around them, which gensim does not heed. They are needed rarely.
    trimmed: OnceCell<Keys>,
}

impl Counts {
    fn read(vocabulary: &Location, options: &LoadOptions, progress: &Progress) -> Result<Self> {
        let (words, of_lines) = vocabulary::read(vocabulary, options, progress)?;
        let mut counts = of_lines.clone();
        // As in gensim, the last line of a word counts.
        for (word, count) in words.iter().zip(of_lines) {
            if let Some(id) = words.id(word) {
                counts[id as usize] = count;
            }
        }
        Ok(Self { words, counts, trimmed: OnceCell::new() })
    }

    fn of(&self, key: Key<'_>) -> Option<u64> {
        let trimmed = || self.words.iter().map(|word| word.as_text().unwrap_or_default().trim()).collect();
        let id = self.words.id(key).or_else(|| self.trimmed.get_or_init(trimmed).id(key))?;
        Some(self.counts[id as usize])
    }
}

fn read(path: &Path, binary: bool, options: &LoadOptions, progress: &Progress) -> Result<KeyedVectors> {
    let has_enough = |bytes: &[u8]| options.limit.is_some_and(|limit| word2vec::has_rows(bytes, limit, Some(binary)));
    let contents = Contents::open(path, progress, has_enough)?.ensure_not_empty()?;
    match other_content(contents.bytes(), binary, options.no_header) {
        Some(reason) => Err(contents.fault(reason)),
        None => word2vec::read(&contents, binary, options, progress),
    }
}

/// What the file is, if it is not what the caller says.
fn other_content(bytes: &[u8], binary: bool, no_header: bool) -> Option<String> {
    if let Some(format) = Format::of_magic(bytes) {
        return Some(format!("is a file of the format {}; load it with KeyedVectors.load", format.name));
    }
    match (Content::of(bytes, Some(binary))?, binary) {
        (Content::Text, true) => Some("is word2vec text: load it with binary=False".to_owned()),
        (Content::TextWithoutHeader, true) => {
            Some("is text without a header: load it with binary=False and no_header=True".to_owned())
        }
        (Content::Binary, false) => Some("is word2vec binary: load it with binary=True".to_owned()),
        (Content::TextWithoutHeader, false) if !no_header => {
            let about = "has no header line `words dimensions`, but starts with a word and its vector";
            Some(format!("{about}: load it with no_header=True"))
        }
        _ => None,
    }
}
