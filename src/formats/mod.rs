//! Vectors on disk: one file here for each format. The format follows from the file's ending.

mod arrow;
pub(crate) mod npy;
mod staged;
mod word2vec;

use std::path::Path;

pub(crate) use staged::{Out, Staged};
pub use word2vec::{InvalidUtf8, ReadOptions};

use crate::error::{Error, Result};
use crate::vectors::KeyedVectors;

/// A file format for vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Arrow IPC: words, counts, vectors and the configuration; memory-mapped on loading.
    Arrow,
    /// NumPy's `.npy`, with the words and counts in `NAME.vocab.txt` beside it; memory-mapped on loading.
    Npy,
    /// word2vec C text.
    Text,
    /// word2vec C binary.
    Binary,
}

impl Format {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Arrow, Self::Npy, Self::Text, Self::Binary];

    /// The ending that stands for it.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Arrow => "arrow",
            Self::Npy => "npy",
            Self::Text => "txt",
            Self::Binary => "bin",
        }
    }

    fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().unwrap_or_default();
        Self::ALL.into_iter().find(|format| extension == format.extension()).ok_or_else(|| {
            let known: Vec<String> = Self::ALL.iter().map(|format| format!(".{}", format.extension())).collect();
            Error::format(path, format!("has no known ending; vectors are kept in {}", known.join(", ")))
        })
    }
}

pub(crate) fn load(path: &Path) -> Result<KeyedVectors> {
    match Format::of(path)? {
        Format::Arrow => arrow::read(path),
        Format::Npy => npy::read(path),
        Format::Text => word2vec::read(path, false, &ReadOptions::default()),
        Format::Binary => word2vec::read(path, true, &ReadOptions::default()),
    }
}

pub(crate) fn save(vectors: &KeyedVectors, path: &Path) -> Result<()> {
    let mut staged = Staged::default();
    stage(vectors, path, &mut staged)?;
    staged.commit()?;
    Ok(())
}

/// Writes a file, and what belongs beside it, under temporary names.
pub(crate) fn stage(vectors: &KeyedVectors, path: &Path, staged: &mut Staged) -> Result<()> {
    match Format::of(path)? {
        Format::Arrow => staged.write(path, |file| arrow::write(vectors, file)),
        Format::Npy => {
            staged.write(path, |file| npy::write_rows(vectors.rows(), file))?;
            staged.write(&npy::vocabulary_path(path), |file| npy::write_vocabulary(vectors, file))
        }
        Format::Text => staged.write(path, |file| word2vec::write(vectors, false, file)),
        Format::Binary => staged.write(path, |file| word2vec::write(vectors, true, file)),
    }
}

/// Reads the word2vec C format, as gensim's `load_word2vec_format`; counts from the `word count` lines of `vocabulary`,
/// where given.
///
/// # Errors
/// [`Error::Io`] if a file cannot be read, [`Error::Format`] if it is damaged, its header promises more than it holds,
/// or a word has no count.
pub fn load_word2vec_format(
    path: &Path,
    binary: bool,
    vocabulary: Option<&Path>,
    options: &ReadOptions,
) -> Result<KeyedVectors> {
    let vectors = word2vec::read(path, binary, options)?;
    let Some(vocabulary) = vocabulary else { return Ok(vectors) };
    let (words, counts) = npy::read_vocabulary(vocabulary)?;
    let count_of = |key| match words.id(key) {
        Some(id) => Ok(counts[id as usize]),
        None => Err(Error::format(vocabulary, format!("has no line for the word {key:?}"))),
    };
    let counts = vectors.keys().iter().map(count_of).collect::<Result<_>>()?;
    KeyedVectors::new(vectors.keys().clone(), counts, vectors.rows().clone(), None)
}

/// Writes the word2vec C format, and if `vocabulary` names a file, `word count` lines to that.
///
/// # Errors
/// [`Error::Io`] if a file cannot be written, [`Error::Format`] if a word holds white space, which the format cannot.
pub fn save_word2vec_format(
    vectors: &KeyedVectors,
    path: &Path,
    binary: bool,
    vocabulary: Option<&Path>,
) -> Result<()> {
    let mut staged = Staged::default();
    staged.write(path, |file| word2vec::write(vectors, binary, file))?;
    if let Some(path) = vocabulary {
        staged.write(path, |file| npy::write_vocabulary(vectors, file))?;
    }
    staged.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> KeyedVectors {
        let values: Vec<f32> = (0..30).map(|i| (i as f32 * 0.37).sin() / 3.0).collect();
        KeyedVectors::from_rows(["the", "café", "日本", "x", "y"], 6, &values).unwrap()
    }

    #[test]
    fn every_format_gives_back_words_counts_and_bits() {
        let directory = tempfile::tempdir().unwrap();
        for format in Format::ALL {
            let path = directory.path().join("v").with_extension(format.extension());
            table().save(&path).unwrap();
            let back = KeyedVectors::load(&path).unwrap();
            assert_eq!(&back.keys().array(), &table().keys().array(), "{format:?}");
            assert_eq!(back.rows().to_buffer(), table().rows().to_buffer(), "{format:?}");
            assert_eq!(back.counts(), table().counts(), "{format:?}");
        }
    }

    #[test]
    fn a_failed_save_leaves_the_old_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.txt");
        std::fs::write(&path, "old").unwrap();
        let wv = KeyedVectors::from_rows(["new york"], 1, &[1.0]).unwrap();
        assert!(wv.save(&path).unwrap_err().to_string().contains("new york"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_unknown_ending_is_named() {
        assert!(table().save("v.xyz").unwrap_err().to_string().contains("v.xyz"));
    }

    #[test]
    fn no_cut_or_flipped_file_panics() {
        let directory = tempfile::tempdir().unwrap();
        for format in Format::ALL {
            let path = directory.path().join("v").with_extension(format.extension());
            table().save(&path).unwrap();
            let whole = std::fs::read(&path).unwrap();
            for cut in 0..whole.len() {
                std::fs::write(&path, &whole[..cut]).unwrap();
                // Text may be cut within the last number and still be sound.
                let loaded = KeyedVectors::load(&path);
                assert!(loaded.is_err() || format == Format::Text || cut + 1 == whole.len(), "{format:?} cut at {cut}");
            }
            for (at, bit) in (0..whole.len()).flat_map(|at| [(at, 1u8), (at, 0x80)]) {
                let mut flipped = whole.clone();
                flipped[at] ^= bit;
                std::fs::write(&path, &flipped).unwrap();
                let _ = KeyedVectors::load(&path);
            }
        }
    }
}
