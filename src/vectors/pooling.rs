//! One vector for many words.

use std::borrow::Cow;
use std::str::FromStr;

use super::KeyedVectors;
use crate::error::{Error, Result};
use crate::kernel::weighted_sum;

/// Weights of most sentences, where none are given.
const ONES: [f32; 64] = [1.0; 64];

/// How the vectors of several words become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The mean over the words that have a vector.
    Mean,
    /// Their sum.
    Sum,
    /// The greatest value of each dimension.
    Max,
    /// The least value of each dimension.
    Min,
    /// The first vector.
    First,
    /// The last vector.
    Last,
}

impl FromStr for Pooling {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "mean" => Self::Mean,
            "sum" => Self::Sum,
            "max" => Self::Max,
            "min" => Self::Min,
            "first" => Self::First,
            "last" => Self::Last,
            _ => {
                let expected = r#"expected "mean", "sum", "max", "min", "first" or "last""#;
                return Err(Error::parameter("pooling", format!("{name:?} is unknown; {expected}")));
            }
        })
    }
}

/// What a weighted sum is divided by to be a mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Divisor {
    /// The sum of the weights.
    Weights,
    /// The number of vectors, as in the papers on weights by frequency.
    Count,
}

impl Pooling {
    /// The name that is parsed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Min => "min",
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// True if weights have a meaning: for the mean and the sum.
    pub fn takes_weights(self) -> bool {
        matches!(self, Self::Mean | Self::Sum)
    }

    /// Pools the vectors of `rows`, at least one, into `to`, which holds `vector_size` floats.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn pool(self, vectors: &KeyedVectors, rows: &[usize], to: &mut [f32]) {
        let rows: Vec<&[f32]> = rows.iter().map(|&row| vectors.rows().row(row)).collect();
        self.pool_vectors(&rows, to);
    }

    /// Pools vectors, at least one, into `to`, which is as long as each.
    ///
    /// # Panics
    /// If they have other lengths.
    pub fn pool_vectors(self, vectors: &[&[f32]], to: &mut [f32]) {
        match self {
            Self::Mean | Self::Sum => {
                let weights = match ONES.get(..vectors.len()) {
                    Some(weights) => Cow::Borrowed(weights),
                    None => Cow::Owned(vec![1.0; vectors.len()]),
                };
                self.pool_weighted(vectors, &weights, Divisor::Count, to);
            }
            // NaN wins, as in NumPy.
            Self::Max => fold(vectors, to, |value, most| value > most || value.is_nan()),
            Self::Min => fold(vectors, to, |value, least| value < least || value.is_nan()),
            Self::First => to.copy_from_slice(vectors[0]),
            Self::Last => to.copy_from_slice(vectors[vectors.len() - 1]),
        }
    }

    /// The weighted mean or sum of vectors, at least one. Other poolings take no weights. A mean whose weights add up to 0
    /// is not finite.
    ///
    /// # Panics
    /// If the vectors have other lengths than `to`, or there are not as many weights.
    pub fn pool_weighted(self, vectors: &[&[f32]], weights: &[f32], divisor: Divisor, to: &mut [f32]) {
        let divisor = match (self, divisor) {
            (Self::Mean, Divisor::Count) => vectors.len() as f64,
            (Self::Mean, Divisor::Weights) => weights.iter().map(|&weight| f64::from(weight)).sum(),
            _ => 1.0,
        };
        weighted_sum(vectors, weights, (1.0 / divisor) as f32, to);
        // All are looked at, so that several are at once.
        if !to.iter().fold(true, |are_finite, value| are_finite & value.is_finite()) {
            exact_sum(vectors, weights, divisor, to);
        }
    }
}

/// Takes a value of each dimension, and then each later one that is `better`.
fn fold(vectors: &[&[f32]], to: &mut [f32], better: impl Fn(f32, f32) -> bool) {
    to.copy_from_slice(vectors[0]);
    for vector in &vectors[1..] {
        for (kept, &value) in to.iter_mut().zip(*vector) {
            if better(value, *kept) {
                *kept = value;
            }
        }
    }
}

/// A sum in double precision, where one of float32 overflows.
fn exact_sum(vectors: &[&[f32]], weights: &[f32], divisor: f64, to: &mut [f32]) {
    for (column, result) in to.iter_mut().enumerate() {
        let products =
            vectors.iter().zip(weights).map(|(vector, &weight)| f64::from(weight) * f64::from(vector[column]));
        *result = (products.sum::<f64>() / divisor) as f32;
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

    #[test]
    fn the_greatest_least_first_and_last_are_taken_and_nan_wins() {
        let rows: [&[f32]; 3] = [&[1.0, f32::NAN, 2.0], &[3.0, 0.0, -1.0], &[2.0, 5.0, 0.5]];
        let pooled = |pooling: Pooling| {
            let mut to = [9.0; 3];
            pooling.pool_vectors(&rows, &mut to);
            to
        };
        assert_eq!(
            (pooled(Pooling::Sum)[0], pooled(Pooling::First)[0], pooled(Pooling::Last)),
            (6.0, 1.0, [2.0, 5.0, 0.5])
        );
        let (most, least) = (pooled(Pooling::Max), pooled(Pooling::Min));
        assert_eq!((most[0], most[2], least[0], least[2]), (3.0, 2.0, 1.0, -1.0));
        assert!(most[1].is_nan() && least[1].is_nan());
    }

    #[test]
    fn weights_divide_by_their_sum_or_by_the_number_of_vectors() {
        let rows: [&[f32]; 2] = [&[1.0, 0.0], &[0.0, 2.0]];
        let pooled = |divisor| {
            let mut to = [9.0; 2];
            Pooling::Mean.pool_weighted(&rows, &[1.0, 3.0], divisor, &mut to);
            to
        };
        assert_eq!((pooled(Divisor::Weights), pooled(Divisor::Count)), ([0.25, 1.5], [0.5, 3.0]));
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
