//! A bundle in one zip file.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use zip::{CompressionMethod, ZipArchive};

use super::manifest::{Content, FILE, Manifest, is_file_name};
use crate::error::{Error, IoContext, Result};

/// Bytes that a compressed file may grow to, whatever its size.
const SMALL: u64 = 64 << 20;
/// How many times its size a larger one may grow to. Arrays of floats shrink a little; only an attack or nothing but zeros
/// shrinks this much.
const MOST_GROWTH: u64 = 200;

/// A zip file whose names are checked.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    path: PathBuf,
    /// Of the names of its files: empty, or a folder and a slash.
    prefix: String,
}

/// A file within a zip file.
pub(super) enum Member {
    /// These bytes of the zip file.
    Stored { offset: u64, size: u64 },
    /// It is compressed, and grows to so many bytes.
    Compressed { size: u64 },
}

impl Archive {
    /// Opens a zip file.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] if it is not a zip file, has a name twice or that leads elsewhere, or files that share
    /// bytes.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).at("read", path)?;
        let fault = |reason: &str| Error::format(path, reason);
        let broken = |error: &dyn std::fmt::Display| Error::format(path, format!("is not a whole zip file: {error}"));
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| broken(&error))?;
        if zip.has_duplicate_names() {
            return Err(fault("has a name twice; zip it again"));
        }
        if zip.has_overlapping_entries().map_err(|error| broken(&error))? {
            return Err(fault("has files that share bytes, as zip bombs do"));
        }
        let names = zip.file_names().map(|name| name.map(String::from)).collect::<Result<Vec<_>, _>>();
        let names = names.map_err(|error| broken(&error))?;
        if let Some(name) = names.iter().find(|name| !is_within(name)) {
            return Err(fault(&format!("has the name {name:?}, which leads out of its directory")));
        }
        let prefix = names.iter().find_map(|name| name.strip_suffix(FILE).filter(|prefix| is_folder(prefix)));
        let prefix = prefix.unwrap_or_default().to_owned();
        Ok(Self { zip, path: path.to_owned(), prefix })
    }

    /// The description; of a zip file that NumPy wrote, one of its arrays.
    pub(super) fn manifest(&mut self) -> Result<Manifest> {
        if self.zip.index_for_name(&format!("{}{FILE}", self.prefix)).is_some() {
            let text = self.read(FILE)?;
            return Manifest::parse(&text, &self.name_of(FILE));
        }
        let names = self.zip.file_names().filter_map(|name| name.ok().map(String::from)).collect::<Vec<_>>();
        let arrays = names.into_iter().filter_map(|file| {
            let name = file.strip_suffix(".npy").filter(|_| is_file_name(&file))?.to_owned();
            Some((name, Content::Array(file)))
        });
        let arrays: Vec<_> = arrays.collect();
        match arrays.is_empty() {
            true => Err(Error::format(&self.path, "has neither bundle.json nor arrays: it is not a bundle")),
            false => Ok(Manifest::new(arrays)),
        }
    }

    /// How messages name a file.
    pub(super) fn name_of(&self, file: &str) -> PathBuf {
        self.path.join(file)
    }

    /// Where a file is.
    ///
    /// # Errors
    /// [`Error::Format`] if it is missing, encrypted, compressed by a method that is not known, or would grow too much.
    pub(super) fn member(&mut self, file: &str) -> Result<Member> {
        let name = self.name_of(file);
        let end = std::fs::metadata(&self.path).at("read", &self.path)?.len();
        let entry = self.zip.by_name(&format!("{}{file}", self.prefix));
        let entry =
            entry.map_err(|error| Error::format(&name, format!("cannot be read from the zip file: {error}")))?;
        let (size, packed) = (entry.size(), entry.compressed_size());
        match (entry.compression(), entry.data_start()) {
            (CompressionMethod::Stored, Some(offset)) => {
                let is_within = size == packed && offset.checked_add(size).is_some_and(|last| last <= end);
                is_within
                    .then_some(Member::Stored { offset, size })
                    .ok_or_else(|| Error::format(&name, "does not lie within its zip file"))
            }
            _ if size > SMALL && size / MOST_GROWTH > packed => {
                let reason = format!("would grow from {packed} to {size} bytes, as zip bombs do; unzip it first");
                Err(Error::format(&name, reason))
            }
            _ => Ok(Member::Compressed { size }),
        }
    }

    /// The content of a file.
    ///
    /// # Errors
    /// As for [`member`](Self::member); also if it is damaged.
    pub(super) fn read(&mut self, file: &str) -> Result<Vec<u8>> {
        let (Member::Stored { size, .. } | Member::Compressed { size }) = self.member(file)?;
        let name = self.name_of(file);
        let damaged = |reason: &dyn std::fmt::Display| Error::format(&name, format!("is damaged: {reason}"));
        let entry = self.zip.by_name(&format!("{}{file}", self.prefix)).map_err(|error| damaged(&error))?;
        let mut content = Vec::new();
        // A size may be a lie: what is there decides.
        entry.take(size.saturating_add(1)).read_to_end(&mut content).map_err(|error| damaged(&error))?;
        match content.len() as u64 == size {
            true => Ok(content),
            false => Err(damaged(&"it has another size than the zip file says")),
        }
    }
}

/// True for "", and for one folder with its slash.
fn is_folder(prefix: &str) -> bool {
    prefix.is_empty() || prefix.strip_suffix('/').is_some_and(|folder| !folder.is_empty() && !folder.contains('/'))
}

/// True if a name leads nowhere but below.
fn is_within(name: &str) -> bool {
    let is_absolute = name.starts_with('/') || name.contains(['\\', '\0']) || name.get(1..2) == Some(":");
    !is_absolute && name.split('/').all(|part| part != "..")
}
