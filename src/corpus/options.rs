//! What to read of files, and how.

use crate::error::{Error, Result};
use crate::store::StorageOptions;
use crate::utf8::Utf8Errors;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Parquet.
    Parquet,
    /// Arrow IPC: file, stream or Feather 2.
    Ipc,
    /// NumPy: an array of token lists, or of ids.
    Npy,
    /// Plain text, by [`TextOptions`].
    Text,
}

/// How a column of whole strings becomes lists of tokens. Empty tokens are dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Split {
    /// At white space.
    Whitespace,
    /// Wherever this regular expression matches.
    Regex(String),
}

/// What to read of files, and how.
///
/// ```
/// use polargram::corpus::{ReadOptions, Split};
///
/// let options = ReadOptions {
///     filter: Some("lang = 'en' AND length > 100".into()),
///     split: Some(Split::Whitespace),
///     lowercase: true,
///     ..ReadOptions::column("text")
/// };
/// assert_eq!(options.column, "text");
/// ```
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// The list column, or with `split` the string column; `session.items` is the field `items` of the struct `session`,
    /// unless a column has that very name.
    pub column: String,
    /// A column of whole numbers: how many times each list counts. 0 leaves it out.
    pub count_column: Option<String>,
    /// A Polars SQL expression: rows for which it is true are read. Files, row groups and pages (of local files) that
    /// cannot have such a row are not. The names of a dataset's directories, `day=2026-11-01`, are columns.
    pub filter: Option<String>,
    /// How strings become lists.
    pub split: Option<Split>,
    /// True if tokens are lowercased.
    pub lowercase: bool,
    /// How plain text is read.
    pub text: TextOptions,
    /// The format of all files; if `None`, each file's name or first bytes decide.
    pub format: Option<FileFormat>,
    /// True if a directory on this machine is read with everything below it. Prefixes in stores always are.
    pub subdirectories: bool,
    /// Settings for URLs.
    pub storage: StorageOptions,
    /// At most so many bytes of objects in a store are fetched before they are read.
    pub fetch_ahead: u64,
}

impl ReadOptions {
    /// A list column, and nothing special.
    pub fn column(column: impl Into<String>) -> Self {
        Self {
            column: column.into(),
            count_column: None,
            filter: None,
            split: None,
            lowercase: false,
            text: TextOptions::default(),
            format: None,
            subdirectories: true,
            storage: StorageOptions::default(),
            fetch_ahead: 64 << 20,
        }
    }
}

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
