//! Tables that are written, batch by batch.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::FileWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::read::BATCH_ROWS;
use crate::error::{Error, Result};
use crate::output::Out;

/// About the bytes of a row group's vectors, which a writer holds.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// The format of a table that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Parquet.
    Parquet,
    /// Arrow IPC. Columns of categories become columns of their values, as each batch may have other categories.
    Arrow,
}

impl TableFormat {
    /// The format of a file of this name.
    ///
    /// ```
    /// use polargram::expr::TableFormat;
    ///
    /// assert_eq!(TableFormat::of_name("t.parquet".as_ref()).unwrap(), TableFormat::Parquet);
    /// assert!(TableFormat::of_name("t.csv".as_ref()).is_err());
    /// ```
    ///
    /// # Errors
    /// [`Error::Format`] for another ending.
    pub fn of_name(name: &Path) -> Result<Self> {
        let ending = name.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "parquet" | "pq" => Ok(Self::Parquet),
            "arrow" | "ipc" | "feather" => Ok(Self::Arrow),
            _ => Err(Error::format(name, "tables are written as .parquet or .arrow")),
        }
    }
}

/// A table that is written.
pub(super) enum Writer<'a, 'f> {
    Parquet(Box<ArrowWriter<&'a mut Out<'f>>>, SchemaRef),
    Arrow(Box<FileWriter<&'a mut Out<'f>>>, SchemaRef),
}

impl<'a, 'f> Writer<'a, 'f> {
    /// `column` has vectors of this size.
    pub(super) fn new(
        out: &'a mut Out<'f>,
        schema: &SchemaRef,
        format: TableFormat,
        column: &str,
        vector_size: usize,
    ) -> io::Result<Self> {
        let schema = Arc::new(stored(schema, format));
        match format {
            TableFormat::Arrow => {
                let writer = FileWriter::try_new(out, &schema).map_err(io::Error::other)?;
                Ok(Self::Arrow(Box::new(writer), schema))
            }
            TableFormat::Parquet => {
                let rows = ROW_GROUP_BYTES / (size_of::<f32>() * vector_size.max(1));
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(rows.clamp(BATCH_ROWS, 1 << 20)));
                // Vectors hardly become smaller, and hardly repeat, one for each row or a list of them.
                let leaves = [&["list", "item"][..], &["list", "item", "list", "item"]];
                let properties = leaves.into_iter().fold(properties, |properties, within| {
                    let leaf: Vec<String> = [column].iter().chain(within).map(|&part| part.to_owned()).collect();
                    properties
                        .set_column_compression(leaf.clone().into(), Compression::UNCOMPRESSED)
                        .set_column_dictionary_enabled(leaf.into(), false)
                });
                let properties = properties.build();
                let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(io::Error::other)?;
                Ok(Self::Parquet(Box::new(writer), schema))
            }
        }
    }

    pub(super) fn write(&mut self, batch: RecordBatch) -> io::Result<()> {
        let (Self::Parquet(_, schema) | Self::Arrow(_, schema)) = &self;
        let as_stored = |(column, field): (&ArrayRef, &Arc<Field>)| cast(column, field.data_type());
        let columns =
            batch.columns().iter().zip(schema.fields()).map(as_stored).collect::<std::result::Result<Vec<_>, _>>();
        let batch =
            columns.and_then(|columns| RecordBatch::try_new(schema.clone(), columns)).map_err(io::Error::other)?;
        match self {
            Self::Parquet(writer, _) => writer.write(&batch).map_err(io::Error::other),
            Self::Arrow(writer, _) => writer.write(&batch).map_err(io::Error::other),
        }
    }

    pub(super) fn close(self) -> io::Result<()> {
        match self {
            Self::Parquet(writer, _) => writer.close().map(drop).map_err(io::Error::other),
            Self::Arrow(mut writer, _) => {
                writer.finish().map_err(io::Error::other)?;
                writer.get_mut().flush()
            }
        }
    }
}

/// The columns as they are stored.
fn stored(schema: &Schema, format: TableFormat) -> Schema {
    let fields: Vec<_> = schema.fields().iter().map(|field| stored_field(field, format)).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

fn stored_field(field: &Field, format: TableFormat) -> Arc<Field> {
    Arc::new(field.clone().with_data_type(stored_type(field.data_type(), format)))
}

/// A file of Arrow IPC has one dictionary for all batches, but each batch may bring another one; so there are none in it. The
/// writer of Parquet panics at dictionaries of views, as Polars has them in categories.
fn stored_type(data_type: &DataType, format: TableFormat) -> DataType {
    let inner = |field: &Field| stored_field(field, format);
    match data_type {
        DataType::Dictionary(_, values) if format == TableFormat::Arrow => stored_type(values, format),
        DataType::Dictionary(key, values) => match values.as_ref() {
            DataType::Utf8View => DataType::Dictionary(key.clone(), Box::new(DataType::Utf8)),
            DataType::BinaryView => DataType::Dictionary(key.clone(), Box::new(DataType::Binary)),
            _ => data_type.clone(),
        },
        DataType::List(item) => DataType::List(inner(item)),
        DataType::LargeList(item) => DataType::LargeList(inner(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(inner(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| inner(field)).collect()),
        _ => data_type.clone(),
    }
}
