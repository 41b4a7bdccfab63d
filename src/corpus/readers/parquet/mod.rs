//! Parquet files.

mod chunks;
mod footer;
mod statistics;

use std::fmt::Display;
use std::fs::File;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::basic::{Encoding, PageType};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;

use self::chunks::{Chunks, ColumnBuffer, Failed, keep};
pub(super) use self::footer::remote_footer;
use self::footer::{DAMAGED, local_footer, not_parquet};
use crate::corpus::batch::Batches;
use crate::corpus::columns::ColumnPath;
use crate::corpus::list_type::{is_binary, is_string};
use crate::corpus::partitions::Partition;
use crate::corpus::query::{Query, ResolvedQuery};
use crate::corpus::token_file::{FileLocation, Opening, Spans, TokenFile};
use crate::error::{Error, IoContext, Result};
use crate::parquet_checks::CheckedPages;
use crate::process::catch_panic;
use crate::store::Span;

/// Lists that are decoded at a time. What is made of them should fit into a core's cache.
const BATCH_ROWS: usize = 2048;

/// A Parquet file; a part is a row group.
pub(super) struct ParquetFile {
    location: FileLocation,
    partition: Partition,
    metadata: ArrowReaderMetadata,
    query: Arc<Query>,
    resolved: ResolvedQuery,
    leaves: Leaves,
    /// The number of the first span of each row group; `None` if no row of it can be wanted.
    first_spans: Vec<Option<usize>>,
}

/// The leaf columns of a file that are read, in file order.
struct Leaves {
    /// Those of tokens and counts.
    columns: Vec<usize>,
    /// Those that the filter looks at.
    filter: Vec<usize>,
    /// Both.
    all: Vec<usize>,
}

impl ParquetFile {
    /// Reads the footer, unless it is given, as it is for objects.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Corpus`] for a file that is not Parquet, or lacks a column that the query needs.
    pub(super) fn open(file: Opening<'_>, footer: Option<ArrowReaderMetadata>) -> Result<Self> {
        let Opening { location, partition, query, .. } = file;
        let metadata = match (footer, &location) {
            (Some(footer), _) => footer,
            (None, FileLocation::Local(path)) => local_footer(path)?,
            (None, FileLocation::Remote(object)) => {
                return Err(not_parquet(&object.url(), &"its footer was not fetched"));
            }
        };
        let resolved = query.resolve(metadata.schema(), &partition, &location.name())?;
        let leaves = Leaves::of(&metadata, &resolved);
        let groups = metadata.metadata().num_row_groups();
        let may_match = resolved.filter.as_ref().and_then(|filter| {
            // If that cannot be computed, reading the rows says why.
            statistics::known(&metadata, &filter.columns).may_match(&filter.expression, "").ok()
        });
        let mut spans = 0;
        let first_spans = (0..groups).map(|group| {
            let is_read =
                !resolved.columns.is_void() && may_match.as_ref().is_none_or(|may_match| may_match.value(group));
            let first = spans;
            spans += if is_read { leaves.all.len() } else { 0 };
            is_read.then_some(first)
        });
        let first_spans = first_spans.collect();
        Ok(Self { location, partition, metadata, query, resolved, leaves, first_spans })
    }

    /// The bytes of each leaf column that is read of a row group.
    fn ranges(&self, group: usize) -> impl Iterator<Item = Range<u64>> {
        let group = self.metadata.metadata().row_group(group);
        self.leaves.all.iter().map(|&leaf| {
            let (start, length) = group.column(leaf).byte_range();
            start..start.saturating_add(length)
        })
    }

    fn mask(&self, leaves: &[usize]) -> ProjectionMask {
        ProjectionMask::leaves(self.metadata.parquet_schema(), leaves.iter().copied())
    }

    fn decode<R: ChunkReader + 'static>(&self, group: usize, reader: R, failed: Failed) -> Result<Batches<'_>> {
        let origin = self.origin(group);
        let columns = self.names_read();
        let ours = failed.clone();
        let broken = move |error: &dyn Display| {
            let taken = ours.lock().unwrap_or_else(PoisonError::into_inner).take();
            taken.unwrap_or_else(|| Error::corpus(&origin, format!("cannot decode {columns}: {error}")))
        };
        let parquet = self.metadata.metadata();
        let options = ArrowReaderOptions::new().with_schema(self.decoded_schema(group));
        let metadata = ArrowReaderMetadata::try_new(parquet.clone(), options).map_err(|error| broken(&error))?;
        // Rows that the filter has not seen.
        let left = Arc::new(AtomicI64::new(0));
        let pushed_down = self.resolved.filter.as_ref().filter(|_| self.leaves.are_apart());
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(CheckedPages(reader), metadata)
            .with_projection(self.mask(if pushed_down.is_some() { &self.leaves.columns } else { &self.leaves.all }))
            .with_row_groups(vec![group])
            .with_batch_size(BATCH_ROWS);
        if let Some(filter) = pushed_down.cloned() {
            let origin = self.origin(group);
            let mut rows = parquet.row_group(group).num_rows();
            let counted = left.clone();
            let is_wanted = ArrowPredicateFn::new(self.mask(&self.leaves.filter), move |batch| {
                rows -= batch.num_rows() as i64;
                counted.store(rows, Ordering::Relaxed);
                filter.matches(&batch, &origin).map_err(|error| keep(&failed, error))
            });
            builder = builder.with_row_filter(RowFilter::new(vec![Box::new(is_wanted)]));
        }
        let origin = self.origin(group);
        let reader = catch_panic(|| builder.build()).ok_or_else(|| broken(&DAMAGED))?;
        let reader = reader.map_err(|error| broken(&error))?;
        if left.load(Ordering::Relaxed) != 0 {
            return Err(broken(&"rows are missing"));
        }
        // The reader's tables have only the columns that are read.
        let schema = reader.schema();
        let resolved = match pushed_down {
            Some(_) => ResolvedQuery {
                columns: self.query.resolve_columns(schema.fields(), &self.partition, &origin)?,
                filter: None,
            },
            None => self.query.resolve(&schema, &self.partition, &origin)?,
        };
        let rows = pushed_down.is_none().then(|| parquet.row_group(group).num_rows());
        let batches = Decoded { reader: Some(reader), broken, rows };
        Ok(Box::new(batches.map(move |batch| resolved.read(&batch?, &origin))))
    }

    /// The columns that are read, for a message.
    fn names_read(&self) -> String {
        let schema = self.metadata.parquet_schema();
        let mut names: Vec<&str> = self.leaves.all.iter().map(|&leaf| schema.get_column_root(leaf).name()).collect();
        names.dedup();
        if let [name] = names.as_slice() { format!("column {name:?}") } else { format!("columns {names:?}") }
    }

    /// The file's schema with this column's strings (or bytes) as views, or as a dictionary where the row group's pages all are:
    /// then nothing is copied on decoding, and each distinct token is looked up once.
    fn decoded_schema(&self, group: usize) -> SchemaRef {
        let group = self.metadata.metadata().row_group(group);
        let schema = self.metadata.schema();
        let tokens = self.resolved.columns.tokens();
        let leaf = self.leaves.columns.iter().find(|&&leaf| is_in(leaf, tokens, &self.metadata));
        let is_dictionary = leaf.is_some_and(|&leaf| is_dictionary_encoded(group.column(leaf)));
        let names: Vec<&str> = tokens.fields(schema.fields()).iter().map(|field| field.name().as_str()).collect();
        Arc::new(Schema::new(with_tokens_as(schema.fields(), tokens.root(), &names, is_dictionary)))
    }
}

impl Leaves {
    fn of(metadata: &ArrowReaderMetadata, resolved: &ResolvedQuery) -> Self {
        let parquet = metadata.parquet_schema();
        let leaves = || 0..parquet.num_columns();
        let filter = resolved.filter.as_ref().map_or(&[][..], |filter| &filter.columns);
        let is_filter = |leaf: &usize| filter.contains(&parquet.get_column_root_idx(*leaf));
        let is_column = |leaf: &usize| resolved.columns.paths().any(|path| is_in(*leaf, path, metadata));
        Self {
            columns: leaves().filter(is_column).collect(),
            filter: leaves().filter(is_filter).collect(),
            all: leaves().filter(|leaf| is_column(leaf) || is_filter(leaf)).collect(),
        }
    }

    /// True if the filter's columns can be read first, and only the rows of the others that it leaves. A column that
    /// is in both would be read twice.
    fn are_apart(&self) -> bool {
        self.columns.len() + self.filter.len() == self.all.len()
    }
}

/// True if a leaf column holds values of this column.
fn is_in(leaf: usize, path: &ColumnPath, metadata: &ArrowReaderMetadata) -> bool {
    let parquet = metadata.parquet_schema();
    let fields = path.fields(metadata.schema().fields());
    let parts = parquet.column(leaf);
    let parts = parts.path().parts();
    parquet.get_column_root_idx(leaf) == path.root()
        && parts.len() >= fields.len()
        && fields.iter().zip(parts).skip(1).all(|(field, part)| field.name() == part)
}

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
        self.first_spans.len()
    }

    fn spans(&self) -> Vec<Span> {
        let FileLocation::Remote(object) = &self.location else { return Vec::new() };
        let groups = (0..self.parts()).filter(|&group| self.first_spans[group].is_some());
        let ranges = groups.flat_map(|group| self.ranges(group));
        ranges.map(|bytes| Span { object: object.clone(), bytes }).collect()
    }

    fn read(&self, part: usize, spans: Spans<'_>) -> Result<Batches<'_>> {
        let Some(first) = self.first_spans[part] else { return Ok(Box::new(std::iter::empty())) };
        let failed = Failed::default();
        match &self.location {
            FileLocation::Local(path) => self.decode(part, File::open(path).at("read", path)?, failed),
            FileLocation::Remote(object) => {
                let columns = self.ranges(part).enumerate().map(|(i, range)| {
                    let buffer = ColumnBuffer::new(range.start, spans.read(first + i)?, failed.clone());
                    Ok((range, Mutex::new(buffer)))
                });
                let columns = columns.collect::<Result<Vec<_>>>()?;
                self.decode(part, Chunks { length: object.size(), columns: Arc::new(columns) }, failed)
            }
        }
    }

    fn origin(&self, part: usize) -> String {
        format!("{}, row group {part}", self.location.name())
    }
}

fn is_dictionary_encoded(column: &ColumnChunkMetaData) -> bool {
    let is_dictionary = |encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    column.dictionary_page_offset().is_some()
        && column.page_encoding_stats().is_some_and(|pages| {
            pages.iter().filter(|p| p.page_type != PageType::DICTIONARY_PAGE).all(|p| is_dictionary(p.encoding))
        })
}

/// The same fields with the strings of one of them, or of a field of the structs in it, as views or a dictionary.
fn with_tokens_as(fields: &Fields, index: usize, names: &[&str], is_dictionary: bool) -> Fields {
    let changed = |field: &FieldRef| -> FieldRef {
        match (field.data_type(), names.get(1)) {
            (DataType::Struct(inner), Some(name)) => {
                let index = inner.find(name).map_or(inner.len(), |(index, _)| index);
                let inner = DataType::Struct(with_tokens_as(inner, index, &names[1..], is_dictionary));
                Arc::new(Field::clone(field).with_data_type(inner))
            }
            _ => with_strings_as(field, is_dictionary),
        }
    };
    fields.iter().enumerate().map(|(i, field)| if i == index { changed(field) } else { field.clone() }).collect()
}

/// The same strings, or lists of them, as views or a dictionary. Lists of ids stay as they are.
fn with_strings_as(field: &FieldRef, is_dictionary: bool) -> FieldRef {
    let decoded = |found: &DataType| {
        let (view, values) = match found {
            text if is_string(text) => (DataType::Utf8View, DataType::Utf8),
            // parquet-rs decodes those of a fixed size as what they are.
            DataType::FixedSizeBinary(_) => return found.clone(),
            bytes if is_binary(bytes) => (DataType::BinaryView, DataType::Binary),
            other => return other.clone(),
        };
        if is_dictionary { DataType::Dictionary(Box::new(DataType::Int32), Box::new(values)) } else { view }
    };
    let item = |item: &FieldRef| Arc::new(Field::clone(item).with_data_type(decoded(item.data_type())));
    let lists = match field.data_type() {
        DataType::List(i) | DataType::ListView(i) => DataType::List(item(i)),
        DataType::LargeList(i) | DataType::LargeListView(i) => DataType::LargeList(item(i)),
        DataType::FixedSizeList(i, n) => DataType::FixedSizeList(item(i), *n),
        other => decoded(other),
    };
    Arc::new(Field::clone(field).with_data_type(lists))
}
