//! NumPy's `.npy`, a V × d matrix; `NAME.vocab.txt` beside it has a line `word count` for each row.
//!
//! Matrices of little-endian float32 in C order are memory-mapped; others (float16, float64, big-endian, Fortran order)
//! become such in memory.
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
use std::io::{self, Write};
use std::path::Path;

use arrow::buffer::{Buffer, ScalarBuffer};

use super::contents::Contents;
use super::options::{FloatType, LoadOptions, SaveOptions};
use super::parts::Parsed;
use super::values::{self, Float};
use super::vocabulary;
use crate::arrow::ipc::map_bytes;
use crate::error::{Error, IoContext, Result};
use crate::kernel::Matrix;
use crate::npy::{Header, HeaderError};
use crate::output::Output;
use crate::progress::Progress;
use crate::store::Location;
use crate::vectors::{KeyedVectors, Rows};

/// `v.npy` → `v.vocab.txt`.
pub(super) const VOCABULARY_ENDING: &str = "vocab.txt";

pub(super) fn write(vectors: &KeyedVectors, options: &SaveOptions, path: &Path, output: &mut Output) -> Result<()> {
    values::ensure_in_range(vectors, options, &output.target(path))?;
    output.write(path, |out| write_matrix(vectors.rows(), options.float, out))?;
    vocabulary::write(vectors, &path.with_extension(VOCABULARY_ENDING), output)
}

/// Writes a matrix of float32.
pub(crate) fn write_rows(rows: &Rows, out: &mut impl Write) -> io::Result<()> {
    write_matrix(rows, FloatType::Float32, out)
}

/// Writes a matrix.
pub(super) fn write_matrix(rows: &Rows, float: FloatType, out: &mut impl Write) -> io::Result<()> {
    out.write_all(&matrix_header(rows, float))?;
    let mut bytes = Vec::with_capacity(rows.vector_size() * values::width_of(float));
    rows.iter().try_for_each(|row| {
        values::row_bytes(row, float, &mut bytes);
        out.write_all(&bytes)
    })
}

/// What stands before the values of a matrix.
pub(super) fn matrix_header(rows: &Rows, float: FloatType) -> Vec<u8> {
    let descr = match float {
        FloatType::Float32 => "<f4",
        FloatType::Float16 => "<f2",
    };
    header(descr, &[rows.len() as u64, rows.vector_size() as u64])
}

/// The header of an array, after which the values start at a multiple of 64 bytes.
pub(super) fn header(descr: &str, shape: &[u64]) -> Vec<u8> {
    let header = Header { descr: descr.to_owned(), is_fortran: false, shape: shape.to_vec(), end: 0 };
    Header { end: header.least_end(), ..header }.bytes()
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
    let read = map_rows(path)?;
    if (read.len(), read.vector_size()) != (rows, columns) {
        let reason = format!("is {} × {}; expected {rows} × {columns}", read.len(), read.vector_size());
        return Err(Error::format(path, reason));
    }
    let mut matrix = Matrix::growing(rows, columns)?;
    read.iter().enumerate().for_each(|(row, values)| matrix.values(row).copy_from_slice(values));
    Ok(matrix)
}

fn map_rows(path: &Path) -> Result<Rows> {
    let file = File::open(path).at("read", path)?;
    if file.metadata().at("read", path)?.len() == 0 {
        return Err(Error::format(path, "is empty"));
    }
    let bytes = map_bytes(&file, path)?;
    matrix_of(&bytes).map_err(|reason| match is_cut(&bytes) {
        true => Error::truncated(path, reason),
        false => Error::format(path, reason),
    })
}

/// True if an array ends before what its header announces.
fn is_cut(bytes: &Buffer) -> bool {
    match Header::read(&mut bytes.as_slice()) {
        Ok(header) => Layout::of(&header)
            .is_ok_and(|layout| layout.bytes().is_some_and(|announced| announced > bytes.len() - header.end)),
        Err(HeaderError::Io(_)) => true,
        Err(HeaderError::Invalid(_)) => false,
    }
}

/// A matrix of floats, as its header describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) rows: usize,
    pub(super) width: usize,
    float: Float,
    is_big_endian: bool,
    is_fortran: bool,
}

impl Layout {
    /// # Errors
    /// What else the header describes.
    pub(super) fn of(header: &Header) -> Parsed<Self> {
        let Header { descr, is_fortran, shape, .. } = header;
        let float = match descr.get(1..) {
            Some("f2") => Some(Float::F16),
            Some("f4") => Some(Float::F32),
            Some("f8") => Some(Float::F64),
            _ => None,
        };
        let (&[rows, width], Some(float)) = (shape.as_slice(), float) else {
            return Err(format!("holds {descr} of shape {shape:?}; expected a matrix of float16, float32 or float64"));
        };
        let misfit = || format!("has a length that does not fit its shape {rows} × {width}");
        let size = usize::try_from(rows).ok().zip(usize::try_from(width).ok());
        let (rows, width) = size.filter(|&(_, width)| width > 0).ok_or_else(misfit)?;
        let layout = Self { rows, width, float, is_big_endian: descr.starts_with('>'), is_fortran: *is_fortran };
        layout.bytes().map(|_| layout).ok_or_else(misfit)
    }

    /// Bytes of all values.
    pub(super) fn bytes(&self) -> Option<usize> {
        self.rows.checked_mul(self.width)?.checked_mul(self.float.width())
    }

    /// The matrix whose values these bytes are; they stay where they are if they can.
    ///
    /// # Errors
    /// If there are not as many bytes, or a value is beyond float32.
    pub(super) fn matrix(&self, bytes: &Buffer, is_mapped: bool) -> Parsed<Rows> {
        let Self { rows, width, float, is_big_endian, is_fortran } = *self;
        if self.bytes() != Some(bytes.len()) {
            return Err(format!("has a length that does not fit its shape {rows} × {width}"));
        }
        // NumPy aligns the values to 64 bytes, older versions to 16.
        let is_aligned = bytes.as_ptr().cast::<f32>().is_aligned();
        if float == Float::F32 && is_aligned && !is_big_endian && !is_fortran {
            let values = ScalarBuffer::new(bytes.clone(), 0, rows * width);
            return Ok(if is_mapped { Rows::from_mapped(values, width) } else { Rows::from_buffer(values, width) });
        }
        let values = float.widen(bytes, is_big_endian).map_err(|at| {
            let row = if is_fortran { at % rows } else { at / width };
            format!("the vector in row {row} has a value that is beyond float32")
        })?;
        let values = match is_fortran {
            false => values,
            true => (0..rows).flat_map(|row| values[row..].iter().step_by(rows).copied()).collect(),
        };
        Ok(Rows::from_vec(values, width))
    }
}

/// The header of an array.
///
/// # Errors
/// Why these bytes do not start with one.
pub(super) fn header_of(mut bytes: &[u8]) -> Parsed<Header> {
    Header::read(&mut bytes).map_err(|error| match error {
        HeaderError::Io(_) => "ends within its header".to_owned(),
        HeaderError::Invalid(reason) => reason.to_owned(),
    })
}

/// The matrix of a mapped array.
///
/// # Errors
/// If it is not a matrix of floats.
pub(super) fn matrix_of(bytes: &Buffer) -> Parsed<Rows> {
    let header = header_of(bytes)?;
    Layout::of(&header)?.matrix(&bytes.slice(header.end), true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npy::MAGIC;

    fn array(descr: &str, order: &str, shape: &str, values: &[u8]) -> Parsed<(Vec<f32>, usize)> {
        let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}\n");
        let bytes = [MAGIC, &[1, 0], &(text.len() as u16).to_le_bytes(), text.as_bytes(), values].concat();
        let rows = matrix_of(&bytes.into())?;
        Ok((rows.to_buffer().to_vec(), rows.vector_size()))
    }

    #[test]
    fn matrices_of_every_width_and_order_are_read() {
        let values = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
        let want = Ok((values.to_vec(), 3));
        let little = |order: &[usize]| order.iter().flat_map(|&at| values[at].to_le_bytes()).collect::<Vec<_>>();
        assert_eq!(array("<f4", "False", "2, 3", &little(&[0, 1, 2, 3, 4, 5])), want);
        assert_eq!(array("<f4", "True", "2, 3", &little(&[0, 3, 1, 4, 2, 5])), want);
        let big: Vec<u8> = values.iter().flat_map(|value| f64::from(*value).to_be_bytes()).collect();
        assert_eq!(array(">f8", "False", "2, 3", &big), want);
        let half: Vec<u8> = values.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect();
        assert_eq!(array("<f2", "False", "2, 3", &half), want);
    }

    #[test]
    fn headers_that_promise_more_than_there_is_are_refused() {
        for shape in ["1000000000000000000, 300", "9223372036854775807, 9223372036854775807", "2, 0", "3, 1"] {
            for order in ["False", "True"] {
                assert!(array("<f4", order, shape, &[0; 8]).unwrap_err().contains("does not fit its shape"), "{shape}");
            }
        }
        assert!(array("<i8", "False", "1, 1", &[0; 8]).unwrap_err().contains("expected a matrix of float16"));
        assert!(
            array("<f8", "True", "2, 1", &[[0; 8], 1e300f64.to_le_bytes()].concat()).unwrap_err().contains("row 1")
        );
    }

    #[test]
    fn values_start_at_a_multiple_of_64_bytes() {
        for shape in [[0, 1], [123_456_789_012, 300]] {
            let bytes = header("<f4", &shape);
            assert_eq!((bytes.len() % 64, header_of(&bytes).unwrap().end), (0, bytes.len()));
        }
    }
}
