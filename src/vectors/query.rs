//! Queries put together of keys and vectors with weights, and what is near to them.

use std::ops::Range;

use super::KeyedVectors;
use super::batch::SearchOptions;
use super::length::{direction, length, unit};
use super::nearest::Nearest;
use super::parallel::map_rows;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::vocab::Key;

/// What is added to the divisor of a product of cosines, which may be 0 (Levy and Goldberg 2014).
const EPSILON: f64 = 1e-6;

/// A weighted sum of vectors (3CosAdd; Mikolov et al. 2013), in double precision.
///
/// ```
/// use polargram::KeyedVectors;
/// use polargram::vectors::Query;
///
/// let wv = KeyedVectors::from_rows(["east", "north", "northeast"], 2, &[2.0, 0.0, 0.0, 3.0, 1.0, 1.0])?;
/// let mut query = Query::new(&wv);
/// query.add_row(0, 1.0);
/// query.add_vector(&[0.0, 1.0], 1.0)?;
/// assert_eq!(query.nearest(1, 0..3)?[0].0, 2);
/// # Ok::<(), polargram::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Query<'a> {
    vectors: &'a KeyedVectors,
    sum: Vec<f64>,
    /// The rows that were added, which are left out of what is near.
    rows: Vec<usize>,
    terms: usize,
}

impl<'a> Query<'a> {
    /// A query about these vectors, of no terms yet.
    pub fn new(vectors: &'a KeyedVectors) -> Self {
        Self { vectors, sum: vec![0.0; vectors.vector_size()], rows: Vec::new(), terms: 0 }
    }

    /// Adds the vector of a key, or that of a word's n-grams, scaled to length 1 and then by `weight`.
    ///
    /// # Errors
    /// [`Error::UnknownKey`].
    pub fn add_key(&mut self, key: Key<'_>, weight: f64) -> Result<()> {
        match self.vectors.keys.id(key) {
            Some(id) => self.add_row(id as usize, weight),
            None => self.add(&self.vectors.unit_vector_of(key)?, weight),
        }
        Ok(())
    }

    /// Adds the vector of a row, scaled to length 1 and then by `weight`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn add_row(&mut self, row: usize, weight: f64) {
        let values = self.vectors.rows.row(row);
        let length = length(values);
        // Zeros have no direction to add.
        self.add(values, if length == 0.0 { 0.0 } else { weight / length });
        self.rows.push(row);
    }

    /// Adds the vector of a row as it is.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn add_unscaled_row(&mut self, row: usize) {
        self.add(self.vectors.rows.row(row), 1.0);
        self.rows.push(row);
    }

    /// Adds a vector of any length, scaled by `weight` alone, as in gensim.
    ///
    /// # Errors
    /// [`Error::Parameter`] if it does not have as many values as the table's vectors.
    pub fn add_vector(&mut self, vector: &[f64], weight: f64) -> Result<()> {
        self.vectors.ensure_size(vector)?;
        self.add(vector, weight);
        Ok(())
    }

    fn add<T: Copy + Into<f64>>(&mut self, vector: &[T], weight: f64) {
        self.sum.iter_mut().zip(vector).for_each(|(sum, &value)| *sum += weight * value.into());
        self.terms += 1;
    }

    /// The sum scaled to length 1: zeros if it is of zeros, NaN if it holds NaN or infinity.
    pub fn direction(&self) -> Vec<f32> {
        direction(&self.sum)
    }

    /// The `topn` nearest of some rows by cosine, without those that were added; rows of equal cosine in row order.
    ///
    /// # Errors
    /// [`Error::Parameter`] if nothing was added, or the rows are not in the table.
    pub fn nearest(&self, topn: usize, rows: Range<usize>) -> Result<Vec<(usize, f32)>> {
        self.ensure_terms()?;
        if self.sum.is_empty() {
            return Ok(Vec::new());
        }
        let options = SearchOptions { topn, rows, excluded: std::slice::from_ref(&self.rows) };
        let found = self.vectors.search_directions(self.direction(), &options, &Progress::default())?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The cosines of some rows, in their order.
    ///
    /// # Errors
    /// [`Error::Parameter`] if nothing was added.
    ///
    /// # Panics
    /// If the rows are not in the table.
    pub fn cosines(&self, rows: Range<usize>) -> Result<Vec<f32>> {
        self.ensure_terms()?;
        Ok(self.vectors.cosines_among(&self.direction(), rows))
    }

    /// The cosines of some rows, in this order, with the sum.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn cosines_of(&self, rows: &[usize]) -> Vec<f32> {
        self.vectors.cosines_to(&self.direction(), rows)
    }

    /// The cosine of two sums: 0 if one of them is of zeros.
    pub fn cosine(&self, other: &Self) -> f32 {
        let product = self.direction().into_iter().zip(other.direction());
        product.map(|(a, b)| f64::from(a) * f64::from(b)).sum::<f64>() as f32
    }

    fn ensure_terms(&self) -> Result<()> {
        if self.terms == 0 { Err(no_terms()) } else { Ok(()) }
    }
}

fn no_terms() -> Error {
    Error::parameter("positive", "name at least one key or vector")
}

/// A product of cosines (3CosMul; Levy and Goldberg 2014): those with the positive terms, divided by those with the
/// negative ones, each moved from −1…1 to 0…1.
#[derive(Debug, Clone)]
pub struct ProductQuery<'a> {
    vectors: &'a KeyedVectors,
    positive: Vec<Term>,
    negative: Vec<Term>,
    rows: Vec<usize>,
}

/// A vector, whose product with a row's direction counts.
#[derive(Debug, Clone)]
struct Term {
    direction: Vec<f32>,
    length: f64,
}

impl<'a> ProductQuery<'a> {
    /// A query about these vectors, of no terms yet.
    pub fn new(vectors: &'a KeyedVectors) -> Self {
        Self { vectors, positive: Vec::new(), negative: Vec::new(), rows: Vec::new() }
    }

    /// Adds the cosines with a row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn add_row(&mut self, row: usize, is_positive: bool) {
        let term = Term { direction: direction(self.vectors.rows.row(row)), length: 1.0 };
        self.terms(is_positive).push(term);
        self.rows.push(row);
    }

    /// Adds the cosines with a vector, times its length, as in gensim.
    ///
    /// # Errors
    /// [`Error::Parameter`] if it does not have as many values as the table's vectors.
    pub fn add_vector(&mut self, vector: &[f64], is_positive: bool) -> Result<()> {
        self.vectors.ensure_size(vector)?;
        self.terms(is_positive).push(Term { direction: direction(vector), length: length(vector) });
        Ok(())
    }

    fn terms(&mut self, is_positive: bool) -> &mut Vec<Term> {
        if is_positive { &mut self.positive } else { &mut self.negative }
    }

    /// The scores of some rows, in their order.
    ///
    /// # Errors
    /// [`Error::Parameter`] if nothing positive was added.
    ///
    /// # Panics
    /// If the rows are not in the table.
    pub fn scores(&self, rows: Range<usize>) -> Result<Vec<f32>> {
        if self.positive.is_empty() {
            return Err(no_terms());
        }
        let norms = self.vectors.norms();
        Ok(map_rows(rows, |row| {
            let product = |terms: &[Term]| -> f64 {
                let cosine = |term: &Term| f64::from(self.vectors.cosine_to(&term.direction, row, norms[row]));
                terms.iter().map(|term| (1.0 + cosine(term) * term.length) / 2.0).product()
            };
            (product(&self.positive) / (product(&self.negative) + EPSILON)) as f32
        }))
    }

    /// The `topn` of some rows with the greatest scores, without those that were added; rows of equal score in row order.
    ///
    /// # Errors
    /// [`Error::Parameter`] if nothing positive was added.
    ///
    /// # Panics
    /// If the rows are not in the table.
    pub fn nearest(&self, topn: usize, rows: Range<usize>) -> Result<Vec<(usize, f32)>> {
        let mut nearest = Nearest::new(topn, &self.rows);
        for (row, score) in rows.clone().zip(self.scores(rows)?) {
            let is_too_far = score < nearest.limit();
            if !is_too_far {
                nearest.offer(row, score);
            }
        }
        Ok(nearest.into_sorted())
    }
}

impl KeyedVectors {
    /// The rows whose cosine distance from `row` is less than that of `other`, in row order, without `row`.
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn closer_than(&self, row: usize, other: usize) -> Vec<usize> {
        // As in gensim distances are compared, which are rounded more than cosines.
        let distances = self.cosines_among(&direction(self.rows.row(row)), 0..self.len());
        let limit = 1.0 - distances[other];
        let closer = distances.into_iter().enumerate().filter(|&(at, cosine)| 1.0 - cosine < limit && at != row);
        closer.map(|(at, _)| at).collect()
    }

    /// The products of rows with the direction of their mean: cosines if they are normalised first.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn centralities(&self, rows: &[usize], normalise: bool) -> Vec<f32> {
        let mut mean = Query::new(self);
        rows.iter().for_each(|&row| if normalise { mean.add_row(row, 1.0) } else { mean.add_unscaled_row(row) });
        let length_of = |row: usize| if normalise { 1.0 } else { length(self.rows.row(row)) };
        let cosines = rows.iter().zip(mean.cosines_of(rows));
        cosines.map(|(&row, cosine)| (f64::from(cosine) * length_of(row)) as f32).collect()
    }

    /// The Euclidean distance of each row of `from` to each of `to`, of vectors as they are or scaled to length 1: one
    /// line after another.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn euclidean_distances(&self, from: &[usize], to: &[usize], normalise: bool) -> Vec<f64> {
        let values = |row: usize| if normalise { unit(self.rows.row(row)) } else { self.rows.row(row).to_vec() };
        let to: Vec<Vec<f32>> = to.iter().map(|&row| values(row)).collect();
        let distance = |a: &[f32], b: &[f32]| {
            let squares = a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
            squares.sum::<f64>().sqrt()
        };
        let lines = from.iter().map(|&row| values(row));
        lines.flat_map(|line| to.iter().map(|to| distance(&line, to)).collect::<Vec<_>>()).collect()
    }

    /// The cosines of a range of rows with a vector of length 1.
    fn cosines_among(&self, direction: &[f32], rows: Range<usize>) -> Vec<f32> {
        let norms = self.norms();
        map_rows(rows, |row| self.cosine_to(direction, row, norms[row]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> KeyedVectors {
        let values = [2.0, 0.0, 0.0, 3.0, 1.0, 1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 1.0];
        KeyedVectors::from_rows(["east", "north", "northeast", "west", "nowhere", "again"], 2, &values).unwrap()
    }

    fn rows(found: Vec<(usize, f32)>) -> Vec<usize> {
        found.into_iter().map(|(row, _)| row).collect()
    }

    #[test]
    fn keys_count_as_unit_vectors_and_vectors_by_their_length() {
        let wv = table();
        let mut query = Query::new(&wv);
        query.add_row(0, 1.0);
        query.add_vector(&[0.0, 3.0], 1.0).unwrap();
        let direction = query.direction();
        assert!((direction[1] / direction[0] - 3.0).abs() < 1e-6);
        assert_eq!(rows(query.nearest(9, 0..6).unwrap()), [1, 2, 5, 4, 3]);
        assert_eq!(rows(query.nearest(9, 2..4).unwrap()), [2, 3]);
        assert!(query.nearest(9, 3..3).unwrap().is_empty());
    }

    #[test]
    fn a_query_of_nothing_or_of_another_length_is_an_error() {
        let wv = table();
        let mut query = Query::new(&wv);
        assert!(query.nearest(1, 0..6).is_err() && query.cosines(0..6).is_err());
        assert!(query.add_vector(&[1.0; 3], 1.0).unwrap_err().to_string().contains("has 3 values"));
        let mut product = ProductQuery::new(&wv);
        product.add_row(0, false);
        assert!(product.scores(0..6).is_err() && product.add_vector(&[1.0; 3], true).is_err());
    }

    #[test]
    fn a_weight_of_zero_leaves_a_key_out_of_the_sum_and_of_the_result() {
        let wv = table();
        let mut query = Query::new(&wv);
        query.add_row(0, 1.0);
        query.add_row(1, 0.0);
        assert_eq!(query.direction(), [1.0, 0.0]);
        assert_eq!(rows(query.nearest(9, 0..6).unwrap()), [2, 5, 4, 3]);
    }

    #[test]
    fn what_is_closer_has_a_lesser_distance_and_equal_rows_are_not_closer() {
        let wv = table();
        assert_eq!(wv.closer_than(0, 1), [2, 5]);
        assert_eq!(wv.closer_than(0, 2), [0; 0]);
        assert_eq!(wv.closer_than(2, 3), [0, 1, 4, 5]);
    }

    #[test]
    fn the_vectors_of_an_empty_size_are_near_to_nothing() {
        let wv = KeyedVectors::from_rows(["a"; 0], 0, &[]).unwrap();
        let mut query = Query::new(&wv);
        query.add_vector(&[], 1.0).unwrap();
        assert!(query.nearest(5, 0..0).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn products_are_those_of_double_precision(
            values in prop::collection::vec(-1.0f32..1.0, 30), vector in prop::collection::vec(-1.0f64..1.0, 3),
        ) {
            let words: Vec<String> = (0..10).map(|row| row.to_string()).collect();
            let wv = KeyedVectors::from_rows(words.iter().map(String::as_str), 3, &values).unwrap();
            let mut query = ProductQuery::new(&wv);
            query.add_row(0, true);
            query.add_vector(&vector, true).unwrap();
            query.add_row(1, false);
            let product = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
            let row = |row: usize| -> Vec<f64> {
                let row: Vec<f64> = wv.rows().row(row).iter().map(|&value| value.into()).collect();
                let length = product(&row, &row).sqrt();
                row.into_iter().map(|value| if length > 0.0 { value / length } else { 0.0 }).collect()
            };
            for (at, got) in query.scores(0..10).unwrap().into_iter().enumerate() {
                let shifted = |term: &[f64]| (1.0 + product(term, &row(at))) / 2.0;
                let want = shifted(&row(0)) * shifted(&vector) / (shifted(&row(1)) + 1e-6);
                prop_assert!((f64::from(got) - want).abs() <= 1e-5 * (1.0 + want.abs() / (shifted(&row(1)) + 1e-6)));
            }
        }
    }
}
