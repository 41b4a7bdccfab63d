//! Vectors on disk: one file here for each format, and one row for it in the [table](Format::all).
//!
//! The first bytes of a file tell its format, or else its ending does. A new file has the format of its ending; a file
//! with any other ending, or none, is written as Arrow. Text and binary files may be compressed. A pipe is read once.
//!
//! To add a format, write a file that reads and writes it, and add a row to the table: loading, saving, the command's
//! `--formats` and the messages follow.

mod arrow;
mod columns;
mod contents;
mod counts;
mod fasttext;
#[cfg(feature = "python")]
mod frame;
pub(crate) mod gensim;
mod gensim_phrases;
mod model2vec;
pub(crate) mod npy;
mod npz;
mod opened;
mod options;
mod parquet;
mod parts;
mod phrases;
mod projector;
mod safetensors;
mod table;
mod text_encoder;
mod values;
mod vocabulary;
mod word2vec;
mod word2vec_format;

use std::io;
use std::path::{Path, PathBuf};

pub(crate) use counts::lines as count_lines;
pub use counts::{CountsFormat, save_counts};
#[cfg(feature = "python")]
pub(crate) use frame::shared_frame;
pub use model2vec::StaticModel;
#[cfg(feature = "python")]
pub(crate) use model2vec::save_static_model;
#[cfg(feature = "python")]
pub(crate) use opened::Identity;
pub use opened::{OpenFile, close_files, open_files};
pub use options::{Encoding, FloatType, LoadOptions, SaveOptions, Word2VecFormat};
pub use table::Format;
pub use text_encoder::TextEncoder;
#[cfg(feature = "python")]
pub(crate) use text_encoder::{close_models, open_models};
pub use word2vec_format::{load_word2vec_format, save_word2vec_format};

use self::contents::Contents;
use crate::error::{Error, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::store::{LocalCopy, Location};
use crate::vectors::KeyedVectors;
#[cfg(feature = "python")]
use crate::vectors::Rows;

/// The bytes of any file, decompressed if it starts as compressed files do.
///
/// # Errors
/// [`Error::Io`] if it cannot be read; [`Error::Format`] if its compression is damaged; [`Error::Interrupted`].
pub(crate) fn file_bytes(location: &Location, progress: &Progress) -> Result<Vec<u8>> {
    let copy = LocalCopy::of_file(location, progress)?;
    let contents = Contents::open(copy.path(), progress, |_| false);
    contents.map(|contents| contents.bytes().to_vec()).map_err(|error| copy.named(error))
}

/// The format of a file that exists.
///
/// # Errors
/// [`Error::Io`] if it cannot be read; [`Error::Format`] if its format is not known; [`Error::Interrupted`].
pub(crate) fn format_of(location: &Location, progress: &Progress) -> Result<&'static Format> {
    let copy = LocalCopy::of_file(location, progress)?;
    let contents = Contents::open(copy.path(), progress, |bytes| bytes.len() > FIRST_BYTES);
    let format = contents.and_then(Contents::ensure_not_empty).and_then(|contents| Format::of_contents(&contents));
    format.map_err(|error| copy.named(error))
}

/// Bytes from which the format of a compressed file is known.
const FIRST_BYTES: usize = 1 << 20;

impl KeyedVectors {
    /// Loads a file of any [`Format`], which its first bytes tell, or else its ending. `.arrow` and `.npy` (with
    /// `NAME.vocab.txt` beside it) are memory-mapped. A file in a store is first copied to this machine, and so is what
    /// comes from a pipe. word2vec's text and binary files may be compressed; text may lack its header, as GloVe's does.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Format`] if its content is
    /// damaged or its format is not known, [`Error::Truncated`] if it ends early.
    pub fn load(location: impl Into<Location>) -> Result<Self> {
        Self::load_with(location, &LoadOptions::default(), &Progress::default())
    }

    /// [`load`](Self::load) with options. Cancelling `progress` interrupts the copy from a store.
    ///
    /// # Errors
    /// As for [`load`](Self::load); [`Error::Interrupted`].
    pub fn load_with(location: impl Into<Location>, options: &LoadOptions, progress: &Progress) -> Result<Self> {
        let mut copy = LocalCopy::of_file(&location.into(), progress)?;
        let path = copy.path().to_owned();
        let has_enough = |bytes: &[u8]| options.limit.is_some_and(|limit| word2vec::has_rows(bytes, limit, None));
        let contents = Contents::open(&path, progress, has_enough).and_then(Contents::ensure_not_empty);
        let contents = contents.map_err(|error| copy.named(error))?;
        let format = Format::of_contents(&contents).map_err(|error| copy.named(error))?;
        if let Some(option) = options.named_column().filter(|_| !format.has_columns()) {
            let reason = format!("{option}: files of the format {} have no columns", format.name);
            return Err(copy.named(contents.fault(reason)));
        }
        if let Some(ending) = format.companion {
            copy.add_companion(ending, progress)?;
        }
        if copy.is_temporary() && format.name == "gensim" {
            for ending in gensim::companions(&contents, progress).map_err(|error| copy.named(error))? {
                copy.add_beside(&ending, progress)?;
            }
        }
        (format.read)(&contents, options, progress).map_err(|error| copy.named(error))
    }

    /// Saves in the [`Format`] of the ending, or else as Arrow. The file appears whole or not at all, on this machine or in a
    /// store.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written, [`Error::Format`] if the format
    /// cannot hold the keys.
    pub fn save(&self, location: impl Into<Location>) -> Result<()> {
        self.save_with(location, &SaveOptions::default(), &Progress::default())
    }

    /// [`save`](Self::save) with options, interrupted if `progress` is cancelled.
    ///
    /// # Errors
    /// As for [`save`](Self::save); [`Error::Interrupted`].
    pub fn save_with(&self, location: impl Into<Location>, options: &SaveOptions, progress: &Progress) -> Result<()> {
        let location = location.into();
        let mut output = Output::files(&location, progress);
        self.write_to(&mut output, location.path(), options)?;
        output.commit().map(drop)
    }

    /// Saves in a [`Format`], whatever the name of the file ends with.
    ///
    /// ```
    /// # use polargram::formats::{Format, SaveOptions};
    /// # use polargram::{KeyedVectors, Progress};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("vectors");
    /// let wv = KeyedVectors::from_rows(["a"], 2, &[1.0, 0.5])?;
    /// let text = Format::named("txt").unwrap();
    /// wv.save_as(text, path.as_path(), &SaveOptions::default(), &Progress::default())?;
    /// assert_eq!(std::fs::read_to_string(&path).unwrap(), "1 2\na 1 0.5\n");
    /// # Ok::<(), polargram::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`save_with`](Self::save_with).
    pub fn save_as(
        &self,
        format: &Format,
        location: impl Into<Location>,
        options: &SaveOptions,
        progress: &Progress,
    ) -> Result<()> {
        let location = location.into();
        let mut output = Output::files(&location, progress);
        self.write_in(format, options, location.path(), &mut output)?;
        output.commit().map(drop)
    }

    /// Writes the file of this name, and its companion.
    pub(crate) fn write_to(&self, output: &mut Output, name: &Path, options: &SaveOptions) -> Result<()> {
        self.write_in(Format::of_name(&output.target(name))?, options, name, output)
    }

    /// Writes the file of this name with the ending of a format.
    fn write_as(&self, format: &Format, output: &mut Output, stem: &Path) -> Result<()> {
        self.write_in(format, &SaveOptions::default(), &with_ending(stem, format), output)
    }

    /// Writes each of the formats at a place, whole or not at all: one that fails does not keep the others from appearing.
    /// Returns the files that have appeared, and an error that names those that have not.
    pub(crate) fn save_formats(&self, formats: &[&Format], place: &Output, stem: &str) -> (Vec<PathBuf>, Result<()>) {
        let (mut prepared, mut failures, mut written) = (Vec::new(), Vec::new(), Vec::new());
        let stem = place.target(stem.as_ref());
        for format in formats {
            let mut output = place.apart();
            match self.write_as(format, &mut output, &stem).and_then(|()| output.prepare()) {
                Ok(()) => prepared.push((format, output)),
                Err(Error::Interrupted) => return (written, Err(Error::Interrupted)),
                Err(failure) => failures.push(failure),
            }
        }
        for (format, output) in prepared {
            match output.commit() {
                Ok(files) => written.extend(files),
                Err(Error::Interrupted) if written.is_empty() => return (written, Err(Error::Interrupted)),
                Err(Error::Interrupted) => {
                    let source = io::Error::other("interrupted");
                    failures.push(Error::Io { action: "write", path: with_ending(&stem, format), source });
                }
                Err(failure) => failures.push(failure),
            }
        }
        let done = in_one(failures, &written);
        (written, done)
    }

    fn write_in(&self, format: &Format, options: &SaveOptions, name: &Path, output: &mut Output) -> Result<()> {
        format.ensure_holds(self.keys(), &output.target(name))?;
        let write = format.write.ok_or_else(|| {
            Error::format(&output.target(name), format!("files of the format {} are only read", format.name))
        })?;
        write(self, options, name, output)
    }
}

fn with_ending(stem: &Path, format: &Format) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(".");
    name.push(format.endings[0]);
    name.into()
}

/// The failures as one error, which says what was written nevertheless.
fn in_one(failures: Vec<Error>, written: &[PathBuf]) -> Result<()> {
    let mut failures = failures.into_iter();
    let Some(first) = failures.next() else { return Ok(()) };
    let mut notes: Vec<String> = failures.map(|failure| failure.to_string()).collect();
    if !written.is_empty() {
        let names: Vec<String> = written.iter().map(|file| file.display().to_string()).collect();
        notes.push(format!("written: {}", names.join(", ")));
    }
    Err(if notes.is_empty() { first } else { first.with_note(&notes.join("; ")) })
}

/// Vectors as the bytes of an Arrow IPC file.
///
/// # Errors
/// [`Error::Parameter`] if the format cannot hold them.
pub fn to_bytes(vectors: &KeyedVectors) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    arrow::write_bytes(vectors, SaveOptions::default(), &mut bytes)
        .map_err(|error| Error::parameter("vectors", error.to_string()))?;
    Ok(bytes)
}

/// Vectors from what [`to_bytes`] gave, in memory of their own. Messages call the bytes `name`.
///
/// # Errors
/// [`Error::Format`] if they are damaged.
pub fn from_bytes(bytes: &[u8], name: &Path) -> Result<KeyedVectors> {
    arrow::read_bytes(bytes, name)
}

/// The vectors with other words for their rows. Of a word that repeats, the first row stays, as in gensim.
///
/// # Errors
/// [`Error::Parameter`] for words that are not as many as the rows, or that are no integers if those are wanted.
#[cfg(feature = "python")]
pub(crate) fn with_words(vectors: &KeyedVectors, words: &[String], integer_keys: bool) -> Result<KeyedVectors> {
    let keys = words.iter().map(String::as_str).collect();
    let options = LoadOptions { integer_keys, ..LoadOptions::default() };
    let keys =
        options.keys(keys, |id| format!("word {}", id + 1)).map_err(|reason| Error::parameter("words", reason))?;
    let (counts, rows) = (vectors.counts().to_vec(), vectors.rows().clone());
    if !keys.has_repeats() {
        return KeyedVectors::new(keys, counts, rows, None);
    }
    let first: Vec<crate::vocab::WordId> =
        keys.iter().zip(0..).filter(|(key, id)| keys.id(*key) == Some(*id)).map(|(_, id)| id).collect();
    let values = first.iter().flat_map(|&id| rows.row(id as usize).iter().copied()).collect();
    let counts = first.iter().map(|&id| counts[id as usize]).collect();
    KeyedVectors::new(keys.select(&first), counts, Rows::from_vec(values, rows.vector_size()), None)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn table() -> KeyedVectors {
        let values: Vec<f32> = (0..30).map(|i| (i as f32 * 0.37).sin() / 3.0).collect();
        KeyedVectors::from_rows(["the", "café", "日本", "x", "y"], 6, &values).unwrap()
    }

    fn names() -> impl Iterator<Item = String> {
        let read = Format::written().filter(|format| format.name != "tsv");
        read.flat_map(|format| format.endings).map(|ending| format!("v.{ending}"))
    }

    #[test]
    fn every_format_gives_back_words_counts_and_bits() {
        let directory = tempfile::tempdir().unwrap();
        for name in names().chain(["v.kv", "v"].map(str::to_owned)) {
            let path = directory.path().join(&name);
            table().save(&path).unwrap();
            let back = KeyedVectors::load(&path).unwrap();
            assert_eq!(&back.keys().array(), &table().keys().array(), "{name}");
            assert_eq!(back.rows().to_buffer(), table().rows().to_buffer(), "{name}");
            assert_eq!(back.counts(), table().counts(), "{name}");
        }
    }

    /// Words of characters that mean something to one reader or another.
    fn words() -> impl Strategy<Value = BTreeSet<String>> {
        let characters = "ab17.- \t\n\r\u{b}\u{c}\u{feff}\u{a0}\u{85}\u{2028}\0\u{1f}é日".chars().collect::<Vec<_>>();
        let word = prop::collection::vec(prop::sample::select(characters), 0..5);
        prop::collection::btree_set(word.prop_map(String::from_iter), 1..5)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn keys_that_a_format_can_hold_come_back_and_others_are_refused(
            words in words(),
            vector_size in 1usize..4,
            seed: [u32; 15],
        ) {
            let values = seed.iter().map(|&bits| f32::from_bits(bits)).map(|x| if x.is_nan() { 0.0 } else { x });
            let values: Vec<f32> = values.take(words.len() * vector_size).collect();
            let wv = KeyedVectors::from_rows(words.iter().map(String::as_str), vector_size, &values).unwrap();
            let directory = tempfile::tempdir().unwrap();
            for name in names() {
                let path = directory.path().join(&name);
                match Format::of_name(&path).unwrap().check_keys(wv.keys()) {
                    Ok(()) => {
                        wv.save(&path).unwrap();
                        let back = KeyedVectors::load(&path).unwrap();
                        prop_assert_eq!(&back.keys().array(), &wv.keys().array(), "{}", name);
                        let bits = |wv: &KeyedVectors| wv.rows().iter().flatten().map(|x| x.to_bits()).collect::<Vec<_>>();
                        prop_assert_eq!(bits(&back), bits(&wv), "{}", name);
                    }
                    Err(_) => {
                        wv.save(&path).unwrap_err();
                        prop_assert!(!path.exists());
                    }
                }
            }
        }
    }

    #[test]
    fn each_format_says_which_words_it_cannot_hold_and_which_formats_can() {
        for (format, word, fault) in [
            (
                "txt",
                "a\nb",
                "has a line break, which txt files cannot hold; save as .arrow or .bin or .parquet or .npz or .safetensors",
            ),
            (
                "bin",
                "new york",
                "has a space, which bin files cannot hold; save as .arrow or .npy or .txt or .parquet or .npz or .safetensors",
            ),
            (
                "bin",
                "\nx",
                "starts with a line break, which bin files cannot hold; save as .arrow or .parquet or .npz or .safetensors",
            ),
            (
                "tsv",
                "a\tb",
                "has a tab, which tsv files cannot hold; save as .arrow or .npy or .txt or .bin or .parquet or .npz or \
                 .safetensors",
            ),
            (
                "npy",
                "a\nb",
                "has a line break, which npy files cannot hold; save as .arrow or .bin or .parquet or .npz or .safetensors",
            ),
        ] {
            let keys: crate::vocab::Keys = ["first", word, "other\n \n"].into_iter().collect();
            let error = Format::named(format).unwrap().check_keys(&keys).unwrap_err().to_string();
            assert_eq!(error, format!("formats: the word {word:?} {fault}"));
        }
    }

    #[test]
    fn compressed_files_are_small_and_the_same_each_time() {
        let directory = tempfile::tempdir().unwrap();
        let words: Vec<String> = (0..500).map(|i| format!("word{i}")).collect();
        let wv = KeyedVectors::from_rows(words.iter().map(String::as_str), 20, &[0.5; 10_000]).unwrap();
        let save = |name: &str| {
            let path = directory.path().join(name);
            wv.save(&path).unwrap();
            std::fs::read(path).unwrap()
        };
        for ending in ["txt", "vec", "bin"] {
            let compressed = save(&format!("a.{ending}.gz"));
            assert!(compressed.starts_with(b"\x1f\x8b") && compressed.len() * 4 < save(&format!("a.{ending}")).len());
            assert_eq!(save(&format!("b.{ending}.gz")), compressed);
        }
        let refused = wv.save(directory.path().join("v.arrow.gz")).unwrap_err().to_string();
        assert!(refused.contains("v.arrow.gz: is the name of a compressed file"), "{refused}");
    }

    #[test]
    fn a_limit_loads_the_first_rows_of_every_format() {
        let directory = tempfile::tempdir().unwrap();
        for name in names() {
            let path = directory.path().join(&name);
            table().save(&path).unwrap();
            for (limit, rows) in [(2, 2), (9, 5)] {
                let options = LoadOptions { limit: Some(limit), ..LoadOptions::default() };
                let back = KeyedVectors::load_with(&path, &options, &Progress::default()).unwrap();
                assert_eq!((back.len(), back.keys().iter().count()), (rows, rows), "{name}");
                assert_eq!(back.vector("café").unwrap(), table().vector("café").unwrap(), "{name}");
            }
        }
    }

    #[test]
    fn vectors_travel_as_bytes() {
        let bytes = to_bytes(&table()).unwrap();
        let back = from_bytes(&bytes, Path::new("bytes")).unwrap();
        assert_eq!(&back.keys().array(), &table().keys().array());
        assert_eq!(back.rows().to_buffer(), table().rows().to_buffer());
        assert_eq!(back.counts(), table().counts());
        assert!(!back.rows().is_mapped());
    }

    #[test]
    fn bytes_that_are_cut_are_refused_by_name() {
        let bytes = to_bytes(&table()).unwrap();
        for cut in 0..bytes.len() {
            let refused = from_bytes(&bytes[..cut], Path::new("the bytes")).unwrap_err();
            assert!(refused.to_string().contains("the bytes"), "cut at {cut}: {refused}");
        }
    }

    #[test]
    fn a_failed_save_leaves_the_old_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.txt");
        std::fs::write(&path, "old").unwrap();
        let wv = KeyedVectors::from_rows(["new\nyork"], 1, &[1.0]).unwrap();
        assert!(wv.save(&path).unwrap_err().to_string().contains("new\\nyork"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_in_two_lines_beside_a_matrix_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.npy");
        KeyedVectors::from_rows(["a", "b"], 1, &[1.0, 2.0]).unwrap().save(&path).unwrap();
        std::fs::write(directory.path().join("v.vocab.txt"), "a 2\na 1\n").unwrap();
        assert!(
            KeyedVectors::load(&path).unwrap_err().to_string().contains("v.vocab.txt: has a key in more than one line")
        );
    }

    #[test]
    fn a_file_of_no_known_format_is_told_which_endings_there_are() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.doc");
        std::fs::write(&path, "to be\nor not to be\n").unwrap();
        let error = KeyedVectors::load(&path).unwrap_err().to_string();
        assert!(
            error.contains("v.doc: does not start like any format") && error.contains(".arrow, .npy, .txt, .bin"),
            "{error}"
        );
    }

    #[test]
    fn no_cut_or_flipped_file_panics() {
        let directory = tempfile::tempdir().unwrap();
        for name in names() {
            let path = directory.path().join(&name);
            table().save(&path).unwrap();
            let whole = std::fs::read(&path).unwrap();
            for cut in 0..whole.len() {
                std::fs::write(&path, &whole[..cut]).unwrap();
                // Text may be cut within the last number and still be valid.
                let may_be_valid = match name.as_str() {
                    "v.txt" | "v.vec" => whole[cut..].trim_ascii_end().iter().all(|&byte| byte != b' '),
                    "v.bin" => cut + 1 == whole.len(),
                    _ => false,
                };
                assert!(may_be_valid || KeyedVectors::load(&path).is_err(), "{name} cut at {cut}");
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
