//! Parquet: a table of keys, counts and vectors.
//!
//! The columns are those of our Arrow files. Vectors are lists of float32 (or float16, which is widened when it is loaded);
//! Polars and Arrow see lists of a fixed size. Other programs' files are read too: see [`super::columns`].
//!
//! ```
//! use polargram::KeyedVectors;
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("vectors.parquet");
//! KeyedVectors::from_rows(["a", "b"], 2, &[1.0, 0.0, 0.0, 1.0])?.save(&path)?;
//! assert_eq!(KeyedVectors::load(&path)?.vector("b")?, [0.0, 1.0]);
//! # Ok::<(), polargram::Error>(())
//! ```

use std::fmt::Display;
use std::fs::File;
use std::io;
use std::path::Path;

use arrow::buffer::Buffer;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::arrow::{config_of, record_batch};
use super::columns::{Columns, TableReader};
use super::contents::Contents;
use super::options::{LoadOptions, SaveOptions};
use super::parts::Parts;
use super::values;
use crate::error::{Error, IoContext, Result};
use crate::output::Output;
use crate::parquet_checks::{CheckedPages, read_footer};
use crate::process::catch_panic;
use crate::progress::Progress;
use crate::vectors::{KeyedVectors, Rows};

/// What a file starts with.
pub(super) const MAGIC: &[u8] = b"PAR1";
/// Rows that are encoded or decoded at a time.
const BATCH_ROWS: usize = 16 << 10;

pub(super) fn write(vectors: &KeyedVectors, options: &SaveOptions, path: &Path, output: &mut Output) -> Result<()> {
    values::ensure_in_range(vectors, options, &output.target(path))?;
    output.write(path, |out| {
        let batch = record_batch(vectors, options.float).map_err(io::Error::other)?;
        let mut writer = ArrowWriter::try_new(out, batch.schema(), Some(properties()?)).map_err(io_error)?;
        for start in (0..batch.num_rows()).step_by(BATCH_ROWS) {
            let rows = batch.slice(start, BATCH_ROWS.min(batch.num_rows() - start));
            writer.write(&rows).map_err(io_error)?;
        }
        writer.close().map(drop).map_err(io_error)
    })
}

/// Keys and counts are compressed. Vectors hardly become smaller, and are read faster as they are.
fn properties() -> io::Result<WriterProperties> {
    let vectors = ColumnPath::new(["vector", "list", "item"].map(str::to_owned).to_vec());
    let level = ZstdLevel::try_new(3).map_err(io_error)?;
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_dictionary_enabled(false)
        .set_column_compression(vectors, Compression::UNCOMPRESSED)
        .build())
}

/// The system's own error, if there is one inside.
pub(super) fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

pub(super) fn read(contents: &Contents<'_>, options: &LoadOptions, progress: &Progress) -> Result<KeyedVectors> {
    let path = contents.path_to_map()?;
    let fault = |reason: String| Error::format(path, reason);
    let damaged = |error: &dyn Display| fault(format!("is not a readable Parquet file: {error}"));
    let is_damaged = || damaged(&"it is damaged");
    let mut file = File::open(path).at("read", path)?;
    // The decoder checks what it decodes, but panics on some numbers that no writer gives.
    let footer = read_footer(&mut file).map_err(|error| damaged(&error))?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(CheckedPages(file), footer);
    let schema = builder.schema().clone();
    let columns = Columns::choose(&schema, options).map_err(fault)?;
    let rows = builder.metadata().file_metadata().num_rows();
    let rows = options.rows_of(usize::try_from(rows).map_err(|_| damaged(&"it has a negative number of rows"))?);
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns.projection());
    let builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS).with_limit(rows);
    let batches = catch_panic(|| builder.build()).ok_or_else(is_damaged)?;
    let mut batches = batches.map_err(|error| damaged(&error))?;
    let (mut reader, mut read) = (TableReader::new(&columns), 0);
    while let Some(batch) = catch_panic(|| batches.next()).ok_or_else(is_damaged)? {
        progress.check()?;
        let batch = batch.map_err(|error| damaged(&error))?;
        read += batch.num_rows();
        reader.push(&batch).map_err(fault)?;
    }
    if read != rows {
        return Err(damaged(&format!("it holds {read} of the {rows} rows that its footer announces")));
    }
    let (keys, counts, values, width) = reader.finish(&schema, &columns, &Buffer::default()).map_err(fault)?;
    let rows = Rows::from_buffer(values, width);
    Parts { keys, counts, rows, config: config_of(&schema) }.into_vectors(options, path)
}
