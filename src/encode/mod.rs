//! Tokens to row numbers: done once, so that every epoch reads integers.

mod spool;
mod tokens;

use std::sync::Arc;

use arrow::array::{Array, ListArray, UInt32Array};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};
use rayon::prelude::*;

pub use spool::Spool;

use crate::corpus::{Corpus, Lists};
use crate::error::{Error, Result};
use crate::progress::{Phase, Progress};
use crate::vocab::Vocabulary;
use spool::SpoolWriter;
use tokens::rows_of_tokens;

/// Tokens in a batch: the unit that a worker takes, small enough that sixteen workers end an epoch together.
const BATCH_TOKENS: usize = 1 << 15;

/// The unit of work: sentences as lists of row numbers.
pub(crate) struct EncodedBatch {
    /// Its place in the corpus, from which its random draws follow.
    pub(crate) number: usize,
    /// `List<UInt32>` without nulls; no list is empty.
    pub(crate) lists: ListArray,
}

/// Encodes a corpus. Tokens that are null or out of vocabulary are left out, and so are sentences without any other.
///
/// The spool stays in memory up to `memory_budget` bytes, and beyond lies in a temporary file that is memory-mapped.
///
/// # Errors
/// What the corpus fails with; [`Error::Io`] if the temporary file cannot be written; [`Error::Interrupted`].
pub fn encode(corpus: &dyn Corpus, vocabulary: &Vocabulary, memory_budget: u64, progress: &Progress) -> Result<Spool> {
    progress.enter(Phase::Encoding, vocabulary.raw_tokens());
    let mut writer = SpoolWriter::new(memory_budget);
    let read_part = |part: usize, each: &mut dyn FnMut(&Lists, &str) -> Result<u64>| -> Result<()> {
        let origin = corpus.origin(part);
        for lists in corpus.read(part)? {
            progress.check()?;
            let tokens = each(&Lists::new(&lists?, corpus.column(), &origin)?, &origin)?;
            progress.advance(tokens);
        }
        Ok(())
    };
    if !corpus.is_parallel() {
        for part in 0..corpus.parts() {
            read_part(part, &mut |lists, origin| {
                writer.append(|sentences| sentences.encode(lists, vocabulary, origin))
            })?;
        }
        return writer.finish();
    }
    // As many parts at a time as there are threads: they are decoded at once, and written in order.
    let at_once = rayon::current_num_threads();
    for first in (0..corpus.parts()).step_by(at_once) {
        let parts = first..(first + at_once).min(corpus.parts());
        let encode_part = |part| {
            let mut encoded = Sentences::default();
            read_part(part, &mut |lists, origin| encoded.encode(lists, vocabulary, origin)).map(|()| encoded)
        };
        for part in parts.into_par_iter().map(encode_part).collect::<Result<Vec<_>>>()? {
            writer.append(|sentences| sentences.extend(part))?;
        }
    }
    writer.finish()
}

/// Sentences as row numbers, growing.
#[derive(Default)]
struct Sentences {
    rows: Vec<u32>,
    /// Where each sentence ends in `rows`.
    ends: Vec<usize>,
    raw_tokens: u64,
    /// Lists read, the empty ones among them.
    raw_sentences: u64,
}

impl Sentences {
    /// Encodes more lists and gives the number of their tokens, known or not.
    fn encode(&mut self, lists: &Lists, vocabulary: &Vocabulary, origin: &str) -> Result<u64> {
        let before = self.raw_tokens;
        let tokens = rows_of_tokens(lists.values.as_ref(), vocabulary.words(), origin)?;
        for range in &lists.ranges {
            let tokens = &tokens[range.clone()];
            self.raw_sentences += 1;
            self.raw_tokens += tokens.iter().filter(|token| **token != tokens::NULL).count() as u64;
            let start = self.rows.len();
            self.rows.extend(tokens.iter().copied().filter(|&token| token < tokens::UNKNOWN));
            if self.rows.len() > start {
                self.ends.push(self.rows.len());
            }
        }
        Ok(self.raw_tokens - before)
    }

    fn extend(&mut self, other: Self) -> Result<u64> {
        let start = self.rows.len();
        self.rows.extend(other.rows);
        self.ends.extend(other.ends.into_iter().map(|end| start + end));
        self.raw_tokens += other.raw_tokens;
        self.raw_sentences += other.raw_sentences;
        Ok(other.raw_tokens)
    }

    /// Cuts off whole sentences from the front, at least [`BATCH_TOKENS`] tokens a batch; of the rest nothing, unless `with_rest`. So
    /// where batches are cut follows from the sentences alone, not from the parts that they came in.
    fn take_batches(&mut self, with_rest: bool) -> Result<Vec<ListArray>> {
        let (mut batches, mut from, mut start) = (Vec::new(), 0, 0);
        loop {
            let rest = &self.ends[from..];
            let full = rest.partition_point(|&end| end < start + BATCH_TOKENS);
            let take = if full < rest.len() { full + 1 } else { rest.len() };
            if take == 0 || (full == rest.len() && !with_rest) {
                break;
            }
            let end = rest[take - 1];
            batches.push(list_array(&self.rows[start..end], start, &rest[..take])?);
            (from, start) = (from + take, end);
        }
        self.rows.drain(..start);
        self.ends.drain(..from);
        self.ends.iter_mut().for_each(|end| *end -= start);
        Ok(batches)
    }
}

fn list_array(rows: &[u32], start: usize, ends: &[usize]) -> Result<ListArray> {
    let offset = |end: usize| {
        i32::try_from(end - start)
            .map_err(|_| Error::corpus("corpus", "a sentence has more than 2^31 tokens; split it"))
    };
    let offsets: ScalarBuffer<i32> =
        std::iter::once(Ok(0)).chain(ends.iter().map(|&end| offset(end))).collect::<Result<Vec<_>>>()?.into();
    let rows = Arc::new(UInt32Array::from(rows.to_vec()));
    Ok(ListArray::new(item_field(), OffsetBuffer::new(offsets), rows as Arc<dyn Array>, None))
}

fn item_field() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::UInt32, false))
}

#[cfg(test)]
mod tests;
