//! Words that are not in a table, and have the vectors of their n-grams.

use std::borrow::Cow;

use super::subwords::Subwords;
use super::{KeyedVectors, length};
use crate::error::{Error, Result};
use crate::vocab::Key;

impl KeyedVectors {
    /// The same table, which gives words that it does not have the vectors of their n-grams.
    ///
    /// # Errors
    /// [`Error::Parameter`] if these have other dimensions.
    pub(crate) fn with_subwords(mut self, subwords: Subwords) -> Result<Self> {
        if subwords.vector_size != self.vector_size() {
            let reason = format!("have {} dimensions, not {}", subwords.vector_size, self.vector_size());
            return Err(Error::parameter("subwords", reason));
        }
        self.subwords = Some(subwords);
        Ok(self)
    }

    /// The vectors of n-grams, if there are any. They stay as they are when vectors of words are changed.
    pub fn subwords(&self) -> Option<&Subwords> {
        self.subwords.as_ref().filter(|subwords| subwords.vector_size == self.vector_size())
    }

    /// True if [`vector_of`](Self::vector_of) gives a vector: for keys that are there, and with subwords for any text.
    pub fn has_vector<'k>(&self, key: impl Into<Key<'k>>) -> bool {
        let key = key.into();
        self.keys.id(key).is_some() || self.composed(key).is_some()
    }

    /// The vector of a key, or of a word that is not there that of its n-grams: their mean, zeros if it has none.
    ///
    /// ```
    /// use polargram::KeyedVectors;
    ///
    /// let wv = KeyedVectors::from_rows(["king"], 2, &[1.0, 0.9])?;
    /// assert_eq!(*wv.vector_of("king")?, [1.0, 0.9]);
    /// assert!(wv.vector_of("kings").is_err()); // Only files of fastText have vectors of n-grams.
    /// # Ok::<(), polargram::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownKey`].
    pub fn vector_of<'k>(&self, key: impl Into<Key<'k>>) -> Result<Cow<'_, [f32]>> {
        let key = key.into();
        match self.keys.id(key) {
            Some(id) => Ok(Cow::Borrowed(self.rows.row(id as usize))),
            None => self.composed(key).map(Cow::Owned).ok_or_else(|| self.keys.unknown(key)),
        }
    }

    /// [`vector_of`](Self::vector_of) scaled to length 1, or as it is if it has no direction.
    ///
    /// # Errors
    /// [`Error::UnknownKey`].
    pub fn unit_vector_of<'k>(&self, key: impl Into<Key<'k>>) -> Result<Vec<f32>> {
        Ok(length::unit(&self.vector_of(key)?))
    }

    fn composed(&self, key: Key<'_>) -> Option<Vec<f32>> {
        Some(self.subwords()?.vector(key.as_text()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::Ngrams;

    #[test]
    fn an_unknown_word_has_the_mean_of_its_n_grams_and_a_number_has_nothing() {
        let values: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let ngrams = Ngrams { min: 3, max: 3, buckets: 2 };
        let subwords = Subwords::new(ngrams, 2, values.into()).unwrap();
        let wv = KeyedVectors::from_rows(["a"], 2, &[9.0, 9.0]).unwrap().with_subwords(subwords).unwrap();
        let mut rows = Vec::new();
        ngrams.for_each(b"word", |row| rows.push(row));
        let mean = rows.iter().map(|&row| [1.0, 3.0][row]).sum::<f32>() / rows.len() as f32;
        assert!((wv.vector_of("word").unwrap()[0] - mean).abs() < 1e-6);
        assert_eq!(*wv.vector_of("a").unwrap(), [9.0, 9.0]);
        assert_eq!(*wv.vector_of("").unwrap(), [0.0, 0.0]);
        assert!(wv.has_vector("word") && !wv.has_vector(7i64) && wv.vector("word").is_err());
        assert!(wv.most_similar(&["word"], &[], 1).unwrap()[0].1 > 0.9);
        assert!(wv.similarity("word", "a").unwrap() > 0.9);
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let new = |buckets, bytes| Subwords::new(Ngrams { min: 1, max: 1, buckets }, 2, vec![0u8; bytes].into());
        assert!(new(1, 8).is_ok() && new(0, 0).is_err() && new(2, 8).is_err() && new(u32::MAX, 8).is_err());
        let wv = KeyedVectors::from_rows(["a"], 1, &[1.0]).unwrap();
        assert!(wv.with_subwords(new(1, 8).unwrap()).is_err());
    }
}
