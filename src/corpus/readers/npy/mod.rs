//! NumPy's `.npy` as corpora: arrays of token lists, and of ids.

mod batches;
mod ids;
mod kind;
mod objects;
mod pickle;

use std::sync::{Arc, OnceLock};

use self::ids::IdsFile;
use self::kind::{Kind, read_header};
use self::objects::{object_lists, scan};
use self::pickle::Fetched;
use crate::corpus::batch::Batches;
use crate::corpus::query::Query;
use crate::corpus::token_file::{FileLocation, Opening, Spans, TokenFile};
use crate::error::{Error, Result};
use crate::store::Span;

/// Bytes that hold any header.
const HEAD_BYTES: u64 = 1 << 17;

/// A `.npy` file, in one part.
pub(super) struct NpyFile {
    location: FileLocation,
    query: Arc<Query>,
    /// If it holds ids.
    ids: Option<IdsFile>,
    /// If it holds lists: what the first reading learnt about the pickle.
    fetched: OnceLock<Arc<Fetched>>,
}

impl NpyFile {
    /// # Errors
    /// [`Error::Io`], or [`Error::Corpus`] for a file that is not an array of token lists or ids.
    pub(super) fn open(file: Opening<'_>) -> Result<Self> {
        let Opening { location, partition, query, progress, .. } = file;
        let name = location.name();
        query.refuse_columns(&partition, &name, "a NumPy array")?;
        let (kind, _) = read_header(&mut &*location.head(HEAD_BYTES, progress)?, &name)?;
        let ids = match (kind, &location) {
            (Kind::Objects, _) => None,
            (Kind::Ids, FileLocation::Local(path)) => Some(IdsFile::map(path)?),
            (Kind::Ids, FileLocation::Remote(_)) => {
                return Err(Error::corpus(
                    name,
                    "holds ids, which are read from a mapped file; copy it to this machine",
                ));
            }
        };
        Ok(Self { location, query, ids, fetched: OnceLock::new() })
    }
}

impl TokenFile for NpyFile {
    fn spans(&self) -> Vec<Span> {
        self.location.whole()
    }

    fn read(&self, _part: usize, spans: Spans<'_>) -> Result<Batches<'_>> {
        let lists = match &self.ids {
            Some(ids) => ids.batches(),
            None => {
                let name = self.location.name();
                let fetched = match self.fetched.get() {
                    Some(fetched) => fetched.clone(),
                    None => {
                        let scanned = Arc::new(scan(self.location.bytes(spans)?, &name)?);
                        self.fetched.get_or_init(|| scanned).clone()
                    }
                };
                object_lists(self.location.bytes(spans)?, name, fetched)?
            }
        };
        Ok(self.query.of_lists(lists, self.location.name()))
    }

    fn origin(&self, _part: usize) -> String {
        self.location.name()
    }
}

#[cfg(test)]
mod tests;
