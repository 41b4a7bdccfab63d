//! Cosine similarity and nearest neighbours.

use std::cmp::Ordering;
use std::sync::{Arc, PoisonError};

use rayon::prelude::*;

use super::KeyedVectors;
use crate::error::{Error, Result};
use crate::kernel::dot;
use crate::process::can_use_thread_pools;
use crate::vocab::{Key, WordId};

/// Rows of one task.
const ROWS_PER_TASK: usize = 4096;

impl KeyedVectors {
    /// The cosine of two keys' vectors.
    ///
    /// # Errors
    /// [`Error::UnknownKey`].
    pub fn similarity<'k>(&self, a: impl Into<Key<'k>>, b: impl Into<Key<'k>>) -> Result<f32> {
        let (a, b) = (self.id(a)? as usize, self.id(b)? as usize);
        let norms = self.norms();
        let norms = norms[a] * norms[b];
        Ok(if norms > 0.0 { dot(self.rows.row(a), self.rows.row(b)) / norms } else { 0.0 })
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
        let mut query = vec![0.0; self.vector_size()];
        let mut asked = Vec::new();
        let norms = self.norms();
        for (keys, sign) in [(positive, 1.0), (negative, -1.0)] {
            for &key in keys {
                let row = self.id(key)? as usize;
                asked.push(row);
                let scale = sign / norms[row].max(f32::MIN_POSITIVE);
                query.iter_mut().zip(self.rows.row(row)).for_each(|(q, v)| *q += scale * v);
            }
        }
        if asked.is_empty() {
            return Err(Error::parameter("positive", "name at least one key"));
        }
        // A row is a word's number.
        let nearest = self.nearest(&query, topn, &asked)?.into_iter();
        Ok(nearest.map(|(row, cosine)| (self.keys.key(row as WordId), cosine)).collect())
    }

    /// The `topn` rows nearest to a vector by cosine, without the `excluded` ones, nearest first; rows of equal cosine in
    /// row order.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the query does not have as many values as a vector.
    pub fn nearest(&self, query: &[f32], topn: usize, excluded: &[usize]) -> Result<Vec<(usize, f32)>> {
        if query.len() != self.vector_size() {
            let reason = format!("has {} values; the vectors have {}", query.len(), self.vector_size());
            return Err(Error::parameter("query", reason));
        }
        let scale = 1.0 / dot(query, query).sqrt().max(f32::MIN_POSITIVE);
        let norms = self.norms();
        let cosine = |row: usize| dot(query, self.rows.row(row)) * scale / norms[row].max(f32::MIN_POSITIVE);
        let rows = 0..self.len();
        let cosines: Vec<f32> = match rows.len() > ROWS_PER_TASK && can_use_thread_pools() {
            true => rows.into_par_iter().with_min_len(ROWS_PER_TASK).map(cosine).collect(),
            false => rows.map(cosine).collect(),
        };
        let mut order: Vec<usize> = (0..self.len()).filter(|row| !excluded.contains(row)).collect();
        let nearer = |&a: &usize, &b: &usize| descending(cosines[a], cosines[b]).then(a.cmp(&b));
        let topn = topn.min(order.len());
        if topn < order.len() {
            order.select_nth_unstable_by(topn, nearer);
            order.truncate(topn);
        }
        order.sort_unstable_by(nearer);
        Ok(order.into_iter().map(|row| (row, cosines[row])).collect())
    }

    /// Euclidean norms, in row order; computed at the first call.
    pub(crate) fn norms(&self) -> Arc<[f32]> {
        let known = self.norms.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.unwrap_or_else(|| {
            let norms: Arc<[f32]> = self.rows.iter().map(|row| dot(row, row).sqrt()).collect();
            self.norms.write().unwrap_or_else(PoisonError::into_inner).insert(norms).clone()
        })
    }

    /// Forgets what was computed from the rows. To be called when they have changed, as by training.
    pub fn forget_norms(&self) {
        self.norms.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// NaN, which an untrained or damaged row may hold, is farther than everything.
fn descending(a: f32, b: f32) -> Ordering {
    b.partial_cmp(&a).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
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
        all.sort_by(|a, b| descending(a.1, b.1));
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
}
