//! Parquet files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Encoding, PageType};
use parquet::file::metadata::ColumnChunkMetaData;

use super::arrow::missing_column;
use super::{Batches, Corpus, check_list_type};
use crate::error::{Error, IoContext, Result};

/// Lists that are decoded at a time.
const BATCH_ROWS: usize = 8192;

/// A list column of Parquet files; a part is a row group.
///
/// ```no_run
/// use polargram::corpus::ParquetCorpus;
///
/// let corpus = ParquetCorpus::open(["data/*.parquet"], "tokens")?;
/// # Ok::<(), polargram::Error>(())
/// ```
pub struct ParquetCorpus {
    files: Vec<ParquetFile>,
    /// File and row group of each part.
    parts: Vec<(usize, usize)>,
    column: String,
}

struct ParquetFile {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    /// The column's place among the file's root columns.
    root: usize,
}

impl ParquetCorpus {
    /// Opens the list column `column` of files, directories (all their `*.parquet`, sorted, without their
    /// subdirectories) and globs (`**` descends into subdirectories). Footers are read at once, data later.
    ///
    /// # Errors
    /// [`Error::Io`] for a missing or unreadable file, [`Error::Corpus`] for a pattern that matches nothing, a file
    /// that is no Parquet, or one without such a list column.
    pub fn open(sources: impl IntoIterator<Item = impl AsRef<str>>, column: &str) -> Result<Self> {
        let mut paths = Vec::new();
        for source in sources {
            paths.extend(expand(source.as_ref())?);
        }
        if paths.is_empty() {
            return Err(Error::corpus("corpus", "no files were given"));
        }
        let files = paths.into_iter().map(|path| ParquetFile::open(path, column)).collect::<Result<Vec<_>>>()?;
        let groups =
            |(i, file): (usize, &ParquetFile)| (0..file.metadata.metadata().num_row_groups()).map(move |g| (i, g));
        let parts = files.iter().enumerate().flat_map(groups).collect();
        Ok(Self { files, parts, column: column.to_owned() })
    }
}

impl Corpus for ParquetCorpus {
    fn parts(&self) -> usize {
        self.parts.len()
    }

    fn read(&self, part: usize) -> Result<Batches<'_>> {
        let (file, group) = self.parts[part];
        self.files[file].read(group, &self.column, self.origin(part))
    }

    fn origin(&self, part: usize) -> String {
        let (file, group) = self.parts[part];
        format!("{}, row group {group}", self.files[file].path.display())
    }

    fn column(&self) -> &str {
        &self.column
    }
}

impl ParquetFile {
    fn open(path: PathBuf, column: &str) -> Result<Self> {
        let origin = path.display().to_string();
        let file = File::open(&path).at("read", &path)?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
            .map_err(|error| Error::corpus(&origin, format!("is no readable Parquet file: {error}")))?;
        let schema = metadata.schema();
        let (root, field) = schema.column_with_name(column).ok_or_else(|| missing_column(column, schema, &origin))?;
        check_list_type(field.data_type(), column, &origin)?;
        Ok(Self { path, metadata, root })
    }

    fn read(&self, group: usize, column: &str, origin: String) -> Result<Batches<'_>> {
        let file = File::open(&self.path).at("read", &self.path)?;
        let broken = {
            let column = column.to_owned();
            move |error: &dyn std::fmt::Display| {
                Error::corpus(&origin, format!("cannot decode column {column:?}: {error}"))
            }
        };
        let parquet = self.metadata.metadata();
        let options = ArrowReaderOptions::new().with_schema(self.decoded_schema(group, column));
        let metadata = ArrowReaderMetadata::try_new(parquet.clone(), options).map_err(|e| broken(&e))?;
        let projection = ProjectionMask::roots(parquet.file_metadata().schema_descr(), [self.root]);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_projection(projection)
            .with_row_groups(vec![group])
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|e| broken(&e))?;
        Ok(Box::new(
            reader.map(move |batch| -> Result<ArrayRef> { Ok(batch.map_err(|e| broken(&e))?.column(0).clone()) }),
        ))
    }

    /// The file's schema with this column's strings as views, or as a dictionary where the row group's pages all are:
    /// then nothing is copied on decoding, and each distinct token is looked up once.
    fn decoded_schema(&self, group: usize, column: &str) -> SchemaRef {
        let group = self.metadata.metadata().row_group(group);
        let leaf = group.columns().iter().find(|c| c.column_path().parts().first().is_some_and(|name| name == column));
        let strings = match leaf.is_some_and(is_dictionary_encoded) {
            true => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            false => DataType::Utf8View,
        };
        let schema = self.metadata.schema();
        let fields = schema.fields().iter().enumerate().map(|(i, field)| match i == self.root {
            true => with_strings_as(field, &strings),
            false => field.clone(),
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
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
    let is_string = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let item = |item: &FieldRef| -> FieldRef {
        let holds_strings = match item.data_type() {
            DataType::Dictionary(_, value) => is_string(value),
            token => is_string(token),
        };
        if holds_strings { Arc::new(Field::clone(item).with_data_type(strings.clone())) } else { item.clone() }
    };
    let lists = match field.data_type() {
        DataType::List(i) | DataType::ListView(i) => DataType::List(item(i)),
        DataType::LargeList(i) | DataType::LargeListView(i) => DataType::LargeList(item(i)),
        DataType::FixedSizeList(i, n) => DataType::FixedSizeList(item(i), *n),
        other => other.clone(),
    };
    Arc::new(Field::clone(field).with_data_type(lists))
}

/// Files that a path, directory or glob stands for.
fn expand(source: &str) -> Result<Vec<PathBuf>> {
    let path = Path::new(source);
    if path.is_dir() {
        return files_in(path);
    }
    // A file whose name holds a bracket is a file first.
    if !path.exists() && source.contains(['*', '?', '[']) {
        return files_matching(source);
    }
    Ok(vec![path.to_owned()])
}

/// The directory's own `*.parquet` files, sorted.
fn files_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).at("read", directory)? {
        let path = entry.at("read", directory)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.extension().is_some_and(|extension| extension == "parquet") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(Error::corpus(directory.display().to_string(), "the directory holds no *.parquet file")),
        false => Ok(files),
    }
}

/// The files that match a glob, sorted.
fn files_matching(pattern: &str) -> Result<Vec<PathBuf>> {
    let paths = glob::glob(pattern).map_err(|error| Error::corpus(pattern, format!("is no valid glob: {error}")))?;
    let mut files = Vec::new();
    for path in paths {
        let path =
            path.map_err(|error| Error::Io { action: "read", path: error.path().to_owned(), source: error.into() })?;
        if path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() { Err(Error::corpus("corpus", format!("no file matches {pattern}"))) } else { Ok(files) }
}
