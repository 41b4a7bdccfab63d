//! Tokens to row numbers: done once, so that every epoch reads integers.

mod spool;
mod tokens;

use std::sync::Arc;

use arrow::array::{Array, AsArray, ListArray, UInt32Array};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, UInt32Type};
use rayon::prelude::*;

use serde::{Deserialize, Serialize};

pub use spool::Spool;

use crate::corpus::{Corpus, Lists};
use crate::error::{Error, Result};
use crate::progress::{Phase, Progress};
use crate::vocab::Vocabulary;
use spool::SpoolWriter;
use tokens::rows_of_tokens;

/// The unit of work: sentences as lists of row numbers.
pub(crate) struct EncodedBatch {
    /// Its place in the corpus, from which its random draws follow.
    pub(crate) number: usize,
    /// `List<UInt32>` without nulls; no list is empty.
    pub(crate) lists: ListArray,
}

/// What was read of a corpus while it was encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoded {
    /// In-vocabulary tokens.
    pub tokens: u64,
    /// Tokens that are not null, those out of vocabulary among them.
    pub raw_tokens: u64,
    /// Lists that are not null.
    pub raw_sentences: u64,
    /// A hash of the row numbers in order, by which the same corpus is known again.
    pub fingerprint: u64,
}

/// Encodes a corpus. Tokens that are null or out of vocabulary are left out, and so are sentences without any other.
///
/// The spool stays in memory up to `memory_budget` bytes, and beyond lies in a temporary file that is memory-mapped.
/// Its batches hold whole sentences, of at least `batch_words` tokens together.
///
/// # Errors
/// What the corpus fails with; [`Error::Io`] if the temporary file cannot be written; [`Error::Interrupted`].
pub fn encode(
    corpus: &dyn Corpus,
    vocabulary: &Vocabulary,
    batch_words: usize,
    memory_budget: u64,
    progress: &Progress,
) -> Result<Spool> {
    let mut writer = SpoolWriter::new(memory_budget);
    let encoded = encode_with_progress(corpus, vocabulary, batch_words, progress, &mut |batch| writer.write(batch))?;
    writer.finish(encoded)
}

/// Encodes a corpus and keeps nothing, to know what there will be when it is streamed.
///
/// # Errors
/// What the corpus fails with; [`Error::Interrupted`].
pub(crate) fn measure(
    corpus: &dyn Corpus,
    vocabulary: &Vocabulary,
    batch_words: usize,
    progress: &Progress,
) -> Result<Encoded> {
    encode_with_progress(corpus, vocabulary, batch_words, progress, &mut |_| Ok(()))
}

/// [`encode_batches`], as a phase of its own.
fn encode_with_progress(
    corpus: &dyn Corpus,
    vocabulary: &Vocabulary,
    batch_words: usize,
    progress: &Progress,
    each: &mut dyn FnMut(EncodedBatch) -> Result<()>,
) -> Result<Encoded> {
    progress.enter(Phase::Encoding, vocabulary.raw_tokens());
    let mut count = |tokens| {
        progress.advance(tokens);
    };
    encode_lists(corpus, vocabulary, batch_words, progress, &mut count, each)
}

/// Encodes a corpus and passes on each batch.
///
/// # Errors
/// What the corpus or `each` fails with; [`Error::Interrupted`].
pub(crate) fn encode_batches(
    corpus: &dyn Corpus,
    vocabulary: &Vocabulary,
    batch_words: usize,
    progress: &Progress,
    each: &mut dyn FnMut(EncodedBatch) -> Result<()>,
) -> Result<Encoded> {
    encode_lists(corpus, vocabulary, batch_words, progress, &mut |_| {}, each)
}

fn encode_lists(
    corpus: &dyn Corpus,
    vocabulary: &Vocabulary,
    batch_words: usize,
    progress: &Progress,
    count: &mut dyn FnMut(u64),
    each: &mut dyn FnMut(EncodedBatch) -> Result<()>,
) -> Result<Encoded> {
    let mut cutter = Cutter { batch_words, waiting: Sentences::default(), number: 0, encoded: Encoded::default() };
    let read_part = |part: usize, each: &mut dyn FnMut(&Lists, &str) -> Result<()>| -> Result<()> {
        let origin = corpus.origin(part);
        for lists in corpus.read(part)? {
            progress.check()?;
            each(&Lists::new(&lists?, corpus.column(), &origin)?, &origin)?;
        }
        Ok(())
    };
    if !corpus.is_parallel() {
        for part in 0..corpus.parts() {
            read_part(part, &mut |lists, origin| {
                count(cutter.waiting.encode(lists, vocabulary, origin)?);
                cutter.cut(false, each)
            })?;
        }
        return cutter.finish(each);
    }
    // As many parts at a time as there are threads: they are decoded at once, and written in order.
    let at_once = rayon::current_num_threads();
    for first in (0..corpus.parts()).step_by(at_once) {
        let parts = first..(first + at_once).min(corpus.parts());
        let encode_part = |part| {
            let mut encoded = Sentences::default();
            read_part(part, &mut |lists, origin| encoded.encode(lists, vocabulary, origin).map(|_| ()))
                .map(|()| encoded)
        };
        for part in parts.into_par_iter().map(encode_part).collect::<Result<Vec<_>>>()? {
            count(part.raw_tokens);
            cutter.waiting.extend(part);
            cutter.cut(false, each)?;
        }
    }
    cutter.finish(each)
}

/// Cuts encoded sentences into batches.
struct Cutter {
    batch_words: usize,
    waiting: Sentences,
    number: usize,
    encoded: Encoded,
}

impl Cutter {
    fn cut(&mut self, with_rest: bool, each: &mut dyn FnMut(EncodedBatch) -> Result<()>) -> Result<()> {
        if self.waiting.rows.len() < self.batch_words && !with_rest {
            return Ok(());
        }
        for lists in self.waiting.take_batches(self.batch_words, with_rest)? {
            let rows = lists.values().as_primitive::<UInt32Type>().values();
            self.encoded.tokens += rows.len() as u64;
            // As in FxHash; the odd factor is from there.
            let mix =
                |hash: u64, &row: &u32| (hash.rotate_left(5) ^ u64::from(row)).wrapping_mul(0x517c_c1b7_2722_0a95);
            self.encoded.fingerprint = rows.iter().fold(self.encoded.fingerprint, mix);
            each(EncodedBatch { number: self.number, lists })?;
            self.number += 1;
        }
        Ok(())
    }

    fn finish(mut self, each: &mut dyn FnMut(EncodedBatch) -> Result<()>) -> Result<Encoded> {
        self.cut(true, each)?;
        let (raw_tokens, raw_sentences) = (self.waiting.raw_tokens, self.waiting.raw_sentences);
        Ok(Encoded { raw_tokens, raw_sentences, ..self.encoded })
    }
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

    fn extend(&mut self, other: Self) {
        let start = self.rows.len();
        self.rows.extend(other.rows);
        self.ends.extend(other.ends.into_iter().map(|end| start + end));
        self.raw_tokens += other.raw_tokens;
        self.raw_sentences += other.raw_sentences;
    }

    /// Cuts off whole sentences from the front, at least `batch_words` tokens a batch; of the rest nothing, unless
    /// `with_rest`. So where batches are cut follows from the sentences alone, not from the parts that they came
    /// in.
    fn take_batches(&mut self, batch_words: usize, with_rest: bool) -> Result<Vec<ListArray>> {
        let (mut batches, mut from, mut start) = (Vec::new(), 0, 0);
        loop {
            let rest = &self.ends[from..];
            let full = rest.partition_point(|&end| end < start + batch_words);
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
