//! Where token lists come from. A corpus is read more than once: to count, to encode, and without a spool in every
//! epoch.

mod arrow;
mod compressed;
mod files;
mod ipc;
mod lists;
mod npy;
mod options;
mod parquet;
mod paths;
mod query;
mod sampled;
mod text;

use ::arrow::array::{ArrayRef, UInt64Array};

pub use arrow::ArrowCorpus;
#[cfg(feature = "python")]
pub(crate) use arrow::missing_column;
pub use files::FileCorpus;
pub(crate) use lists::{Lists, check_list_type};
pub use options::{FileFormat, ReadOptions, Split};
#[cfg(feature = "python")]
pub(crate) use query::counts_of;
pub use sampled::Sampled;
pub use text::{TextLayout, TextOptions, Utf8Errors};

use crate::error::Result;
use crate::progress::Progress;
pub use crate::store::StorageOptions;

/// Token lists in independent parts that can each be read again.
///
/// A list column may be List, LargeList, ListView, LargeListView or FixedSizeList, of Utf8, LargeUtf8, Utf8View, a
/// dictionary of those, or unsigned integers (each its own word, written in decimal). Null lists and null tokens are
/// skipped.
pub trait Corpus: Send + Sync {
    /// The number of parts: row groups, record batches, pieces of a text; or 1.
    fn parts(&self) -> usize;

    /// Reads one part, in order. Parts are asked for from the first to the last, by several threads if they may be.
    ///
    /// # Errors
    /// [`Error::Corpus`](crate::Error::Corpus), [`Error::Io`](crate::Error::Io),
    /// [`Error::Interrupted`](crate::Error::Interrupted), or what the caller's own source raises.
    fn read(&self, part: usize, progress: &Progress) -> Result<Batches<'_>>;

    /// What to call a part in a message: "part-0.parquet, row group 3".
    fn origin(&self, part: usize) -> String;

    /// The column's name.
    fn column(&self) -> &str;

    /// Whether parts may be read on any thread at once. A source that is one object's iterator says no.
    fn is_parallel(&self) -> bool {
        true
    }
}

/// Some sentences.
#[derive(Debug, Clone)]
pub struct Batch {
    /// A list column.
    pub lists: ArrayRef,
    /// How often each list stands in the corpus; once if there are no counts.
    pub counts: Option<UInt64Array>,
}

impl From<ArrayRef> for Batch {
    fn from(lists: ArrayRef) -> Self {
        Self { lists, counts: None }
    }
}

/// Batches, one after the other.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<Batch>> + Send + 'a>;

/// Lists of sentences that all count once.
type ListsOf<'a> = Box<dyn Iterator<Item = Result<ArrayRef>> + Send + 'a>;
