//! Where the values of an array are in a file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::header::{Header, HeaderError, item_size};
use crate::error::{Error, IoContext, Result};
use crate::store::{local, url_of};

/// An array in a file, whose values are as many as its header says.
#[derive(Debug, Clone)]
pub struct ArrayFile {
    path: PathBuf,
    header: Header,
    /// Where the values start in the file.
    offset: u64,
    size: u64,
}

impl ArrayFile {
    /// Reads and checks the header of a `.npy` file of numbers, booleans, text, dates or times.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Format`] if it is not such a file, or is longer or shorter than its
    /// shape says; [`Error::Parameter`] for the URL of a store.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with_file(path.as_ref()).map(|(array, _)| array)
    }

    /// The same, with the file.
    pub(super) fn open_with_file(path: &Path) -> Result<(Self, File)> {
        let (path, file) = open_file(path)?;
        let length = file.metadata().at("read", &path)?.len();
        let array = Self::within(&file, &path, 0..length, &path)?;
        Ok((array, file))
    }

    /// An array in a range of a file. Messages name it by `name`.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub(crate) fn within(mut file: &File, path: &Path, range: Range<u64>, name: &Path) -> Result<Self> {
        let start = range.start;
        file.seek(SeekFrom::Start(start)).at("read", name)?;
        let header = read_header(&mut file.take(range.end - start), name)?;
        let size = header.size().map_err(|reason| Error::format(name, reason))?;
        check_length(&header, size, range.end - start, name)?;
        Ok(Self { path: path.to_owned(), offset: start + header.end as u64, header, size })
    }

    /// Its type and shape.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the values start in the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes of all values.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes of one element.
    pub fn item_size(&self) -> u64 {
        item_size(&self.header.descr).unwrap_or(1)
    }

    /// The values as they are in the file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read(&self) -> Result<Vec<u8>> {
        let mut file = File::open(&self.path).at("read", &self.path)?;
        file.seek(SeekFrom::Start(self.offset)).at("read", &self.path)?;
        let mut values = Vec::new();
        append_from(&file, self.size, &mut values, &self.path)?;
        Ok(values)
    }
}

/// Opens a file of this machine.
///
/// # Errors
/// [`Error::Parameter`] for the URL of a store, [`Error::Io`].
pub(super) fn open_file(path: &Path) -> Result<(PathBuf, File)> {
    let path = on_this_machine(path)?;
    let file = File::open(&path).at("read", &path)?;
    Ok((path, file))
}

/// # Errors
/// [`Error::Parameter`] for the URL of a store.
pub(super) fn on_this_machine(path: &Path) -> Result<PathBuf> {
    match url_of(path) {
        Some(url) => Err(Error::parameter("path", format!("{url} is in a store; copy it to this machine first"))),
        None => local(path),
    }
}

/// Reads a header; messages name the file.
pub(crate) fn read_header(input: &mut dyn Read, name: &Path) -> Result<Header> {
    Header::read(input).map_err(|error| match error {
        HeaderError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::format(name, "ends within its header: it is truncated; save it again")
        }
        HeaderError::Io(source) => Error::Io { action: "read", path: name.to_owned(), source },
        HeaderError::Invalid(reason) => Error::format(name, reason),
    })
}

/// Refuses a file of another length than its header says.
pub(crate) fn check_length(header: &Header, size: u64, length: u64, name: &Path) -> Result<()> {
    let held = length.saturating_sub(header.end as u64);
    if held == size {
        return Ok(());
    }
    let what = if held < size { "truncated" } else { "followed by something else" };
    let reason = format!(
        "has {held} bytes of values, but its shape {:?} of {} has {size}: it is {what}; save it again",
        header.shape, header.descr
    );
    Err(Error::format(name, reason))
}

/// Reads so many bytes, which the file was found to have.
pub(super) fn append_from(file: &File, bytes: u64, values: &mut Vec<u8>, path: &Path) -> Result<()> {
    let before = values.len();
    let no_memory = |_| std::io::Error::from(std::io::ErrorKind::OutOfMemory);
    values.try_reserve_exact(bytes as usize).map_err(no_memory).at("read", path)?;
    file.take(bytes).read_to_end(values).at("read", path)?;
    match (values.len() - before) as u64 == bytes {
        true => Ok(()),
        false => Err(Error::format(path, "was cut while it was read; read it again")),
    }
}
