//! Where token lists come from. A corpus is read more than once: to count, to encode, and without a spool in every
//! epoch.

mod arrow;
mod lists;
mod parquet;
mod text;

use ::arrow::array::ArrayRef;

pub use arrow::ArrowCorpus;
#[cfg(feature = "python")]
pub(crate) use arrow::missing_column;
pub(crate) use lists::{Lists, check_list_type};
pub use parquet::ParquetCorpus;
pub use text::TextCorpus;

use crate::error::Result;

/// Token lists in independent parts that can each be read again.
///
/// A list column may be List, LargeList, ListView, LargeListView or FixedSizeList, of Utf8, LargeUtf8, Utf8View, a
/// dictionary of those, or unsigned integers (each its own word, written in decimal). Null lists and null tokens are
/// skipped.
pub trait Corpus: Send + Sync {
    /// The number of parts: row groups of Parquet files, or 1.
    fn parts(&self) -> usize;

    /// Reads one part, in order.
    ///
    /// # Errors
    /// [`Error::Corpus`](crate::Error::Corpus), [`Error::Io`](crate::Error::Io), or what the caller's own source
    /// raises.
    fn read(&self, part: usize) -> Result<Batches<'_>>;

    /// What to call a part in a message: "part-0.parquet, row group 3".
    fn origin(&self, part: usize) -> String;

    /// The column's name.
    fn column(&self) -> &str;

    /// Whether parts may be read on any thread at once. A source that is one object's iterator says no.
    fn is_parallel(&self) -> bool {
        true
    }
}

/// List columns, one after the other.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<ArrayRef>> + Send + 'a>;
