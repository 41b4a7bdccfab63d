//! Arrow IPC: files (Feather 2), whose record batches are parts, and streams, which are read from the front.

use std::collections::VecDeque;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::Block;
use arrow::ipc::reader::{FileDecoder, StreamDecoder};

use crate::arrow::footer::{Footer, MAGIC, range};
use crate::arrow::message::{CONTINUATION, body_length, check_lengths, decode_checked, decoded};
use crate::corpus::batch::Batches;
use crate::corpus::partitions::Partition;
use crate::corpus::query::{Query, ResolvedQuery};
use crate::corpus::token_file::{FileLocation, Opening, Spans, TokenFile, unwrapped};
use crate::error::{Error, Result};
use crate::store::Span;

/// Bytes that a writer may put between the last block and the footer: the end of the messages, and padding.
const SLACK: u64 = 128;
/// Rows that are passed on at a time: a writer may put all rows into one batch.
const ROWS_AT_ONCE: usize = 8192;

/// An Arrow IPC file or stream.
pub(super) struct IpcFile {
    location: FileLocation,
    partition: Partition,
    query: Arc<Query>,
    layout: Layout,
}

enum Layout {
    Stream,
    File { decoder: FileDecoder, blocks: Vec<Block>, query: Arc<ResolvedQuery> },
}

impl IpcFile {
    /// Reads the footer and the dictionaries of a file.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Corpus`] for a file that is not valid, or lacks a column that the query needs.
    pub(super) fn open(file: Opening<'_>) -> Result<Self> {
        let layout = match file.location.head(MAGIC.len() as u64, file.progress)? == MAGIC {
            true => Layout::file(&file)?,
            false => Layout::Stream,
        };
        Ok(Self { location: file.location, partition: file.partition, query: file.query, layout })
    }

    fn batch(&self, decoder: &FileDecoder, block: &Block, number: usize, spans: Spans<'_>) -> Result<RecordBatch> {
        let mut bytes = Vec::new();
        match &self.location {
            FileLocation::Local(_) => bytes = self.location.range(range(block).unwrap_or_default(), spans.progress)?,
            FileLocation::Remote(_) => {
                let read = spans.read(number)?.read_to_end(&mut bytes);
                read.map_err(|error| unwrapped(error, &self.location.name()))?;
            }
        }
        let name = self.origin(number);
        let bytes = Buffer::from(bytes);
        let batch = decoded(&bytes, block, || decoder.read_record_batch(block, &bytes));
        let batch = batch.map_err(|reason| damaged(&name, &reason))?;
        batch.ok_or_else(|| damaged(&name, "it is empty"))
    }
}

impl Layout {
    fn file(file: &Opening<'_>) -> Result<Self> {
        let Opening { location, partition, query, progress, .. } = file;
        let name = location.name();
        let read = |bytes: Range<u64>| location.range(bytes, progress);
        let footer = Footer::read(location.size()?, read, |reason| damaged(&name, reason))?;
        let query = Arc::new(query.resolve(&footer.schema, partition, &name)?);
        let mut decoder = FileDecoder::new(footer.schema, footer.version);
        for block in &footer.dictionaries {
            let bytes = Buffer::from(read(range(block).unwrap_or_default())?);
            decoded(&bytes, block, || decoder.read_dictionary(block, &bytes))
                .map_err(|reason| damaged(&name, &reason))?;
        }
        // The schema, which the footer repeats, and then the blocks.
        let blocks = footer.dictionaries.iter().chain(&footer.batches).filter_map(range);
        let length = footer.bytes.end - footer.bytes.start;
        let written = blocks.fold(length, |written, block| written.max(block.end));
        if footer.bytes.start.saturating_sub(written) > SLACK {
            return Err(damaged(&name, "its footer does not cover the whole file; are these several files in one?"));
        }
        let blocks = footer.batches;
        Ok(Self::File { decoder, blocks, query })
    }
}

impl TokenFile for IpcFile {
    fn parts(&self) -> usize {
        match &self.layout {
            Layout::Stream => 1,
            Layout::File { blocks, .. } => blocks.len(),
        }
    }

    fn spans(&self) -> Vec<Span> {
        match (&self.layout, &self.location) {
            (Layout::File { blocks, .. }, FileLocation::Remote(object)) => {
                let span = |bytes| Span { object: object.clone(), bytes };
                blocks.iter().filter_map(range).map(span).collect()
            }
            _ => self.location.whole(),
        }
    }

    fn read(&self, part: usize, spans: Spans<'_>) -> Result<Batches<'_>> {
        let batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send> = match &self.layout {
            Layout::Stream => Box::new(Messages::new(self.location.bytes(spans)?, self.location.name())),
            Layout::File { decoder, blocks, .. } => {
                Box::new(std::iter::once(self.batch(decoder, &blocks[part], part, spans)))
            }
        };
        let origin = self.origin(part);
        // A stream's schema comes with its first batch.
        let mut resolved = match &self.layout {
            Layout::Stream => None,
            Layout::File { query, .. } => Some(query.clone()),
        };
        Ok(Box::new(batches.flat_map(move |batch| {
            let with_query = batch.and_then(|batch| {
                let query = match &resolved {
                    Some(query) => query,
                    None => resolved.insert(Arc::new(self.query.resolve(&batch.schema(), &self.partition, &origin)?)),
                };
                Ok((batch, query.clone()))
            });
            match with_query {
                Ok((batch, query)) => pieces(batch, query, origin.clone()),
                Err(error) => Box::new(std::iter::once(Err(error))),
            }
        })))
    }

    fn origin(&self, part: usize) -> String {
        match &self.layout {
            Layout::Stream => self.location.name(),
            Layout::File { .. } => format!("{}, record batch {part}", self.location.name()),
        }
    }
}

/// What is wanted of a record batch, a few rows at a time.
fn pieces(batch: RecordBatch, query: Arc<ResolvedQuery>, origin: String) -> Batches<'static> {
    // Of a column that can hold no tokens, the header alone says how many rows there are.
    let rows = if query.columns.is_void() { 0 } else { batch.num_rows() };
    let cuts = (0..rows).step_by(ROWS_AT_ONCE);
    Box::new(cuts.map(move |from| query.read(&batch.slice(from, ROWS_AT_ONCE.min(rows - from)), &origin)))
}

fn damaged(name: &str, reason: &str) -> Error {
    Error::corpus(name, format!("is not valid Arrow IPC: {reason}"))
}

/// Record batches of a stream of messages.
struct Messages {
    bytes: Box<dyn Read + Send>,
    name: String,
    decoder: StreamDecoder,
    decoded: VecDeque<RecordBatch>,
    batches: usize,
    is_over: bool,
}

impl Iterator for Messages {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.decoded.pop_front() {
                return Some(Ok(batch));
            }
            if self.is_over {
                return None;
            }
            if let Err(error) = self.read_message() {
                self.is_over = true;
                return Some(Err(error));
            }
        }
    }
}

impl Messages {
    fn new(bytes: Box<dyn Read + Send>, name: String) -> Self {
        Self { bytes, name, decoder: StreamDecoder::new(), decoded: VecDeque::new(), batches: 0, is_over: false }
    }

    /// Reads and decodes one message; sets `is_over` after the last.
    fn read_message(&mut self) -> Result<()> {
        let mut message = self.exactly(8)?;
        let Some(length) = message.strip_prefix(&CONTINUATION).and_then(|length| length.try_into().ok()) else {
            return Err(
                self.damaged("no message starts where one should; files from before Arrow 0.15 are not supported")
            );
        };
        let length = u32::from_le_bytes(length);
        if length == 0 {
            self.is_over = true;
            if !self.is_at_end()? {
                return Err(self.damaged("bytes follow its end; pass several streams as several files"));
            }
        } else {
            message.extend(self.exactly(u64::from(length))?);
            let metadata = message.len();
            let body = body_length(&message[8..]).map_err(|reason| self.damaged(&reason))?;
            message.extend(self.exactly(body)?);
            check_lengths(&message[8..metadata], &message[metadata..]).map_err(|reason| self.damaged(&reason))?;
        }
        self.decode(message)?;
        match self.is_over && self.decoder.schema().is_none() {
            true => Err(self.damaged("it has no schema")),
            false => Ok(()),
        }
    }

    /// Exactly so many bytes. Memory grows with what arrives, not with what was announced.
    fn exactly(&mut self, count: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.bytes.by_ref().take(count).read_to_end(&mut bytes);
        match read.map_err(|error| unwrapped(error, &self.name))? as u64 == count {
            true => Ok(bytes),
            false => Err(self.ends_too_early()),
        }
    }

    /// True if nothing is left.
    fn is_at_end(&mut self) -> Result<bool> {
        let mut rest = Vec::new();
        let read = self.bytes.by_ref().take(1).read_to_end(&mut rest);
        Ok(read.map_err(|error| unwrapped(error, &self.name))? == 0)
    }

    fn decode(&mut self, message: Vec<u8>) -> Result<()> {
        let mut message = Buffer::from(message);
        let name = self.name();
        let (decoder, decoded) = (&mut self.decoder, &mut self.decoded);
        let result = decode_checked(|| {
            // A message without a body is decoded when the next one arrives, so there may be two.
            while !message.is_empty() {
                decoded.extend(decoder.decode(&mut message)?);
            }
            Ok(())
        });
        self.batches += self.decoded.len();
        result.map_err(|reason| damaged(&name, &reason))
    }

    fn name(&self) -> String {
        format!("{}, record batch {}", self.name, self.batches)
    }

    fn damaged(&self, reason: &str) -> Error {
        damaged(&self.name(), reason)
    }

    fn ends_too_early(&self) -> Error {
        self.damaged("it ends too early")
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use arrow::array::{Array, ArrayData, ArrayRef, LargeListArray, NullArray, StringArray, make_array};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{DataType, Field};
    use arrow::ipc::writer::{FileWriter, StreamWriter};

    use super::*;
    use crate::corpus::{Corpus, FileCorpus, Lists, ReadOptions};
    use crate::progress::Progress;

    /// The lists and tokens that are read of a column, as a file and as a stream.
    fn read(lists: ArrayRef) -> [(usize, usize); 2] {
        let directory = tempfile::tempdir().unwrap();
        let batch = RecordBatch::try_from_iter([("tokens", lists)]).unwrap();
        let paths = ["c.arrow", "c.arrows"].map(|name| directory.path().join(name));
        let [file, stream] = paths.each_ref().map(|path| File::create(path).unwrap());
        let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
        writer.write(&batch).and_then(|()| writer.finish()).unwrap();
        let mut writer = StreamWriter::try_new(stream, &batch.schema()).unwrap();
        writer.write(&batch).and_then(|()| writer.finish()).unwrap();
        paths.map(|path| {
            let progress = Progress::default();
            let path = path.to_str().unwrap();
            let corpus = FileCorpus::open([path], &ReadOptions::column("tokens"), &progress).unwrap();
            let batches = corpus.read(0, &progress).unwrap();
            batches.fold((0, 0), |(lists, tokens), batch| {
                let read = Lists::new(&batch.unwrap(), "tokens", path).unwrap();
                (lists + read.ranges.len(), tokens + read.values.len())
            })
        })
    }

    #[test]
    fn a_header_that_announces_any_number_of_nulls_costs_nothing() {
        let many = 1_usize << 50;
        let nulls = || Arc::new(NullArray::new(many));
        let item = Arc::new(Field::new_list_field(DataType::Null, true));
        let one_list = LargeListArray::new(item.clone(), OffsetBuffer::new(vec![0, many as i64].into()), nulls(), None);
        assert_eq!(read(nulls()), [(0, 0); 2]);
        assert_eq!(read(Arc::new(one_list)), [(1, 0); 2]);
        let fixed = |items: &dyn Array, width: i32, rows: usize| {
            let item = Arc::new(Field::new_list_field(items.data_type().clone(), true));
            let lists =
                ArrayData::builder(DataType::FixedSizeList(item, width)).len(rows).add_child_data(items.to_data());
            make_array(lists.build().unwrap())
        };
        assert_eq!(read(fixed(&NullArray::new(many), 2, many / 2)), [(0, 0); 2]);
        assert_eq!(read(fixed(&StringArray::new_null(0), 0, many)), [(0, 0); 2]);
    }
}
