//! Encoding: tokens to word ids, cut into batches.

use arrow::array::AsArray;
use arrow::datatypes::UInt32Type;

use super::batch::{Encoded, EncodedBatch};
use super::in_order::in_order;
use super::index::KeyIndex;
use super::sentences::EncodedSentences;
use super::spool::{Spool, SpoolWriter};
use crate::corpus::{Corpus, Lists};
use crate::error::Result;
use crate::progress::{Phase, Progress};
use crate::vocab::Vocabulary;

/// Encodes a corpus. Tokens that are null or out of vocabulary are left out, and so are sentences without any other.
///
/// The spool stays in memory up to `memory_budget` bytes, and beyond lies in a temporary file that is memory-mapped.
/// Its batches hold whole sentences, of at least `batch_words` tokens together.
///
/// # Errors
/// The errors of the corpus; [`Error::Io`](crate::Error::Io) if the temporary file cannot be written;
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub fn encode(
    corpus: &dyn Corpus,
    vocabulary: &Vocabulary,
    batch_words: usize,
    memory_budget: u64,
    progress: &Progress,
) -> Result<Spool> {
    let mut writer = SpoolWriter::new(memory_budget, vocabulary.tokens());
    let encoder = Encoder { corpus, vocabulary, batch_words, memory_budget, progress };
    let encoded = encoder.run_in_view(&mut |batch| writer.write(&batch))?;
    writer.finish(encoded)
}

/// Encodes a corpus and keeps nothing, to know what there will be when it is streamed.
///
/// # Errors
/// The errors of the corpus; [`Error::Interrupted`].
pub(crate) fn measure(encoder: &Encoder<'_>) -> Result<Encoded> {
    encoder.run_in_view(&mut |_| Ok(()))
}

/// A corpus that is to be encoded.
#[derive(Clone, Copy)]
pub struct Encoder<'a> {
    /// The corpus.
    pub corpus: &'a dyn Corpus,
    /// The words that have ids.
    pub vocabulary: &'a Vocabulary,
    /// Tokens of a batch, at least.
    pub batch_words: usize,
    /// Bytes of which a part may hold what is encoded before its turn.
    pub memory_budget: u64,
    /// Tells whether to stop.
    pub progress: &'a Progress,
}

/// The share of the memory budget that encoded sentences may take before their turn comes, and its bounds in bytes.
const WAITING_SHARE: u64 = 16;
const WAITING_BYTES: std::ops::RangeInclusive<u64> = 1 << 20..=64 << 20;

/// Bytes of encoded sentences that may wait for their turn.
pub(crate) fn waiting_bytes(memory_budget: u64) -> u64 {
    (memory_budget / WAITING_SHARE).clamp(*WAITING_BYTES.start(), *WAITING_BYTES.end())
}

impl Encoder<'_> {
    /// [`run`](Self::run), as a phase of its own.
    fn run_in_view(&self, each: &mut dyn FnMut(EncodedBatch) -> Result<()>) -> Result<Encoded> {
        self.progress.enter(Phase::Encoding, self.vocabulary.raw_tokens());
        let count = |tokens| {
            self.progress.advance(tokens);
        };
        self.run(&count, each)
    }

    /// Passes on each batch, and tells `count` of the tokens read.
    ///
    /// # Errors
    /// What the corpus or `each` fails with; [`Error::Interrupted`].
    pub(crate) fn run(
        &self,
        count: &(dyn Fn(u64) + Sync),
        each: &mut dyn FnMut(EncodedBatch) -> Result<()>,
    ) -> Result<Encoded> {
        let mut cutter = Cutter::new(self.batch_words);
        let parts = self.corpus.parts();
        let index = KeyIndex::new(self.vocabulary.keys());
        let encode_part = |part: usize, pass_on: &mut dyn FnMut(EncodedSentences) -> Result<()>| -> Result<()> {
            let origin = self.corpus.origin(part);
            for batch in self.corpus.read(part, self.progress)? {
                self.progress.check()?;
                let lists = Lists::new(&batch?, self.corpus.column(), &origin)?;
                let sentences = EncodedSentences::encode(&lists, &index, &origin)?;
                count(sentences.raw_tokens);
                pass_on(sentences)?;
            }
            Ok(())
        };
        let mut take = |sentences: EncodedSentences| {
            cutter.waiting.extend(sentences);
            cutter.cut(false, each)
        };
        if self.corpus.is_parallel() && parts > 1 {
            in_order(parts, waiting_bytes(self.memory_budget), &encode_part, &mut take)?;
        } else {
            (0..parts).try_for_each(|part| encode_part(part, &mut take))?;
        }
        cutter.finish(each)
    }
}

/// Cuts encoded sentences into batches.
struct Cutter {
    batch_words: usize,
    waiting: EncodedSentences,
    number: usize,
    encoded: Encoded,
}

impl Cutter {
    fn new(batch_words: usize) -> Self {
        Self { batch_words, waiting: EncodedSentences::default(), number: 0, encoded: Encoded::default() }
    }

    fn cut(&mut self, with_rest: bool, each: &mut dyn FnMut(EncodedBatch) -> Result<()>) -> Result<()> {
        if self.waiting.ids.len() < self.batch_words && self.waiting.multiplicity.is_empty() && !with_rest {
            return Ok(());
        }
        while let Some(sentences) = self.waiting.take_batch(self.batch_words, with_rest) {
            let batch = sentences.into_batch(self.number)?;
            self.encoded.tokens += batch.tokens();
            let ids = batch.lists.values().as_primitive::<UInt32Type>().values();
            let multiplicity = batch.multiplicity.iter().flat_map(|times| times.values());
            // As in FxHash; the odd factor is from there.
            let mix = |hash: u64, &id: &u32| (hash.rotate_left(5) ^ u64::from(id)).wrapping_mul(0x517c_c1b7_2722_0a95);
            self.encoded.fingerprint = ids.iter().chain(multiplicity).fold(self.encoded.fingerprint, mix);
            each(batch)?;
            self.number += 1;
        }
        self.waiting.forget_taken();
        Ok(())
    }

    fn finish(mut self, each: &mut dyn FnMut(EncodedBatch) -> Result<()>) -> Result<Encoded> {
        self.cut(true, each)?;
        let (raw_tokens, raw_sentences) = (self.waiting.raw_tokens, self.waiting.raw_sentences);
        Ok(Encoded { raw_tokens, raw_sentences, ..self.encoded })
    }
}
