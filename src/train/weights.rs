//! The matrices of a model.

use std::sync::Arc;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::kernel::Matrix;

/// The matrices of a model: words × `vector_size`, row i for word i. Clones share them.
#[derive(Clone)]
pub struct Weights {
    /// Input rows, which become the word vectors.
    pub input: Arc<Matrix>,
    /// Output rows, if there is negative sampling (gensim: `syn1neg`).
    pub output: Option<Arc<Matrix>>,
    /// Rows of the inner nodes of the Huffman tree, if there is hierarchical softmax (gensim: `syn1`). Node 0 is the
    /// root. The last row belongs to no node.
    pub nodes: Option<Arc<Matrix>>,
}

impl Weights {
    /// New weights. Input rows are uniform in ±1 / `vector_size`, as in gensim (word2vec.c: half of that), and all other
    /// rows zero. Row i depends only on the seed and i.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses the memory.
    pub fn new(words: usize, config: &Config) -> Result<Self> {
        let mut input = Matrix::zeros(words, config.vector_size)?;
        (0..words).for_each(|row| initialise(input.values(row), row, config.seed));
        let zeros = || Matrix::zeros(words, config.vector_size).map(Arc::new);
        Ok(Self {
            input: Arc::new(input),
            output: (config.negative > 0).then(zeros).transpose()?,
            nodes: config.hs.then(zeros).transpose()?,
        })
    }

    /// Checks that the matrices are those that a configuration needs, with their shapes.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming what does not fit.
    pub fn check(&self, config: &Config) -> Result<()> {
        let (rows, columns) = (self.input.rows(), self.input.columns());
        if columns != config.vector_size {
            let reason =
                format!("is {}, but the weights have {columns} columns. Create new weights.", config.vector_size);
            return Err(Error::parameter("vector_size", reason));
        }
        let fits =
            |matrix: &Option<Arc<Matrix>>| matrix.as_ref().is_some_and(|m| (m.rows(), m.columns()) == (rows, columns));
        if config.negative > 0 && !fits(&self.output) {
            return Err(Error::parameter(
                "negative",
                "the model was created with negative=0, so it has no output rows",
            ));
        }
        if config.hs && !fits(&self.nodes) {
            return Err(Error::parameter(
                "hs",
                "the model was created with hs=0, so it has no rows for the inner nodes",
            ));
        }
        Ok(())
    }

    /// A copy with new rows after the existing ones, for `words` words in total.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn extended(&self, words: usize, seed: u64) -> Result<Self> {
        let mut input = self.input.extended(words)?;
        (self.input.rows()..words).for_each(|row| initialise(input.values(row), row, seed));
        let extended =
            |matrix: &Option<Arc<Matrix>>| matrix.as_ref().map(|m| m.extended(words).map(Arc::new)).transpose();
        Ok(Self { input: Arc::new(input), output: extended(&self.output)?, nodes: extended(&self.nodes)? })
    }
}

/// Draws the first values of a row.
fn initialise(values: &mut [f32], row: usize, seed: u64) {
    let size = values.len() as f32;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    for value in values {
        // 24 random bits make a uniform float in [0, 1).
        let uniform = (rng.next_u32() >> 8) as f32 / (1 << 24) as f32;
        *value = (2.0 * uniform - 1.0) / size;
    }
}
