//! The matrices of a model.

use std::ops::Range;
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
        let input = Matrix::growing(words, config.vector_size)?;
        initialise(&input, 0..words, config.seed);
        let zeros = || Matrix::growing(words, config.vector_size).map(Arc::new);
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
        self.with_rows(words, seed, |matrix| matrix.extended(words))
    }

    /// [`extended`](Self::extended) that shares the existing rows, where there is room behind them.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub(crate) fn grown(&self, words: usize, seed: u64) -> Result<Self> {
        self.with_rows(words, seed, |matrix| matrix.grown(words).map_or_else(|| matrix.extended(words), Ok))
    }

    fn with_rows(&self, words: usize, seed: u64, extend: impl Fn(&Matrix) -> Result<Matrix>) -> Result<Self> {
        let input = extend(&self.input)?;
        initialise(&input, self.input.rows()..words, seed);
        let extended = |matrix: &Option<Arc<Matrix>>| matrix.as_ref().map(|m| extend(m).map(Arc::new)).transpose();
        Ok(Self { input: Arc::new(input), output: extended(&self.output)?, nodes: extended(&self.nodes)? })
    }

    /// [`new`](Self::new) in the memory of these, where they have the same shape: theirs are lost.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub(crate) fn renewed(&self, words: usize, config: &Config) -> Result<Self> {
        let fits = |matrix: &&Arc<Matrix>| (matrix.rows(), matrix.columns()) == (words, config.vector_size);
        let input = Some(&self.input).filter(fits).cloned();
        let input = input.map_or_else(|| Matrix::growing(words, config.vector_size).map(Arc::new), Ok)?;
        let zeros = |matrix: &Option<Arc<Matrix>>| match matrix.as_ref().filter(fits) {
            Some(matrix) => {
                matrix.clear();
                Ok(matrix.clone())
            }
            None => Matrix::growing(words, config.vector_size).map(Arc::new),
        };
        let output = (config.negative > 0).then(|| zeros(&self.output)).transpose()?;
        let nodes = config.hs.then(|| zeros(&self.nodes)).transpose()?;
        // Last, when nothing can fail any more.
        initialise(&input, 0..words, config.seed);
        Ok(Self { input, output, nodes })
    }

    /// A copy in memory of its own.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub(crate) fn copied(&self) -> Result<Self> {
        self.extended(self.input.rows(), 0)
    }
}

/// Draws the first values of rows.
fn initialise(matrix: &Matrix, rows: Range<usize>, seed: u64) {
    let mut values = vec![0.0; matrix.columns()];
    let size = values.len() as f32;
    for row in rows {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for value in &mut values {
            // 24 random bits make a uniform float in [0, 1).
            let uniform = (rng.next_u32() >> 8) as f32 / (1 << 24) as f32;
            *value = (2.0 * uniform - 1.0) / size;
        }
        matrix.write(row, &values);
    }
    matrix.changed();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(seed: u64) -> Config {
        Config { vector_size: 20, seed, hs: true, ..Config::default() }
    }

    fn first(matrix: &Matrix, row: u32) -> f32 {
        // SAFETY: a row of a live matrix, which nobody writes now.
        unsafe { *matrix.row(row) }
    }

    #[test]
    fn weights_that_grow_stay_where_they_are_and_extended_ones_do_not() {
        let weights = Weights::new(3, &config(1)).unwrap();
        let (extended, grown) = (weights.extended(5, 1).unwrap(), weights.grown(5, 1).unwrap());
        for (before, copy, same) in [
            (&weights.input, &extended.input, &grown.input),
            (weights.output.as_ref().unwrap(), extended.output.as_ref().unwrap(), grown.output.as_ref().unwrap()),
            (weights.nodes.as_ref().unwrap(), extended.nodes.as_ref().unwrap(), grown.nodes.as_ref().unwrap()),
        ] {
            assert_eq!((copy.rows(), same.rows(), same.start()), (5, 5, before.start()));
            assert_ne!(copy.start(), before.start());
            (0..5).for_each(|row| assert_eq!(first(copy, row), first(same, row)));
        }
        assert_ne!(first(&grown.input, 4), 0.0);
        // These rows are another's now, so a second branch gets its own.
        let branch = weights.grown(4, 2).unwrap();
        assert_ne!(branch.input.start(), weights.input.start());
        assert_ne!(first(&branch.input, 3), first(&grown.input, 3));
    }

    #[test]
    fn renewed_weights_are_new_ones_in_the_same_place() {
        let weights = Weights::new(3, &config(1)).unwrap();
        weights.input.write(1, &[9.0; 20]);
        weights.output.as_ref().unwrap().write(1, &[9.0; 20]);
        let renewed = weights.renewed(3, &Config { hs: false, ..config(2) }).unwrap();
        assert_eq!(renewed.input.start(), weights.input.start());
        assert_eq!(first(renewed.output.as_ref().unwrap(), 1), 0.0);
        assert!(renewed.nodes.is_none());
        let new = Weights::new(3, &config(2)).unwrap();
        (0..3).for_each(|row| assert_eq!(first(&renewed.input, row), first(&new.input, row)));
        assert_ne!(weights.renewed(4, &config(2)).unwrap().input.start(), weights.input.start());
    }
}
