//! What is computed from a table of vectors once, for as long as somebody holds the table.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::vectors::KeyedVectors;

type Known<K, T> = (Weak<KeyedVectors>, K, Arc<T>);

/// Values by table and by what is wanted of it. A table that changes is another one.
pub(super) struct Kept<K, T>(Mutex<Vec<Known<K, T>>>);

impl<K: PartialEq, T> Kept<K, T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// What is kept of a table, or what `compute` gives. If that is nothing, nothing is kept.
    pub(super) fn get(
        &self,
        vectors: &Arc<KeyedVectors>,
        wanted: K,
        compute: impl FnOnce() -> Option<T>,
    ) -> Option<Arc<T>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(table, ..)| table.strong_count() > 0);
        let is_it = |(table, of, _): &&Known<K, T>| *of == wanted && std::ptr::eq(table.as_ptr(), Arc::as_ptr(vectors));
        if let Some((.., value)) = known.iter().find(is_it) {
            return Some(value.clone());
        }
        let value = Arc::new(compute()?);
        known.push((Arc::downgrade(vectors), wanted, value.clone()));
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_computed_once_for_a_table_and_let_go_with_it() {
        let kept = Kept::new();
        let table = |value: f32| Arc::new(KeyedVectors::from_rows(["a"], 1, &[value]).unwrap());
        let (first, second) = (table(1.0), table(2.0));
        assert!(kept.get(&first, "x", || None::<u8>).is_none());
        assert_eq!(*kept.get(&first, "x", || Some(1)).unwrap(), 1);
        assert_eq!(*kept.get(&first, "x", || unreachable!("it is kept")).unwrap(), 1);
        assert_eq!(*kept.get(&first, "y", || Some(2)).unwrap(), 2);
        assert_eq!(*kept.get(&second, "x", || Some(3)).unwrap(), 3);
        drop(first);
        assert_eq!(*kept.get(&second, "x", || unreachable!("it is kept")).unwrap(), 3);
        assert_eq!(kept.0.lock().unwrap().len(), 1);
    }
}
