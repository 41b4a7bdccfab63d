//! The table of formats: a row each.

use std::fmt;
use std::path::Path;

use super::contents::{Contents, is_gzip_name, refuse_other_compressions};
use super::options::{LoadOptions, SaveOptions};
use super::{arrow, fasttext, gensim, npy, npz, parquet, projector, safetensors, vocabulary, word2vec};
use crate::arrow::{footer, message};
use crate::error::{Error, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::vectors::KeyedVectors;
use crate::vocab::Keys;

pub(super) type Write = fn(&KeyedVectors, &SaveOptions, &Path, &mut Output) -> Result<()>;

/// A file format for vectors.
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in one line of the command's help.
    pub about: &'static str,
    /// The endings of its files, without the first dot. The command writes the first one. Files that end in `.gz` are
    /// written compressed. Of formats that share an ending the first has it; the others need magic bytes.
    pub endings: &'static [&'static str],
    /// What its files start with, if that distinguishes them from other files.
    pub magic: Option<&'static [u8]>,
    /// Without magic bytes: true if a file's content is of this format, or may be where its name says so.
    pub(super) resembles: fn(&[u8], is_named: bool) -> bool,
    /// What about a word prevents that the files hold it, as in "has a line break". They hold every integer.
    pub(super) word_fault: fn(&str) -> Option<&'static str>,
    /// The ending of a second file beside the first, as in `v.npy` and `v.vocab.txt`.
    pub(super) companion: Option<&'static str>,
    pub(super) read: fn(&Contents<'_>, &LoadOptions, &Progress) -> Result<KeyedVectors>,
    /// Writes the file of this name, and its companion. Formats without it are only read.
    pub(super) write: Option<Write>,
}

/// word2vec's text.
pub(super) const TEXT: Format = Format {
    name: "txt",
    about: "word2vec C text",
    endings: &["txt", "vec", "txt.gz", "vec.gz"],
    magic: None,
    resembles: word2vec::resembles_text,
    word_fault: vocabulary::word_fault,
    companion: None,
    read: word2vec::read_text,
    write: Some(word2vec::write_text),
};

/// word2vec's binary format.
pub(super) const BINARY: Format = Format {
    name: "bin",
    about: "word2vec C binary",
    endings: &["bin", "bin.gz"],
    magic: None,
    resembles: word2vec::resembles_binary,
    word_fault: word2vec::binary_word_fault,
    companion: None,
    read: word2vec::read_binary,
    write: Some(word2vec::write_binary),
};

/// In the order in which they are offered. Files with any other ending have the first format.
static FORMATS: &[Format] = &[
    Format {
        name: "arrow",
        about: "Arrow IPC: keys, counts, vectors and the configuration; memory-mapped",
        endings: &["arrow"],
        magic: Some(footer::MAGIC),
        // A stream starts with a message.
        resembles: |bytes, _| bytes.starts_with(&message::CONTINUATION),
        word_fault: |_| None,
        companion: None,
        read: arrow::read,
        write: Some(arrow::write),
    },
    Format {
        name: "npy",
        about: "NumPy matrix, with keys and counts in NAME.vocab.txt; memory-mapped",
        endings: &["npy"],
        magic: Some(crate::npy::MAGIC),
        resembles: |_, _| false,
        word_fault: vocabulary::word_fault,
        companion: Some(npy::VOCABULARY_ENDING),
        read: npy::read,
        write: Some(npy::write),
    },
    TEXT,
    BINARY,
    Format {
        name: "parquet",
        about: "Parquet: keys, counts, vectors and the configuration",
        endings: &["parquet"],
        magic: Some(parquet::MAGIC),
        resembles: |_, _| false,
        word_fault: |_| None,
        companion: None,
        read: parquet::read,
        write: Some(parquet::write),
    },
    Format {
        name: "npz",
        about: "NumPy arrays of keys, counts and vectors in one file; memory-mapped",
        endings: &["npz"],
        magic: Some(npz::MAGIC),
        resembles: |_, _| false,
        word_fault: |_| None,
        companion: None,
        read: npz::read,
        write: Some(npz::write),
    },
    Format {
        name: "safetensors",
        about: "safetensors: keys, counts, vectors and the configuration; memory-mapped",
        endings: &["safetensors"],
        magic: None,
        resembles: safetensors::resembles,
        word_fault: |_| None,
        companion: None,
        read: safetensors::read,
        write: Some(safetensors::write),
    },
    Format {
        name: "fasttext",
        about: "fastText model, with vectors of n-grams for unknown words; memory-mapped, only read",
        endings: &["bin", "bin.gz"],
        magic: Some(fasttext::MAGIC),
        resembles: fasttext::resembles,
        word_fault: |_| None,
        companion: None,
        read: fasttext::read,
        write: None,
    },
    Format {
        name: "tsv",
        about: "TensorBoard's projector, with keys and counts in NAME.metadata.tsv; only written",
        endings: &["tsv"],
        magic: None,
        resembles: projector::resembles,
        word_fault: projector::word_fault,
        companion: None,
        read: projector::read,
        write: Some(projector::write),
    },
    Format {
        name: "gensim",
        about: "gensim's own files, and VarEmbed's pickle; nothing in them is run",
        endings: &["kv", "model", "wv", "pkl"],
        magic: None,
        resembles: gensim::resembles,
        word_fault: |_| None,
        companion: None,
        read: gensim::read,
        write: None,
    },
];

impl Format {
    /// All of them, in the order in which they are offered.
    pub fn all() -> &'static [Self] {
        FORMATS
    }

    /// Those that are written too.
    pub fn written() -> impl Iterator<Item = &'static Self> {
        FORMATS.iter().filter(|format| format.write.is_some())
    }

    /// True if [`LoadOptions`] may name where its keys and vectors are.
    pub(super) fn has_columns(&self) -> bool {
        matches!(self.name, "arrow" | "parquet" | "npz" | "safetensors")
    }

    /// True if its files have a second file beside them.
    pub(crate) fn has_second_file(&self) -> bool {
        self.companion.is_some() || self.name == "tsv"
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// The format of a new file of this name: that of its ending, or else Arrow.
    ///
    /// # Errors
    /// [`Error::Format`] for the name of a compressed file that no format writes.
    pub fn of_name(path: &Path) -> Result<&'static Self> {
        refuse_other_compressions(path)?;
        match Self::of_ending(path, Self::written()) {
            Some(format) => Ok(format),
            None if is_gzip_name(path) => {
                let reason =
                    format!("is the name of a compressed file; those that are written end in {}", gzip_endings());
                Err(Error::format(path, reason))
            }
            None => Ok(&FORMATS[0]),
        }
    }

    /// The format of a file that exists: by what it starts with or resembles, or else by its ending.
    ///
    /// # Errors
    /// [`Error::Format`] if neither is known.
    pub(super) fn of_contents(contents: &Contents<'_>) -> Result<&'static Self> {
        if let Some(format) = Self::of_magic(contents.bytes()) {
            return Ok(format);
        }
        let by_ending = Self::of_ending(contents.path(), FORMATS.iter());
        let named = by_ending.filter(|format| (format.resembles)(contents.bytes(), true));
        let by_content = named.or_else(|| FORMATS.iter().find(|format| (format.resembles)(contents.bytes(), false)));
        by_content.or(by_ending).ok_or_else(|| {
            let endings = Self::endings();
            contents.fault(format!("does not start like any format of vectors, and its ending is none of {endings}"))
        })
    }

    /// The format whose magic bytes a file starts with.
    pub(super) fn of_magic(bytes: &[u8]) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.magic.is_some_and(|magic| bytes.starts_with(magic)))
    }

    /// Checks that the files of this format can hold the keys: what passes comes back equal when it is loaded.
    ///
    /// ```
    /// use polargram::formats::Format;
    /// use polargram::vocab::Keys;
    ///
    /// let keys: Keys = ["new york"].into_iter().collect();
    /// assert!(Format::named("txt").unwrap().check_keys(&keys).is_ok());
    /// let error = Format::named("bin").unwrap().check_keys(&keys).unwrap_err().to_string();
    /// assert!(error.contains(r#"the word "new york" has a space"#), "{error}");
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first word that they cannot hold.
    pub fn check_keys(&self, keys: &Keys) -> Result<()> {
        self.keys_fault(keys).map_or(Ok(()), |reason| Err(Error::parameter("formats", reason)))
    }

    /// As [`check_keys`](Self::check_keys), of the keys for a file of this name.
    ///
    /// # Errors
    /// [`Error::Format`].
    pub(super) fn ensure_holds(&self, keys: &Keys, path: &Path) -> Result<()> {
        self.keys_fault(keys).map_or(Ok(()), |reason| Err(Error::format(path, reason)))
    }

    /// The first word that the files cannot hold, why, and what can.
    fn keys_fault(&self, keys: &Keys) -> Option<String> {
        let (key, fault) = keys.iter().find_map(|key| Some((key, (self.word_fault)(key.as_text()?)?)))?;
        let able = Self::written().filter(|format| (format.word_fault)(key.as_text().unwrap_or_default()).is_none());
        // The projector's files are for looking at.
        let able = able.filter(|format| format.name != "tsv");
        let able = able.map(|format| format!(".{}", format.endings[0])).collect::<Vec<_>>().join(" or ");
        Some(format!("the word {key:?} {fault}, which {} files cannot hold; save as {able}", self.name))
    }

    /// The endings of all formats, for messages and help, the first of each before the others: `.arrow, .npy, …`.
    pub fn endings() -> String {
        let first = FORMATS.iter().flat_map(|format| format.endings.first());
        let others = FORMATS.iter().flat_map(|format| format.endings.iter().skip(1));
        listed(first.chain(others))
    }

    /// That of the formats whose ending the name has, in small or capital letters. An ending may have several dots.
    fn of_ending(path: &Path, mut formats: impl Iterator<Item = &'static Self>) -> Option<&'static Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let has = |ending: &&str| name.strip_suffix(*ending).is_some_and(|stem| stem.len() > 1 && stem.ends_with('.'));
        formats.find(|format| format.endings.iter().any(has))
    }
}

fn gzip_endings() -> String {
    listed(FORMATS.iter().flat_map(|format| format.endings).filter(|ending| ending.ends_with(".gz")))
}

fn listed<'a>(endings: impl Iterator<Item = &'a &'a str>) -> String {
    let mut listed = Vec::new();
    for ending in endings.map(|ending| format!(".{ending}")) {
        // Formats may share one.
        if !listed.contains(&ending) {
            listed.push(ending);
        }
    }
    listed.join(", ")
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_known_ending_is_that_of_an_arrow_file() {
        for (name, format) in [
            ("v.arrow", "arrow"),
            ("v.vocab.npy", "npy"),
            ("v.TXT", "txt"),
            ("v.Vec", "txt"),
            ("v.300d.txt.gz", "txt"),
            ("v.bin.GZ", "bin"),
            ("dir.npy/v.bin", "bin"),
            ("v", "arrow"),
            ("v.kv", "arrow"),
            (".npy", "arrow"),
            (".gz", "arrow"),
            ("v.npy.old", "arrow"),
        ] {
            assert_eq!(Format::of_name(Path::new(name)).unwrap().name, format, "{name}");
        }
    }

    #[test]
    fn the_name_of_a_compressed_file_that_would_not_be_one_is_refused() {
        for name in ["v.gz", "v.arrow.gz", "v.npy.GZ", "v.txt.bz2", "v.bin.zst", "v.xz"] {
            let error = Format::of_name(Path::new(name)).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(".gz"), "{error}");
        }
    }

    #[test]
    fn what_a_file_starts_with_counts_more_than_its_ending() {
        let directory = tempfile::tempdir().unwrap();
        let (text, binary) = (b"2 3\na 1 2 3\n", b"2 3\na \0\0\0\0\xcd\xcc\xcc\x3d\0\0\0\0");
        for (name, start, format) in [
            ("v.bin", &b"ARROW1\0\0"[..], "arrow"),
            ("v.txt", b"\x93NUMPY\x01\0", "npy"),
            ("v.bin", b"2 3\na ", "bin"),
            ("v.vec", b"2 3\na ", "txt"),
            ("v.kv", b"ARROW1\0\0", "arrow"),
            ("v.npy", b"a", "npy"),
            ("v.bin", text, "txt"),
            ("v.npy", text, "txt"),
            ("v", text, "txt"),
            ("v.bin", &text[4..], "txt"),
            ("v", &text[4..], "txt"),
            ("v.txt", binary, "bin"),
            ("v.arrow", binary, "bin"),
            ("v", binary, "bin"),
            ("v.bin", b"0 3\n", "bin"),
            ("v.txt", b"0 3\n", "txt"),
        ] {
            let path = directory.path().join(name);
            std::fs::write(&path, start).unwrap();
            let contents = Contents::open(&path, &Progress::default(), |_| false).unwrap();
            assert_eq!(Format::of_contents(&contents).unwrap().name, format, "{name} {start:?}");
        }
    }

    #[test]
    fn formats_have_names_of_their_own_and_those_of_one_ending_differ_in_what_they_start_with() {
        for (i, format) in FORMATS.iter().enumerate() {
            assert!(!format.endings.is_empty(), "{format:?}");
            for before in &FORMATS[..i] {
                assert_ne!(format.name, before.name);
                let shares = format.endings.iter().any(|ending| before.endings.contains(ending));
                assert!(!shares || (format.magic.is_some() && format.magic != before.magic), "{format:?} {before:?}");
            }
        }
    }
}
