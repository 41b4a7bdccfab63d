//! One file of a corpus: where it is, and what its format must give.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::batch::Batches;
use super::options::TextOptions;
use super::partitions::Partition;
use super::query::Query;
use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;
use crate::store::{self, Fetcher, Object, Span};

/// A file that is to be opened, and what is read of it.
pub(super) struct Opening<'a> {
    pub(super) location: FileLocation,
    pub(super) partition: Partition,
    pub(super) query: Arc<Query>,
    pub(super) text: &'a TextOptions,
    pub(super) progress: &'a Progress,
}

/// An open file of one format.
pub(super) trait TokenFile: Send + Sync {
    /// Row groups, record batches, pieces of a text; or 1.
    fn parts(&self) -> usize {
        1
    }

    /// The bytes of an object that its parts will read, in order.
    fn spans(&self) -> Vec<Span>;

    /// Reads one part.
    fn read(&self, part: usize, spans: Spans<'_>) -> Result<Batches<'_>>;

    /// What to call a part in a message.
    fn origin(&self, part: usize) -> String;
}

/// The spans of one file, fetched ahead.
#[derive(Clone, Copy)]
pub(super) struct Spans<'a> {
    fetcher: &'a Fetcher,
    first: usize,
    pub(super) progress: &'a Progress,
}

impl<'a> Spans<'a> {
    /// The spans of a file whose first one has this number.
    pub(super) fn new(fetcher: &'a Fetcher, first: usize, progress: &'a Progress) -> Self {
        Self { fetcher, first, progress }
    }

    pub(super) fn read(&self, span: usize) -> Result<store::RangeReader> {
        self.fetcher.read(self.first + span, self.progress)
    }
}

/// Where a file is.
#[derive(Debug, Clone)]
pub(super) enum FileLocation {
    Local(PathBuf),
    Remote(Object),
}

impl FileLocation {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Local(path) => path.display().to_string(),
            Self::Remote(object) => object.url(),
        }
    }

    /// The whole of an object, as one span.
    pub(super) fn whole(&self) -> Vec<Span> {
        match self {
            Self::Local(_) => Vec::new(),
            Self::Remote(object) => vec![Span { object: object.clone(), bytes: 0..object.size() }],
        }
    }

    /// All bytes in order; those of an object from its only span.
    pub(super) fn bytes(&self, spans: Spans<'_>) -> Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Local(path) => Box::new(File::open(path).at("read", path)?),
            Self::Remote(_) => Box::new(spans.read(0)?),
        })
    }

    /// The first bytes; fewer if the file is shorter.
    pub(super) fn head(&self, bytes: u64, progress: &Progress) -> Result<Vec<u8>> {
        self.range(0..bytes.min(self.size()?), progress)
    }

    pub(super) fn size(&self) -> Result<u64> {
        match self {
            Self::Local(path) => Ok(fs::metadata(path).at("read", path)?.len()),
            Self::Remote(object) => Ok(object.size()),
        }
    }

    /// A range of its bytes; fewer if it ends before.
    pub(super) fn range(&self, bytes: Range<u64>, progress: &Progress) -> Result<Vec<u8>> {
        let mut read = Vec::new();
        match self {
            Self::Local(path) => {
                let mut file = File::open(path).at("read", path)?;
                file.seek(SeekFrom::Start(bytes.start)).at("read", path)?;
                file.take(bytes.end - bytes.start).read_to_end(&mut read).at("read", path)?;
            }
            Self::Remote(object) => read.extend(object.read_range(bytes, progress)?),
        }
        Ok(read)
    }
}

/// The crate's error that came through a reader of bytes, or the system's.
pub(super) fn unwrapped(error: io::Error, name: &str) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(source) => Error::Io { action: "read", path: PathBuf::from(name), source },
    }
}
