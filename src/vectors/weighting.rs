//! Weights of words by their frequency, for the means of sentences.

use std::str::FromStr;

use super::KeyedVectors;
use crate::error::{Error, Result};

/// The constant a of SIF, as in the paper.
const SIF: f64 = 1e-3;
/// Words of a sentence, on average, as uSIF's authors have it.
const SENTENCE_LENGTH: f64 = 11.0;

/// How the weight of a word follows from its frequency p: its count divided by the sum of all counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weighting {
    /// Smooth inverse frequency, a / (a + p) with a = 0.001 (Arora et al. 2017).
    Sif,
    /// Unsupervised SIF, a / (a/2 + p), where a follows from the share of words that a random sentence is likely to hold
    /// (Ethayarajh 2018).
    Usif,
    /// −ln p: what of the inverse document frequency follows from counts of words.
    Idf,
}

impl FromStr for Weighting {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "sif" => Ok(Self::Sif),
            "usif" => Ok(Self::Usif),
            "idf" => Ok(Self::Idf),
            _ => {
                let reason = format!(r#"{name:?} is unknown; expected "sif", "usif", "idf" or a column"#);
                Err(Error::parameter("weights", reason))
            }
        }
    }
}

/// The weight of each row of a table, and of words that have no row.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenWeights {
    /// In row order.
    pub rows: Vec<f32>,
    /// Of a word without a row, as if it had never occurred; for [`Weighting::Idf`], as if it had once.
    pub unknown: f32,
}

impl TokenWeights {
    /// The weights that follow from the counts of a table.
    ///
    /// ```
    /// use polargram::KeyedVectors;
    /// use polargram::vectors::{TokenWeights, Weighting};
    ///
    /// let wv = KeyedVectors::from_rows(["the", "cat"], 1, &[1.0, 2.0])?; // Their counts are 2 and 1.
    /// let weights = TokenWeights::new(&wv, Weighting::Idf);
    /// assert_eq!(weights.rows[1], 3f32.ln());
    /// # Ok::<(), polargram::Error>(())
    /// ```
    pub fn new(vectors: &KeyedVectors, weighting: Weighting) -> Self {
        let counts = vectors.counts();
        let total = counts.iter().map(|&count| count as f64).sum::<f64>().max(1.0);
        let weight: Box<dyn Fn(u64) -> f64> = match weighting {
            Weighting::Sif => Box::new(move |count| SIF / (SIF + count as f64 / total)),
            Weighting::Usif => {
                let a = usif_constant(counts, total);
                Box::new(move |count| a / (a / 2.0 + count as f64 / total))
            }
            Weighting::Idf => Box::new(move |count| (total / count.max(1) as f64).ln()),
        };
        Self { rows: counts.iter().map(|&count| weight(count) as f32).collect(), unknown: weight(0) as f32 }
    }
}

/// The constant a of uSIF: (1 − α) / (α·V/2), where α is the share of the V words whose probability is more than that of a
/// word being in a sentence of random words.
fn usif_constant(counts: &[u64], total: f64) -> f64 {
    let words = counts.len().max(1) as f64;
    let threshold = 1.0 - (1.0 - 1.0 / words).powf(SENTENCE_LENGTH);
    let frequent = counts.iter().filter(|&&count| count as f64 / total > threshold).count();
    // Of few words, none or all may be frequent: the next share that gives a constant.
    let alpha = (frequent as f64).clamp(1.0, (words - 1.0).max(1.0)) / words;
    let constant = (1.0 - alpha) / (alpha * words / 2.0);
    if constant > 0.0 { constant } else { SIF }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::Rows;
    use crate::vocab::Keys;

    fn weights(counts: &[u64], weighting: Weighting) -> TokenWeights {
        let words: Vec<String> = (0..counts.len()).map(|i| i.to_string()).collect();
        let keys: Keys = words.iter().map(String::as_str).collect();
        let rows = Rows::from_vec(vec![0.0; counts.len()], 1);
        TokenWeights::new(&KeyedVectors::new(keys, counts.to_vec(), rows, None).unwrap(), weighting)
    }

    #[test]
    fn weights_are_those_of_the_papers() {
        let counts: Vec<u64> = [600, 200].into_iter().chain([2; 100]).collect();
        let sif = weights(&counts, Weighting::Sif);
        assert!((sif.rows[0] - 1e-3 / (1e-3 + 0.6)).abs() < 1e-7 && sif.unknown == 1.0);
        // Two of 102 words are above 1 − (101/102)^11 = 0.103.
        let a = (1.0 - 2.0 / 102.0) / 1.0;
        let usif = weights(&counts, Weighting::Usif);
        assert!((f64::from(usif.rows[2]) - a / (0.5 * a + 0.002)).abs() < 1e-6 && (usif.unknown - 2.0).abs() < 1e-6);
        assert!((weights(&counts, Weighting::Idf).rows[1] - 5f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn tables_of_no_words_or_no_counts_give_finite_weights() {
        for counts in [&[][..], &[0, 0], &[5]] {
            for weighting in [Weighting::Sif, Weighting::Usif, Weighting::Idf] {
                let weights = weights(counts, weighting);
                assert!(weights.rows.iter().chain([&weights.unknown]).all(|weight| weight.is_finite()));
            }
        }
    }
}
