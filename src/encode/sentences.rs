//! Sentences as row numbers, waiting to be cut into batches.

use std::sync::Arc;

use arrow::array::{Array, ListArray, UInt32Array};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};

use super::tokens::{NULL, RowIndex, UNKNOWN, rows_of_tokens};
use super::{EncodedBatch, item_field};
use crate::corpus::Lists;
use crate::error::{Error, Result};

/// Sentences as row numbers, growing at the end and taken from the front.
#[derive(Default)]
pub(super) struct Sentences {
    pub(super) rows: Vec<u32>,
    /// Where each sentence ends in `rows`.
    ends: Vec<usize>,
    /// How often each comes; empty if all come once.
    pub(super) repeats: Vec<u32>,
    /// Sentences at the front that were taken.
    taken: usize,
    /// Tokens read, those that have no row among them.
    pub(super) raw_tokens: u64,
    /// Lists read, the empty ones among them.
    pub(super) raw_sentences: u64,
}

impl Sentences {
    /// Lists of tokens as lists of rows.
    ///
    /// # Errors
    /// [`Error::Corpus`] for tokens that are no strings.
    pub(super) fn encode(lists: &Lists, words: &RowIndex<'_>, origin: &str) -> Result<Self> {
        let mut sentences = Self::default();
        let tokens = rows_of_tokens(lists.values.as_ref(), words, origin)?;
        for (range, count) in lists.ranges.iter().zip(lists.counts()) {
            let tokens = &tokens[range.clone()];
            sentences.raw_sentences += u64::from(count);
            let start = sentences.rows.len();
            sentences.rows.resize(start + tokens.len(), 0);
            let (mut end, mut nulls) = (start, 0);
            for &token in tokens {
                // Every token is written, and overwritten by the next if it has no row: that cannot be predicted.
                sentences.rows[end] = token;
                end += usize::from(token < UNKNOWN);
                nulls += usize::from(token == NULL);
            }
            sentences.rows.truncate(end);
            sentences.raw_tokens += u64::from(count) * (tokens.len() - nulls) as u64;
            if end > start {
                sentences.ends.push(sentences.rows.len());
                if lists.counts.is_some() {
                    sentences.repeats.push(count);
                }
            }
        }
        Ok(sentences)
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> u64 {
        (size_of_val(&*self.rows) + size_of_val(&*self.ends) + size_of_val(&*self.repeats)) as u64
    }

    pub(super) fn extend(&mut self, other: Self) {
        let start = self.rows.len();
        self.rows.extend(other.rows);
        self.ends.extend(other.ends.into_iter().map(|end| start + end));
        self.repeats.extend(other.repeats);
        self.raw_tokens += other.raw_tokens;
        self.raw_sentences += other.raw_sentences;
    }

    fn start(&self, sentence: usize) -> usize {
        if sentence == 0 { 0 } else { self.ends[sentence - 1] }
    }

    /// Takes whole sentences from the front, of at least `batch_words` tokens together; if there are not so many left,
    /// none, or `with_rest` all. So where batches are cut follows from the sentences alone, not from the parts that
    /// they came in. A sentence that comes many times may stand in several batches.
    pub(super) fn take_batch(&mut self, batch_words: usize, with_rest: bool) -> Option<Self> {
        let (first, start) = (self.taken, self.start(self.taken));
        if self.repeats.is_empty() {
            let full = self.ends[first..].partition_point(|&end| end < start + batch_words);
            let last = if first + full < self.ends.len() { first + full + 1 } else { self.ends.len() };
            if last == first || (first + full == self.ends.len() && !with_rest) {
                return None;
            }
            self.taken = last;
            return Some(self.copied(first, last, Vec::new()));
        }
        let (mut tokens, mut last, mut repeats) = (0, first, Vec::new());
        while tokens < batch_words && last < self.ends.len() {
            let length = self.ends[last] - self.start(last);
            let times = (batch_words - tokens).div_ceil(length).min(self.repeats[last] as usize);
            tokens += length * times;
            repeats.push(times as u32);
            last += 1;
        }
        if last == first || (tokens < batch_words && !with_rest) {
            return None;
        }
        let batch = self.copied(first, last, repeats);
        // Of the last one some times may be left.
        self.repeats[last - 1] -= batch.repeats[last - 1 - first];
        self.taken = if self.repeats[last - 1] == 0 { last } else { last - 1 };
        Some(batch)
    }

    fn copied(&self, first: usize, last: usize, repeats: Vec<u32>) -> Self {
        let (start, end) = (self.start(first), self.start(last));
        Self {
            rows: self.rows[start..end].to_vec(),
            ends: self.ends[first..last].iter().map(|end| end - start).collect(),
            repeats,
            ..Self::default()
        }
    }

    /// Frees what was taken.
    pub(super) fn forget_taken(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        let start = self.start(taken);
        self.rows.drain(..start);
        self.ends.drain(..taken);
        self.ends.iter_mut().for_each(|end| *end -= start);
        if !self.repeats.is_empty() {
            self.repeats.drain(..taken);
        }
    }

    /// # Errors
    /// [`Error::Corpus`] for a sentence too long for an Arrow list.
    pub(super) fn into_batch(self, number: usize) -> Result<EncodedBatch> {
        let offset = |end: usize| {
            i32::try_from(end).map_err(|_| Error::corpus("corpus", "a sentence has more than 2^31 tokens; split it"))
        };
        let offsets: ScalarBuffer<i32> =
            std::iter::once(Ok(0)).chain(self.ends.iter().map(|&end| offset(end))).collect::<Result<Vec<_>>>()?.into();
        let rows = Arc::new(UInt32Array::from(self.rows)) as Arc<dyn Array>;
        let lists = ListArray::new(item_field(), OffsetBuffer::new(offsets), rows, None);
        let repeats = (!self.repeats.is_empty()).then(|| UInt32Array::from(self.repeats));
        Ok(EncodedBatch { number, lists, repeats })
    }
}
