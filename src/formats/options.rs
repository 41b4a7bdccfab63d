//! How vectors are loaded and saved.

use std::borrow::Cow;

use crate::utf8::Utf8Errors;
use crate::vocab::Keys;

/// How to load vectors. The defaults suit every file that [`save`](crate::KeyedVectors::save) writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOptions {
    /// Load only the first rows, at most this many.
    pub limit: Option<usize>,
    /// The file starts with the first word (word2vec text only; GloVe's files do).
    pub no_header: bool,
    /// What to do about words that are not UTF-8 (word2vec formats only).
    pub errors: Utf8Errors,
    /// Keys are integers, which text formats write as decimals. Otherwise the keys of text formats are text.
    pub integer_keys: bool,
    /// How the bytes of words become text (word2vec formats only).
    pub encoding: Encoding,
    /// With `Float16` the values are rounded to half precision, and held as float32 nevertheless (word2vec formats only).
    pub float: FloatType,
    /// The column of the keys in an Arrow or Parquet table; the array or tensor of the keys in `.npz` and safetensors. If it
    /// is not given, it is found.
    pub key_column: Option<String>,
    /// The column, array or tensor of the vectors, likewise.
    pub vector_column: Option<String>,
}

/// How the bytes of words become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// ISO 8859-1: each byte is one character.
    Latin1,
}

/// How values are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FloatType {
    /// Single precision.
    #[default]
    Float32,
    /// Half precision: half the file. What is loaded is float32 again.
    Float16,
}

/// How to save vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SaveOptions {
    /// The type of the values in the file.
    pub float: FloatType,
}

/// How to write the word2vec C format, with gensim's parameters.
///
/// ```
/// use polargram::formats::{Word2VecFormat, save_word2vec_format};
/// use polargram::{KeyedVectors, Progress};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("vectors.txt");
/// let wv = KeyedVectors::from_rows(["a", "b"], 1, &[1.0, 0.5])?;
/// let format = Word2VecFormat { prefix: "w:".into(), write_header: false, ..Word2VecFormat::default() };
/// save_word2vec_format(&wv, &path.as_path().into(), None, &format, &Progress::default())?;
/// assert_eq!(std::fs::read_to_string(&path).unwrap(), "w:a 1\nw:b 0.5\n");
/// # Ok::<(), polargram::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word2VecFormat {
    /// Binary instead of text.
    pub binary: bool,
    /// Start with the line `words dimensions`. Without it, text is as GloVe writes it.
    pub write_header: bool,
    /// How many words the header announces, if other vectors are to be appended.
    pub total_vec: Option<usize>,
    /// Stands before each word.
    pub prefix: String,
    /// Add to the files instead of replacing them.
    pub append: bool,
    /// The rows in the order in which they are written. Without it the most frequent keys come first, and those of equal
    /// counts in the order of their rows.
    pub order: Option<Vec<usize>>,
    /// What the vocabulary says of each row, instead of its count.
    pub attribute: Option<Vec<String>>,
}

impl Default for Word2VecFormat {
    fn default() -> Self {
        Self {
            binary: false,
            write_header: true,
            total_vec: None,
            prefix: String::new(),
            append: false,
            order: None,
            attribute: None,
        }
    }
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            limit: None,
            no_header: false,
            errors: Utf8Errors::Strict,
            integer_keys: false,
            encoding: Encoding::Utf8,
            float: FloatType::Float32,
            key_column: None,
            vector_column: None,
        }
    }
}

impl SaveOptions {
    /// # Errors
    /// Why files of a format cannot hold half precision, if that is asked for.
    pub(super) fn ensure_float32(self, format: &str) -> Result<(), String> {
        match self.float {
            FloatType::Float32 => Ok(()),
            FloatType::Float16 => Err(format!(
                "files of the format {format} have no half precision; save as .arrow, .parquet, .npy, .npz or .safetensors, \
                 or without dtype=float16"
            )),
        }
    }
}

impl LoadOptions {
    /// The text of a word.
    ///
    /// # Errors
    /// As for [`Utf8Errors::decode`].
    pub(super) fn decode<'b>(&self, bytes: &'b [u8]) -> Result<Cow<'b, str>, usize> {
        match self.encoding {
            Encoding::Utf8 => self.errors.decode(bytes),
            Encoding::Latin1 => Ok(bytes.iter().copied().map(char::from).collect()),
        }
    }

    /// The option that names a column, if there is one.
    pub(super) fn named_column(&self) -> Option<&'static str> {
        match (&self.key_column, &self.vector_column) {
            (Some(_), _) => Some("key_column"),
            (None, Some(_)) => Some("vector_column"),
            (None, None) => None,
        }
    }

    /// The keys as they are wanted. `place` says where the key of a number stands.
    ///
    /// # Errors
    /// Which key is not an integer.
    pub(super) fn keys(&self, keys: Keys, place: impl Fn(usize) -> String) -> Result<Keys, String> {
        if !self.integer_keys {
            return Ok(keys);
        }
        keys.to_integers().map_err(|id| {
            format!(
                "{}: the key {:?} is not an integer; load it without key_dtype=int",
                place(id as usize),
                keys.key(id)
            )
        })
    }

    /// How many of `rows` to load.
    pub(super) fn rows_of(&self, rows: usize) -> usize {
        self.limit.unwrap_or(usize::MAX).min(rows)
    }
}
