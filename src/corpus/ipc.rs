//! Arrow IPC: files (Feather 2), whose record batches are parts, and streams, which are read from the front.

use std::collections::VecDeque;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::error::ArrowError;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, StreamDecoder, read_footer_length};
use arrow::ipc::{Block, root_as_footer, root_as_message};

use super::Batches;
use super::files::{Place, Spans, TokenFile, unwrapped};
use super::query::Query;
use crate::error::{Error, Result};
use crate::process::catch_panic;
use crate::progress::Progress;
use crate::store::Span;

/// What a file starts with.
const MAGIC: &[u8; 6] = b"ARROW1";
/// The footer's length and the magic at a file's end.
const TRAILER: u64 = 10;
/// What stands before each message.
const CONTINUATION: [u8; 4] = [0xFF; 4];
/// Bytes that a writer may put between the last block and the footer: the end of the messages, and padding.
const SLACK: u64 = 128;
/// Rows of a batch that are passed on at a time: a writer may put all of its rows into one.
const ROWS_AT_ONCE: usize = 8192;

/// An Arrow IPC file or stream.
pub(super) struct IpcFile {
    place: Place,
    query: Query,
    layout: Layout,
}

enum Layout {
    Stream,
    File { decoder: FileDecoder, blocks: Vec<Block> },
}

impl IpcFile {
    /// Reads the footer and the dictionaries of a file.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Corpus`] for a file that is not sound or lacks a column that `query` needs.
    pub(super) fn open(place: Place, query: &Query, progress: &Progress) -> Result<Self> {
        let layout = match place.head(MAGIC.len() as u64, progress)? == MAGIC {
            true => Layout::file(&place, query, progress)?,
            false => Layout::Stream,
        };
        Ok(Self { place, query: query.clone(), layout })
    }

    fn batch(&self, decoder: &FileDecoder, block: &Block, number: usize, spans: Spans<'_>) -> Result<RecordBatch> {
        let mut bytes = Vec::new();
        match &self.place {
            Place::Local(_) => bytes = self.place.range(range(block).unwrap_or_default(), spans.progress)?,
            Place::Remote(_) => {
                let read = spans.read(number)?.read_to_end(&mut bytes);
                read.map_err(|error| unwrapped(error, &self.place.name()))?;
            }
        }
        let name = self.origin(number);
        let bytes = Buffer::from(bytes);
        let batch = decoded(&name, &bytes, block, || decoder.read_record_batch(block, &bytes))?;
        batch.ok_or_else(|| damaged(&name, "it is empty"))
    }
}

impl Layout {
    fn file(place: &Place, query: &Query, progress: &Progress) -> Result<Self> {
        let name = place.name();
        let unsound = |reason: &dyn std::fmt::Display| damaged(&name, &reason.to_string());
        let size = place.size()?;
        let read = |bytes: Range<u64>| place.range(bytes, progress);
        let end = size.checked_sub(TRAILER).ok_or_else(|| unsound(&"it is too short"))?;
        let trailer = read(end..size)?.try_into().map_err(|_| unsound(&"it has no trailer"))?;
        let length = read_footer_length(trailer).map_err(|error| unsound(&error))? as u64;
        let start = end.checked_sub(length).ok_or_else(|| unsound(&"its footer is longer than the file"))?;
        let footer = read(start..end)?;
        let footer = root_as_footer(&footer).map_err(|error| unsound(&error))?;
        let schema = footer.schema().ok_or_else(|| unsound(&"it has no schema"))?;
        let schema = Arc::new(caught(&name, || Ok(fb_to_schema(schema)))?);
        query.check(&schema, &name)?;
        let mut decoder = FileDecoder::new(schema, footer.version());
        let within = |block: &Block| match range(block).filter(|range| range.end <= start) {
            Some(range) => Ok(range),
            None => Err(unsound(&"a block lies outside the file")),
        };
        for block in footer.dictionaries().iter().flatten() {
            let bytes = Buffer::from(read(within(block)?)?);
            decoded(&name, &bytes, block, || decoder.read_dictionary(block, &bytes))?;
        }
        let blocks: Vec<Block> = footer.recordBatches().into_iter().flatten().copied().collect();
        // The schema, which the footer repeats, and then the blocks.
        let mut written = length;
        for block in footer.dictionaries().iter().flatten().chain(&blocks) {
            written = within(block)?.end.max(written);
        }
        if start.saturating_sub(written) > SLACK {
            return Err(unsound(&"its footer is not of all that stands before; are these several files in one?"));
        }
        Ok(Self::File { decoder, blocks })
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
        match (&self.layout, &self.place) {
            (Layout::File { blocks, .. }, Place::Remote(object)) => {
                let span = |bytes| Span { object: object.clone(), bytes };
                blocks.iter().filter_map(range).map(span).collect()
            }
            _ => self.place.whole(),
        }
    }

    fn read(&self, part: usize, spans: Spans<'_>) -> Result<Batches<'_>> {
        let batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send> = match &self.layout {
            Layout::Stream => Box::new(Messages::new(self.place.bytes(spans)?, self.place.name())),
            Layout::File { decoder, blocks } => {
                Box::new(std::iter::once(self.batch(decoder, &blocks[part], part, spans)))
            }
        };
        let origin = self.origin(part);
        let pieces = batches.flat_map(|batch| match batch {
            Ok(batch) => {
                let cuts = (0..batch.num_rows()).step_by(ROWS_AT_ONCE);
                let piece = move |from| Ok(batch.slice(from, ROWS_AT_ONCE.min(batch.num_rows() - from)));
                Box::new(cuts.map(piece)) as Box<dyn Iterator<Item = _> + Send>
            }
            error => Box::new(std::iter::once(error)),
        });
        Ok(Box::new(pieces.map(move |batch| self.query.filter_and_apply(&batch?, &origin))))
    }

    fn origin(&self, part: usize) -> String {
        match &self.layout {
            Layout::Stream => self.place.name(),
            Layout::File { .. } => format!("{}, record batch {part}", self.place.name()),
        }
    }
}

/// The bytes of a block, if its numbers are sound.
fn range(block: &Block) -> Option<Range<u64>> {
    let start = u64::try_from(block.offset()).ok()?;
    let length = u64::try_from(block.metaDataLength()).ok()?.checked_add(u64::try_from(block.bodyLength()).ok()?)?;
    Some(start..start.checked_add(length)?)
}

/// Decodes an encapsulated message, once it is known that all its buffers lie within.
fn decoded<T>(name: &str, bytes: &[u8], block: &Block, decode: impl FnOnce() -> Result<T, ArrowError>) -> Result<T> {
    let prefix = if bytes.starts_with(&CONTINUATION) { 8 } else { 4 };
    let start = usize::try_from(block.metaDataLength()).unwrap_or(usize::MAX);
    let (metadata, body) = (bytes.get(prefix..start), bytes.get(start..));
    let (metadata, body) = metadata.zip(body).ok_or_else(|| damaged(name, "it ends too early"))?;
    if body_length(name, metadata)? > body.len() as u64 {
        return Err(damaged(name, "it ends too early"));
    }
    check_lengths(name, metadata, body)?;
    caught(name, decode)
}

/// Refuses compressed buffers that say they are longer than there is memory for: the decoder believes them.
fn check_lengths(name: &str, metadata: &[u8], body: &[u8]) -> Result<()> {
    let message = root_as_message(metadata).map_err(|error| damaged(name, &error.to_string()))?;
    let Some(batch) = batch_in(&message).filter(|batch| batch.compression().is_some()) else { return Ok(()) };
    for buffer in batch.buffers().into_iter().flatten() {
        let start = buffer.offset() as usize;
        let length =
            body.get(start..start + 8).filter(|_| buffer.length() >= 8).and_then(|bytes| bytes.try_into().ok());
        // -1 stands for a buffer that is not compressed.
        let length = length.map_or(0, i64::from_le_bytes).max(0) as usize;
        if Vec::<u8>::new().try_reserve_exact(length).is_err() {
            return Err(damaged(name, &format!("a buffer of {length} bytes does not fit into memory")));
        }
    }
    Ok(())
}

/// The record batch of a message, or of its dictionary.
fn batch_in<'a>(message: &arrow::ipc::Message<'a>) -> Option<arrow::ipc::RecordBatch<'a>> {
    let dictionary = || message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    message.header_as_record_batch().or_else(dictionary)
}

/// What `decode` gives. The decoder checks what it decodes, but panics on some types and lengths that no writer gives.
fn caught<T>(name: &str, decode: impl FnOnce() -> Result<T, ArrowError>) -> Result<T> {
    match catch_panic(decode) {
        Some(result) => result.map_err(|error| damaged(name, &error.to_string())),
        None => Err(damaged(name, "it says what cannot be")),
    }
}

/// The length of a message's body, once it is known that all its buffers lie within.
fn body_length(name: &str, metadata: &[u8]) -> Result<u64> {
    let message = root_as_message(metadata).map_err(|error| damaged(name, &error.to_string()))?;
    let body = message.bodyLength();
    let is_within = batch_in(&message).and_then(|batch| batch.buffers()).into_iter().flatten().all(|buffer| {
        buffer.offset() >= 0
            && buffer.length() >= 0
            && buffer.offset().checked_add(buffer.length()).is_some_and(|end| end <= body)
    });
    match u64::try_from(body) {
        Ok(body) if is_within => Ok(body),
        _ => Err(damaged(name, "a buffer lies outside its message")),
    }
}

fn damaged(name: &str, reason: &str) -> Error {
    Error::corpus(name, format!("is no sound Arrow IPC: {reason}"))
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

    /// Reads and decodes one message; after the last `is_over`.
    fn read_message(&mut self) -> Result<()> {
        let mut message = self.exactly(8)?;
        let Some(length) = message.strip_prefix(&CONTINUATION).and_then(|length| length.try_into().ok()) else {
            return Err(self.damaged("no message starts where one should; files of before Arrow 0.15 are not read"));
        };
        let length = u32::from_le_bytes(length);
        if length == 0 {
            self.is_over = true;
            if !self.is_at_end()? {
                return Err(self.damaged("something follows its end; name several streams one by one"));
            }
        } else {
            message.extend(self.exactly(u64::from(length))?);
            let metadata = message.len();
            let body = body_length(&self.name(), &message[8..])?;
            message.extend(self.exactly(body)?);
            check_lengths(&self.name(), &message[8..metadata], &message[metadata..])?;
        }
        self.decode(message)?;
        match self.is_over && self.decoder.schema().is_none() {
            true => Err(self.damaged("it has no schema")),
            false => Ok(()),
        }
    }

    /// So many bytes, all of them; memory grows with what comes, not with what was announced.
    fn exactly(&mut self, count: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.bytes.by_ref().take(count).read_to_end(&mut bytes);
        match read.map_err(|error| unwrapped(error, &self.name))? as u64 == count {
            true => Ok(bytes),
            false => Err(self.ends_too_early()),
        }
    }

    /// Whether nothing is left.
    fn is_at_end(&mut self) -> Result<bool> {
        let mut rest = Vec::new();
        let read = self.bytes.by_ref().take(1).read_to_end(&mut rest);
        Ok(read.map_err(|error| unwrapped(error, &self.name))? == 0)
    }

    fn decode(&mut self, message: Vec<u8>) -> Result<()> {
        let mut message = Buffer::from(message);
        let name = self.name();
        let (decoder, decoded) = (&mut self.decoder, &mut self.decoded);
        let result = caught(&name, || {
            // A message without a body is decoded when the next one comes, so there may be two.
            while !message.is_empty() {
                decoded.extend(decoder.decode(&mut message)?);
            }
            Ok(())
        });
        self.batches += self.decoded.len();
        result
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
