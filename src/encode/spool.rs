//! The encoded corpus: in memory while it is small, else in a temporary Arrow IPC file that is memory-mapped.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, UInt32Array};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use arrow::ipc::writer::FileWriter;

use super::batch::{Encoded, EncodedBatch, item_field};
use crate::arrow::ipc::{self, MappedIpc};
use crate::error::{Error, IoContext, Result};

/// Where the encoded corpus is kept, if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolOptions {
    /// True to encode the corpus once and keep it; false to read and encode it again in every epoch.
    pub spool: bool,
    /// Bytes of encoded corpus that stay in memory; a larger one goes to a temporary file.
    pub memory_budget: u64,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self { spool: true, memory_budget: 256 << 20 }
    }
}

/// An encoded corpus.
pub struct Spool {
    chunks: Vec<Chunk>,
    /// Where the batches are: there are too many to keep an array of each.
    slices: Vec<BatchSlice>,
    encoded: Encoded,
    /// The file that they lie in.
    mapped: Option<MappedIpc>,
}

/// Batches, one after the other.
struct Chunk {
    lists: ListArray,
    multiplicity: Option<UInt32Array>,
}

/// The lists of a batch: their chunk, the first of them there, and the end.
#[derive(Clone, Copy)]
struct BatchSlice {
    chunk: u32,
    first: u32,
    end: u32,
}

impl Spool {
    /// Frees the memory that batches took while they were read, if they lie in a file.
    pub(crate) fn release(&self) {
        if let Some(mapped) = &self.mapped {
            mapped.release();
        }
    }

    /// The number of batches.
    pub(crate) fn len(&self) -> usize {
        self.slices.len()
    }

    /// The batch of a number.
    pub(crate) fn batch(&self, number: usize) -> Option<EncodedBatch> {
        let slice = self.slices.get(number)?;
        let chunk = &self.chunks[slice.chunk as usize];
        let (first, lists) = (slice.first as usize, (slice.end - slice.first) as usize);
        let bounds = &chunk.lists.offsets()[first..=first + lists];
        let ids = chunk.lists.values().slice(bounds[0] as usize, (bounds[lists] - bounds[0]) as usize);
        let offsets: ScalarBuffer<i32> = bounds.iter().map(|bound| bound - bounds[0]).collect();
        Some(EncodedBatch {
            number,
            lists: ListArray::new(item_field(), OffsetBuffer::new(offsets), ids, None),
            multiplicity: chunk.multiplicity.as_ref().map(|multiplicity| multiplicity.slice(first, lists)),
        })
    }

    /// What was read of the corpus.
    pub fn encoded(&self) -> Encoded {
        self.encoded
    }
}

/// Ids of a chunk, unless a batch has more.
const CHUNK_IDS: usize = 1 << 18;

/// Keeps batches in order.
pub(super) struct SpoolWriter {
    budget: u64,
    bytes: u64,
    slices: Vec<BatchSlice>,
    /// The last chunk, which is not full yet.
    ids: Vec<u32>,
    offsets: Vec<i32>,
    multiplicity: Vec<u32>,
    chunks: Vec<Chunk>,
    /// Chunks in memory and in the file.
    finished: u32,
    file: Option<SpoolFile>,
}

struct SpoolFile {
    /// Without a name, so that nothing stays behind however the process ends.
    file: File,
    directory: PathBuf,
    writer: FileWriter<BufWriter<File>>,
}

impl SpoolWriter {
    /// `expected`: tokens that will come, as far as is known. What will not fit is never held: freed memory would be
    /// missing elsewhere.
    pub(super) fn new(budget: u64, expected: u64) -> Self {
        let held = if expected.saturating_mul(size_of::<u32>() as u64) > budget { 0 } else { budget };
        Self {
            budget: held,
            bytes: 0,
            slices: Vec::new(),
            ids: Vec::new(),
            offsets: vec![0],
            multiplicity: Vec::new(),
            chunks: Vec::new(),
            finished: 0,
            file: None,
        }
    }

    pub(super) fn write(&mut self, batch: &EncodedBatch) -> Result<()> {
        let ids = batch.lists.values().as_primitive::<UInt32Type>().values();
        if !self.ids.is_empty() && self.ids.len() + ids.len() > CHUNK_IDS {
            self.finish_chunk()?;
        }
        if self.ids.is_empty() {
            self.ids.reserve_exact(ids.len().max(CHUNK_IDS));
        }
        let (first, start) = (self.offsets.len() - 1, self.ids.len() as i32);
        self.ids.extend_from_slice(ids);
        self.offsets.extend(batch.lists.offsets()[1..].iter().map(|end| start + end));
        self.multiplicity.extend(batch.multiplicity.iter().flat_map(|multiplicity| multiplicity.values()));
        // A chunk has no more lists than ids, which are fewer than 2^32.
        self.slices.push(BatchSlice { chunk: self.finished, first: first as u32, end: self.offsets.len() as u32 - 1 });
        Ok(())
    }

    fn finish_chunk(&mut self) -> Result<()> {
        let mut ids = std::mem::take(&mut self.ids);
        ids.shrink_to_fit();
        let ids = Arc::new(UInt32Array::from(ids));
        let offsets = OffsetBuffer::new(std::mem::replace(&mut self.offsets, vec![0]).into());
        let multiplicity = std::mem::take(&mut self.multiplicity);
        let multiplicity = (!multiplicity.is_empty()).then(|| UInt32Array::from(multiplicity));
        let chunk = Chunk { lists: ListArray::new(item_field(), offsets, ids, None), multiplicity };
        self.finished += 1;
        if let Some(file) = &mut self.file {
            return file.write(&chunk);
        }
        self.bytes += ((chunk.lists.values().len() + 2 * chunk.lists.len()) * size_of::<u32>()) as u64;
        self.chunks.push(chunk);
        if self.bytes > self.budget {
            let mut file = SpoolFile::create(self.chunks[0].multiplicity.is_some())?;
            self.chunks.drain(..).try_for_each(|chunk| file.write(&chunk))?;
            self.file = Some(file);
        }
        Ok(())
    }

    pub(super) fn finish(mut self, encoded: Encoded) -> Result<Spool> {
        if !self.ids.is_empty() {
            self.finish_chunk()?;
        }
        let (slices, chunks) = (self.slices, self.chunks);
        let Some(file) = self.file else { return Ok(Spool { chunks, slices, encoded, mapped: None }) };
        let mapped = file.finish()?;
        let chunks = mapped.batches.iter().map(|batch| Chunk {
            lists: batch.column(0).as_list().clone(),
            multiplicity: batch.columns().get(1).map(|multiplicity| multiplicity.as_primitive().clone()),
        });
        let spool = Spool { chunks: chunks.collect(), slices, encoded, mapped: Some(mapped) };
        spool.release();
        Ok(spool)
    }
}

impl SpoolFile {
    fn create(has_multiplicity: bool) -> Result<Self> {
        let directory = std::env::temp_dir();
        let file = tempfile::tempfile_in(&directory).at("write a spool in", &directory)?;
        let writer = file.try_clone().at("write a spool in", &directory)?;
        let writer = FileWriter::try_new_buffered(writer, &schema(has_multiplicity));
        let writer = writer.map_err(|error| failed(error, directory.clone()))?;
        Ok(Self { file, directory, writer })
    }

    fn write(&mut self, chunk: &Chunk) -> Result<()> {
        let lists: ArrayRef = Arc::new(chunk.lists.clone());
        let multiplicity = chunk.multiplicity.clone().map(|multiplicity| Arc::new(multiplicity) as ArrayRef);
        RecordBatch::try_new(schema(multiplicity.is_some()), std::iter::once(lists).chain(multiplicity).collect())
            .and_then(|batch| self.writer.write(&batch))
            .map_err(|error| failed(error, self.directory.clone()))
    }

    /// Maps what was written; its space is free again when the last batch is dropped.
    fn finish(mut self) -> Result<MappedIpc> {
        self.writer.finish().map_err(|error| failed(error, self.directory.clone()))?;
        ipc::map_file(&self.file, &self.directory)
    }
}

/// `List<UInt32>`, and if lists come several times, how many.
fn schema(has_multiplicity: bool) -> SchemaRef {
    let ids = Field::new("ids", DataType::List(item_field()), false);
    let multiplicity = has_multiplicity.then(|| Field::new("multiplicity", DataType::UInt32, false));
    Arc::new(Schema::new(std::iter::once(ids).chain(multiplicity).collect::<Vec<_>>()))
}

fn failed(error: arrow::error::ArrowError, directory: PathBuf) -> Error {
    let reason = format!("{error}. Set TMPDIR to a directory with more room, or raise the memory budget.");
    Error::Io { action: "write the spool in", path: directory, source: std::io::Error::other(reason) }
}
