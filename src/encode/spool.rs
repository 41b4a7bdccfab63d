//! The encoded corpus: in memory while it is small, else in a temporary Arrow IPC file that is memory-mapped.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use arrow::array::{Array, AsArray, ListArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::FileWriter;
use tempfile::NamedTempFile;

use super::{BATCH_TOKENS, EncodedBatch, Sentences, item_field};
use crate::error::{Error, IoContext, Result};
use crate::ipc;

/// An encoded corpus.
pub struct Spool {
    batches: Vec<EncodedBatch>,
    tokens: u64,
    raw_tokens: u64,
    raw_sentences: u64,
}

impl Spool {
    pub(crate) fn batches(&self) -> &[EncodedBatch] {
        &self.batches
    }

    /// In-vocabulary tokens.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Tokens of the corpus, those out of vocabulary among them, nulls not.
    pub fn raw_tokens(&self) -> u64 {
        self.raw_tokens
    }

    /// Lists of the corpus that are not null.
    pub fn raw_sentences(&self) -> u64 {
        self.raw_sentences
    }
}

/// Collects encoded sentences in order.
pub(super) struct SpoolWriter {
    budget: u64,
    waiting: Sentences,
    spool: Spool,
    file: Option<SpoolFile>,
}

struct SpoolFile {
    temporary: NamedTempFile,
    writer: FileWriter<BufWriter<File>>,
}

impl SpoolWriter {
    pub(super) fn new(budget: u64) -> Self {
        Self {
            budget,
            waiting: Sentences::default(),
            spool: Spool { batches: Vec::new(), tokens: 0, raw_tokens: 0, raw_sentences: 0 },
            file: None,
        }
    }

    /// Adds what `encode` appends to the sentences that wait to fill a batch.
    pub(super) fn append(&mut self, encode: impl FnOnce(&mut Sentences) -> Result<u64>) -> Result<u64> {
        let raw_tokens = encode(&mut self.waiting)?;
        if self.waiting.rows.len() >= BATCH_TOKENS {
            self.write_waiting(false)?;
        }
        Ok(raw_tokens)
    }

    fn write_waiting(&mut self, with_rest: bool) -> Result<()> {
        for lists in self.waiting.take_batches(with_rest)? {
            self.spool.tokens += lists.values().len() as u64;
            match &mut self.file {
                Some(file) => file.write(&lists)?,
                None => self.spool.batches.push(EncodedBatch { number: self.spool.batches.len(), lists }),
            }
        }
        if self.file.is_none() && self.spool.tokens * size_of::<u32>() as u64 > self.budget {
            let mut file = SpoolFile::create()?;
            for batch in self.spool.batches.drain(..) {
                file.write(&batch.lists)?;
            }
            self.file = Some(file);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Spool> {
        self.write_waiting(true)?;
        self.spool.raw_tokens = self.waiting.raw_tokens;
        self.spool.raw_sentences = self.waiting.raw_sentences;
        if let Some(file) = self.file {
            let batches = file.finish()?.into_iter().enumerate();
            self.spool.batches = batches.map(|(number, lists)| EncodedBatch { number, lists }).collect();
        }
        Ok(self.spool)
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
