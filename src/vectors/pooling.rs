//! One vector for many words.

use std::str::FromStr;

use super::KeyedVectors;
use crate::error::{Error, Result};

/// How the vectors of several words become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The mean over the words that have a vector.
    Mean,
}

impl FromStr for Pooling {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "mean" => Ok(Self::Mean),
            _ => Err(Error::parameter("pooling", format!("{name:?} is unknown; expected \"mean\""))),
        }
    }
}

impl Pooling {
    /// Pools the vectors of `rows`, at least one, into `to`, which holds `vector_size` floats.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn pool(self, vectors: &KeyedVectors, rows: &[usize], to: &mut [f32]) {
        to.fill(0.0);
        for &row in rows {
            to.iter_mut().zip(vectors.rows().row(row)).for_each(|(sum, value)| *sum += value);
        }
        let share = 1.0 / rows.len().max(1) as f32;
        to.iter_mut().for_each(|sum| *sum *= share);
    }
}
