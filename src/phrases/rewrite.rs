//! A corpus as a Parquet file.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::corpus::{Batch, Corpus};
use crate::error::{Error, Result};
use crate::output::{Out, Output};
use crate::progress::{Phase, Progress};

/// Rows in a row group.
const ROW_GROUP: usize = 1 << 17;

/// The columns of the file: the lists, and how often each counts, if that is known.
struct Columns {
    schema: SchemaRef,
    count_column: Option<String>,
}

impl Columns {
    fn new(column: &str, count_column: Option<&str>) -> Self {
        let mut fields = vec![Field::new_list(column, Field::new_list_field(DataType::Utf8View, true), false)];
        fields.extend(count_column.map(|name| Field::new(name, DataType::UInt64, false)));
        Self { schema: Arc::new(Schema::new(fields)), count_column: count_column.map(str::to_owned) }
    }

    fn table(&self, batch: &Batch, origin: &str) -> Result<RecordBatch> {
        let failed = |error: arrow::error::ArrowError| Error::corpus(origin, error.to_string());
        let mut columns = vec![cast(batch.lists(), self.schema.field(0).data_type()).map_err(failed)?];
        if self.count_column.is_some() {
            let once = || UInt64Array::from(vec![1; batch.lists().len()]);
            columns.push(Arc::new(batch.counts().cloned().unwrap_or_else(once)) as ArrayRef);
        }
        RecordBatch::try_new(self.schema.clone(), columns).map_err(failed)
    }

    /// The tables of a part.
    fn tables(&self, corpus: &dyn Corpus, part: usize, progress: &Progress) -> Result<Vec<RecordBatch>> {
        let origin = corpus.origin(part);
        let batches = corpus.read(part, progress)?;
        batches.map(|batch| progress.check().and_then(|()| self.table(&batch?, &origin))).collect()
    }
}

/// Writes the lists of a corpus, in order, as the file of this name: a column of lists of strings, named as the corpus's is,
/// and with `count_column` one of how often each counts. Returns how many lists there are.
///
/// # Errors
/// The errors of the corpus; [`Error::Io`]; [`Error::Interrupted`].
pub(crate) fn write_parquet(
    corpus: &dyn Corpus,
    count_column: Option<&str>,
    name: &Path,
    output: &mut Output,
    progress: &Progress,
) -> Result<u64> {
    progress.enter(Phase::Saving, 0);
    let (columns, mut rows, mut failed) = (Columns::new(corpus.column(), count_column), 0, None);
    let written = output.write(name, |out| {
        let mut file = ParquetFile::new(out, &columns)?;
        let done = each_table(corpus, &columns, progress, &mut |table| {
            rows += table.num_rows() as u64;
            file.write(&table)
        });
        match done {
            Ok(written) => written.and_then(|()| file.close()),
            Err(error) => {
                failed = Some(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    });
    match failed {
        Some(error) => Err(error),
        None => written.map(|()| rows),
    }
}

/// Calls `write` with the tables of a corpus, in order. As many parts as there are cores are read at once.
fn each_table(
    corpus: &dyn Corpus,
    columns: &Columns,
    progress: &Progress,
    write: &mut dyn FnMut(RecordBatch) -> io::Result<()>,
) -> Result<io::Result<()>> {
    let parts = corpus.parts();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    if !corpus.is_parallel() || parts == 1 || threads == 1 {
        for part in 0..parts {
            let origin = corpus.origin(part);
            for batch in corpus.read(part, progress)? {
                progress.check()?;
                let written = write(columns.table(&batch?, &origin)?);
                if written.is_err() {
                    return Ok(written);
                }
            }
        }
        return Ok(Ok(()));
    }
    for first in (0..parts).step_by(threads) {
        let tables: Vec<_> = thread::scope(|scope| {
            let read = |part| scope.spawn(move || columns.tables(corpus, part, progress));
            let workers: Vec<_> = (first..parts.min(first + threads)).map(read).collect();
            let join = |worker: thread::ScopedJoinHandle<'_, _>| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            workers.into_iter().map(join).collect()
        });
        for table in tables.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten() {
            let written = write(table);
            if written.is_err() {
                return Ok(written);
            }
        }
    }
    Ok(Ok(()))
}

struct ParquetFile<'a, 'f>(ArrowWriter<&'a mut Out<'f>>);

impl<'a, 'f> ParquetFile<'a, 'f> {
    fn new(out: &'a mut Out<'f>, columns: &Columns) -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .build();
        // Strings, not views: what they were in memory is nobody's business.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(out, columns.schema.clone(), options);
        Ok(Self(writer.map_err(io::Error::other)?))
    }

    fn write(&mut self, table: &RecordBatch) -> io::Result<()> {
        self.0.write(table).map_err(io::Error::other)
    }

    fn close(self) -> io::Result<()> {
        self.0.close().map(drop).map_err(io::Error::other)
    }
}
