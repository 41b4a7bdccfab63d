//! The encoded corpus: in memory while it is small, else in a temporary Arrow IPC file that is memory-mapped.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use arrow::array::{Array, AsArray, ListArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::FileWriter;
use tempfile::NamedTempFile;

use super::{Encoded, EncodedBatch, item_field};
use crate::error::{Error, IoContext, Result};
use crate::ipc;

/// An encoded corpus.
pub struct Spool {
    batches: Vec<EncodedBatch>,
    encoded: Encoded,
}

impl Spool {
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
    pub(super) fn new(budget: u64) -> Self {
        Self { budget, bytes: 0, batches: Vec::new(), file: None }
    }

    pub(super) fn write(&mut self, batch: EncodedBatch) -> Result<()> {
        if let Some(file) = &mut self.file {
            return file.write(&batch.lists);
        }
        self.bytes += ((batch.lists.values().len() + batch.lists.len()) * size_of::<u32>()) as u64;
        self.batches.push(batch);
        if self.bytes > self.budget {
            let mut file = SpoolFile::create()?;
            for batch in self.batches.drain(..) {
                file.write(&batch.lists)?;
            }
            self.file = Some(file);
        }
        Ok(())
    }

    pub(super) fn finish(mut self, encoded: Encoded) -> Result<Spool> {
        if let Some(file) = self.file {
            let batches = file.finish()?.into_iter().enumerate();
            self.batches = batches.map(|(number, lists)| EncodedBatch { number, lists }).collect();
        }
        Ok(Spool { batches: self.batches, encoded })
    }
}

impl SpoolFile {
    fn create() -> Result<Self> {
        let directory = std::env::temp_dir();
        let temporary =
            tempfile::Builder::new().prefix("polargram-spool-").tempfile().at("write a spool in", &directory)?;
        let file = temporary.reopen().at("write", temporary.path())?;
        let writer = FileWriter::try_new_buffered(file, &schema()).map_err(|e| failed(e, &temporary))?;
        Ok(Self { temporary, writer })
    }

    fn write(&mut self, lists: &ListArray) -> Result<()> {
        RecordBatch::try_new(schema(), vec![Arc::new(lists.clone())])
            .and_then(|batch| self.writer.write(&batch))
            .map_err(|e| failed(e, &self.temporary))
    }

    /// Maps what was written. The file loses its name at once and its space when the last batch is dropped.
    fn finish(mut self) -> Result<Vec<ListArray>> {
        self.writer.finish().map_err(|e| failed(e, &self.temporary))?;
        let batches = ipc::map(self.temporary.path())?.batches;
        Ok(batches.into_iter().map(|batch| batch.column(0).as_list().clone()).collect())
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("rows", DataType::List(item_field()), false)]))
}

fn failed(error: arrow::error::ArrowError, file: &NamedTempFile) -> Error {
    let reason = format!("{error}. Set TMPDIR to a directory with more room, or raise the memory budget.");
    Error::Io { action: "write the spool", path: file.path().to_owned(), source: std::io::Error::other(reason) }
}
