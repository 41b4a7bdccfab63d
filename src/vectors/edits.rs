//! Changes of a table: keys that are added, vectors and counts that are set, another order of the rows.

use std::sync::RwLock;

use super::length::{length, unit};
use super::{Counts, KeyedVectors, Rows};
use crate::error::{Error, Result};
use crate::vocab::{Key, Keys, WordId};

impl Clone for KeyedVectors {
    /// The clone has keys and counts of its own, and shares the rows. If keys are added to one of the two and its rows have
    /// to move, they are shared no more.
    fn clone(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            counts: self.counts.clone(),
            rows: self.rows.clone(),
            config: self.config.clone(),
            subwords: self.subwords.clone(),
            prepared: RwLock::default(),
        }
    }
}

impl KeyedVectors {
    /// A table without keys. The first one decides whether they are text or integers.
    pub fn empty(vector_size: usize) -> Self {
        Self {
            keys: Keys::default(),
            counts: Counts::default(),
            rows: Rows::from_vec(Vec::new(), vector_size),
            config: None,
            subwords: None,
            prepared: RwLock::default(),
        }
    }

    /// Adds keys with their vectors, `vector_size` floats a key in `values`, and gives the row of each. A key that is there
    /// keeps its vector, or takes the new one if `replace` is set. New keys have a count of 0. A vector is written where it
    /// lies, so clones and views see it.
    ///
    /// Where rows are added, they stay in their memory as long as there is room, and else move to where there is room for
    /// more: adding n keys one by one takes time in proportion to n.
    ///
    /// ```
    /// use polargram::KeyedVectors;
    /// use polargram::vocab::Key;
    ///
    /// let mut wv = KeyedVectors::empty(2);
    /// assert_eq!(wv.put(&[Key::Text("a"), Key::Text("b")], &[1.0, 0.0, 0.0, 1.0], false)?, [0, 1]);
    /// wv.put(&[Key::Text("b")], &[3.0, 4.0], true)?;
    /// assert_eq!((wv.vector("b")?, wv.len()), (&[3.0, 4.0][..], 2));
    /// assert!(wv.put(&[Key::Int64(7)], &[0.0, 0.0], false).is_err());
    /// # Ok::<(), polargram::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] if there are not `vector_size` values for each key, or if a key is of another kind than the
    /// others; [`Error::Io`] if there is no memory. The table is then as it was.
    pub fn put(&mut self, keys: &[Key<'_>], values: &[f32], replace: bool) -> Result<Vec<usize>> {
        let size = self.vector_size();
        if keys.len().checked_mul(size) != Some(values.len()) {
            let reason = format!("{} values for {} keys of {size} dimensions", values.len(), keys.len());
            return Err(Error::parameter("vectors", reason));
        }
        let before = self.len();
        self.keys.ensure_takes(keys)?;
        let known = || keys.iter().map(|&key| self.keys.id(key).map(|id| id as usize)).collect::<Option<Vec<_>>>();
        if let Some(rows) = known().filter(|_| !replace) {
            return Ok(rows);
        }
        self.own_rows()?;
        let ids: Vec<usize> = self.keys.add(keys).into_iter().map(|id| id as usize).collect();
        if self.keys.len() > before {
            self.grow().inspect_err(|_| self.keys = self.keys.select(&(0..before as WordId).collect::<Vec<_>>()))?;
        }
        let mut written = before;
        for (at, &row) in ids.iter().enumerate() {
            // A key that the list repeats is new once.
            if replace || row >= written {
                self.rows.write(row, &values[at * size..(at + 1) * size]);
            }
            written = written.max(row + 1);
        }
        self.forget_norms();
        Ok(ids)
    }

    /// Gives each key a row and a count.
    fn grow(&mut self) -> Result<()> {
        self.rows = self.rows.extended(self.keys.len())?;
        self.counts.make_mut().resize(self.keys.len(), 0);
        Ok(())
    }

    /// Sets how often the key of a row occurred.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn set_count(&mut self, row: usize, count: u64) {
        self.counts.make_mut()[row] = count;
    }

    /// Copies the vectors of those keys that `other` has too, and gives the rows that have changed. Where keys are integers
    /// here and text there, decimals stand for integers.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the dimensions differ; [`Error::Io`] if there is no memory for vectors of a mapped file.
    pub fn intersect(&mut self, other: &Self) -> Result<Vec<usize>> {
        if other.vector_size() != self.vector_size() {
            let (theirs, ours) = (other.vector_size(), self.vector_size());
            return Err(Error::parameter("vector_size", format!("is {ours}; the other vectors have {theirs}")));
        }
        self.own_rows()?;
        let mut rows = Vec::new();
        for (key, vector) in other.keys.iter().zip(other.rows.iter()) {
            let key = key.as_text().map_or(key, |text| self.keys.parse(text));
            if let Some(row) = self.keys.id(key) {
                self.rows.write(row as usize, vector);
                rows.push(row as usize);
            }
        }
        self.forget_norms();
        Ok(rows)
    }

    /// Takes another matrix, row for row.
    ///
    /// # Errors
    /// [`Error::Parameter`] if it has another number of rows.
    pub fn set_rows(&mut self, rows: Rows) -> Result<()> {
        if rows.len() != self.len() {
            return Err(Error::parameter("vectors", format!("has {} rows for {} keys", rows.len(), self.len())));
        }
        self.rows = rows;
        self.forget_norms();
        Ok(())
    }

    /// Copies the values of a matrix of the same shape to where the vectors lie.
    ///
    /// # Errors
    /// [`Error::Parameter`] if it has another shape; [`Error::Io`] if there is no memory for vectors of a mapped file.
    pub fn write_rows(&mut self, rows: &Rows) -> Result<()> {
        let (shape, own) = ((rows.len(), rows.vector_size()), (self.len(), self.vector_size()));
        if shape != own {
            return Err(Error::parameter(
                "vectors",
                format!("are {} × {}, not {} × {}", shape.0, shape.1, own.0, own.1),
            ));
        }
        self.own_rows()?;
        rows.iter().enumerate().for_each(|(row, values)| self.rows.write(row, values));
        self.forget_norms();
        Ok(())
    }

    /// Moves the vectors of a mapped file to memory, where they may be written to. Every change does so first.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no memory.
    pub fn own_rows(&mut self) -> Result<()> {
        if self.rows.is_mapped() {
            self.rows = self.rows.select(0..self.len())?;
            self.forget_norms();
        }
        Ok(())
    }

    /// Sorts the rows by falling counts, in memory of their own; of equal ones the last comes first, as in gensim. Gives the
    /// rows of before in their new order.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no memory.
    pub fn sort_by_count(&mut self) -> Result<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_unstable_by_key(|&row| std::cmp::Reverse((self.counts[row], row)));
        self.rows = self.rows.select(order.iter().copied())?;
        // There are fewer than 2^32 rows.
        self.keys = self.keys.select(&order.iter().map(|&row| row as WordId).collect::<Vec<_>>());
        self.counts = order.iter().map(|&row| self.counts[row]).collect::<Vec<_>>().into();
        self.forget_norms();
        Ok(order)
    }

    /// Scales every vector to length 1, where it lies. Those without a direction stay as they are.
    ///
    /// # Errors
    /// [`Error::Io`] if there is no memory for those of a mapped file.
    pub fn normalise(&mut self) -> Result<()> {
        self.own_rows()?;
        (0..self.len()).for_each(|row| self.rows.write(row, &unit(self.rows.row(row))));
        self.forget_norms();
        Ok(())
    }

    /// The Euclidean norm of each row.
    pub fn lengths(&self) -> Vec<f32> {
        self.rows.iter().map(|row| length(row) as f32).collect()
    }

    /// All vectors scaled to length 1, row after row. Those without a direction are as they are.
    pub fn unit_rows(&self) -> Vec<f32> {
        self.rows.iter().flat_map(unit).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(row: usize, size: usize) -> Vec<f32> {
        (0..size).map(|column| (row * 31 + column) as f32 + 1.0).collect()
    }

    fn table(words: &[String], size: usize) -> KeyedVectors {
        let mut wv = KeyedVectors::empty(size);
        for (row, word) in words.iter().enumerate() {
            assert_eq!(wv.put(&[word.into()], &values(row, size), false).unwrap(), [row]);
        }
        wv
    }

    fn words(count: usize) -> Vec<String> {
        (0..count).map(|row| format!("word {row}")).collect()
    }

    #[test]
    fn keys_added_one_by_one_have_their_vectors_counts_and_norms() {
        let wv = table(&words(3000), 5);
        assert_eq!((wv.len(), wv.rows().len(), wv.counts().len()), (3000, 3000, 3000));
        for (row, word) in words(3000).iter().enumerate() {
            assert_eq!(wv.vector(word).unwrap(), values(row, 5));
        }
        let (first, last) = (values(0, 5), values(2999, 5));
        let want = first.iter().zip(&last).map(|(a, b)| a * b).sum::<f32>() / (length(&first) * length(&last)) as f32;
        assert!((wv.similarity("word 0", "word 2999").unwrap() - want).abs() < 1e-5);
        assert_eq!(wv.lengths().len(), 3000);
    }

    #[test]
    fn a_known_key_keeps_its_vector_unless_it_is_replaced() {
        let mut wv = table(&words(2), 2);
        let keys = [Key::Text("word 1"), Key::Text("new"), Key::Text("new")];
        assert_eq!(wv.put(&keys, &[9., 9., 8., 8., 7., 7.], false).unwrap(), [1, 2, 2]);
        assert_eq!((wv.vector("word 1").unwrap(), wv.vector("new").unwrap()), (&values(1, 2)[..], &[8., 8.][..]));
        assert_eq!(wv.put(&keys, &[9., 9., 8., 8., 7., 7.], true).unwrap(), [1, 2, 2]);
        assert_eq!((wv.vector("word 1").unwrap(), wv.vector("new").unwrap()), (&[9., 9.][..], &[7., 7.][..]));
    }

    #[test]
    fn what_is_refused_leaves_the_table_as_it_was() {
        let mut wv = table(&words(2), 2);
        for keys in [&[Key::Text("new"), Key::Int64(1)][..], &[Key::UInt64(7), Key::Text("new")]] {
            let error = wv.put(keys, &[0.0; 4], true).unwrap_err().to_string();
            assert!(error.contains("the keys are text"), "{error}");
        }
        assert!(wv.put(&[Key::Text("new")], &[0.0; 3], false).is_err());
        assert_eq!((wv.len(), wv.keys().len(), wv.keys().id("new")), (2, 2, None));
        let mut items = KeyedVectors::empty(1);
        assert!(items.put(&[Key::Int64(1), Key::Text("a")], &[0.0; 2], false).is_err());
        items.put(&[Key::Int64(-1), Key::UInt64(5)], &[1.0, 2.0], false).unwrap();
        assert_eq!(items.vector(5i64).unwrap(), [2.0]);
        assert!(items.put(&[Key::UInt64(u64::MAX)], &[0.0], false).is_err());
    }

    #[test]
    fn a_clone_that_grows_leaves_the_other_as_it_is() {
        let mut one = table(&words(3), 4);
        let mut other = one.clone();
        one.put(&[Key::Text("one")], &[1.0; 4], false).unwrap();
        other.put(&[Key::Text("other")], &[2.0; 4], false).unwrap();
        assert_eq!((one.len(), other.len()), (4, 4));
        assert_eq!((one.vector("one").unwrap(), other.vector("other").unwrap()), (&[1.0; 4][..], &[2.0; 4][..]));
        assert!(one.vector("other").is_err());
        assert_eq!(one.vector("word 2").unwrap(), other.vector("word 2").unwrap());
    }

    #[test]
    fn sorting_puts_the_last_of_equal_counts_first() {
        let mut wv = table(&words(4), 3);
        [2, 5, 2, 5].into_iter().enumerate().for_each(|(row, count)| wv.set_count(row, count));
        assert_eq!(wv.sort_by_count().unwrap(), [3, 1, 2, 0]);
        assert_eq!(wv.counts(), [5, 5, 2, 2]);
        assert_eq!(wv.keys().iter().collect::<Vec<_>>(), ["word 3", "word 1", "word 2", "word 0"]);
        assert_eq!(wv.vector("word 2").unwrap(), values(2, 3));
        wv.put(&[Key::Text("more")], &[1.0; 3], false).unwrap();
        assert_eq!((wv.vector("word 2").unwrap(), wv.vector("more").unwrap()), (&values(2, 3)[..], &[1.0; 3][..]));
    }

    #[test]
    fn norms_follow_every_change() {
        let mut wv = KeyedVectors::from_rows(["a", "b"], 2, &[1.0, 0.0, 3.0, 4.0]).unwrap();
        let copy = wv.clone();
        let cosine = |wv: &KeyedVectors| wv.similarity("a", "b").unwrap();
        assert!((cosine(&wv) - 0.6).abs() < 1e-6 && (cosine(&copy) - 0.6).abs() < 1e-6);
        wv.put(&[Key::Text("b")], &[0.0, 2.0], true).unwrap();
        assert!(cosine(&wv).abs() < 1e-6 && cosine(&copy).abs() < 1e-6);
        wv.set_rows(Rows::from_vec(vec![1.0, 1.0, 3.0, 3.0], 2)).unwrap();
        assert!((cosine(&wv) - 1.0).abs() < 1e-6);
        wv.normalise().unwrap();
        assert!(wv.lengths().iter().all(|length| (length - 1.0).abs() < 1e-6));
        assert_eq!(wv.unit_rows().len(), 4);
        assert!(wv.set_rows(Rows::from_vec(vec![1.0], 1)).is_err());
    }

    #[test]
    fn an_intersection_reads_integers_where_keys_are_integers() {
        let mut items = KeyedVectors::empty(1);
        items.put(&[Key::Int64(7), Key::Int64(-3)], &[0.0, 0.0], false).unwrap();
        let file = KeyedVectors::from_rows(["x", "-3", "7"], 1, &[1.0, 2.0, 3.0]).unwrap();
        assert_eq!(items.intersect(&file).unwrap(), [1, 0]);
        assert_eq!(items.rows().to_buffer().to_vec(), [3.0, 2.0]);
        assert!(items.intersect(&KeyedVectors::empty(2)).is_err());
    }

    proptest! {
        #[test]
        fn any_sequence_of_batches_is_a_map(batches in prop::collection::vec((prop::collection::vec(0u8..30, 0..6), any::<bool>()), 0..12)) {
            let mut wv = KeyedVectors::empty(3);
            let mut want: Vec<(String, f32)> = Vec::new();
            let mut next = 0.0;
            for (keys, replace) in batches {
                let names: Vec<String> = keys.iter().map(|key| "k".repeat(usize::from(*key))).collect();
                let vectors: Vec<f32> = names.iter().map(|_| { next += 1.0; next }).collect();
                let flat: Vec<f32> = vectors.iter().flat_map(|&value| [value; 3]).collect();
                let keys: Vec<Key<'_>> = names.iter().map(Key::from).collect();
                let rows = wv.put(&keys, &flat, replace).unwrap();
                for ((name, value), row) in names.iter().zip(vectors).zip(rows) {
                    match want.iter_mut().find(|(key, _)| key == name) {
                        Some(known) => if replace { known.1 = value },
                        None => want.push((name.clone(), value)),
                    }
                    prop_assert_eq!(&want[row].0, name);
                }
            }
            prop_assert_eq!(wv.len(), want.len());
            for (name, value) in want {
                prop_assert_eq!(wv.vector(&name).unwrap(), [value; 3]);
            }
        }
    }
}
