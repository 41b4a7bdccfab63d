//! Vectors in a plane: the two directions along which they differ most (principal components; Pearson 1901).

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;

use super::KeyedVectors;
use super::length::unit;
use crate::error::Result;
use crate::progress::Progress;

/// Points in a plane, and how much of the whole they show.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// A point for each row, around (0, 0).
    pub points: Vec<[f64; 2]>,
    /// The share of the variance that each of the two axes has.
    pub shares: [f64; 2],
}

/// Directions that are searched for at once: more than two, so that the first two are found soon.
const DIRECTIONS: usize = 8;
/// Steps of the search. The error falls by the ratio of the third to the ninth variance, squared, in each.
const STEPS: usize = 30;

impl KeyedVectors {
    /// The directions of some rows, projected to the plane in which they differ most. Rows without a direction are taken
    /// as zeros. The same rows give the same points.
    ///
    /// ```
    /// use polargram::{KeyedVectors, Progress};
    ///
    /// let values = [1.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0, 0.1];
    /// let wv = KeyedVectors::from_rows(["east", "west", "north"], 3, &values)?;
    /// let plane = wv.plane(&[0, 1, 2], &Progress::default())?;
    /// assert!((plane.points[0][0] - plane.points[1][0]).abs() > 1.9);
    /// # Ok::<(), polargram::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    ///
    /// # Panics
    /// If there is no such row.
    pub fn plane(&self, rows: &[usize], progress: &Progress) -> Result<Plane> {
        let matrix = self.centred(rows);
        let size = self.vector_size();
        let total: f64 = matrix.iter().map(|&value| f64::from(value).powi(2)).sum();
        let mut basis = start(size);
        let mut images = Vec::new();
        for _ in 0..STEPS {
            progress.check()?;
            orthonormalise(&mut basis);
            images = basis.iter().map(|direction| products(&matrix, direction)).collect();
            basis = images.iter().map(|image| sums(&matrix, image, size)).collect();
        }
        let (variances, rotation) = eigen(gram(&images));
        let mut order: Vec<usize> = (0..variances.len()).collect();
        order.sort_by(|&a, &b| variances[b].total_cmp(&variances[a]));
        let axis = |number: usize| match order.get(number) {
            Some(&column) => oriented(combined(&images, &rotation, column, rows.len())),
            None => vec![0.0; rows.len()],
        };
        let share = |number: usize| match order.get(number) {
            Some(&column) if total > 0.0 => (variances[column] / total).clamp(0.0, 1.0),
            _ => 0.0,
        };
        let points = axis(0).into_iter().zip(axis(1)).map(|(x, y)| [x, y]).collect();
        Ok(Plane { points, shares: [share(0), share(1)] })
    }

    /// The directions of rows less their mean, one after another.
    fn centred(&self, rows: &[usize]) -> Vec<f32> {
        let size = self.vector_size();
        let mut matrix: Vec<f32> = Vec::with_capacity(rows.len() * size);
        for &row in rows {
            let direction = unit(self.rows.row(row));
            let is_finite = direction.iter().all(|value| value.is_finite());
            matrix.extend(direction.iter().map(|&value| if is_finite { value } else { 0.0 }));
        }
        let mut mean = vec![0.0; size];
        matrix.chunks(size.max(1)).for_each(|row| add(&mut mean, row, 1.0 / rows.len() as f64));
        for row in matrix.chunks_mut(size.max(1)) {
            row.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= *mean as f32);
        }
        matrix
    }
}

/// Directions to start from, always the same.
fn start(size: usize) -> Vec<Vec<f64>> {
    let mut rng = SplitMix64::seed_from_u64(1);
    let mut number = || (rng.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
    (0..DIRECTIONS.min(size)).map(|_| (0..size).map(|_| number()).collect()).collect()
}

/// Makes vectors orthogonal and of length 1 (Gram and Schmidt, twice, which is enough). One that depends on those before it
/// becomes zeros.
fn orthonormalise(vectors: &mut [Vec<f64>]) {
    for at in 0..vectors.len() {
        let (before, rest) = vectors.split_at_mut(at);
        let vector = &mut rest[0];
        let length_before = dot(vector, vector).sqrt();
        for other in before.iter().chain(before.iter()) {
            let product = dot(vector, other);
            vector.iter_mut().zip(other).for_each(|(value, other)| *value -= product * other);
        }
        let length = dot(vector, vector).sqrt();
        let scale = if length > 1e-12 * length_before { 1.0 / length } else { 0.0 };
        vector.iter_mut().for_each(|value| *value *= scale);
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

fn add(sum: &mut [f64], row: &[f32], weight: f64) {
    sum.iter_mut().zip(row).for_each(|(sum, &value)| *sum += weight * f64::from(value));
}

/// The product of each row with a direction.
fn products(matrix: &[f32], direction: &[f64]) -> Vec<f64> {
    let rows = matrix.chunks(direction.len().max(1));
    rows.map(|row| row.iter().zip(direction).map(|(&x, y)| f64::from(x) * y).sum()).collect()
}

/// The sum of the rows, each with its weight.
fn sums(matrix: &[f32], weights: &[f64], size: usize) -> Vec<f64> {
    let mut sum = vec![0.0; size];
    matrix.chunks(size.max(1)).zip(weights).for_each(|(row, &weight)| add(&mut sum, row, weight));
    sum
}

fn gram(vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
    vectors.iter().map(|x| vectors.iter().map(|y| dot(x, y)).collect()).collect()
}

/// The eigenvalues of a small symmetric matrix, and the eigenvectors as columns (Jacobi 1846).
fn eigen(mut matrix: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    const SWEEPS: usize = 30;
    let size = matrix.len();
    let mut vectors: Vec<Vec<f64>> =
        (0..size).map(|i| (0..size).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..SWEEPS {
        for p in 0..size {
            for q in p + 1..size {
                if matrix[p][q] == 0.0 {
                    continue;
                }
                let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
                let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                rotate(&mut matrix, &mut vectors, (p, q), (cosine, tangent * cosine));
            }
        }
    }
    ((0..size).map(|i| matrix[i][i]).collect(), vectors)
}

fn rotate(matrix: &mut [Vec<f64>], vectors: &mut [Vec<f64>], (p, q): (usize, usize), (cosine, sine): (f64, f64)) {
    let turned = |a: f64, b: f64| (cosine * a - sine * b, sine * a + cosine * b);
    for row in matrix.iter_mut().chain(vectors.iter_mut()) {
        (row[p], row[q]) = turned(row[p], row[q]);
    }
    // p is less than q.
    let (above, below) = matrix.split_at_mut(q);
    for (a, b) in above[p].iter_mut().zip(&mut below[0]) {
        (*a, *b) = turned(*a, *b);
    }
}

/// The images, combined by a column of the rotation.
fn combined(images: &[Vec<f64>], rotation: &[Vec<f64>], column: usize, rows: usize) -> Vec<f64> {
    let mut sum = vec![0.0; rows];
    for (image, weights) in images.iter().zip(rotation) {
        sum.iter_mut().zip(image).for_each(|(sum, value)| *sum += weights[column] * value);
    }
    sum
}

/// An axis may point either way: the value farthest from 0 is made positive.
fn oriented(axis: Vec<f64>) -> Vec<f64> {
    let farthest = axis.iter().copied().fold(0.0, |far: f64, value| if value.abs() > far.abs() { value } else { far });
    if farthest < 0.0 { axis.into_iter().map(|value| -value).collect() } else { axis }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(vectors: &KeyedVectors) -> Plane {
        vectors.plane(&(0..vectors.len()).collect::<Vec<_>>(), &Progress::default()).unwrap()
    }

    #[test]
    fn points_of_a_plane_keep_their_distances() {
        // Unit vectors in a plane of seven dimensions.
        let values: Vec<f32> = (0..9)
            .flat_map(|i| {
                let angle = f64::from(i) * 0.7;
                let (x, y) = (angle.cos() as f32, angle.sin() as f32);
                [0.6 * x, 0.8 * x, 0.0, 0.0, y, 0.0, 0.0]
            })
            .collect();
        let words: Vec<String> = (0..9).map(|i| i.to_string()).collect();
        let vectors = KeyedVectors::from_rows(words.iter().map(String::as_str), 7, &values).unwrap();
        let found = plane(&vectors);
        assert!((found.shares[0] + found.shares[1] - 1.0).abs() < 1e-6, "{:?}", found.shares);
        assert!(found.shares[0] >= found.shares[1]);
        for i in 0..9 {
            for j in 0..9 {
                let [a, b] = [found.points[i], found.points[j]];
                let distance = (a[0] - b[0]).hypot(a[1] - b[1]);
                let chord = 2.0 * (0.35 * (i as f64 - j as f64)).sin().abs();
                assert!((distance - chord).abs() < 1e-5, "{i} {j}");
            }
        }
    }

    #[test]
    fn vectors_without_directions_or_dimensions_are_points_too() {
        for (size, values) in [(1, vec![f32::NAN, 0.0, 2.0]), (3, vec![0.0; 9]), (0, Vec::new())] {
            let vectors = KeyedVectors::from_rows(["a", "b", "c"], size, &values);
            let Ok(vectors) = vectors else { continue };
            let found = plane(&vectors);
            assert!(found.points.iter().flatten().all(|value| value.is_finite()), "{found:?}");
        }
        let none = KeyedVectors::from_rows([], 3, &[]).unwrap();
        assert!(plane(&none).points.is_empty());
    }
}
