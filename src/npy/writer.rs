//! Rows that are streamed into a `.npy` file.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::array::on_this_machine;
use super::header::{Header, item_size};
use crate::error::{Error, IoContext, Result};
use crate::output::StagedFile;

/// Bytes that are gathered before they are written.
const GATHERED: usize = 1 << 18;

/// Writes an array row by row, into a file that appears when the writer is [closed](Self::close).
///
/// Until then the rows are in a hidden file beside the target, and that begins with zeros in place of a header: a process
/// that is killed leaves the older file as it was, and nothing that could be taken for an array. A writer that is dropped
/// leaves nothing.
pub struct Writer {
    file: StagedFile,
    header: Header,
    /// If it was given.
    length: Option<u64>,
    /// Bytes of a row.
    row: u64,
    rows: u64,
    gathered: Vec<u8>,
}

impl Writer {
    /// Starts an array of this type, NumPy's name for it, as "<f4". The length of the first axis may be `None`: it will be the
    /// number of rows.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a type that is not of numbers, booleans, text, dates or times, a shape that no memory could
    /// hold or without rows, or the URL of a store; [`Error::Io`] if nothing can be written there.
    pub fn create(path: impl AsRef<Path>, descr: &str, shape: &[Option<u64>]) -> Result<Self> {
        let (mut header, row) = header_of(descr, shape)?;
        // There is room for any number of rows.
        let length = shape[0];
        header.shape[0] = length.unwrap_or(u64::MAX);
        header.end = header.least_end();
        let file = StagedFile::create(on_this_machine(path.as_ref())?)?;
        if file.target().is_dir() {
            return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory)).at("write", file.target());
        }
        let gathered = vec![0; header.end];
        Ok(Self { file, header, length, row, rows: 0, gathered })
    }

    /// Appends rows: the bytes of their values, in C order.
    ///
    /// # Errors
    /// [`Error::Parameter`] if they are not whole rows, or more than the shape has; [`Error::Io`].
    pub fn append(&mut self, values: &[u8]) -> Result<()> {
        let added = values.len() as u64 / self.row;
        if added * self.row != values.len() as u64 {
            let reason = format!("has {} bytes, which are not whole rows of {} bytes", values.len(), self.row);
            return Err(Error::parameter("rows", reason));
        }
        let rows = self.rows + added;
        if let Some(length) = self.length.filter(|&length| rows > length) {
            return Err(Error::parameter("rows", format!("would make {rows} rows, but the shape has {length}")));
        }
        if self.gathered.len() + values.len() > GATHERED {
            self.flush()?;
        }
        if values.len() > GATHERED {
            self.file.content().write_all(values).at("write", self.file.target())?;
        } else {
            self.gathered.extend_from_slice(values);
        }
        self.rows = rows;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.file.content().write_all(&self.gathered).at("write", self.file.target())?;
        self.gathered.clear();
        Ok(())
    }

    /// The number of rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes the header, and makes the file appear in place of an older one.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there are fewer rows than the shape has; [`Error::Io`]. Then nothing appears.
    pub fn close(mut self) -> Result<PathBuf> {
        let (rows, path) = (self.rows, self.file.target().to_owned());
        if let Some(length) = self.length.filter(|&length| length != rows) {
            let reason = format!("has {length} rows, but {rows} were appended to {}", path.display());
            return Err(Error::parameter("shape", reason));
        }
        self.flush()?;
        self.header.shape[0] = self.length.unwrap_or(rows);
        let mut content = self.file.content();
        content.seek(SeekFrom::Start(0)).at("write", &path)?;
        content.write_all(&self.header.bytes()).at("write", &path)?;
        self.file.sync()?;
        self.file.appear()
    }
}

/// A header without its first length and end, and the bytes of a row.
fn header_of(descr: &str, shape: &[Option<u64>]) -> Result<(Header, u64)> {
    let Some(item) = item_size(descr) else {
        let reason = format!("is {descr}; expected numbers, booleans, text, dates or times");
        return Err(Error::parameter("dtype", reason));
    };
    let refused = |reason: String| Error::parameter("shape", reason);
    let Some((_, rest)) = shape.split_first() else { return Err(refused("has no axes; expected rows".to_owned())) };
    let rest: Option<Vec<u64>> = rest.iter().copied().collect();
    let rest =
        rest.ok_or_else(|| refused("has None behind its first axis; only the number of rows may be unknown".into()))?;
    if shape.len() > 32 {
        return Err(refused(format!("has {} axes; expected at most 32", shape.len())));
    }
    let mut lengths = vec![shape[0].unwrap_or(1)];
    lengths.extend(&rest);
    let header = Header { descr: descr.to_owned(), is_fortran: false, shape: lengths, end: 0 };
    header.size().map_err(refused)?;
    match rest.iter().product::<u64>() {
        // Such rows could not be counted.
        0 => Err(refused(format!("has rows of no values: {rest:?}"))),
        values => Ok((header, values * item)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npy::{ArrayFile, Blocks};

    #[test]
    fn rows_of_any_length_are_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.npy");
        let mut writer = Writer::create(&path, "<u4", &[None, Some(3)]).unwrap();
        let values: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
        for rows in values.chunks(12 * 7777) {
            writer.append(rows).unwrap();
        }
        writer.append(&[]).unwrap();
        assert_eq!(writer.rows(), 100_000);
        assert_eq!(writer.close().unwrap(), path);
        let array = ArrayFile::open(&path).unwrap();
        assert_eq!(array.header().shape, [100_000, 3]);
        assert_eq!(array.offset() % 64, 0);
        assert!(array.read().unwrap() == values);
        let blocks = Blocks::open(&path, 999).unwrap().collect::<Result<Vec<_>>>().unwrap();
        assert!(blocks.concat() == values);
    }

    #[test]
    fn nothing_appears_before_the_end_and_what_is_there_is_no_array() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.npy");
        std::fs::write(&path, "old").unwrap();
        let mut writer = Writer::create(&path, "|u1", &[Some(500_000)]).unwrap();
        writer.append(&vec![1; 400_000]).unwrap();
        let hidden = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
        for file in hidden.filter(|file| *file != path) {
            assert!(ArrayFile::open(&file).unwrap_err().to_string().contains("not a .npy file"));
        }
        assert!(writer.append(&vec![1; 100_001]).unwrap_err().to_string().contains("the shape has 500000"));
        let error = writer.close().unwrap_err().to_string();
        assert!(error.contains("400000 were appended"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn shapes_and_types_that_cannot_be_are_refused() {
        let error = |descr: &str, shape: &[Option<u64>]| match Writer::create("never.npy", descr, shape) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{descr} {shape:?} is accepted"),
        };
        assert!(error("|O", &[None]).starts_with("dtype: is |O"));
        assert!(error("<f4", &[]).contains("no axes"));
        assert!(error("<f4", &[Some(1), None]).contains("first axis"));
        assert!(error("<f4", &[None, Some(1 << 62)]).contains("no memory"));
        assert!(error("<f4", &[Some(u64::MAX)]).contains("no memory"));
        let url = Writer::create("s3://bucket/v.npy", "<f4", &[None]).err().unwrap().to_string();
        assert!(url.contains("in a store"), "{url}");
    }
}
