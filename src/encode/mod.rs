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
    let encode_part = |part: usize| -> Result<Sentences> {
        let (origin, mut sentences) = (corpus.origin(part), Sentences::default());
        for lists in corpus.read(part)? {
            progress.check()?;
            let before = sentences.raw_tokens;
            sentences.append(&Lists::new(&lists?, corpus.column(), &origin)?, vocabulary, &origin)?;
            progress.advance(sentences.raw_tokens - before);
        }
        Ok(sentences)
    };
    // As many parts at a time as there are threads: they are decoded at once, and written in order.
    let at_once = if corpus.is_parallel() { rayon::current_num_threads() } else { 1 };
    for first in (0..corpus.parts()).step_by(at_once) {
        let parts = first..(first + at_once).min(corpus.parts());
        let encoded = match corpus.is_parallel() {
            true => parts.into_par_iter().map(encode_part).collect::<Result<Vec<_>>>()?,
            false => parts.map(encode_part).collect::<Result<Vec<_>>>()?,
        };
        for sentences in encoded {
            writer.write(sentences)?;
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
    fn append(&mut self, lists: &Lists, vocabulary: &Vocabulary, origin: &str) -> Result<()> {
        let tokens = rows_of_tokens(lists.values.as_ref(), vocabulary.words(), origin)?;
        for range in &lists.ranges {
            let tokens = &tokens[range.clone()];
            self.raw_sentences += 1;
            self.raw_tokens += tokens.iter().filter(|token| **token != tokens::NULL).count() as u64;
            let before = self.rows.len();
            self.rows.extend(tokens.iter().copied().filter(|&token| token < tokens::UNKNOWN));
            if self.rows.len() > before {
                self.ends.push(self.rows.len());
            }
        }
        Ok(())
    }

    /// Cuts off whole sentences of at least [`BATCH_TOKENS`] tokens together, or all that is left.
    fn batches(&self) -> impl Iterator<Item = Result<ListArray>> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let start = if from == 0 { 0 } else { self.ends[from - 1] };
            let rest = &self.ends[from..];
            let full = rest.partition_point(|&end| end < start + BATCH_TOKENS);
            let ends = &rest[..rest.len().min(full + 1)];
            from += ends.len();
            (!ends.is_empty()).then(|| list_array(&self.rows[start..ends[ends.len() - 1]], start, ends))
        })
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
