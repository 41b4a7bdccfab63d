//! Counts that do not fit into memory: in temporary files, each word's in one of them.

use std::fs::File;
use std::hash::BuildHasher;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use foldhash::fast::FixedState;
use polars::prelude::DataFrame;
use tempfile::TempDir;

use super::options::CountOptions;
use super::sums::add_up;
use crate::arrow::ipc;
use crate::arrow::polars::{frame, from_polars};
use crate::error::{Error, IoContext, Result};
use crate::vocab::bits::bits_of;
use crate::vocab::key::KeyType;

/// Files that words are spread over. Each fits into memory where all of them together would not.
const FILES: usize = 64;

/// Files of partial counts, growing.
pub(super) struct Spill {
    directory: TempDir,
    files: Vec<FileWriter<BufWriter<File>>>,
    schema: SchemaRef,
}

/// Counts in files, every word once.
#[derive(Debug)]
pub(in crate::vocab) struct Spilled {
    /// Removed with the last copy of the counts.
    _directory: TempDir,
    files: Vec<PathBuf>,
}

impl Spill {
    pub(super) fn create(keys: KeyType, options: &CountOptions) -> Result<Self> {
        let temporary = std::env::temp_dir();
        let directory = tempfile::Builder::new().prefix("polargram-counts-").tempdir_in(&temporary);
        let directory = directory.at("spill counts to", &temporary)?;
        let schema = schema(keys, options);
        let file = |i| writer(&path(&directory, "part", i), &schema);
        let files = (0..FILES).map(file).collect::<Result<_>>()?;
        Ok(Self { directory, files, schema })
    }

    /// Writes each word's count to its file.
    pub(super) fn write(&mut self, counts: &DataFrame) -> Result<()> {
        let batch = batch_of(counts, &self.schema)?;
        let mut rows = vec![Vec::new(); FILES];
        let mut spread = |row: usize, hash: u64| rows[(hash % FILES as u64) as usize].push(row as u64);
        let hasher = FixedState::default();
        match bits_of(batch.column(0)) {
            Some(bits) => bits.iter().enumerate().for_each(|(row, bits)| spread(row, hasher.hash_one(bits))),
            None => {
                let words = batch.column(0).as_string_view();
                words.iter().flatten().enumerate().for_each(|(row, word)| spread(row, hasher.hash_one(word)));
            }
        }
        for (file, rows) in self.files.iter_mut().zip(rows) {
            let part =
                take_record_batch(&batch, &UInt64Array::from(rows)).and_then(|part| file.write(&compact(&part)?));
            part.map_err(|error| failed(&error, &self.directory))?;
        }
        Ok(())
    }

    /// Adds up each file's counts; how many words there are.
    pub(super) fn finish(mut self, options: &CountOptions) -> Result<(Spilled, usize)> {
        let (mut files, mut words) = (Vec::new(), 0);
        for (i, mut file) in std::mem::take(&mut self.files).into_iter().enumerate() {
            file.finish().map_err(|error| failed(&error, &self.directory))?;
            let part = path(&self.directory, "part", i);
            let sum = add_up(frames_in(&part)?, options)?;
            words += sum.height();
            let whole = path(&self.directory, "sum", i);
            let mut out = writer(&whole, &self.schema)?;
            let written =
                compact(&batch_of(&sum, &self.schema)?).and_then(|batch| out.write(&batch)).and_then(|()| out.finish());
            written.map_err(|error| failed(&error, &self.directory))?;
            std::fs::remove_file(&part).at("remove", &part)?;
            files.push(whole);
        }
        Ok((Spilled { _directory: self.directory, files }, words))
    }
}

impl Spilled {
    /// The counts, one file after the other.
    pub(super) fn frames(&self) -> impl Iterator<Item = Result<DataFrame>> {
        self.files.iter().map(|path| {
            let mut frames = frames_in(path)?;
            frames.pop().ok_or_else(|| Error::format(path, "holds no counts"))
        })
    }
}

fn path(directory: &TempDir, name: &str, number: usize) -> PathBuf {
    directory.path().join(format!("{name}-{number}.arrow"))
}

fn schema(keys: KeyType, options: &CountOptions) -> SchemaRef {
    let number = |name| Field::new(name, DataType::UInt64, false);
    let keys = match keys {
        KeyType::Text => DataType::Utf8View,
        KeyType::Int64 => DataType::Int64,
        KeyType::UInt64 => DataType::UInt64,
    };
    let mut fields = vec![Field::new("word", keys, false), number("count")];
    if !options.sorted {
        fields.push(number("first"));
    }
    Arc::new(Schema::new(fields))
}

fn writer(path: &std::path::Path, schema: &SchemaRef) -> Result<FileWriter<BufWriter<File>>> {
    let file = File::create_new(path).at("spill counts to", path)?;
    FileWriter::try_new_buffered(file, schema).map_err(|error| Error::format(path, error.to_string()))
}

/// The same with the text of these words alone: rows taken from a batch still refer to all of its text.
fn compact(batch: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
    let Some(words) = batch.column(0).as_string_view_opt() else { return Ok(batch.clone()) };
    let words: ArrayRef = Arc::new(words.gc());
    RecordBatch::try_new(batch.schema(), std::iter::once(words).chain(batch.columns()[1..].iter().cloned()).collect())
}

fn failed(error: &ArrowError, directory: &TempDir) -> Error {
    let reason = format!("{error}. Set TMPDIR to a directory with more room, or set max_vocab_size.");
    Error::Io { action: "spill counts to", path: directory.path().to_owned(), source: std::io::Error::other(reason) }
}

fn batch_of(counts: &DataFrame, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| from_polars(counts.column(field.name())?.as_materialized_series());
    let columns: Vec<ArrayRef> = schema.fields().iter().map(column).collect::<Result<_>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(|error| Error::corpus("counts", error.to_string()))
}

/// The record batches of a mapped file.
fn frames_in(path: &std::path::Path) -> Result<Vec<DataFrame>> {
    ipc::map(path)?.batches.iter().map(frame).collect()
}
