//! The two matrices of a word2vec model.

use std::sync::Arc;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Matrix;
use crate::error::Result;

/// Input rows, which become the word vectors, and output rows, which are trained against noise (gensim: `syn1neg`).
pub struct Weights {
    /// One row a word.
    pub input: Arc<Matrix>,
    /// One row a word.
    pub output: Arc<Matrix>,
}

impl Weights {
    /// Input rows uniform in ±½ / `vector_size`, output rows zero (as word2vec.c). Row i depends on the seed and i
    /// alone.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if the system refuses the memory.
    pub fn new(words: usize, vector_size: usize, seed: u64) -> Result<Self> {
        let mut input = Matrix::zeros(words, vector_size)?;
        for row in 0..words {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            for value in input.values(row) {
                // 24 random bits make a uniform float in [0, 1).
                let uniform = (rng.next_u32() >> 8) as f32 / (1 << 24) as f32;
                *value = (uniform - 0.5) / vector_size as f32;
            }
        }
        Ok(Self { input: Arc::new(input), output: Arc::new(Matrix::zeros(words, vector_size)?) })
    }
}
