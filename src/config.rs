//! The hyperparameters, their defaults and their validation. Names and defaults are gensim 4's.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Hyperparameters of training.
///
/// ```
/// use polargram::Config;
///
/// let config = Config { vector_size: 200, sg: true, ..Config::default() };
/// assert_eq!(config.window, 5);
/// assert!(Config { window: 0, ..config }.validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Dimensions of the word vectors.
    pub vector_size: usize,
    /// The greatest distance, in kept tokens, between a centre word and a context word.
    pub window: usize,
    /// Words with fewer occurrences get no vector.
    pub min_count: u64,
    /// Words counted are pruned, the rarest first, whenever more distinct ones than this are held.
    pub max_vocab_size: Option<usize>,
    /// At most so many words get a vector: `min_count` is raised until they fit.
    pub max_final_vocab: Option<usize>,
    /// Rows by descending count if true, by first occurrence in the corpus if false.
    pub sorted_vocab: bool,
    /// Whether a last row is added for the word "\0", to pad sentences with.
    pub null_word: bool,
    /// Skip-gram if true, CBOW if false.
    pub sg: bool,
    /// Whether a word is predicted bit by bit along its path in a Huffman tree (hierarchical softmax).
    pub hs: bool,
    /// Noise words drawn for each centre word; 0 for no negative sampling.
    pub negative: usize,
    /// Whether in skip-gram noise words serve all context words of a centre, and neighbouring centres. If false, each
    /// pair of words draws its own. In CBOW each centre draws its own.
    pub shared_negatives: bool,
    /// Exponent of the noise distribution: words are drawn in proportion to count^ns_exponent.
    #[serde(with = "crate::exact")]
    pub ns_exponent: f64,
    /// Threshold of subsampling: words with a share of the corpus above it are dropped at random, the more the more
    /// frequent. 0 keeps all; 1 and above is a count instead of a share.
    #[serde(with = "crate::exact")]
    pub sample: f64,
    /// Learning rate at the start.
    pub alpha: f32,
    /// Learning rate at the end; it falls linearly with the words trained.
    pub min_alpha: f32,
    /// Passes over the corpus.
    pub epochs: usize,
    /// Worker threads; 0 takes all cores. With 1 the result depends on the seed and the corpus alone.
    pub workers: usize,
    /// Seed of all random draws.
    pub seed: u64,
    /// CBOW: the context's mean if true, its sum if false.
    pub cbow_mean: bool,
    /// Whether each centre draws its window's width uniformly from 1 to `window`.
    pub shrink_windows: bool,
    /// Tokens in the batches that workers take.
    pub batch_words: usize,
    /// Whether every epoch takes the batches in another order, drawn by the seed. If false, always that of the corpus.
    pub shuffle: bool,
    /// Whether the loss is added up; that takes time.
    pub compute_loss: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            vector_size: 100,
            window: 5,
            min_count: 5,
            max_vocab_size: None,
            max_final_vocab: None,
            sorted_vocab: true,
            null_word: false,
            sg: false,
            hs: false,
            negative: 5,
            shared_negatives: true,
            ns_exponent: 0.75,
            sample: 1e-3,
            alpha: 0.025,
            min_alpha: 1e-4,
            epochs: 5,
            workers: 0,
            seed: 1,
            cbow_mean: true,
            shrink_windows: true,
            batch_words: 10_000,
            shuffle: false,
            compute_loss: false,
        }
    }
}

/// A row this long still fits a page-sized stack of scratch rows; nobody trains longer ones.
const MAX_VECTOR_SIZE: usize = 1 << 16;
const MAX_WINDOW: usize = 10_000;
const MAX_NEGATIVE: usize = 10_000;
const MAX_WORKERS: usize = 4_096;
const MAX_BATCH_WORDS: usize = 1 << 30;

impl Config {
    /// Checks every parameter's range.
    ///
    /// # Errors
    /// [`Error::Parameter`] with the first parameter out of range.
    pub fn validate(&self) -> Result<()> {
        within("vector_size", self.vector_size, 1, MAX_VECTOR_SIZE)?;
        within("window", self.window, 1, MAX_WINDOW)?;
        within("negative", self.negative, 0, MAX_NEGATIVE)?;
        if self.negative == 0 && !self.hs {
            return Err(Error::parameter(
                "negative",
                "must be at least 1 unless hs is 1: otherwise nothing is trained",
            ));
        }
        within("batch_words", self.batch_words, 1, MAX_BATCH_WORDS)?;
        within("epochs", self.epochs, 1, u32::MAX as usize)?;
        within("workers", self.workers, 0, MAX_WORKERS)?;
        finite_and_not_negative("sample", self.sample)?;
        finite_and_not_negative("alpha", f64::from(self.alpha))?;
        finite_and_not_negative("min_alpha", f64::from(self.min_alpha))?;
        if !self.ns_exponent.is_finite() {
            return Err(Error::parameter("ns_exponent", format!("must be a finite number, got {}", self.ns_exponent)));
        }
        Ok(())
    }

    /// Worker threads, with 0 resolved to the cores of this machine.
    pub fn worker_threads(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        }
    }
}

fn within(name: &'static str, value: usize, least: usize, most: usize) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::parameter(name, format!("must be between {least} and {most}, got {value}")))
}

fn finite_and_not_negative(name: &'static str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::parameter(name, format!("must be a finite number of at least 0, got {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_so_is_hierarchical_softmax_alone() {
        Config::default().validate().unwrap();
        Config { hs: true, negative: 0, ..Config::default() }.validate().unwrap();
    }

    #[test]
    fn floats_come_back_from_json_to_the_last_bit() {
        for sample in [1e-3, 0.1 + 0.2, 0.9504636963259353, 1e-300, f64::MAX] {
            let config = Config { sample, ..Config::default() };
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), config, "{json}");
        }
    }

    #[test]
    fn each_parameter_out_of_range_is_named() {
        let d = Config::default;
        for (name, config) in [
            ("vector_size", Config { vector_size: 0, ..d() }),
            ("window", Config { window: 0, ..d() }),
            ("negative", Config { negative: 0, ..d() }),
            ("batch_words", Config { batch_words: 0, ..d() }),
            ("epochs", Config { epochs: 0, ..d() }),
            ("sample", Config { sample: f64::NAN, ..d() }),
            ("alpha", Config { alpha: -1.0, ..d() }),
            ("min_alpha", Config { min_alpha: f32::INFINITY, ..d() }),
            ("ns_exponent", Config { ns_exponent: f64::NAN, ..d() }),
        ] {
            assert!(config.validate().unwrap_err().to_string().starts_with(name), "{name}");
        }
    }
}
