//! What to read of files, and how.

use super::{StorageOptions, TextOptions};

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
    /// The list column, or with `split` the string column.
    pub column: String,
    /// A column of whole numbers: each list counts as so many. 0 leaves it out.
    pub count_column: Option<String>,
    /// A Polars SQL expression: rows for which it is true are read, and of other columns' pages in local files only
    /// theirs.
    pub filter: Option<String>,
    /// How strings become lists.
    pub split: Option<Split>,
    /// Whether tokens are lowercased.
    pub lowercase: bool,
    /// How plain text is read.
    pub text: TextOptions,
    /// What all files are; if `None`, each file's name or first bytes tell.
    pub format: Option<FileFormat>,
    /// Settings for URLs.
    pub storage: StorageOptions,
    /// Bytes of objects in a store that are fetched before they are read, at most.
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
            storage: StorageOptions::default(),
            fetch_ahead: 64 << 20,
        }
    }
}
