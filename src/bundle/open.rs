//! Reading a bundle.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::archive::{Archive, Member};
use super::manifest::{self, FILE, Manifest};
use super::save::is_archive;
use super::value::Value;
use crate::error::{Error, IoContext, Result};
use crate::npy::{ArrayFile, Header, check_length, read_header};
use crate::progress::Progress;
use crate::store::{LocalCopy, Location, file_in};

/// An opened bundle. What is in a store, or a file of vectors in a zip, has been copied to this machine; the copies are
/// removed when this is dropped, and then stay only where they are mapped.
pub struct Bundle {
    /// What it holds, in order.
    pub entries: Vec<(String, Content)>,
    _copy: LocalCopy,
    _vectors: Option<TempDir>,
}

/// What a name of a bundle stands for.
pub enum Content {
    /// An array.
    Array(StoredArray),
    /// A value.
    Value(Value),
    /// A file of word vectors, of a model.
    Vectors(PathBuf),
    /// Names, one level deep.
    Group(Vec<(String, Content)>),
}

/// An array of a bundle.
pub enum StoredArray {
    /// In a file, which may be a zip file, from where it can be mapped.
    File(ArrayFile),
    /// It was compressed.
    Unpacked {
        /// Its type and shape.
        header: Header,
        /// The file with its header.
        content: Vec<u8>,
    },
}

impl StoredArray {
    /// Its type and shape.
    pub fn header(&self) -> &Header {
        match self {
            Self::File(array) => array.header(),
            Self::Unpacked { header, .. } => header,
        }
    }

    /// The bytes of its values.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read(&self) -> Result<Vec<u8>> {
        match self {
            Self::File(array) => array.read(),
            Self::Unpacked { header, content } => Ok(content[header.end..].to_vec()),
        }
    }
}

impl Bundle {
    /// Opens a bundle, without what has one of these names: a name of the bundle, or `group.name`. Their files are not
    /// touched, and may be missing.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Format`] if it is not a bundle, or an array is damaged;
    /// [`Error::Interrupted`].
    pub fn open(location: &Location, ignored: &[String], progress: &Progress) -> Result<Self> {
        let is_file = match location.url() {
            Some(_) => is_archive(location.path()),
            None => !crate::store::local(location.path())?.is_dir(),
        };
        match is_file {
            true => Self::from_archive(LocalCopy::of_file(location, progress)?, ignored),
            false => Self::from_directory(location, ignored, progress),
        }
    }

    fn from_directory(location: &Location, ignored: &[String], progress: &Progress) -> Result<Self> {
        let description = Location::new(file_in(location.path(), FILE.as_ref()), location.storage().clone());
        let copy = LocalCopy::of_file(&description, progress)?;
        let text = fs::read(copy.path()).at("read", description.path())?;
        let manifest = Manifest::parse(&text, description.path())?.without(ignored);
        let files = manifest.files();
        let names: Vec<&str> = [FILE].into_iter().chain(files.iter().map(String::as_str)).collect();
        let copy = LocalCopy::of_directory(location, &names, &[], progress)?;
        let entries = Directory(copy.path()).entries(manifest.entries).map_err(|error| copy.named(error))?;
        Ok(Self { entries, _copy: copy, _vectors: None })
    }

    fn from_archive(copy: LocalCopy, ignored: &[String]) -> Result<Self> {
        let read = || {
            let mut zipped = Zipped { archive: Archive::open(copy.path())?, path: copy.path(), vectors: None };
            let manifest = zipped.archive.manifest()?.without(ignored);
            let entries = zipped.entries(manifest.entries)?;
            Ok((entries, zipped.vectors))
        };
        let (entries, vectors) = read().map_err(|error| copy.named(error))?;
        Ok(Self { entries, _copy: copy, _vectors: vectors })
    }
}

/// Where the files of a bundle are.
trait Files {
    fn array(&mut self, file: &str) -> Result<StoredArray>;
    fn bytes(&mut self, file: &str) -> Result<Vec<u8>>;
    fn name_of(&self, file: &str) -> PathBuf;
    fn path_of(&mut self, file: &str) -> Result<PathBuf>;

    fn entries(&mut self, named: Vec<(String, manifest::Content)>) -> Result<Vec<(String, Content)>> {
        named.into_iter().map(|(name, content)| Ok((name, self.content(content)?))).collect()
    }

    fn content(&mut self, named: manifest::Content) -> Result<Content> {
        Ok(match named {
            manifest::Content::Array(file) => Content::Array(self.array(&file)?),
            manifest::Content::Value(value) => Content::Value(value),
            manifest::Content::Json(file) => {
                let value = serde_json::from_slice(&self.bytes(&file)?);
                let refused = |error| Error::format(&self.name_of(&file), format!("is not JSON: {error}"));
                Content::Value(value.map_err(refused)?)
            }
            manifest::Content::Vectors(file) => Content::Vectors(self.path_of(&file)?),
            manifest::Content::Group(entries) => Content::Group(self.entries(entries)?),
        })
    }
}

struct Directory<'a>(&'a Path);

impl Files for Directory<'_> {
    fn array(&mut self, file: &str) -> Result<StoredArray> {
        ArrayFile::open(self.0.join(file)).map(StoredArray::File)
    }

    fn bytes(&mut self, file: &str) -> Result<Vec<u8>> {
        fs::read(self.0.join(file)).at("read", &self.0.join(file))
    }

    fn name_of(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    fn path_of(&mut self, file: &str) -> Result<PathBuf> {
        Ok(self.0.join(file))
    }
}

struct Zipped<'a> {
    archive: Archive,
    path: &'a Path,
    vectors: Option<TempDir>,
}

impl Files for Zipped<'_> {
    fn array(&mut self, file: &str) -> Result<StoredArray> {
        let name = self.name_of(file);
        match self.archive.member(file)? {
            Member::Stored { offset, size } => {
                let zip = File::open(self.path).at("read", self.path)?;
                ArrayFile::within(&zip, self.path, offset..offset + size, &name).map(StoredArray::File)
            }
            Member::Compressed { .. } => {
                let content = self.archive.read(file)?;
                let header = read_header(&mut content.as_slice(), &name)?;
                let size = header.size().map_err(|reason| Error::format(&name, reason))?;
                check_length(&header, size, content.len() as u64, &name)?;
                Ok(StoredArray::Unpacked { header, content })
            }
        }
    }

    fn bytes(&mut self, file: &str) -> Result<Vec<u8>> {
        self.archive.read(file)
    }

    fn name_of(&self, file: &str) -> PathBuf {
        self.archive.name_of(file)
    }

    /// Vectors are mapped by formats of their own, so they need a file of their own.
    fn path_of(&mut self, file: &str) -> Result<PathBuf> {
        let name = self.name_of(file);
        let content = self.archive.read(file)?;
        let folder = match self.vectors.take() {
            Some(folder) => folder,
            None => tempfile::tempdir().at("write a temporary copy of", &name)?,
        };
        let path = folder.path().join(file);
        let written = File::create(&path).and_then(|mut out| out.write_all(&content));
        written.at("write a temporary copy of", &name)?;
        self.vectors = Some(folder);
        Ok(path)
    }
}
