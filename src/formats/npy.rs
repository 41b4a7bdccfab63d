//! NumPy's `.npy`, a V × d matrix of float32; `NAME.vocab.txt` beside it has a line `word count` for each row.
//!
//! ```
//! use polargram::KeyedVectors;
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("vectors.npy");
//! KeyedVectors::from_rows(["a", "b"], 2, &[1.0, 0.0, 0.0, 1.0])?.save(&path)?;
//! assert_eq!(KeyedVectors::load(&path)?.counts(), [2, 1]);
//! # Ok::<(), polargram::Error>(())
//! ```

use std::fs::File;
use std::io;
use std::path::Path;

use arrow::buffer::ScalarBuffer;
use memmap2::Mmap;
use npyz::WriterBuilder;

use super::contents::Contents;
use super::options::{LoadOptions, SaveOptions};
use super::vocabulary;
use crate::arrow::ipc::buffer_over;
use crate::arrow::npy_header::{HeaderError, NpyHeader};
use crate::error::{Error, IoContext, Result};
use crate::kernel::Matrix;
use crate::output::{Out, Output};
use crate::progress::Progress;
use crate::store::Location;
use crate::vectors::{KeyedVectors, Rows};

/// `v.npy` → `v.vocab.txt`.
pub(super) const VOCABULARY_ENDING: &str = "vocab.txt";

pub(super) fn write(vectors: &KeyedVectors, _: &SaveOptions, path: &Path, output: &mut Output) -> Result<()> {
    output.write(path, |out| write_rows(vectors.rows(), out))?;
    vocabulary::write(vectors, &path.with_extension(VOCABULARY_ENDING), output)
}

/// Writes a matrix.
pub(crate) fn write_rows(rows: &Rows, out: &mut Out<'_>) -> io::Result<()> {
    let shape = [rows.len() as u64, rows.vector_size() as u64];
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(out).begin_nd()?;
    for row in rows.iter() {
        writer.extend(row.iter().copied())?;
    }
    writer.finish()
}

pub(super) fn read(contents: &Contents<'_>, options: &LoadOptions, progress: &Progress) -> Result<KeyedVectors> {
    let path = contents.path_to_map()?;
    let rows = map_rows(path)?;
    let limit = options.rows_of(rows.len());
    let words = path.with_extension(VOCABULARY_ENDING);
    let (keys, counts) = vocabulary::read(&Location::from(&words), options, progress)?;
    if keys.has_repeats() {
        return Err(Error::format(&words, "has a key in more than one line"));
    }
    KeyedVectors::new(keys, counts, rows.first(limit), None).map_err(|error| Error::format(path, error.to_string()))
}

/// Reads a matrix of this shape, to train on.
pub(crate) fn read_matrix(path: &Path, (rows, columns): (usize, usize)) -> Result<Matrix> {
    let mapped = map_rows(path)?;
    if (mapped.len(), mapped.vector_size()) != (rows, columns) {
        let reason = format!("is {} × {}; expected {rows} × {columns}", mapped.len(), mapped.vector_size());
        return Err(Error::format(path, reason));
    }
    let mut matrix = Matrix::growing(rows, columns)?;
    mapped.iter().enumerate().for_each(|(row, values)| matrix.values(row).copy_from_slice(values));
    Ok(matrix)
}

fn map_rows(path: &Path) -> Result<Rows> {
    let file = File::open(path).at("read", path)?;
    if file.metadata().at("read", path)?.len() == 0 {
        return Err(Error::format(path, "is empty"));
    }
    // SAFETY: as in `ipc::map_file`.
    let mapping = unsafe { Mmap::map(&file) }.at("map", path)?;
    let (start, width) = matrix_of(&mapping).map_err(|reason| Error::format(path, reason))?;
    let bytes = mapping.len() - start;
    let values = ScalarBuffer::new(buffer_over(mapping).slice(start), 0, bytes / size_of::<f32>());
    Ok(Rows::from_mapped(values, width))
}

/// Where the values start in the file, and the width of a row.
fn matrix_of(bytes: &[u8]) -> std::result::Result<(usize, usize), String> {
    let NpyHeader { descr, is_fortran, shape, end } = NpyHeader::read(&mut &*bytes).map_err(|error| match error {
        HeaderError::Io(_) => "ends within its header".to_owned(),
        HeaderError::Invalid(reason) => reason.to_owned(),
    })?;
    let (&[rows, width], "<f4", false) = (shape.as_slice(), descr.as_str(), is_fortran) else {
        let order = if is_fortran { "Fortran-ordered" } else { "C-ordered" };
        return Err(format!("holds {order} {descr} of shape {shape:?}; expected a C-ordered matrix of <f4"));
    };
    let size = rows.checked_mul(width).and_then(|values| values.checked_mul(4));
    // NumPy aligns the values to 64 bytes, older versions to 16.
    let is_whole = size == Some((bytes.len() - end) as u64) && width > 0 && end % align_of::<f32>() == 0;
    match usize::try_from(width) {
        Ok(width) if is_whole => Ok((end, width)),
        _ => Err(format!("has a length that does not fit its shape {rows} × {width}")),
    }
}
