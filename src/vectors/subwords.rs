//! Vectors of words from their character n-grams (Bojanowski et al. 2017), as facebook's fastText hashes and sums them.

use arrow::buffer::Buffer;

use crate::error::{Error, Result};

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
    ///
    /// # Panics
    /// If there are no rows.
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
    pub(super) vector_size: usize,
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
}
