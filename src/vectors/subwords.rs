//! Vectors of words from their character n-grams (Bojanowski et al. 2017), as facebook's fastText hashes and sums them.

use std::borrow::Cow;

use arrow::buffer::Buffer;

use super::KeyedVectors;
use super::length;
use crate::error::{Error, Result};
use crate::vocab::Key;

/// The end of a line, which fastText counts as a word. It has no n-grams.
pub(crate) const END_OF_SENTENCE: &[u8] = b"</s>";
const FLOAT_BYTES: usize = size_of::<f32>();

/// Which n-grams a word has, in characters, and to how many rows they are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ngrams {
    /// Characters of the shortest.
    pub min: usize,
    /// Characters of the longest: 0 for none.
    pub max: usize,
    /// Rows that n-grams are hashed to: at least 1.
    pub buckets: u32,
}

impl Ngrams {
    /// Calls `visit` with the row of each n-gram of a word, in fastText's order. A word stands between `<` and `>`, and
    /// these two alone are no n-grams.
    pub fn for_each(&self, word: &[u8], mut visit: impl FnMut(usize)) {
        if word == END_OF_SENTENCE || self.max == 0 {
            return;
        }
        let word = [b"<", word, b">"].concat();
        let goes_on = |at: usize| word.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
        for start in (0..word.len()).filter(|&start| !goes_on(start)) {
            let (mut end, mut hash) = (start, Fnv::default());
            for length in 1..=self.max {
                if end == word.len() {
                    break;
                }
                hash.add(word[end]);
                end += 1;
                while goes_on(end) {
                    hash.add(word[end]);
                    end += 1;
                }
                let is_bracket = length == 1 && (start == 0 || end == word.len());
                if length >= self.min && !is_bracket {
                    visit((hash.0 % self.buckets) as usize);
                }
            }
        }
    }
}

/// FNV-1a of 32 bits, of bytes with a sign, as in fastText.
struct Fnv(u32);

impl Default for Fnv {
    fn default() -> Self {
        Self(2_166_136_261)
    }
}

impl Fnv {
    fn add(&mut self, byte: u8) {
        self.0 = (self.0 ^ i32::from(byte.cast_signed()).cast_unsigned()).wrapping_mul(16_777_619);
    }
}

/// The vectors of n-grams: from them words that are not in a table have vectors.
#[derive(Debug, Clone)]
pub struct Subwords {
    ngrams: Ngrams,
    vector_size: usize,
    /// A row of little-endian float32 for each bucket, of a mapped file or in memory, at any address.
    rows: Buffer,
}

impl Subwords {
    /// N-grams and their rows, `vector_size` little-endian float32 for each bucket.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there are no buckets, or not as many rows.
    pub(crate) fn new(ngrams: Ngrams, vector_size: usize, rows: Buffer) -> Result<Self> {
        let bytes =
            (ngrams.buckets as usize).checked_mul(vector_size).and_then(|floats| floats.checked_mul(FLOAT_BYTES));
        if ngrams.buckets == 0 || bytes != Some(rows.len()) {
            let reason = format!("{} bytes for {} rows of {vector_size} floats", rows.len(), ngrams.buckets);
            return Err(Error::parameter("subwords", reason));
        }
        Ok(Self { ngrams, vector_size, rows })
    }

    /// Which n-grams there are.
    pub fn ngrams(&self) -> Ngrams {
        self.ngrams
    }

    /// The rows of n-grams, as bytes.
    #[cfg(feature = "python")]
    pub(crate) fn rows(&self) -> &[u8] {
        &self.rows
    }

    /// The vector of a word: the mean of its n-grams' rows and of its own row, if it has one, as bytes. Of neither it is
    /// zeros, as in fastText.
    pub(crate) fn compose(&self, word: &[u8], own: Option<&[u8]>, to: &mut [f32]) {
        to.fill(0.0);
        let mut number = 0usize;
        let mut add = |row: &[u8]| {
            let (values, _) = row.as_chunks::<FLOAT_BYTES>();
            to.iter_mut().zip(values).for_each(|(sum, &value)| *sum += f32::from_le_bytes(value));
            number += 1;
        };
        own.into_iter().for_each(&mut add);
        let bytes = self.vector_size * FLOAT_BYTES;
        self.ngrams.for_each(word, |row| add(&self.rows[row * bytes..][..bytes]));
        let number = number.max(1) as f32;
        to.iter_mut().for_each(|sum| *sum /= number);
    }

    /// The vector of a word that is not in the table.
    pub fn vector(&self, word: &str) -> Vec<f32> {
        let mut vector = vec![0.0; self.vector_size];
        self.compose(word.as_bytes(), None, &mut vector);
        vector
    }
}

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

    fn rows_of(ngrams: Ngrams, word: &str) -> Vec<usize> {
        let mut rows = Vec::new();
        ngrams.for_each(word.as_bytes(), |row| rows.push(row));
        rows
    }

    fn hash(text: &str) -> u32 {
        let mut hash = Fnv::default();
        text.bytes().for_each(|byte| hash.add(byte));
        hash.0
    }

    #[test]
    fn n_grams_are_of_whole_characters_between_brackets() {
        let ngrams = Ngrams { min: 1, max: 2, buckets: u32::MAX };
        let want: Vec<usize> = ["<é", "é", "é日", "日", "日>"].map(|text| (hash(text) % u32::MAX) as usize).to_vec();
        assert_eq!(rows_of(ngrams, "é日"), want);
        assert_eq!(rows_of(ngrams, ""), [(hash("<>") % u32::MAX) as usize]);
        assert!(rows_of(Ngrams { min: 3, max: 6, buckets: 7 }, "").is_empty());
        assert!(rows_of(Ngrams { min: 0, max: 0, buckets: 7 }, "word").is_empty());
        assert!(rows_of(Ngrams { min: 3, max: 6, buckets: 7 }, "</s>").is_empty());
    }

    #[test]
    fn the_hash_is_that_of_fasttext_with_signed_bytes() {
        // What gensim's ft_hash_bytes gives.
        assert_eq!((hash("a"), hash("abc")), (3_826_002_220, 440_920_331));
        assert_ne!(
            hash("é"),
            "é".bytes().fold(2_166_136_261, |hash: u32, byte| { (hash ^ u32::from(byte)).wrapping_mul(16_777_619) })
        );
    }

    #[test]
    fn an_unknown_word_has_the_mean_of_its_n_grams_and_a_number_has_nothing() {
        let values: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let ngrams = Ngrams { min: 3, max: 3, buckets: 2 };
        let subwords = Subwords::new(ngrams, 2, values.into()).unwrap();
        let wv = KeyedVectors::from_rows(["a"], 2, &[9.0, 9.0]).unwrap().with_subwords(subwords).unwrap();
        let rows = rows_of(ngrams, "word");
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
