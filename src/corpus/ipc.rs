//! Arrow IPC: files, streams and Feather 2. A file is a stream between two magic words, with a table of its batches at
//! the end; so all are read from the front, one batch at a time.

use std::collections::VecDeque;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::root_as_message;

use super::Batches;
use super::files::{Place, Spans, TokenFile, unwrapped};
use super::query::Query;
use crate::error::{Error, Result};
use crate::store::Span;

/// What a file starts with, padded to 8 bytes.
const MAGIC: &[u8; 8] = b"ARROW1\0\0";
/// What stands before each message.
const CONTINUATION: [u8; 4] = [0xFF; 4];
/// Rows of a batch that are passed on at a time: a writer may put all of its rows into one.
const ROWS_AT_ONCE: usize = 8192;

/// An Arrow IPC file or stream, in one part.
pub(super) struct IpcFile {
    place: Place,
    query: Query,
}

impl IpcFile {
    pub(super) fn new(place: Place, query: &Query) -> Self {
        Self { place, query: query.clone() }
    }
}

impl TokenFile for IpcFile {
    fn spans(&self) -> Vec<Span> {
        self.place.whole()
    }

    fn read(&self, _part: usize, spans: Spans<'_>) -> Result<Batches<'_>> {
        let messages = Messages {
            bytes: self.place.bytes(spans)?,
            name: self.place.name(),
            decoder: StreamDecoder::new(),
            decoded: VecDeque::new(),
            is_first: true,
            batches: 0,
            is_over: false,
        };
        let pieces = messages.flat_map(|batch| match batch {
            Ok(batch) => {
                let cuts = (0..batch.num_rows()).step_by(ROWS_AT_ONCE);
                let piece = move |from| Ok(batch.slice(from, ROWS_AT_ONCE.min(batch.num_rows() - from)));
                Box::new(cuts.map(piece)) as Box<dyn Iterator<Item = _> + Send>
            }
            error => Box::new(std::iter::once(error)),
        });
        Ok(Box::new(pieces.map(|batch| self.query.filter_and_apply(&batch?, &self.place.name()))))
    }

    fn origin(&self, _part: usize) -> String {
        self.place.name()
    }
}

/// Record batches of a stream of messages.
struct Messages {
    bytes: Box<dyn Read + Send>,
    name: String,
    decoder: StreamDecoder,
    decoded: VecDeque<RecordBatch>,
    /// Whether nothing was read yet.
    is_first: bool,
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
    /// Reads and decodes one message; after the last `is_over`.
    fn read_message(&mut self) -> Result<()> {
        let mut message = self.exactly(8)?;
        if self.is_first && message == MAGIC {
            message = self.exactly(8)?;
        }
        self.is_first = false;
        let Some(length) = message.strip_prefix(&CONTINUATION).and_then(|length| length.try_into().ok()) else {
            return Err(self.damaged("no message starts where one should; files of before Arrow 0.15 are not read"));
        };
        let length = u32::from_le_bytes(length);
        if length == 0 {
            self.is_over = true;
        } else {
            message.extend(self.exactly(u64::from(length))?);
            let body = self.check(&message[8..])?;
            message.extend(self.exactly(body)?);
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

    /// The length of a message's body, once it is known that all its buffers lie within.
    fn check(&self, metadata: &[u8]) -> Result<u64> {
        let message = root_as_message(metadata).map_err(|error| self.damaged(&error.to_string()))?;
        let body = message.bodyLength();
        let batch = message
            .header_as_record_batch()
            .or_else(|| message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data()));
        let buffers = batch.and_then(|batch| batch.buffers());
        let is_within = buffers.into_iter().flatten().all(|buffer| {
            buffer.offset() >= 0
                && buffer.length() >= 0
                && buffer.offset().checked_add(buffer.length()).is_some_and(|end| end <= body)
        });
        match u64::try_from(body) {
            Ok(body) if is_within => Ok(body),
            _ => Err(self.damaged("a buffer lies outside its message")),
        }
    }

    fn decode(&mut self, message: Vec<u8>) -> Result<()> {
        let mut message = Buffer::from(message);
        // The decoder checks what it decodes, but panics on some types and lengths that no writer gives.
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            // A message without a body is decoded when the next one comes, so there may be two.
            while !message.is_empty() {
                self.decoded.extend(self.decoder.decode(&mut message)?);
            }
            Ok::<_, arrow::error::ArrowError>(())
        }));
        self.batches += self.decoded.len();
        match decoded {
            Ok(decoded) => decoded.map_err(|error| self.damaged(&error.to_string())),
            Err(_) => Err(self.damaged("it says what cannot be")),
        }
    }

    fn damaged(&self, reason: &str) -> Error {
        Error::corpus(
            format!("{}, record batch {}", self.name, self.batches),
            format!("is no sound Arrow IPC: {reason}"),
        )
    }

    fn ends_too_early(&self) -> Error {
        self.damaged("it ends too early")
    }
}
