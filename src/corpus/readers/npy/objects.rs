//! Arrays of token lists, which NumPy pickles.

use std::io::{BufReader, Read};
use std::sync::Arc;

use arrow::array::{ArrayRef, LargeListBuilder, LargeStringBuilder};

use super::batches::{SENTENCES_PER_BATCH, until_error};
use super::kind::{Kind, read_header_of};
use super::pickle::{Fetched, PickleReader, Sentence};
use crate::corpus::query::ListsOf;
use crate::error::{Error, Result};

/// Bytes of text and offsets of a batch, about.
const BATCH_BYTES: usize = 8 << 20;
/// Bytes of a sentence's text and offsets. A few bytes of pickle can stand for any number of them.
const SENTENCE_BYTES: usize = 1 << 30;

/// Learns which values of the pickle are referred to again.
pub(super) fn scan(input: Box<dyn Read + Send>, origin: &str) -> Result<Fetched> {
    let mut input = BufReader::new(input);
    read_header_of(Kind::Objects, &mut input, origin)?;
    Fetched::scan(input, origin)
}

/// The sentences of an array of token lists, or of a matrix of tokens, pickled by `np.save(…, allow_pickle=True)`. They
/// are read one at a time; only values that the pickle refers to again are kept.
pub(super) fn object_lists(
    input: Box<dyn Read + Send>,
    origin: String,
    fetched: Arc<Fetched>,
) -> Result<ListsOf<'static>> {
    let mut input = BufReader::new(input);
    let header = read_header_of(Kind::Objects, &mut input, &origin)?;
    let mut sentences = PickleReader::new(input, &origin, &header.shape, fetched)?;
    Ok(until_error(move || next_batch(&origin, || sentences.next()).transpose()))
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
