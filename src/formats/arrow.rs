//! The vectors file: Arrow IPC, memory-mapped when it is loaded.
//!
//! One record batch, uncompressed, buffers aligned to 64 bytes, with the columns `word: Utf8` (`LargeUtf8` past 2 GiB),
//! `Int64` or `UInt64`; `count: UInt64`; `vector: FixedSizeList<Float32, d>`. The schema's metadata has the configuration
//! as JSON under `polargram`.
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
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, RecordBatch, StringArray, UInt64Array};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Float32Type, Schema, UInt64Type};
use arrow::ipc::MetadataVersion;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};

use super::contents::Contents;
use super::options::{LoadOptions, SaveOptions};
use crate::arrow::ipc::{self, MappedIpc};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::{KeyType, Keys};

const METADATA_KEY: &str = "polargram";

pub(super) fn write(vectors: &KeyedVectors, _: &SaveOptions, path: &Path, output: &mut Output) -> Result<()> {
    output.write(path, |out| write_bytes(vectors, out))
}

/// Writes the bytes of the file.
pub(super) fn write_bytes(vectors: &KeyedVectors, out: &mut impl io::Write) -> io::Result<()> {
    let batch = record_batch(vectors).map_err(io::Error::other)?;
    let options = IpcWriteOptions::try_new(64, false, MetadataVersion::V5).map_err(io::Error::other)?;
    let mut writer = FileWriter::try_new_with_options(out, &batch.schema(), options).map_err(io_error)?;
    writer.write(&batch).and_then(|()| writer.finish()).map_err(io_error)
}

/// The system's own error, if there is one inside.
fn io_error(error: arrow::error::ArrowError) -> io::Error {
    match error {
        arrow::error::ArrowError::IoError(_, source) => source,
        other => io::Error::other(other),
    }
}

fn record_batch(vectors: &KeyedVectors) -> std::result::Result<RecordBatch, Box<dyn std::error::Error + Send + Sync>> {
    let width = i32::try_from(vectors.vector_size())?;
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let values = Arc::new(Float32Array::new(vectors.rows().to_buffer(), None));
    let list = FixedSizeListArray::try_new(item.clone(), width, values, None)?;
    let words = keys_column(vectors.keys());
    let config = vectors.config().map(serde_json::to_value).transpose()?.unwrap_or_else(|| serde_json::json!({}));
    let mut description = serde_json::json!({ "format": "polargram vectors 1", "vector_size": width });
    if let (Some(description), serde_json::Value::Object(config)) = (description.as_object_mut(), config) {
        description.extend(config);
    }
    let fields = vec![
        Field::new("word", words.data_type().clone(), false),
        Field::new("count", DataType::UInt64, false),
        Field::new_fixed_size_list("vector", item, width, false),
    ];
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), description.to_string())]);
    let counts = Arc::new(UInt64Array::from(vectors.counts().to_vec()));
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new_with_metadata(fields, metadata)),
        vec![words, counts, Arc::new(list)],
    )?)
}

/// Text is Utf8 as long as 32-bit offsets suffice, because some readers know no other type.
fn keys_column(keys: &Keys) -> ArrayRef {
    let keys = keys.array();
    let Some(words) = keys.as_string_opt::<i64>() else { return keys };
    let offsets: std::result::Result<Vec<i32>, _> =
        words.offsets().iter().map(|&offset| i32::try_from(offset)).collect();
    match offsets {
        Ok(offsets) => Arc::new(StringArray::new(OffsetBuffer::new(offsets.into()), words.values().clone(), None)),
        Err(_) => keys,
    }
}

pub(super) fn read(contents: &Contents<'_>, options: &LoadOptions, _: &Progress) -> Result<KeyedVectors> {
    let path = contents.path_to_map()?;
    read_contents(&ipc::map(path)?, path, options, Rows::from_mapped)
}

/// Reads the bytes of a file, which are copied: the vectors may be written to. Messages name them by `name`.
pub(super) fn read_bytes(bytes: &[u8], name: &Path) -> Result<KeyedVectors> {
    read_contents(&ipc::copied(bytes, name)?, name, &LoadOptions::default(), Rows::from_buffer)
}

fn read_contents(
    mapped: &MappedIpc,
    path: &Path,
    options: &LoadOptions,
    rows: fn(ScalarBuffer<f32>, usize) -> Rows,
) -> Result<KeyedVectors> {
    let fault = |reason: String| Error::format(path, reason);
    // Our files have one batch, which stays mapped; the batches of another program's file are copied into one.
    let batch = match mapped.batches.as_slice() {
        [batch] => batch.clone(),
        batches => concat_batches(&mapped.schema, batches).map_err(|error| fault(error.to_string()))?,
    };
    let batch = batch.slice(0, options.rows_of(batch.num_rows()));
    let column = |name: &str| {
        batch.column_by_name(name).ok_or_else(|| fault(format!("has no column {name:?}; is it a vectors file?")))
    };
    let words = column("word")?;
    if KeyType::of(words.data_type()).is_none() {
        return Err(fault(format!("column \"word\" is {}; expected strings or integers", words.data_type())));
    }
    let keys = Keys::new(words).map_err(|error| fault(format!("column \"word\": {error}")))?;
    let keys = options.keys(keys, |id| format!("row {id}")).map_err(fault)?;
    if keys.has_repeats() {
        return Err(fault("holds a key in more than one row".into()));
    }
    let counts = match column("count")?.as_primitive_opt::<UInt64Type>() {
        Some(counts) => counts.values().to_vec(),
        None => return Err(fault("column \"count\" is not UInt64".into())),
    };
    let list = column("vector")?.as_fixed_size_list_opt().filter(|list| list.value_length() > 0);
    let list = list.ok_or_else(|| fault("column \"vector\" is not a FixedSizeList of Float32".into()))?;
    let (values, width) = (list.values(), list.value_length() as usize);
    let values = match values.as_primitive_opt::<Float32Type>() {
        Some(values) if list.null_count() == 0 && values.null_count() == 0 => values.values().clone(),
        _ => return Err(fault("column \"vector\" is not a FixedSizeList of Float32 without nulls".into())),
    };
    let config = mapped.schema.metadata().get(METADATA_KEY).and_then(|json| serde_json::from_str::<Config>(json).ok());
    KeyedVectors::new(keys, counts, rows(values, width), config).map_err(|error| fault(error.to_string()))
}
