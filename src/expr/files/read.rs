//! Tables that are read, batch by batch.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::arrow::polars::from_polars;
use crate::arrow::{footer, ipc};
use crate::corpus::Partition;
use crate::error::{Error, IoContext, Result, one_line};
use crate::parquet_checks::{CheckedPages, read_footer};
use crate::process::catch_panic;
use crate::progress::Progress;
use crate::store::{LocalCopy, Location};

/// Rows that are read and embedded at a time.
pub(super) const BATCH_ROWS: usize = 8 << 10;

/// A file that is read, and the columns that its directories name.
#[derive(Debug, Clone)]
pub struct TableInput {
    pub(super) location: Location,
    partition: Partition,
}

impl TableInput {
    pub(crate) fn new(location: Location, partition: Partition) -> Self {
        Self { location, partition }
    }
}

impl<L: Into<Location>> From<L> for TableInput {
    fn from(location: L) -> Self {
        Self::new(location.into(), Partition::default())
    }
}

/// A table that is read.
pub(super) struct Table {
    /// Keeps a copy of what is in a store.
    copy: LocalCopy,
    /// The name that the user knows.
    pub(super) name: String,
    /// That of the file, with the columns that its directories name.
    pub(super) schema: SchemaRef,
    partition: Partition,
    batches: Batches,
}

enum Batches {
    Parquet(SchemaRef, Box<ParquetRecordBatchReader>),
    Arrow(SchemaRef, std::vec::IntoIter<RecordBatch>),
}

impl Batches {
    fn schema(&self) -> &Schema {
        let (Self::Parquet(schema, _) | Self::Arrow(schema, _)) = self;
        schema
    }
}

impl Table {
    pub(super) fn open(input: &TableInput, progress: &Progress) -> Result<Self> {
        let copy = LocalCopy::of_file(&input.location, progress)?;
        let (schema, batches) = open(copy.path()).map_err(|error| copy.named(error))?;
        let (name, partition) = (input.location.to_string(), input.partition.clone());
        let mut table = Self { copy, name, schema, partition, batches };
        let named = table.named_by_directories(0)?;
        if !named.is_empty() {
            let field =
                |(name, values): (String, ArrayRef)| Arc::new(Field::new(name, values.data_type().clone(), true));
            let fields: Vec<_> = table.schema.fields().iter().cloned().chain(named.into_iter().map(field)).collect();
            table.schema = Arc::new(Schema::new_with_metadata(fields, table.schema.metadata().clone()));
        }
        Ok(table)
    }

    /// The columns that the directories name, without those that the file has itself.
    fn named_by_directories(&self, rows: usize) -> Result<Vec<(String, ArrayRef)>> {
        let own = self.batches.schema();
        let columns = self.partition.columns(rows).filter(|column| own.index_of(column.name()).is_err());
        columns.map(|column| Ok((column.name().to_string(), from_polars(column.as_materialized_series())?))).collect()
    }

    /// The next rows.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        let next = match &mut self.batches {
            Batches::Arrow(_, batches) => Ok(batches.next()),
            Batches::Parquet(_, batches) => {
                let damaged = |reason: String| Error::format(self.copy.path(), format!("is damaged: {reason}"));
                let next = catch_panic(|| batches.next()).ok_or_else(|| damaged("a page cannot be decoded".into()));
                next.and_then(|next| next.transpose().map_err(|error| damaged(one_line(&error))))
            }
        };
        let Some(batch) = next.map_err(|error| self.copy.named(error))? else { return Ok(None) };
        let named = self.named_by_directories(batch.num_rows())?;
        if named.is_empty() {
            return Ok(Some(batch));
        }
        let columns = batch.columns().iter().cloned().chain(named.into_iter().map(|(_, values)| values)).collect();
        let batch = RecordBatch::try_new(self.schema.clone(), columns);
        batch.map(Some).map_err(|error| Error::corpus(&self.name, one_line(&error)))
    }

    pub(super) fn ensure_same(&self, schema: &Schema, first: &Path) -> Result<()> {
        if self.schema.fields() == schema.fields() {
            return Ok(());
        }
        let reason = format!("is of other columns than {}; embed it by itself", first.display());
        Err(self.copy.named(Error::format(self.copy.path(), reason)))
    }
}

fn open(path: &Path) -> Result<(SchemaRef, Batches)> {
    let mut file = File::open(path).at("read", path)?;
    let mut start = Vec::new();
    (&file).take(8).read_to_end(&mut start).at("read", path)?;
    if start.starts_with(b"PAR1") {
        let damaged = |reason: String| Error::format(path, format!("is not a readable Parquet file: {reason}"));
        let footer = read_footer(&mut file).map_err(|error| damaged(error.to_string()))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(CheckedPages(file), footer);
        let schema = builder.schema().clone();
        let builder = builder.with_batch_size(BATCH_ROWS);
        let reader = catch_panic(|| builder.build()).ok_or_else(|| damaged("it is damaged".into()))?;
        let reader = reader.map_err(|error| damaged(error.to_string()))?;
        return Ok((schema.clone(), Batches::Parquet(schema, Box::new(reader))));
    }
    let is_arrow = start.starts_with(footer::MAGIC) || start.starts_with(&[0xff; 4]);
    if !is_arrow {
        return Err(Error::format(path, "is neither Parquet nor Arrow IPC"));
    }
    let table = ipc::table(ipc::map_bytes(&file, path)?, |schema| Ok((0..schema.fields().len()).collect()));
    let table = table.map_err(|reason| Error::format(path, reason))?;
    let cut = |batch: RecordBatch| {
        let starts = (0..batch.num_rows()).step_by(BATCH_ROWS);
        starts.map(|start| batch.slice(start, BATCH_ROWS.min(batch.num_rows() - start))).collect::<Vec<_>>()
    };
    let batches: Vec<RecordBatch> = table.batches.into_iter().flat_map(cut).collect();
    Ok((table.schema.clone(), Batches::Arrow(table.schema, batches.into_iter())))
}
