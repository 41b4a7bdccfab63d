//! Columns of a Parquet object, as they are fetched.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::error::ArrowError;
use bytes::{Bytes, BytesMut};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::error::Error;
use crate::store::RangeReader;

/// An error of this crate on its way through the decoder, which would turn it into text.
pub(super) type Failed = Arc<Mutex<Option<Error>>>;

/// Keeps the error, and gives another to pass through the decoder in its place.
pub(super) fn keep(failed: &Failed, error: Error) -> ArrowError {
    let message = error.to_string();
    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    ArrowError::ExternalError(message.into())
}

/// The columns of a row group as they arrive. Pages are read in order, so what lies before the last one read is
/// forgotten.
pub(super) struct Chunks {
    /// Bytes of the object.
    pub(super) length: u64,
    /// The range of each column that is read.
    pub(super) columns: Arc<Vec<(Range<u64>, Mutex<ColumnBuffer>)>>,
}

/// The bytes of a column that were fetched and not yet forgotten.
pub(super) struct ColumnBuffer {
    start: u64,
    blocks: VecDeque<Bytes>,
    reader: RangeReader,
    failed: Failed,
}

impl ColumnBuffer {
    pub(super) fn new(start: u64, reader: RangeReader, failed: Failed) -> Self {
        Self { start, blocks: VecDeque::new(), reader, failed }
    }

    /// Fetches up to `end` of the file, or to the column's end.
    fn fill(&mut self, end: u64) -> io::Result<()> {
        let mut fetched = self.start + self.blocks.iter().map(|block| block.len() as u64).sum::<u64>();
        while fetched < end {
            match self.reader.next_block().map_err(|error| io::Error::other(keep(&self.failed, error)))? {
                Some(block) => {
                    fetched += block.len() as u64;
                    self.blocks.push_back(block);
                }
                None => break,
            }
        }
        Ok(())
    }

    /// Bytes from a position on, fewer at the column's end. Only what spans two blocks is copied.
    fn peek(&mut self, at: u64, count: usize) -> io::Result<Bytes> {
        self.fill(at.saturating_add(count as u64))?;
        let before = || io::Error::new(io::ErrorKind::InvalidInput, "a page lies before the last one read");
        let mut skipped = at.checked_sub(self.start).ok_or_else(before)? as usize;
        let mut pieces = self.blocks.iter().filter_map(|block| {
            let piece = block.slice(skipped.min(block.len())..);
            skipped -= block.len() - piece.len();
            (!piece.is_empty()).then_some(piece)
        });
        let first = pieces.next().unwrap_or_default();
        if first.len() >= count {
            return Ok(first.slice(..count));
        }
        let mut bytes = BytesMut::from(first);
        for piece in pieces {
            bytes.extend_from_slice(&piece[..piece.len().min(count - bytes.len())]);
        }
        Ok(bytes.freeze())
    }

    /// Bytes from a position on; the blocks before are forgotten.
    fn take(&mut self, at: u64, count: usize) -> io::Result<Bytes> {
        let bytes = self.peek(at, count)?;
        if bytes.len() < count {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a page ends after its column"));
        }
        while let Some(first) = self.blocks.front()
            && self.start + first.len() as u64 <= at
        {
            self.start += first.len() as u64;
            self.blocks.pop_front();
        }
        Ok(bytes)
    }
}

impl Chunks {
    fn column(&self, at: u64) -> parquet::errors::Result<usize> {
        self.columns
            .iter()
            .position(|(range, _)| range.contains(&at))
            .ok_or_else(|| ParquetError::EOF(format!("byte {at} lies outside the columns that are read")))
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Chunks {
    type T = ColumnRead;

    fn get_read(&self, start: u64) -> parquet::errors::Result<ColumnRead> {
        Ok(ColumnRead { columns: self.columns.clone(), column: self.column(start)?, at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let (_, buffer) = &self.columns[self.column(start)?];
        Ok(buffer.lock().unwrap_or_else(PoisonError::into_inner).take(start, length)?)
    }
}

/// Reads a column from a position on.
pub(super) struct ColumnRead {
    columns: Arc<Vec<(Range<u64>, Mutex<ColumnBuffer>)>>,
    column: usize,
    at: u64,
}

/// Bytes that are read at a time to find a page's header.
const HEADER_BYTES: usize = 256;

impl Read for ColumnRead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let (_, buffer) = &self.columns[self.column];
        let mut buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = buffer.peek(self.at, out.len().min(HEADER_BYTES))?;
        out[..bytes.len()].copy_from_slice(&bytes);
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}
