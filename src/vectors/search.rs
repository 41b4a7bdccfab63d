//! Cosine similarity, and the nearest neighbours of one query.

use super::KeyedVectors;
use super::length::{ORDINARY, direction, exact_cosine};
use super::query::Query;
use crate::error::{Error, Result};
use crate::kernel::dot;
use crate::vocab::{Key, WordId};

impl KeyedVectors {
    /// The cosine of two keys' vectors.
    ///
    /// # Errors
    /// [`Error::UnknownKey`].
    pub fn similarity<'k>(&self, a: impl Into<Key<'k>>, b: impl Into<Key<'k>>) -> Result<f32> {
        let (a, b) = (a.into(), b.into());
        match (self.keys.id(a), self.keys.id(b)) {
            (Some(a), Some(b)) => Ok(self.cosine_of_rows(a as usize, b as usize)),
            _ => Ok(exact_cosine(&self.vector_of(a)?, &self.vector_of(b)?)),
        }
    }

    /// The cosine of two rows.
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn cosine_of_rows(&self, a: usize, b: usize) -> f32 {
        let norms = self.norms();
        let norms = norms[a] * norms[b];
        let (a, b) = (self.rows.row(a), self.rows.row(b));
        if ORDINARY.contains(&norms) { dot(a, b) / norms } else { exact_cosine(a, b) }
    }

    /// The `topn` keys nearest by cosine to the mean of the unit vectors of `positive` and the negated ones of
    /// `negative` (3CosAdd; Mikolov et al. 2013), nearest first, as (key, cosine). The keys of the query are left out.
    ///
    /// # Errors
    /// [`Error::UnknownKey`]; [`Error::Parameter`] if no key is given.
    pub fn most_similar<'k, K>(&self, positive: &[K], negative: &[K], topn: usize) -> Result<Vec<(Key<'_>, f32)>>
    where
        K: Into<Key<'k>> + Copy,
    {
        let mut query = Query::new(self);
        for (keys, weight) in [(positive, 1.0), (negative, -1.0)] {
            for &key in keys {
                query.add_key(key.into(), weight)?;
            }
        }
        // A row is a word's number.
        let nearest = query.nearest(topn, 0..self.len())?.into_iter();
        Ok(nearest.map(|(row, cosine)| (self.keys.key(row as WordId), cosine)).collect())
    }

    /// The cosines of some rows with a query, which are those of [`nearest`](Self::nearest).
    ///
    /// # Errors
    /// [`Error::Parameter`] if the query does not have as many values as a vector.
    pub fn cosines(&self, query: &[f32], rows: &[usize]) -> Result<Vec<f32>> {
        self.ensure_size(query)?;
        Ok(self.cosines_to(&direction(query), rows))
    }

    /// The cosines of some rows, in this order, with a vector of length 1.
    pub(super) fn cosines_to(&self, direction: &[f32], rows: &[usize]) -> Vec<f32> {
        let norms = self.norms();
        rows.iter().map(|&row| self.cosine_to(direction, row, norms[row])).collect()
    }

    /// # Errors
    /// [`Error::Parameter`] if a query does not have as many values as a vector.
    pub(super) fn ensure_size<T>(&self, query: &[T]) -> Result<()> {
        if query.len() == self.vector_size() {
            return Ok(());
        }
        let reason = format!("has {} values; the vectors have {}", query.len(), self.vector_size());
        Err(Error::parameter("query", reason))
    }

    /// The cosine of a row, whose norm is that of [`norms`](Self::norms), with a vector of length 1.
    #[inline]
    pub(super) fn cosine_to(&self, query: &[f32], row: usize, norm: f32) -> f32 {
        let row = self.rows.row(row);
        if norm > 0.0 { dot(query, row) / norm } else { exact_cosine(query, row) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> KeyedVectors {
        let values: Vec<f32> = (0..100 * 20).map(|i| ((i * 7919 + 13) % 101) as f32 - 50.0).collect();
        let words: Vec<String> = (0..100).map(|i| format!("w{i}")).collect();
        KeyedVectors::from_rows(words.iter().map(String::as_str), 20, &values).unwrap()
    }

    #[test]
    fn the_nearest_are_those_of_a_full_sort() {
        let wv = table();
        let got = wv.most_similar(&["w3"], &[], 7).unwrap();
        let mut all: Vec<(usize, f32)> =
            (0..100).filter(|&i| i != 3).map(|i| (i, wv.similarity("w3", &format!("w{i}")).unwrap())).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        assert!(got.iter().zip(&all).all(|(got, want)| got.0 == format!("w{}", want.0).as_str()));
        got.iter().zip(&all).for_each(|(a, b)| assert!((a.1 - b.1).abs() < 1e-5));
    }

    #[test]
    fn the_words_asked_with_are_left_out() {
        let wv = table();
        let got = wv.most_similar(&["w1", "w2"], &["w3"], 100).unwrap();
        assert_eq!(got.len(), 97);
        assert!(got.iter().all(|(key, _)| ["w1", "w2", "w3"].iter().all(|asked| key != asked)));
    }

    #[test]
    fn unknown_words_and_empty_queries_are_errors() {
        assert!(matches!(table().similarity("w1", "nope"), Err(Error::UnknownKey(key)) if key == "\"nope\""));
        assert!(table().most_similar::<&str>(&[], &[], 5).is_err());
        assert!(table().nearest(&[1.0; 3], 5, &[]).unwrap_err().to_string().contains("has 3 values"));
        assert!(KeyedVectors::from_rows(["a", "b"], 2, &[0.0; 5]).is_err());
    }

    #[test]
    fn rows_of_zeros_and_nan_do_not_disturb_the_others() {
        let wv =
            KeyedVectors::from_rows(["a", "zero", "nan", "b"], 2, &[1., 0., 0., 0., f32::NAN, 1., 1., 0.1]).unwrap();
        let order: Vec<Key> = wv.most_similar(&["a"], &[], 3).unwrap().into_iter().map(|(key, _)| key).collect();
        assert_eq!(order, ["b", "zero", "nan"]);
    }

    fn cosine(x: &[f32], y: &[f32]) -> f64 {
        let product =
            |x: &[f32], y: &[f32]| -> f64 { x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum() };
        let lengths = (product(x, x) * product(y, y)).sqrt();
        if lengths > 0.0 { product(x, y) / lengths } else { 0.0 }
    }

    /// Values around a power of ten, from the least float32 to the greatest, or zeros.
    fn row() -> impl Strategy<Value = Vec<f32>> {
        let value = (-1.0f64..1.0, prop_oneof![Just(0), -3..=0]).prop_map(|(value, power)| value * 10f64.powi(power));
        let scale = prop_oneof![Just(0.0), (-46..=38).prop_map(|power| 3.4 * 10f64.powi(power))];
        (prop::collection::vec(value, 40), scale)
            .prop_map(|(values, scale)| values.into_iter().map(|value| (scale * value) as f32).collect())
    }

    proptest! {
        #[test]
        fn cosines_are_those_of_double_precision_from_the_least_float_to_the_greatest(
            rows in prop::collection::vec(row(), 2..9), query in row(),
        ) {
            let words: Vec<String> = (0..rows.len()).map(|row| row.to_string()).collect();
            let values = rows.concat();
            let wv = KeyedVectors::from_rows(words.iter().map(String::as_str), 40, &values).unwrap();
            for (row, got) in wv.nearest(&query, rows.len(), &[]).unwrap() {
                prop_assert!((f64::from(got) - cosine(&query, &rows[row])).abs() < 1e-5, "{got}: {query:?} {:?}", rows[row]);
            }
            for (a, word) in words.iter().enumerate() {
                for (other, got) in wv.most_similar(&[word], &[], rows.len()).unwrap() {
                    let b: usize = other.as_text().unwrap().parse().unwrap();
                    let want = cosine(&rows[a], &rows[b]);
                    prop_assert!((f64::from(got) - want).abs() < 1e-5, "{got} instead of {want}");
                    let got = wv.similarity(word, &words[b]).unwrap();
                    prop_assert!((f64::from(got) - want).abs() < 1e-5, "{got} instead of {want}");
                }
            }
        }
    }

    #[test]
    fn words_of_all_magnitudes_weigh_the_same_in_a_query() {
        let rows = [3e38, 0.0, 0.0, 1e-42, 1e-25, 1e-25, 5e24, 5e24, 1.0, -1.0];
        let wv = KeyedVectors::from_rows(["huge", "tiny", "sum", "same", "across"], 2, &rows).unwrap();
        let got = wv.most_similar(&["huge", "tiny"], &[], 3).unwrap();
        assert_eq!(got.iter().map(|(key, _)| key.as_text().unwrap()).collect::<Vec<_>>(), ["sum", "same", "across"]);
        got.iter().zip([1.0, 1.0, 0.0]).for_each(|((_, got), want)| assert!((got - want).abs() < 1e-6, "{got}"));
    }

    #[test]
    fn a_query_that_is_not_finite_is_near_to_nothing() {
        for value in [f32::NAN, f32::INFINITY] {
            let mut query = vec![0.0; 20];
            query[3] = value;
            assert!(table().nearest(&query, 100, &[]).unwrap().iter().all(|(_, cosine)| cosine.is_nan()));
        }
    }
}
