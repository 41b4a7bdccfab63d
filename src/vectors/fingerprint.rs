//! What distinguishes one table from another without reading all of both.

use super::KeyedVectors;
use crate::vocab::WordId;

/// Rows that are looked at, evenly spread: enough that vectors trained again differ in one, and few enough that a file of
/// many gigabytes stays on the disk.
const ROWS: usize = 4096;

impl KeyedVectors {
    /// A number that other vectors of the same shape do not share, but by chance: it follows from the shape and from the
    /// keys, counts and vectors of up to 4,096 rows.
    pub fn fingerprint(&self) -> u64 {
        // FNV-1a: the number goes into pickles, so it must be the same in every version.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |bytes: &[u8]| {
            bytes.iter().for_each(|&byte| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        };
        [self.len(), self.vector_size()].iter().for_each(|&number| add(&(number as u64).to_le_bytes()));
        for row in (0..self.len()).step_by(self.len().div_ceil(ROWS).max(1)) {
            // Text in quotes, so that it differs from a number.
            add(format!("{:?}", self.keys().key(row as WordId)).as_bytes());
            add(&self.counts()[row].to_le_bytes());
            self.rows().row(row).iter().for_each(|value| add(&value.to_le_bytes()));
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(words: [&str; 2], values: [f32; 4]) -> u64 {
        KeyedVectors::from_rows(words, 2, &values).unwrap().fingerprint()
    }

    #[test]
    fn it_follows_from_words_and_vectors() {
        let first = fingerprint(["a", "b"], [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(first, fingerprint(["a", "b"], [1.0, 2.0, 3.0, 4.0]));
        assert_ne!(first, fingerprint(["a", "c"], [1.0, 2.0, 3.0, 4.0]));
        assert_ne!(first, fingerprint(["a", "b"], [1.0, 2.0, 3.0, 5.0]));
    }

    #[test]
    fn vectors_without_words_have_one() {
        let empty = KeyedVectors::from_rows([], 3, &[]).unwrap();
        assert_ne!(empty.fingerprint(), KeyedVectors::from_rows([], 4, &[]).unwrap().fingerprint());
    }
}
