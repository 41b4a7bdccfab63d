//! The encoded corpus: in memory while it is small, else in a temporary Arrow IPC file that is memory-mapped.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::FileWriter;
use tempfile::NamedTempFile;

use super::{Encoded, EncodedBatch, item_field};
use crate::error::{Error, IoContext, Result};
use crate::ipc::{self, MappedIpc};

/// An encoded corpus.
pub struct Spool {
    batches: Vec<EncodedBatch>,
    encoded: Encoded,
    /// The file that they lie in.
    mapped: Option<MappedIpc>,
}

impl Spool {
    /// Lets go of the memory that batches took while they were read, if they lie in a file.
    pub(crate) fn release(&self) {
        if let Some(mapped) = &self.mapped {
            mapped.release();
        }
    }

    pub(crate) fn batches(&self) -> &[EncodedBatch] {
        &self.batches
    }

    /// What was read of the corpus.
    pub fn encoded(&self) -> Encoded {
        self.encoded
    }
}

/// Keeps batches in order.
pub(super) struct SpoolWriter {
    budget: u64,
    bytes: u64,
    batches: Vec<EncodedBatch>,
    file: Option<SpoolFile>,
}

struct SpoolFile {
    temporary: NamedTempFile,
    writer: FileWriter<BufWriter<File>>,
}

impl SpoolWriter {
    /// `expected`: tokens that will come, as far as is known. What will not fit is never held: freed memory would be
    /// missing elsewhere.
    pub(super) fn new(budget: u64, expected: u64) -> Self {
        let held = if expected.saturating_mul(size_of::<u32>() as u64) > budget { 0 } else { budget };
        Self { budget: held, bytes: 0, batches: Vec::new(), file: None }
    }

    pub(super) fn write(&mut self, batch: EncodedBatch) -> Result<()> {
        if let Some(file) = &mut self.file {
            return file.write(&batch);
        }
        self.bytes += ((batch.lists.values().len() + 2 * batch.lists.len()) * size_of::<u32>()) as u64;
        self.batches.push(batch);
        if self.bytes > self.budget {
            let mut file = SpoolFile::create(self.batches[0].repeats.is_some())?;
            for batch in self.batches.drain(..) {
                file.write(&batch)?;
            }
            self.file = Some(file);
        }
        Ok(())
    }

    pub(super) fn finish(self, encoded: Encoded) -> Result<Spool> {
        let Some(file) = self.file else { return Ok(Spool { batches: self.batches, encoded, mapped: None }) };
        let mapped = file.finish()?;
        let batches = mapped.batches.iter().enumerate().map(|(number, batch)| EncodedBatch {
            number,
            lists: batch.column(0).as_list().clone(),
            repeats: batch.columns().get(1).map(|repeats| repeats.as_primitive().clone()),
        });
        let spool = Spool { batches: batches.collect(), encoded, mapped: Some(mapped) };
        spool.release();
        Ok(spool)
    }
}

impl SpoolFile {
    fn create(has_repeats: bool) -> Result<Self> {
        let directory = std::env::temp_dir();
        let temporary =
            tempfile::Builder::new().prefix("polargram-spool-").tempfile().at("write a spool in", &directory)?;
        let file = temporary.reopen().at("write", temporary.path())?;
        let writer = FileWriter::try_new_buffered(file, &schema(has_repeats)).map_err(|e| failed(e, &temporary))?;
        Ok(Self { temporary, writer })
    }

    fn write(&mut self, batch: &EncodedBatch) -> Result<()> {
        let lists: ArrayRef = Arc::new(batch.lists.clone());
        let repeats = batch.repeats.clone().map(|repeats| Arc::new(repeats) as ArrayRef);
        RecordBatch::try_new(schema(repeats.is_some()), std::iter::once(lists).chain(repeats).collect())
            .and_then(|batch| self.writer.write(&batch))
            .map_err(|e| failed(e, &self.temporary))
    }

    /// Maps what was written. The file loses its name at once and its space when the last batch is dropped.
    fn finish(mut self) -> Result<MappedIpc> {
        self.writer.finish().map_err(|e| failed(e, &self.temporary))?;
        ipc::map(self.temporary.path())
    }
}

/// `List<UInt32>`, and if lists come again how often.
fn schema(has_repeats: bool) -> SchemaRef {
    let rows = Field::new("rows", DataType::List(item_field()), false);
    let repeats = has_repeats.then(|| Field::new("repeats", DataType::UInt32, false));
    Arc::new(Schema::new(std::iter::once(rows).chain(repeats).collect::<Vec<_>>()))
}

fn failed(error: arrow::error::ArrowError, file: &NamedTempFile) -> Error {
    let reason = format!("{error}. Set TMPDIR to a directory with more room, or raise the memory budget.");
    Error::Io { action: "write the spool", path: file.path().to_owned(), source: std::io::Error::other(reason) }
}
