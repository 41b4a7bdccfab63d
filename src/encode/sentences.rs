//! Sentences as word ids, waiting to be cut into batches.

use std::sync::Arc;

use arrow::array::{Array, ListArray, UInt32Array};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};

use super::batch::{EncodedBatch, item_field};
use super::index::KeyIndex;
use super::tokens::{NULL, UNKNOWN, ids_of_tokens};
use crate::corpus::Lists;
use crate::error::{Error, Result};

/// Sentences as word ids, growing at the end and taken from the front.
#[derive(Default)]
pub(super) struct EncodedSentences {
    pub(super) ids: Vec<u32>,
    /// Where each sentence ends in `ids`.
    ends: Vec<usize>,
    /// How many times each comes; empty if all come once.
    pub(super) multiplicity: Vec<u32>,
    /// Sentences at the front that were taken.
    taken: usize,
    /// Tokens read, including those without an id.
    pub(super) raw_tokens: u64,
    /// Lists read, including empty ones.
    pub(super) raw_sentences: u64,
}

impl EncodedSentences {
    /// Lists of tokens as lists of ids.
    ///
    /// # Errors
    /// [`Error::Corpus`] for tokens of another kind than the keys.
    pub(super) fn encode(lists: &Lists, index: &KeyIndex<'_>, origin: &str) -> Result<Self> {
        let mut sentences = Self::default();
        let tokens = ids_of_tokens(lists.values.as_ref(), index, origin)?;
        for (range, count) in lists.ranges.iter().zip(lists.counts()) {
            let tokens = &tokens[range.clone()];
            sentences.raw_sentences += u64::from(count);
            let start = sentences.ids.len();
            sentences.ids.resize(start + tokens.len(), 0);
            let (mut end, mut nulls) = (start, 0);
            for &token in tokens {
                // Every token is written, and overwritten by the next if it has no id: that cannot be predicted.
                sentences.ids[end] = token;
                end += usize::from(token < UNKNOWN);
                nulls += usize::from(token == NULL);
            }
            sentences.ids.truncate(end);
            sentences.raw_tokens += u64::from(count) * (tokens.len() - nulls) as u64;
            if end > start {
                sentences.ends.push(sentences.ids.len());
                if lists.counts.is_some() {
                    sentences.multiplicity.push(count);
                }
            }
        }
        Ok(sentences)
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> u64 {
        (size_of_val(&*self.ids) + size_of_val(&*self.ends) + size_of_val(&*self.multiplicity)) as u64
    }

    pub(super) fn extend(&mut self, other: Self) {
        let start = self.ids.len();
        self.ids.extend(other.ids);
        self.ends.extend(other.ends.into_iter().map(|end| start + end));
        self.multiplicity.extend(other.multiplicity);
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
        if self.multiplicity.is_empty() {
            let full = self.ends[first..].partition_point(|&end| end < start + batch_words);
            let last = if first + full < self.ends.len() { first + full + 1 } else { self.ends.len() };
            if last == first || (first + full == self.ends.len() && !with_rest) {
                return None;
            }
            self.taken = last;
            return Some(self.copied(first, last, Vec::new()));
        }
        let (mut tokens, mut last, mut multiplicity) = (0, first, Vec::new());
        while tokens < batch_words && last < self.ends.len() {
            let length = self.ends[last] - self.start(last);
            let times = (batch_words - tokens).div_ceil(length).min(self.multiplicity[last] as usize);
            tokens += length * times;
            multiplicity.push(times as u32);
            last += 1;
        }
        if last == first || (tokens < batch_words && !with_rest) {
            return None;
        }
        let batch = self.copied(first, last, multiplicity);
        // The last one may come again in the next batch.
        self.multiplicity[last - 1] -= batch.multiplicity[last - 1 - first];
        self.taken = if self.multiplicity[last - 1] == 0 { last } else { last - 1 };
        Some(batch)
    }

    fn copied(&self, first: usize, last: usize, multiplicity: Vec<u32>) -> Self {
        let (start, end) = (self.start(first), self.start(last));
        Self {
            ids: self.ids[start..end].to_vec(),
            ends: self.ends[first..last].iter().map(|end| end - start).collect(),
            multiplicity,
            ..Self::default()
        }
    }

    /// Frees what was taken.
    pub(super) fn forget_taken(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        let start = self.start(taken);
        self.ids.drain(..start);
        self.ends.drain(..taken);
        self.ends.iter_mut().for_each(|end| *end -= start);
        if !self.multiplicity.is_empty() {
            self.multiplicity.drain(..taken);
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
        let ids = Arc::new(UInt32Array::from(self.ids)) as Arc<dyn Array>;
        let lists = ListArray::new(item_field(), OffsetBuffer::new(offsets), ids, None);
        let multiplicity = (!self.multiplicity.is_empty()).then(|| UInt32Array::from(self.multiplicity));
        Ok(EncodedBatch { number, lists, multiplicity })
    }
}
