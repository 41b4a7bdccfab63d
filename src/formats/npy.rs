//! NumPy's `.npy`, a V × d matrix of float32, and beside it `NAME.vocab.txt`, a line `word count` for each row.
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

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use arrow::buffer::{Buffer, ScalarBuffer};
use memmap2::Mmap;
use npyz::{DType, NpyFile, Order, WriterBuilder};

use super::staged::Out;
use crate::error::{Error, IoContext, Result};
use crate::kernel::Matrix;
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::{Key, Keys};

/// `v.npy` → `v.vocab.txt`.
pub(super) fn vocabulary_path(path: &Path) -> PathBuf {
    path.with_extension("vocab.txt")
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

pub(super) fn write_vocabulary(vectors: &KeyedVectors, out: &mut Out<'_>) -> io::Result<()> {
    for (key, count) in vectors.keys().iter().zip(vectors.counts()) {
        if let Key::Text(word) = key
            && word.contains(['\n', '\r'])
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("the word {word:?} holds a line break; save as .arrow"),
            ));
        }
        writeln!(out, "{key} {count}")?;
    }
    Ok(())
}

pub(super) fn read(path: &Path) -> Result<KeyedVectors> {
    let rows = map_rows(path)?;
    let (words, counts) = read_vocabulary(&vocabulary_path(path))?;
    KeyedVectors::new(words, counts, rows, None).map_err(|error| Error::format(path, error.to_string()))
}

/// Reads a matrix of this shape, to train on.
pub(crate) fn read_matrix(path: &Path, (rows, columns): (usize, usize)) -> Result<Matrix> {
    let mapped = map_rows(path)?;
    if (mapped.len(), mapped.vector_size()) != (rows, columns) {
        let reason = format!("is {} × {}; expected {rows} × {columns}", mapped.len(), mapped.vector_size());
        return Err(Error::format(path, reason));
    }
    let mut matrix = Matrix::zeros(rows, columns)?;
    mapped.iter().enumerate().for_each(|(row, values)| matrix.values(row).copy_from_slice(values));
    Ok(matrix)
}

fn map_rows(path: &Path) -> Result<Rows> {
    let file = File::open(path).at("read", path)?;
    if file.metadata().at("read", path)?.len() == 0 {
        return Err(Error::format(path, "is empty"));
    }
    // SAFETY: as in `ipc::map`.
    let mapping = unsafe { Mmap::map(&file) }.at("map", path)?;
    let (start, width) = matrix_of(&mapping).map_err(|reason| Error::format(path, reason))?;
    let bytes = mapping.len() - start;
    let pointer = NonNull::from(&mapping[..]).cast();
    // SAFETY: the mapping is readable for its length and stays in place for as long as the buffer owns it.
    let buffer = unsafe { Buffer::from_custom_allocation(pointer, mapping.len(), Arc::new(mapping)) };
    let values = ScalarBuffer::new(buffer.slice(start), 0, bytes / size_of::<f32>());
    Ok(Rows::from_mapped(values, width))
}

/// Where the values start in the file, and the width of a row.
fn matrix_of(bytes: &[u8]) -> std::result::Result<(usize, usize), String> {
    let header = NpyFile::new(bytes).map_err(|error| format!("is no .npy file: {error}"))?;
    let is_float32 = matches!(header.dtype(), DType::Plain(t) if t.to_string() == "<f4");
    let (&[rows, width], true, Order::C) = (header.shape(), is_float32, header.order()) else {
        return Err(format!(
            "holds {} of shape {:?}; expected a C-ordered matrix of <f4",
            header.dtype().descr(),
            header.shape()
        ));
    };
    let size =
        usize::try_from(rows).ok().zip(usize::try_from(width).ok()).and_then(|(r, w)| r.checked_mul(w)?.checked_mul(4));
    let start = size.and_then(|size| bytes.len().checked_sub(size));
    match start {
        // The format aligns the values to 64 bytes, older files to 16.
        Some(start) if start % align_of::<f32>() == 0 && width > 0 && is_end_of_header(bytes, start) => {
            Ok((start, width as usize))
        }
        _ => Err(format!("is not as long as its shape {rows} × {width} says")),
    }
}

/// The header ends with a line break, directly before the values.
fn is_end_of_header(bytes: &[u8], start: usize) -> bool {
    let announced = match bytes {
        [_, _, _, _, _, _, 1, _, a, b, ..] => 10 + usize::from(u16::from_le_bytes([*a, *b])),
        [_, _, _, _, _, _, _, _, a, b, c, d, ..] => 12 + u32::from_le_bytes([*a, *b, *c, *d]) as usize,
        _ => return false,
    };
    announced == start
}

pub(super) fn read_vocabulary(path: &Path) -> Result<(Keys, Vec<u64>)> {
    let text = fs::read_to_string(path).at("read", path)?;
    let mut counts = Vec::new();
    let mut words = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let parsed = line.rsplit_once(' ').and_then(|(word, count)| Some((word, count.parse().ok()?)));
        let Some((word, count)) = parsed else {
            return Err(Error::format(path, format!("line {} is not `word count`: {line:?}", number + 1)));
        };
        words.push(word);
        counts.push(count);
    }
    Ok((words.into_iter().collect(), counts))
}
