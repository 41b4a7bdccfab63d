//! The vectors file: Arrow IPC, memory-mapped when it is loaded.
//!
//! One record batch, uncompressed, buffers aligned to 64 bytes, with the columns `word: Utf8` (`LargeUtf8` past 2 GiB),
//! `Int64` or `UInt64`; `count: UInt64`; `vector: FixedSizeList<Float32, d>` (or `Float16`, which is widened when it is
//! loaded). The schema's metadata has the configuration as JSON under `polargram`. Between the batch and the footer stands
//! an index of the keys, if they are many (`vocab::stored_index`): it is mapped too, so that a file of any size opens at once.
//!
//! Other programs' files and streams are read too, compressed ones and such of several batches: see [`super::columns`].
//!
//! ```
//! use polargram::KeyedVectors;
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("vectors.arrow");
//! KeyedVectors::from_rows(["a", "b"], 2, &[1.0, 0.0, 0.0, 1.0])?.save(&path)?;
//! assert_eq!(KeyedVectors::load(&path)?.vector("b")?, [0.0, 1.0]);
//! # Ok::<(), polargram::Error>(())
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Float16Array, Float32Array, RecordBatch, UInt64Array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::MetadataVersion;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use half::f16;

use super::columns::{Columns, TableReader};
use super::contents::Contents;
use super::options::{FloatType, LoadOptions, SaveOptions};
use super::parts::Parts;
use super::values;
use crate::arrow::ipc;
use crate::config::Config;
use crate::error::{Error, IoContext, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::vectors::{KeyedVectors, Rows};

const METADATA_KEY: &str = "polargram";

pub(super) fn write(vectors: &KeyedVectors, options: &SaveOptions, path: &Path, output: &mut Output) -> Result<()> {
    values::ensure_in_range(vectors, options, &output.target(path))?;
    output.write(path, |out| write_bytes(vectors, *options, out))
}

/// Writes the bytes of the file.
pub(super) fn write_bytes(vectors: &KeyedVectors, options: SaveOptions, out: &mut impl io::Write) -> io::Result<()> {
    let batch = record_batch(vectors, options.float).map_err(io::Error::other)?;
    let options = IpcWriteOptions::try_new(64, false, MetadataVersion::V5).map_err(io::Error::other)?;
    let out = HeldBack { out, held: None };
    let mut writer = FileWriter::try_new_with_options(out, &batch.schema(), options).map_err(io_error)?;
    writer.write(&batch).map_err(io_error)?;
    writer.get_mut().held = Some(Vec::new());
    writer.finish().map_err(io_error)?;
    let HeldBack { out, held } = writer.into_inner().map_err(io_error)?;
    let end = held.unwrap_or_default();
    // What lies between the end of the batches and the footer is read by nobody else.
    let (batches_end, footer) = end.split_at(ipc::footer_start(&end).unwrap_or(end.len()));
    out.write_all(batches_end)?;
    vectors.keys().stored_index().map_or(Ok(()), |index| out.write_all(&index))?;
    out.write_all(footer)
}

/// A file whose end is kept back.
struct HeldBack<'a, W> {
    out: &'a mut W,
    held: Option<Vec<u8>>,
}

impl<W: io::Write> io::Write for HeldBack<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.held {
            Some(held) => held.write(bytes),
            None => self.out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The system's own error, if there is one inside.
fn io_error(error: arrow::error::ArrowError) -> io::Error {
    match error {
        arrow::error::ArrowError::IoError(_, source) => source,
        other => io::Error::other(other),
    }
}

/// The vectors as a table: keys, counts and vectors.
pub(super) fn record_batch(
    vectors: &KeyedVectors,
    float: FloatType,
) -> std::result::Result<RecordBatch, Box<dyn std::error::Error + Send + Sync>> {
    let width = i32::try_from(vectors.vector_size())?;
    let values: ArrayRef = match float {
        FloatType::Float32 => Arc::new(Float32Array::new(vectors.rows().to_buffer(), None)),
        FloatType::Float16 => {
            let values = vectors.rows().iter().flatten().map(|&value| f16::from_f32(value));
            Arc::new(Float16Array::from_iter_values(values))
        }
    };
    let item = Arc::new(Field::new("item", values.data_type().clone(), false));
    let list = FixedSizeListArray::try_new(item.clone(), width, values, None)?;
    let words = vectors.keys().short_array();
    let fields = vec![
        Field::new("word", words.data_type().clone(), false),
        Field::new("count", DataType::UInt64, false),
        Field::new_fixed_size_list("vector", item, width, false),
    ];
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), description(vectors)?)]);
    let counts = Arc::new(UInt64Array::from(vectors.counts().to_vec()));
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new_with_metadata(fields, metadata)),
        vec![words, counts, Arc::new(list)],
    )?)
}

pub(super) fn read(contents: &Contents<'_>, options: &LoadOptions, _: &Progress) -> Result<KeyedVectors> {
    let path = contents.path_to_map()?;
    read_buffer(ipc::map_bytes(&File::open(path).at("read", path)?, path)?, path, options)
}

/// Reads the bytes of a file, which are copied: the vectors may be written to. Messages name them by `name`.
pub(super) fn read_bytes(bytes: &[u8], name: &Path) -> Result<KeyedVectors> {
    let vectors = read_buffer(ipc::aligned(bytes), name, &LoadOptions::default())?;
    let rows = Rows::from_buffer(vectors.rows().to_buffer(), vectors.vector_size());
    KeyedVectors::new(vectors.keys().clone(), vectors.counts().to_vec(), rows, vectors.config().cloned())
}

fn read_buffer(bytes: Buffer, path: &Path, options: &LoadOptions) -> Result<KeyedVectors> {
    ipc::ensure_has_end(&bytes, path)?;
    let fault = |reason: String| Error::format(path, reason);
    let mut columns = None;
    let table = ipc::table(bytes.clone(), |schema| {
        let chosen = columns.insert(Columns::choose(schema, options)?);
        Ok(chosen.projection())
    });
    let (table, columns) = (table.map_err(fault)?, columns.ok_or_else(|| fault("has no schema".into()))?);
    let (mut reader, mut left) = (TableReader::new(&columns), options.rows_of(usize::MAX));
    for batch in &table.batches {
        let batch = batch.slice(0, left.min(batch.num_rows()));
        left -= batch.num_rows();
        reader.push(&batch).map_err(fault)?;
    }
    // The footer of a stream or a file of others has no index before it.
    let index = ipc::footer_start(&bytes).map_or_else(Buffer::default, |end| bytes.slice_with_length(0, end));
    let (keys, counts, values, width) = reader.finish(&table.schema, &columns, &index).map_err(fault)?;
    // Values of several batches, of other types and of compressed files were copied.
    let is_mapped = table.holds(values.as_ptr());
    let rows = if is_mapped { Rows::from_mapped(values, width) } else { Rows::from_buffer(values, width) };
    let config = config_of(&table.schema);
    Parts { keys, counts, rows, config }.into_vectors(options, path)
}

/// The configuration in the metadata of a schema, if it has one.
pub(super) fn config_of(schema: &Schema) -> Option<Config> {
    schema.metadata().get(METADATA_KEY).and_then(|json| serde_json::from_str(json).ok())
}

/// What the metadata says of vectors: the configuration, if it is known, as JSON.
pub(super) fn description(vectors: &KeyedVectors) -> serde_json::Result<String> {
    let config = vectors.config().map(serde_json::to_value).transpose()?.unwrap_or_else(|| serde_json::json!({}));
    let mut description = serde_json::json!({ "format": "polargram vectors 1", "vector_size": vectors.vector_size() });
    if let (Some(description), serde_json::Value::Object(config)) = (description.as_object_mut(), config) {
        description.extend(config);
    }
    Ok(description.to_string())
}
