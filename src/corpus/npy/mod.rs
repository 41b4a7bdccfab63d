//! NumPy's `.npy` as corpora: arrays of token lists, and of ids.

mod header;
mod ids;
mod pickle;

use std::io::{BufReader, Read};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, LargeListBuilder, LargeStringBuilder};

use self::header::{HEADER_BYTES, Header, Npy};
use self::ids::IdsFile;
use self::pickle::{Fetched, Sentence, Sentences};
use super::files::{Place, Spans, TokenFile};
use super::query::Query;
use super::{Batches, ListsOf};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::store::Span;

/// Sentences that are passed on at a time.
const SENTENCES_PER_BATCH: usize = 4096;
/// Bytes of text and offsets of a batch, about.
const BATCH_BYTES: usize = 8 << 20;
/// Bytes of a sentence's text and offsets. A few bytes of pickle can stand for any number of them.
const SENTENCE_BYTES: usize = 1 << 30;

/// A `.npy` file, in one part.
pub(super) struct NpyFile {
    place: Place,
    query: Query,
    /// If it holds ids.
    ids: Option<IdsFile>,
    /// If not, what the first reading learnt.
    fetched: OnceLock<Arc<Fetched>>,
}

impl NpyFile {
    /// # Errors
    /// [`Error::Io`], or [`Error::Corpus`] for what is no array of token lists or ids.
    pub(super) fn open(place: Place, query: &Query, progress: &Progress) -> Result<Self> {
        let name = place.name();
        query.refuse_columns(&name, "a NumPy array")?;
        let ids = match (Npy::of(&mut &*place.head(HEADER_BYTES as u64, progress)?, &name)?, &place) {
            (Npy::Objects, _) => None,
            (Npy::Ids, Place::Local(path)) => Some(IdsFile::map(path)?),
            (Npy::Ids, Place::Remote(_)) => {
                return Err(Error::corpus(
                    name,
                    "holds ids, which are read from a mapped file; copy it to this machine",
                ));
            }
        };
        Ok(Self { place, query: query.clone(), ids, fetched: OnceLock::new() })
    }
}

impl TokenFile for NpyFile {
    fn spans(&self) -> Vec<Span> {
        self.place.whole()
    }

    fn read(&self, _part: usize, spans: Spans<'_>) -> Result<Batches<'_>> {
        let lists = match &self.ids {
            Some(ids) => ids.batches(),
            None => {
                let name = self.place.name();
                let fetched = match self.fetched.get() {
                    Some(fetched) => fetched.clone(),
                    None => {
                        let scanned = Arc::new(scan(self.place.bytes(spans)?, &name)?);
                        self.fetched.get_or_init(|| scanned).clone()
                    }
                };
                object_lists(self.place.bytes(spans)?, name, fetched)?
            }
        };
        Ok(self.query.of_lists(lists))
    }

    fn origin(&self, _part: usize) -> String {
        self.place.name()
    }
}

/// Learns which values of the pickle are referred to again.
fn scan(input: Box<dyn Read + Send>, origin: &str) -> Result<Fetched> {
    let mut input = BufReader::new(input);
    Header::read(&mut input, origin)?.of_kind(Npy::Objects, origin)?;
    Fetched::scan(input, origin)
}

/// The sentences of an array of token lists, or of a matrix of tokens, pickled by `np.save(…, allow_pickle=True)`. They
/// are read one at a time; only values that the pickle refers to again are kept.
fn object_lists(input: Box<dyn Read + Send>, origin: String, fetched: Arc<Fetched>) -> Result<ListsOf<'static>> {
    let mut input = BufReader::new(input);
    let header = Header::read(&mut input, &origin)?.of_kind(Npy::Objects, &origin)?;
    let mut sentences = Sentences::new(input, &origin, &header.shape, fetched)?;
    Ok(until_error(move || next_batch(&origin, || sentences.next()).transpose()))
}

/// Batches up to and with the first error.
fn until_error<'a>(mut next: impl FnMut() -> Option<Result<ArrayRef>> + Send + 'a) -> ListsOf<'a> {
    let mut has_failed = false;
    Box::new(std::iter::from_fn(move || {
        let batch = if has_failed { None } else { next() };
        has_failed = matches!(batch, Some(Err(_)));
        batch
    }))
}

fn next_batch(origin: &str, mut next: impl FnMut() -> Result<Option<Sentence>>) -> Result<Option<ArrayRef>> {
    let mut lists = LargeListBuilder::new(LargeStringBuilder::new());
    let (mut sentences, mut held) = (0, 0);
    while sentences < SENTENCES_PER_BATCH && held < BATCH_BYTES {
        let Some(sentence) = next()? else { break };
        let tokens = sentence.as_deref().unwrap_or_default();
        let bytes: usize = tokens.iter().map(|token| size_of::<i64>() + token.as_deref().map_or(0, str::len)).sum();
        if bytes > SENTENCE_BYTES {
            return Err(Error::corpus(origin, "has a sentence of more than 1 GiB; split it into shorter ones"));
        }
        tokens.iter().for_each(|token| lists.values().append_option(token.as_deref()));
        lists.append(sentence.is_some());
        (sentences, held) = (sentences + 1, held + bytes);
    }
    Ok((sentences > 0).then(|| Arc::new(lists.finish()) as ArrayRef))
}

#[cfg(test)]
mod tests;
