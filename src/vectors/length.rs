//! Lengths of vectors and what is of length 1, in double precision: the squares of float32 neither overflow nor vanish.

use std::ops::RangeInclusive;

/// Values of which what float32 loses to overflow and to underflow is less than its rounding, as squares of lengths, as
/// products of two, and as a length against a vector of length 1.
pub(super) const ORDINARY: RangeInclusive<f32> = 1e-30..=1e38;

/// The Euclidean norm: 0 for zeros, not finite if one of the values is not.
pub(super) fn length<T: Copy + Into<f64>>(vector: &[T]) -> f64 {
    product(vector, vector).sqrt()
}

/// The vector scaled to length 1, or as it is if it has no direction.
pub(crate) fn unit(vector: &[f32]) -> Vec<f32> {
    let length = length(vector);
    match length > 0.0 && length.is_finite() {
        true => scaled(vector, length),
        false => vector.to_vec(),
    }
}

/// What a search compares with: the vector scaled to length 1, or NaN if it holds NaN or infinity.
pub(super) fn direction<T: Copy + Into<f64>>(vector: &[T]) -> Vec<f32> {
    let length = length(vector);
    match length {
        0.0 => vec![0.0; vector.len()],
        _ if length.is_finite() => scaled(vector, length),
        _ => vec![f32::NAN; vector.len()],
    }
}

fn scaled<T: Copy + Into<f64>>(vector: &[T], length: f64) -> Vec<f32> {
    vector.iter().map(|&value| (value.into() / length) as f32).collect()
}

/// The cosine of two vectors: 0 if one is of zeros, NaN if one holds NaN or infinity.
pub(crate) fn exact_cosine(x: &[f32], y: &[f32]) -> f32 {
    let lengths = length(x) * length(y);
    match lengths {
        0.0 => 0.0,
        _ if lengths.is_finite() => (product(x, y) / lengths) as f32,
        _ => f32::NAN,
    }
}

fn product<T: Copy + Into<f64>>(x: &[T], y: &[T]) -> f64 {
    x.iter().zip(y).map(|(&x, &y)| x.into() * y.into()).sum()
}
