//! One vector for many words.

use std::ops::Deref;
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
        let rows: Vec<&[f32]> = rows.iter().map(|&row| vectors.rows().row(row)).collect();
        self.pool_vectors(&rows, to);
    }

    /// Pools vectors, at least one, into `to`, which is as long as each.
    pub fn pool_vectors<V: Deref<Target = [f32]>>(self, vectors: &[V], to: &mut [f32]) {
        to.fill(0.0);
        for vector in vectors {
            to.iter_mut().zip(vector.iter()).for_each(|(sum, value)| *sum += value);
        }
        let share = 1.0 / vectors.len().max(1) as f32;
        to.iter_mut().for_each(|sum| *sum *= share);
        if !to.iter().all(|value| value.is_finite()) {
            exact_mean(vectors, to);
        }
    }
}

/// The mean of rows whose sum overflows.
fn exact_mean<V: Deref<Target = [f32]>>(vectors: &[V], to: &mut [f32]) {
    for (column, mean) in to.iter_mut().enumerate() {
        let sum: f64 = vectors.iter().map(|vector| f64::from(vector[column])).sum();
        *mean = (sum / vectors.len() as f64) as f32;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mean(rows: &[[f32; 2]]) -> [f32; 2] {
        let words: Vec<String> = (0..rows.len()).map(|row| row.to_string()).collect();
        let vectors = KeyedVectors::from_rows(words.iter().map(String::as_str), 2, rows.as_flattened()).unwrap();
        let mut mean = [7.0; 2];
        Pooling::Mean.pool(&vectors, &(0..rows.len()).collect::<Vec<_>>(), &mut mean);
        mean
    }

    #[test]
    fn the_mean_of_rows_at_the_end_of_float32_is_finite() {
        assert_eq!(mean(&[[3e38, 1.0], [3e38, 2.0]]), [3e38, 1.5]);
        assert_eq!(mean(&[[f32::MAX, -f32::MAX]; 5]), [f32::MAX, -f32::MAX]);
        assert_eq!(mean(&[[3e38, 0.0], [3e38, 0.0], [-3e38, 0.0], [-3e38, 0.0]]), [0.0, 0.0]);
    }

    #[test]
    fn what_is_not_finite_in_a_row_is_not_finite_in_the_mean() {
        let [nan, infinite] = mean(&[[f32::NAN, f32::INFINITY], [1.0, 1.0]]);
        assert!(nan.is_nan() && infinite == f32::INFINITY);
    }

    proptest! {
        #[test]
        fn the_mean_is_that_of_double_precision(rows in prop::collection::vec(prop::array::uniform2(-3.4e38f32..3.4e38), 1..9)) {
            for (column, mean) in mean(&rows).into_iter().enumerate() {
                let want = rows.iter().map(|row| f64::from(row[column])).sum::<f64>() / rows.len() as f64;
                prop_assert!((f64::from(mean) - want).abs() < 1e33, "{mean} instead of {want}");
            }
        }
    }
}
