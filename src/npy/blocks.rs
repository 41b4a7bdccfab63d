//! An array read by blocks of rows.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;

use super::array::{ArrayFile, append_from};
use crate::error::{Error, IoContext, Result};

/// The values of an array, by blocks of rows. Each block is a copy, so memory holds one block, whatever the order of the
/// values in the file.
///
/// A block is the bytes of its values, in the order of the file: C order, or Fortran order of the block's own shape.
#[derive(Debug)]
pub struct Blocks {
    array: ArrayFile,
    file: File,
    rows_per_block: u64,
    next: u64,
}

impl Blocks {
    /// Opens a `.npy` file of numbers, booleans, text, dates or times.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Format`] if it is not a whole file of such an array; [`Error::Parameter`] for blocks of no
    /// rows, or the URL of a store.
    pub fn open(path: impl AsRef<Path>, rows_per_block: u64) -> Result<Self> {
        if rows_per_block == 0 {
            return Err(Error::parameter("rows", "is 0; a block has at least one row"));
        }
        let (array, file) = ArrayFile::open_with_file(path.as_ref())?;
        if array.header().shape.is_empty() {
            return Err(Error::format(array.path(), "holds a single value and has no rows; open it whole"));
        }
        Ok(Self { array, file, rows_per_block, next: 0 })
    }

    /// The array.
    pub fn array(&self) -> &ArrayFile {
        &self.array
    }

    fn read(&mut self, start: u64, rows: u64) -> Result<Vec<u8>> {
        let (all, path) = (self.array.header().shape[0], self.array.path());
        let row = self.array.size() / all;
        // Values that lie next to each other in the file: rows, or elements of one column.
        let (pieces, width) = match self.array.header().is_fortran {
            false => (1, row),
            true => (row / self.array.item_size(), self.array.item_size()),
        };
        let mut values = Vec::new();
        values.try_reserve_exact((rows * row) as usize).map_err(|_| no_memory(path))?;
        for piece in 0..pieces {
            let offset = self.array.offset() + (piece * all + start) * width;
            self.file.seek(SeekFrom::Start(offset)).at("read", path)?;
            append_from(&self.file, rows * width, &mut values, path)?;
        }
        Ok(values)
    }
}

fn no_memory(path: &Path) -> Error {
    Error::format(path, "has blocks that are larger than the memory; ask for fewer rows")
}

impl Iterator for Blocks {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next;
        let rows = self.array.header().shape[0].checked_sub(start).filter(|&rows| rows > 0)?.min(self.rows_per_block);
        self.next += rows;
        let block = self.read(start, rows);
        if block.is_err() {
            self.next = u64::MAX;
        }
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::npy::Header;

    fn file(header: &mut Header, values: &[u8]) -> tempfile::NamedTempFile {
        header.end = header.least_end();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [&header.bytes(), values].concat()).unwrap();
        file
    }

    proptest! {
        #[test]
        fn blocks_hold_the_rows_in_order(rows in 0u64..40, width in 1u64..5, is_fortran: bool, per_block in 1u64..20) {
            // The value of row r and column c is 10 r + c.
            let value = |row: u64, column: u64| ((10 * row + column) as u16).to_le_bytes();
            let values: Vec<u8> = match is_fortran {
                false => (0..rows * width).flat_map(|at| value(at / width, at % width)).collect(),
                true => (0..rows * width).flat_map(|at| value(at % rows, at / rows)).collect(),
            };
            let mut header = Header { descr: "<u2".into(), is_fortran, shape: vec![rows, width], end: 0 };
            let file = file(&mut header, &values);
            let mut first = 0;
            for block in Blocks::open(file.path(), per_block).unwrap() {
                let block = block.unwrap();
                let held = block.len() as u64 / 2 / width;
                prop_assert!(held <= per_block);
                for at in 0..held * width {
                    let (row, column) = if is_fortran { (at % held, at / held) } else { (at / width, at % width) };
                    prop_assert_eq!(&block[2 * at as usize..][..2], &value(first + row, column));
                }
                first += held;
            }
            prop_assert_eq!(first, rows);
        }
    }

    #[test]
    fn a_file_that_does_not_fit_its_header_is_refused() {
        let mut header = Header { descr: "<f4".into(), is_fortran: false, shape: vec![3, 2], end: 0 };
        for (length, what) in [(23, "truncated"), (25, "followed by something else"), (0, "truncated")] {
            let file = file(&mut header, &vec![0; length]);
            let error = Blocks::open(file.path(), 2).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
        header.shape = vec![];
        let error = Blocks::open(file(&mut header, &[0; 4]).path(), 2).unwrap_err().to_string();
        assert!(error.contains("no rows"), "{error}");
        let url = Blocks::open("s3://bucket/v.npy", 2).unwrap_err().to_string();
        assert!(url.contains("copy it to this machine"), "{url}");
    }

    #[test]
    fn a_file_that_is_cut_while_it_is_read_is_an_error_and_the_end() {
        let mut header = Header { descr: "<f4".into(), is_fortran: true, shape: vec![9, 2], end: 0 };
        let file = file(&mut header, &[0; 72]);
        let mut blocks = Blocks::open(file.path(), 4).unwrap();
        assert_eq!(blocks.next().unwrap().unwrap().len(), 32);
        file.as_file().set_len(header.end as u64 + 40).unwrap();
        assert!(blocks.next().unwrap().unwrap_err().to_string().contains("cut"));
        assert!(blocks.next().is_none());
    }
}
