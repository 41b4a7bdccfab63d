//! Where token lists come from. A corpus is read more than once: to count, to encode, and without a spool in every
//! epoch.

mod arrow_corpus;
mod batch;
mod columns;
mod condition;
mod dataset;
mod file_corpus;
mod list_type;
mod lists;
mod options;
mod partitions;
mod paths;
mod pruning;
mod query;
mod readers;
mod sampled;
mod token_file;
mod tokens;

pub use arrow_corpus::ArrowCorpus;
pub use batch::{Batch, Batches, Corpus, Input};
pub(crate) use columns::ColumnPath;
#[cfg(feature = "python")]
pub(crate) use columns::{candidates, no_column};
pub use file_corpus::FileCorpus;
pub(crate) use file_corpus::files_of;
#[cfg(feature = "python")]
pub(crate) use list_type::is_list;
pub(crate) use lists::Lists;
pub use options::{FileFormat, ReadOptions, Split, TextLayout, TextOptions};
pub(crate) use partitions::Partition;
#[cfg(feature = "python")]
pub(crate) use query::{Query, ResolvedColumns};
pub(crate) use readers::{compression_of, decompressed};
pub use sampled::Sampled;
pub(crate) use tokens::tokens_of;

pub use crate::store::StorageOptions;
pub use crate::utf8::Utf8Errors;
