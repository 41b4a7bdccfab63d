//! Record batches in memory.

use arrow::array::RecordBatch;

use super::batch::{Batch, Batches, Corpus};
use super::options::ReadOptions;
use super::partitions::Partition;
use super::query::Query;
use crate::error::Result;
use crate::progress::Progress;

/// A column of record batches that are already in memory.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder};
/// use polargram::corpus::{ArrowCorpus, Corpus};
///
/// let mut lists = ListBuilder::new(StringBuilder::new());
/// lists.append_value(["to", "be"].map(Some));
/// let batch = RecordBatch::try_from_iter([("tokens", Arc::new(lists.finish()) as ArrayRef)])?;
/// let corpus = ArrowCorpus::new(&[batch], "tokens")?;
/// assert_eq!(corpus.parts(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ArrowCorpus {
    batches: Vec<Batch>,
    column: String,
}

impl ArrowCorpus {
    /// The column `column` of `batches`; `session.items` is the field `items` of the struct `session`, unless a column
    /// has that very name.
    ///
    /// # Errors
    /// [`Error::Corpus`](crate::Error::Corpus) if a batch has no such column, or it holds no lists of tokens.
    pub fn new(batches: &[RecordBatch], column: &str) -> Result<Self> {
        let query = Query::new(&ReadOptions::column(column))?;
        let batches = batches.iter().enumerate().map(|(i, batch)| {
            let (origin, schema) = (origin(i), batch.schema());
            query.resolve_columns(schema.fields(), &Partition::default(), &origin)?.read(batch.columns(), &origin)
        });
        Ok(Self { batches: batches.collect::<Result<_>>()?, column: column.to_owned() })
    }
}

impl Corpus for ArrowCorpus {
    fn parts(&self) -> usize {
        self.batches.len()
    }

    fn read(&self, part: usize, _progress: &Progress) -> Result<Batches<'_>> {
        Ok(Box::new(std::iter::once(Ok(self.batches[part].clone()))))
    }

    fn origin(&self, part: usize) -> String {
        origin(part)
    }

    fn column(&self) -> &str {
        &self.column
    }
}

fn origin(batch: usize) -> String {
    format!("record batch {batch}")
}
