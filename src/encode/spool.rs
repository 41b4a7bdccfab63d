//! The encoded corpus: in memory while it is small, else in a temporary Arrow IPC file that is memory-mapped.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, UInt32Array};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use arrow::ipc::writer::FileWriter;

use super::{Encoded, EncodedBatch, item_field};
use crate::arrow::ipc::{self, MappedIpc};
use crate::error::{Error, IoContext, Result};

/// An encoded corpus.
pub struct Spool {
    chunks: Vec<Chunk>,
    /// Where the batches are: there are too many to keep an array of each.
    places: Vec<Place>,
    encoded: Encoded,
    /// The file that they lie in.
    mapped: Option<MappedIpc>,
}

/// Batches, one after the other.
struct Chunk {
    lists: ListArray,
    repeats: Option<UInt32Array>,
}

/// Where a batch is: the chunk, its first list there, and the first that is no longer of it.
#[derive(Clone, Copy)]
struct Place {
    chunk: u32,
    first: u32,
    end: u32,
}

impl Spool {
    /// Lets go of the memory that batches took while they were read, if they lie in a file.
    pub(crate) fn release(&self) {
        if let Some(mapped) = &self.mapped {
            mapped.release();
        }
    }

    /// The number of batches.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The batch of a number.
    pub(crate) fn batch(&self, number: usize) -> Option<EncodedBatch> {
        let place = self.places.get(number)?;
        let chunk = &self.chunks[place.chunk as usize];
        let (first, lists) = (place.first as usize, (place.end - place.first) as usize);
        let bounds = &chunk.lists.offsets()[first..=first + lists];
        let rows = chunk.lists.values().slice(bounds[0] as usize, (bounds[lists] - bounds[0]) as usize);
        let offsets: ScalarBuffer<i32> = bounds.iter().map(|bound| bound - bounds[0]).collect();
        Some(EncodedBatch {
            number,
            lists: ListArray::new(item_field(), OffsetBuffer::new(offsets), rows, None),
            repeats: chunk.repeats.as_ref().map(|repeats| repeats.slice(first, lists)),
        })
    }

    /// What was read of the corpus.
    pub fn encoded(&self) -> Encoded {
        self.encoded
    }
}

/// Row numbers of a chunk, unless a batch has more.
const CHUNK_ROWS: usize = 1 << 18;

/// Keeps batches in order.
pub(super) struct SpoolWriter {
    budget: u64,
    bytes: u64,
    places: Vec<Place>,
    /// The last chunk, as far as it has come.
    rows: Vec<u32>,
    offsets: Vec<i32>,
    repeats: Vec<u32>,
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
            places: Vec::new(),
            rows: Vec::new(),
            offsets: vec![0],
            repeats: Vec::new(),
            chunks: Vec::new(),
            finished: 0,
            file: None,
        }
    }

    pub(super) fn write(&mut self, batch: &EncodedBatch) -> Result<()> {
        let rows = batch.lists.values().as_primitive::<UInt32Type>().values();
        if !self.rows.is_empty() && self.rows.len() + rows.len() > CHUNK_ROWS {
            self.finish_chunk()?;
        }
        if self.rows.is_empty() {
            self.rows.reserve_exact(rows.len().max(CHUNK_ROWS));
        }
        let (first, start) = (self.offsets.len() - 1, self.rows.len() as i32);
        self.rows.extend_from_slice(rows);
        self.offsets.extend(batch.lists.offsets()[1..].iter().map(|end| start + end));
        self.repeats.extend(batch.repeats.iter().flat_map(|repeats| repeats.values()));
        // A chunk has no more lists than row numbers, which are fewer than 2^32.
        self.places.push(Place { chunk: self.finished, first: first as u32, end: self.offsets.len() as u32 - 1 });
        Ok(())
    }

    fn finish_chunk(&mut self) -> Result<()> {
        let mut rows = std::mem::take(&mut self.rows);
        rows.shrink_to_fit();
        let rows = Arc::new(UInt32Array::from(rows));
        let offsets = OffsetBuffer::new(std::mem::replace(&mut self.offsets, vec![0]).into());
        let repeats = std::mem::take(&mut self.repeats);
        let repeats = (!repeats.is_empty()).then(|| UInt32Array::from(repeats));
        let chunk = Chunk { lists: ListArray::new(item_field(), offsets, rows, None), repeats };
        self.finished += 1;
        if let Some(file) = &mut self.file {
            return file.write(&chunk);
        }
        self.bytes += ((chunk.lists.values().len() + 2 * chunk.lists.len()) * size_of::<u32>()) as u64;
        self.chunks.push(chunk);
        if self.bytes > self.budget {
            let mut file = SpoolFile::create(self.chunks[0].repeats.is_some())?;
            self.chunks.drain(..).try_for_each(|chunk| file.write(&chunk))?;
            self.file = Some(file);
        }
        Ok(())
    }

    pub(super) fn finish(mut self, encoded: Encoded) -> Result<Spool> {
        if !self.rows.is_empty() {
            self.finish_chunk()?;
        }
        let (places, chunks) = (self.places, self.chunks);
        let Some(file) = self.file else { return Ok(Spool { chunks, places, encoded, mapped: None }) };
        let mapped = file.finish()?;
        let chunks = mapped.batches.iter().map(|batch| Chunk {
            lists: batch.column(0).as_list().clone(),
            repeats: batch.columns().get(1).map(|repeats| repeats.as_primitive().clone()),
        });
        let spool = Spool { chunks: chunks.collect(), places, encoded, mapped: Some(mapped) };
        spool.release();
        Ok(spool)
    }
}

impl SpoolFile {
    fn create(has_repeats: bool) -> Result<Self> {
        let directory = std::env::temp_dir();
        let file = tempfile::tempfile_in(&directory).at("write a spool in", &directory)?;
        let writer = file.try_clone().at("write a spool in", &directory)?;
        let writer = FileWriter::try_new_buffered(writer, &schema(has_repeats));
        let writer = writer.map_err(|error| failed(error, directory.clone()))?;
        Ok(Self { file, directory, writer })
    }

    fn write(&mut self, chunk: &Chunk) -> Result<()> {
        let lists: ArrayRef = Arc::new(chunk.lists.clone());
        let repeats = chunk.repeats.clone().map(|repeats| Arc::new(repeats) as ArrayRef);
        RecordBatch::try_new(schema(repeats.is_some()), std::iter::once(lists).chain(repeats).collect())
            .and_then(|batch| self.writer.write(&batch))
            .map_err(|error| failed(error, self.directory.clone()))
    }

    /// Maps what was written; its space is free again when the last batch is dropped.
    fn finish(mut self) -> Result<MappedIpc> {
        self.writer.finish().map_err(|error| failed(error, self.directory.clone()))?;
        ipc::map_file(&self.file, &self.directory)
    }
}

/// `List<UInt32>`, and if lists come again how often.
fn schema(has_repeats: bool) -> SchemaRef {
    let rows = Field::new("rows", DataType::List(item_field()), false);
    let repeats = has_repeats.then(|| Field::new("repeats", DataType::UInt32, false));
    Arc::new(Schema::new(std::iter::once(rows).chain(repeats).collect::<Vec<_>>()))
}

fn failed(error: arrow::error::ArrowError, directory: PathBuf) -> Error {
    let reason = format!("{error}. Set TMPDIR to a directory with more room, or raise the memory budget.");
    Error::Io { action: "write the spool in", path: directory, source: std::io::Error::other(reason) }
}
