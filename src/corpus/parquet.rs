//! Parquet files.

use std::collections::VecDeque;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use bytes::{Bytes, BytesMut};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::basic::{Encoding, PageType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};

use super::Batches;
use super::files::{Place, Spans, TokenFile};
use super::lists::is_string;
use super::query::Query;
use crate::error::{Error, IoContext, Result};
use crate::process::catch_panic;
use crate::store::{Object, RangeReader, Span};

/// Lists that are decoded at a time.
const BATCH_ROWS: usize = 8192;

/// A Parquet file; a part is a row group.
pub(super) struct ParquetFile {
    place: Place,
    metadata: ArrowReaderMetadata,
    query: Query,
    /// The leaf columns that are read, in file order.
    leaves: Vec<usize>,
}

impl ParquetFile {
    /// Reads the footer, unless it is given, as it is for objects.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Corpus`] for a file that is no Parquet, or lacks a column that `query` needs.
    pub(super) fn open(place: Place, query: &Query, footer: Option<ArrowReaderMetadata>) -> Result<Self> {
        let metadata = match (footer, &place) {
            (Some(footer), _) => footer,
            (None, Place::Local(path)) => local_footer(path)?,
            (None, Place::Remote(object)) => return Err(no_parquet(&object.url(), &"its footer was not fetched")),
        };
        query.check(metadata.schema(), &place.name())?;
        let schema = metadata.parquet_schema();
        let is_read = |leaf: &usize| query.read_columns().any(|name| name == schema.get_column_root(*leaf).name());
        let leaves = (0..schema.num_columns()).filter(is_read).collect();
        Ok(Self { place, metadata, query: query.clone(), leaves })
    }

    /// The bytes of each leaf column that is read of a row group.
    fn ranges(&self, group: usize) -> impl Iterator<Item = Range<u64>> {
        let group = self.metadata.metadata().row_group(group);
        self.leaves.iter().map(|&leaf| {
            let (start, length) = group.column(leaf).byte_range();
            start..start.saturating_add(length)
        })
    }

    /// Those columns of the file.
    fn mask<'a>(&self, names: impl Iterator<Item = &'a str>) -> ProjectionMask {
        let fields = self.metadata.schema().fields();
        let roots = names.filter_map(|name| fields.iter().position(|field| field.name() == name));
        ProjectionMask::roots(self.metadata.parquet_schema(), roots)
    }

    fn decode<R: ChunkReader + 'static>(&self, group: usize, reader: R, failed: Failed) -> Result<Batches<'_>> {
        let origin = self.origin(group);
        let columns: Vec<&str> = self.query.read_columns().collect();
        let columns =
            if columns.len() == 1 { format!("column {:?}", columns[0]) } else { format!("columns {columns:?}") };
        let ours = failed.clone();
        let broken = move |error: &dyn Display| {
            let taken = ours.lock().unwrap_or_else(PoisonError::into_inner).take();
            taken.unwrap_or_else(|| Error::corpus(&origin, format!("cannot decode {columns}: {error}")))
        };
        let parquet = self.metadata.metadata();
        let options = ArrowReaderOptions::new().with_schema(self.decoded_schema(group));
        let metadata = ArrowReaderMetadata::try_new(parquet.clone(), options).map_err(|error| broken(&error))?;
        let is_pushed_down = self.is_filter_pushed_down();
        // Rows that the filter has not seen.
        let left = Arc::new(AtomicI64::new(0));
        let columns = match is_pushed_down {
            true => self.mask(self.query.columns()),
            false => ProjectionMask::leaves(self.metadata.parquet_schema(), self.leaves.iter().copied()),
        };
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(reader, metadata)
            .with_projection(columns)
            .with_row_groups(vec![group])
            .with_batch_size(BATCH_ROWS);
        if is_pushed_down && self.query.has_filter() {
            let columns = self.mask(self.query.filter_columns());
            let (query, origin) = (self.query.clone(), self.origin(group));
            let mut rows = parquet.row_group(group).num_rows();
            let counted = left.clone();
            let is_wanted = ArrowPredicateFn::new(columns, move |batch| {
                rows -= batch.num_rows() as i64;
                counted.store(rows, Ordering::Relaxed);
                query.matches(&batch, &origin).map_err(|error| keep(&failed, error))
            });
            builder = builder.with_row_filter(RowFilter::new(vec![Box::new(is_wanted)]));
        }
        let origin = self.origin(group);
        let reader = catch_panic(|| builder.build()).ok_or_else(|| broken(&DAMAGED))?;
        let reader = reader.map_err(|error| broken(&error))?;
        if left.load(Ordering::Relaxed) != 0 {
            return Err(broken(&"rows are missing"));
        }
        let are_all_read = !is_pushed_down || !self.query.has_filter();
        let rows = are_all_read.then(|| parquet.row_group(group).num_rows());
        let batches = Decoded { reader: Some(reader), broken, rows };
        Ok(Box::new(batches.map(move |batch| {
            let batch = batch?;
            if is_pushed_down {
                self.query.apply(&batch, &origin)
            } else {
                self.query.filter_and_apply(&batch, &origin)
            }
        })))
    }

    /// Whether the filter's columns are read first, and of the others only what it leaves. A column that is in both
    /// would be read twice.
    fn is_filter_pushed_down(&self) -> bool {
        !self.query.filter_columns().any(|filter| self.query.columns().any(|column| column == filter))
    }

    /// The file's schema with this column's strings as views, or as a dictionary where the row group's pages all are:
    /// then nothing is copied on decoding, and each distinct token is looked up once.
    fn decoded_schema(&self, group: usize) -> SchemaRef {
        let group = self.metadata.metadata().row_group(group);
        let column = self.query.column.as_str();
        let leaf = group.columns().iter().find(|c| c.column_path().parts().first().is_some_and(|name| name == column));
        let strings = match leaf.is_some_and(is_dictionary_encoded) {
            true => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            false => DataType::Utf8View,
        };
        let schema = self.metadata.schema();
        let fields = schema.fields().iter().map(|field| match field.name() == column {
            true => with_strings_as(field, &strings),
            false => field.clone(),
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// An error of ours on its way through the decoder, which would make a text of it.
type Failed = Arc<Mutex<Option<Error>>>;

/// Keeps the error, and gives another to pass through the decoder in its place.
fn keep(failed: &Failed, error: Error) -> ArrowError {
    let message = error.to_string();
    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    ArrowError::ExternalError(message.into())
}

/// What a decoder that panics has found.
const DAMAGED: &str = "the file is damaged";

/// The batches of a row group, up to the first error.
struct Decoded<E> {
    reader: Option<ParquetRecordBatchReader>,
    broken: E,
    /// Rows that are still to come, if all are read.
    rows: Option<i64>,
}

impl<E: Fn(&dyn Display) -> Error> Iterator for Decoded<E> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let batch = match catch_panic(|| reader.next()) {
            Some(Some(batch)) => batch.map_err(|error| (self.broken)(&error)),
            // A damaged page may end before its rows do.
            Some(None) if self.rows.is_none_or(|rows| rows == 0) => return None,
            Some(None) => Err((self.broken)(&format!("{} rows are missing", self.rows.unwrap_or_default()))),
            None => Err((self.broken)(&DAMAGED)),
        };
        match &batch {
            Ok(batch) => self.rows = self.rows.map(|rows| rows - batch.num_rows() as i64),
            Err(_) => self.reader = None,
        }
        Some(batch)
    }
}

impl TokenFile for ParquetFile {
    fn parts(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    fn spans(&self) -> Vec<Span> {
        let Place::Remote(object) = &self.place else { return Vec::new() };
        let ranges = (0..self.parts()).flat_map(|group| self.ranges(group));
        ranges.map(|bytes| Span { object: object.clone(), bytes }).collect()
    }

    fn read(&self, part: usize, spans: Spans<'_>) -> Result<Batches<'_>> {
        let failed = Failed::default();
        match &self.place {
            Place::Local(path) => self.decode(part, File::open(path).at("read", path)?, failed),
            Place::Remote(object) => {
                let first = part * self.leaves.len();
                let columns = self.ranges(part).enumerate().map(|(i, range)| {
                    Ok((range.clone(), Mutex::new(Window::new(range.start, spans.read(first + i)?, failed.clone()))))
                });
                let columns = columns.collect::<Result<Vec<_>>>()?;
                self.decode(part, Chunks { length: object.size(), columns: Arc::new(columns) }, failed)
            }
        }
    }

    fn origin(&self, part: usize) -> String {
        format!("{}, row group {part}", self.place.name())
    }
}

fn no_parquet(name: &str, error: &dyn Display) -> Error {
    Error::corpus(name, format!("is no readable Parquet file: {error}"))
}

/// The footer of a file on this machine.
fn local_footer(path: &Path) -> Result<ArrowReaderMetadata> {
    let refused = |error: &dyn Display| no_parquet(&path.display().to_string(), error);
    let file = File::open(path).at("read", path)?;
    let footer = catch_panic(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()));
    footer.ok_or_else(|| refused(&DAMAGED))?.map_err(|error| refused(&error))
}

/// Bytes at the end of an object that are read first: most footers lie within.
const TAIL: u64 = 64 << 10;

/// The footer of an object.
pub(super) async fn remote_footer(object: &Object) -> Result<ArrowReaderMetadata> {
    let refused = |error: &dyn Display| no_parquet(&object.url(), error);
    let size = object.size();
    let mut bytes = object.get(size - size.min(TAIL)..size).await?;
    let mut reader = ParquetMetaDataReader::new();
    loop {
        let parsed = catch_panic(|| reader.try_parse_sized(&bytes, size)).ok_or_else(|| refused(&DAMAGED))?;
        match parsed {
            Ok(()) => break,
            Err(ParquetError::NeedMoreData(needed)) if needed as u64 <= size && needed > bytes.len() => {
                bytes = object.get(size - needed as u64..size).await?;
            }
            Err(error) => return Err(refused(&error)),
        }
    }
    let metadata = reader.finish().map_err(|error| refused(&error))?;
    let metadata = catch_panic(|| ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new()));
    metadata.ok_or_else(|| refused(&DAMAGED))?.map_err(|error| refused(&error))
}

/// The columns of a row group as they arrive. Pages are read in order, so what lies before the last one read is
/// forgotten.
struct Chunks {
    length: u64,
    columns: Arc<Vec<(Range<u64>, Mutex<Window>)>>,
}

/// A stretch of a column that was fetched and not yet forgotten.
struct Window {
    start: u64,
    blocks: VecDeque<Bytes>,
    reader: RangeReader,
    failed: Failed,
}

impl Window {
    fn new(start: u64, reader: RangeReader, failed: Failed) -> Self {
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

    /// Bytes from a place on, fewer at the column's end; a copy only of what two blocks hold together.
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

    /// Bytes from a place on; the blocks before are forgotten.
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
        let (_, window) = &self.columns[self.column(start)?];
        Ok(window.lock().unwrap_or_else(PoisonError::into_inner).take(start, length)?)
    }
}

/// Reads a column on from a place.
struct ColumnRead {
    columns: Arc<Vec<(Range<u64>, Mutex<Window>)>>,
    column: usize,
    at: u64,
}

/// Bytes that are looked at for a page's header at a time.
const HEADER_BYTES: usize = 256;

impl Read for ColumnRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (_, window) = &self.columns[self.column];
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = window.peek(self.at, buffer.len().min(HEADER_BYTES))?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}

fn is_dictionary_encoded(column: &ColumnChunkMetaData) -> bool {
    let is_dictionary = |encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    column.dictionary_page_offset().is_some()
        && column.page_encoding_stats().is_some_and(|pages| {
            pages.iter().filter(|p| p.page_type != PageType::DICTIONARY_PAGE).all(|p| is_dictionary(p.encoding))
        })
}

/// The same list type over another string type. Lists of ids stay as they are.
fn with_strings_as(field: &FieldRef, strings: &DataType) -> FieldRef {
    let item = |item: &FieldRef| -> FieldRef {
        if is_string(item.data_type()) {
            Arc::new(Field::clone(item).with_data_type(strings.clone()))
        } else {
            item.clone()
        }
    };
    let lists = match field.data_type() {
        DataType::List(i) | DataType::ListView(i) => DataType::List(item(i)),
        DataType::LargeList(i) | DataType::LargeListView(i) => DataType::LargeList(item(i)),
        DataType::FixedSizeList(i, n) => DataType::FixedSizeList(item(i), *n),
        text if is_string(text) => strings.clone(),
        other => other.clone(),
    };
    Arc::new(Field::clone(field).with_data_type(lists))
}
