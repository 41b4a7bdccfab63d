//! Record batches in memory.

use arrow::array::{ArrayRef, RecordBatch};

use super::{Batches, Corpus, check_list_type};
use crate::error::{Error, Result};
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
    batches: Vec<ArrayRef>,
    column: String,
}

impl ArrowCorpus {
    /// The column `column` of `batches`.
    ///
    /// # Errors
    /// [`Error::Corpus`] if a batch has no such column, or it holds no lists of tokens.
    pub fn new(batches: &[RecordBatch], column: &str) -> Result<Self> {
        let batches = batches.iter().enumerate().map(|(i, batch)| {
            let origin = origin(i);
            let lists = batch.column_by_name(column).ok_or_else(|| missing_column(column, &batch.schema(), &origin))?;
            check_list_type(lists.data_type(), column, &origin)?;
            Ok(lists.clone())
        });
        Ok(Self { batches: batches.collect::<Result<_>>()?, column: column.to_owned() })
    }
}

impl Corpus for ArrowCorpus {
    fn parts(&self) -> usize {
        self.batches.len()
    }

    fn read(&self, part: usize, _progress: &Progress) -> Result<Batches<'_>> {
        Ok(Box::new(std::iter::once(Ok(self.batches[part].clone().into()))))
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

/// Says which columns there are instead.
pub(crate) fn missing_column(column: &str, schema: &arrow::datatypes::Schema, origin: &str) -> Error {
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    Error::corpus(
        origin,
        format!("there is no column {column:?}; it has {names:?}. Name one with column= or --column."),
    )
}
