//! How much memory training takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::config::Config;
use crate::encode::{SpoolOptions, waiting_bytes};
use crate::kernel::Matrix;
use crate::train::{PRIVATE_NODES, PRIVATE_WORDS};

/// An estimate of the memory of a training, in bytes by purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Words, their counts and their index.
    pub vocab: u64,
    /// The word vectors.
    pub vectors: u64,
    /// The rows of the Huffman tree's inner nodes, 0 without hierarchical softmax.
    pub syn1: u64,
    /// The rows trained against noise, 0 without negative sampling.
    pub syn1neg: u64,
    /// Tables for training: noise, subsampling, tree.
    pub tables: u64,
    /// The part of the encoded corpus that stays in memory.
    pub spool: u64,
    /// Batches that were read but not encoded yet, and encoded batches that wait for their turn. 0 with a spool, which
    /// is written before the other matrices and the workers' rows are touched.
    pub reading: u64,
    /// The workers' own copies of the busiest rows, and their working memory for a batch.
    pub workers: u64,
}

/// For each word, in the vocabulary: 8 bytes each for the offset, the count and the count of the vectors, and twice 5
/// for the index.
const BYTES_OF_WORD: u64 = 34;
/// The mean length of a word, if it is not known.
const BYTES_OF_TEXT: u64 = 9;
/// For each word: alias and keep tables, with the temporaries of building them.
const BYTES_OF_NOISE: u64 = 44;
/// For each word, in the index by which tokens are encoded.
const BYTES_OF_INDEX: u64 = 48;
/// For each word, in the tree: a path of about 20 nodes.
const BYTES_OF_PATH: u64 = 140;
/// For each token: its id, and its share of the ends of sentences.
const BYTES_OF_TOKEN: f64 = 4.3;
/// For each token that is read: its text, the offset of the text, and the id.
const BYTES_OF_READ_TOKEN: u64 = 16;
/// For each thread: what it reads and encodes at a time.
const BYTES_OF_READING: u64 = 4 << 20;
/// For each token of a batch: its id, the position of the next token of the same word, and a pointer to its row.
const BYTES_OF_BATCH_TOKEN: u64 = 16;

impl Memory {
    /// An estimate for a vocabulary of `words`, and a corpus of `tokens` in-vocabulary tokens.
    pub fn estimate(config: &Config, words: u64, tokens: u64, options: SpoolOptions) -> Self {
        let row = (Matrix::stride_of(config.vector_size) * size_of::<f32>()) as u64;
        let matrix = words.saturating_mul(row);
        let workers = config.worker_threads() as u64;
        let own_rows = match workers {
            1 => 0,
            _ => {
                let of_words = words.min(PRIVATE_WORDS as u64) * (1 + u64::from(config.negative > 0));
                of_words + words.min(PRIVATE_NODES as u64) * u64::from(config.hs)
            }
        };
        let batch = tokens.min(config.batch_words as u64).saturating_mul(BYTES_OF_BATCH_TOKEN);
        let spool = (tokens as f64 * BYTES_OF_TOKEN) as u64;
        let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
        let in_hand = threads * BYTES_OF_READING + waiting_bytes(options.memory_budget);
        Self {
            vocab: words.saturating_mul(BYTES_OF_WORD + BYTES_OF_TEXT),
            vectors: matrix,
            syn1: if config.hs { matrix } else { 0 },
            syn1neg: if config.negative > 0 { matrix } else { 0 },
            tables: words.saturating_mul(BYTES_OF_NOISE + BYTES_OF_INDEX + if config.hs { BYTES_OF_PATH } else { 0 }),
            spool: if options.spool { spool.min(options.memory_budget) } else { 0 },
            reading: if options.spool { 0 } else { tokens.saturating_mul(BYTES_OF_READ_TOKEN).min(in_hand) },
            workers: workers.saturating_mul((2 * own_rows).saturating_mul(row).saturating_add(batch)),
        }
    }

    /// The model alone: what stays after training.
    pub fn model(&self) -> u64 {
        [self.vectors, self.syn1, self.syn1neg].into_iter().fold(self.vocab, u64::saturating_add)
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        [self.tables, self.spool, self.reading, self.workers].into_iter().fold(self.model(), u64::saturating_add)
    }

    /// The peak memory of this process after training. The process has counted the corpus already. If `is_made`, it also
    /// has the model, but only the vectors of the model were touched.
    pub fn peak(&self, is_made: bool) -> u64 {
        let there = if is_made {
            self.vectors.saturating_add(self.vocab)
        } else {
            // Training takes about half of it again, as tests/python/test_memory.py measures. The rest is in pieces, or there
            // are still counts in it.
            LEFT_BY_COUNTING.load(Ordering::Relaxed).min(self.total() - self.model()) / 2
        };
        let training = resident_memory().unwrap_or(0).saturating_add(self.total().saturating_sub(there));
        training.max(peak_memory().unwrap_or(0))
    }
}

/// What the last counting of this process left with the allocator, in bytes: training takes a part of it again.
static LEFT_BY_COUNTING: AtomicU64 = AtomicU64::new(0);

/// Runs a count, and remembers what memory it leaves with the allocator.
pub(super) fn while_counting<T>(count: impl FnOnce() -> T) -> T {
    let anonymous = || process_memory("RssAnon:").unwrap_or(0);
    let before = anonymous();
    let counted = count();
    LEFT_BY_COUNTING.store(anonymous().saturating_sub(before), Ordering::Relaxed);
    counted
}

/// The peak resident memory of this process so far, in bytes, if the system tells it.
pub fn peak_memory() -> Option<u64> {
    process_memory("VmHWM:")
}

/// The resident memory of this process, in bytes, if the system tells it.
pub fn resident_memory() -> Option<u64> {
    process_memory("VmRSS:")
}

fn process_memory(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_with_their_padding_and_beyond_32_bits() {
        let config = Config { vector_size: 100, hs: true, workers: 1, ..Config::default() };
        let memory = Memory::estimate(&config, 3_000_000_000, 0, SpoolOptions::default());
        assert_eq!(memory.vectors, 3_000_000_000 * 448);
        assert_eq!((memory.syn1, memory.syn1neg), (memory.vectors, memory.vectors));
        assert_eq!((memory.spool, memory.workers), (0, 0));
    }

    #[test]
    fn the_spool_stays_within_its_budget() {
        let options = SpoolOptions { memory_budget: 1_000, ..SpoolOptions::default() };
        let estimate = |options| Memory::estimate(&Config::default(), 10, 1_000_000, options);
        assert_eq!(estimate(options).spool, 1_000);
        assert_eq!(estimate(SpoolOptions { spool: false, ..options }).spool, 0);
    }
}
