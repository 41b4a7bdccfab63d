//! The matrices of a word2vec model.

use std::sync::Arc;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::kernel::Matrix;

/// The matrices of a word2vec model, one row a word. Clones share them.
#[derive(Clone)]
pub struct Weights {
    /// Input rows, which become the word vectors.
    pub input: Arc<Matrix>,
    /// Output rows, which are trained against noise, if there is negative sampling (gensim: `syn1neg`).
    pub output: Option<Arc<Matrix>>,
    /// Rows of the inner nodes of the Huffman tree, if there is hierarchical softmax (gensim: `syn1`). Node 0 is the
    /// root; the last row stands for none.
    pub nodes: Option<Arc<Matrix>>,
}

impl Weights {
    /// Input rows uniform in ±1 / `vector_size`, as in gensim (word2vec.c: half of that), all others zero. Row i
    /// depends on the seed and i alone.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if the system refuses the memory.
    pub fn new(words: usize, config: &Config) -> Result<Self> {
        let mut input = Matrix::zeros(words, config.vector_size)?;
        (0..words).for_each(|row| draw(input.values(row), row, config.seed));
        let zeros = || Matrix::zeros(words, config.vector_size).map(Arc::new);
        Ok(Self {
            input: Arc::new(input),
            output: (config.negative > 0).then(zeros).transpose()?,
            nodes: config.hs.then(zeros).transpose()?,
        })
    }

    /// Whether there are the matrices that a configuration needs, in their sizes.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming what does not fit.
    pub fn check(&self, config: &Config) -> Result<()> {
        let (rows, columns) = (self.input.rows(), self.input.columns());
        if columns != config.vector_size {
            let reason = format!("is {}, but the weights have {columns} columns; make them anew", config.vector_size);
            return Err(Error::parameter("vector_size", reason));
        }
        let fits =
            |matrix: &Option<Arc<Matrix>>| matrix.as_ref().is_some_and(|m| (m.rows(), m.columns()) == (rows, columns));
        if config.negative > 0 && !fits(&self.output) {
            return Err(Error::parameter(
                "negative",
                "the model was made with negative=0, so it has no rows to train noise on",
            ));
        }
        if config.hs && !fits(&self.nodes) {
            return Err(Error::parameter("hs", "the model was made with hs=0, so it has no rows for the inner nodes"));
        }
        Ok(())
    }

    /// The same rows, and behind them new ones for `words` words in all.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn extended(&self, words: usize, seed: u64) -> Result<Self> {
        let mut input = self.input.extended(words)?;
        (self.input.rows()..words).for_each(|row| draw(input.values(row), row, seed));
        let extended =
            |matrix: &Option<Arc<Matrix>>| matrix.as_ref().map(|m| m.extended(words).map(Arc::new)).transpose();
        Ok(Self { input: Arc::new(input), output: extended(&self.output)?, nodes: extended(&self.nodes)? })
    }
}

/// A row's first values.
fn draw(values: &mut [f32], row: usize, seed: u64) {
    let size = values.len() as f32;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    for value in values {
        // 24 random bits make a uniform float in [0, 1).
        let uniform = (rng.next_u32() >> 8) as f32 / (1 << 24) as f32;
        *value = (2.0 * uniform - 1.0) / size;
    }
}
