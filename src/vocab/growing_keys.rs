//! Keys that are added to a list, one after the other.

use super::column::Column;
use super::key::{Key, KeyType};
use super::keys::{Keys, MAX_WORDS, WordId};
use super::texts::Texts;
use crate::error::{Error, Result};

impl Default for Keys {
    /// No keys. The first one that is added decides on their type.
    fn default() -> Self {
        std::iter::empty().collect()
    }
}

impl Keys {
    /// Checks that these keys can be added: that they are of the type of the others, or where there are none, of one type.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that is of another type, or that does not fit it.
    pub(crate) fn ensure_takes(&self, keys: &[Key<'_>]) -> Result<()> {
        let key_type = self.type_with(keys);
        let fits = |key: &Key<'_>| match key_type {
            KeyType::Text => key.as_text().is_some(),
            KeyType::Int64 => key.as_i64().is_some(),
            KeyType::UInt64 => key.as_u64().is_some(),
        };
        if let Some(other) = keys.iter().find(|key| !fits(key)) {
            let advice = match (other.key_type().is_integer(), key_type.is_integer()) {
                (true, false) => "; pass str(key)",
                (false, true) => "; pass int(key)",
                _ => "",
            };
            return Err(Error::parameter("key", format!("{other:?} cannot be added: the keys are {key_type}{advice}")));
        }
        match self.len().checked_add(keys.len()) {
            Some(len) if len <= MAX_WORDS => Ok(()),
            _ => Err(Error::parameter("keys", format!("would be more than the {MAX_WORDS} that fit"))),
        }
    }

    /// The type of all keys when these are added.
    fn type_with(&self, keys: &[Key<'_>]) -> KeyType {
        match keys.first().map(|key| key.key_type()) {
            Some(first) if self.is_empty() => {
                let needs_unsigned = first.is_integer()
                    && keys.iter().any(|key| matches!(key, Key::UInt64(number) if i64::try_from(*number).is_err()));
                match first {
                    KeyType::Text => first,
                    _ if needs_unsigned => KeyType::UInt64,
                    _ => KeyType::Int64,
                }
            }
            _ => self.key_type(),
        }
    }

    /// Adds those of the keys that are not there, and gives the number of each. [`ensure_takes`](Self::ensure_takes) has
    /// checked them. A key takes the same time however many there are, on average.
    pub(crate) fn add(&mut self, keys: &[Key<'_>]) -> Vec<WordId> {
        self.make_growing(self.type_with(keys));
        keys.iter().map(|&key| self.push(key)).collect()
    }

    fn push(&mut self, key: Key<'_>) -> WordId {
        if let Some(id) = self.id(key) {
            return id;
        }
        // `ensure_takes` has checked that ids fit.
        let id = self.len() as WordId;
        let index = &mut self.index;
        match &mut self.column {
            Column::GrowingText(texts) => {
                texts.push(key.as_text().unwrap_or_default());
                index.push(id, |id| texts.value(id));
            }
            Column::GrowingInt64(numbers) => {
                numbers.push(key.as_i64().unwrap_or_default());
                index.push(id, |id| numbers[id]);
            }
            Column::GrowingUInt64(numbers) => {
                numbers.push(key.as_u64().unwrap_or_default());
                index.push(id, |id| numbers[id]);
            }
            // `add` has made them growing.
            Column::Text(_) | Column::ShortText(_) | Column::Int64(_) | Column::UInt64(_) => {}
        }
        id
    }

    /// Copies arrays to memory that grows. An empty list takes the type.
    fn make_growing(&mut self, key_type: KeyType) {
        if self.is_empty() {
            self.column = match key_type {
                KeyType::Text => Column::GrowingText(Texts::default()),
                KeyType::Int64 => Column::GrowingInt64(Vec::new()),
                KeyType::UInt64 => Column::GrowingUInt64(Vec::new()),
            };
        }
        match &self.column {
            Column::Text(text) => self.column = Column::GrowingText(text.iter().flatten().collect()),
            Column::ShortText(text) => self.column = Column::GrowingText(text.iter().flatten().collect()),
            Column::Int64(array) => self.column = Column::GrowingInt64(array.values().to_vec()),
            Column::UInt64(array) => self.column = Column::GrowingUInt64(array.values().to_vec()),
            Column::GrowingText(_) | Column::GrowingInt64(_) | Column::GrowingUInt64(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, Int64Array, UInt64Array};
    use arrow::datatypes::DataType;

    use super::*;

    fn added(mut keys: Keys, more: &[Key<'_>]) -> Result<Keys> {
        keys.ensure_takes(more)?;
        keys.add(more);
        Ok(keys)
    }

    #[test]
    fn keys_that_are_added_are_found_and_make_the_same_array() {
        let words: Vec<String> = (0..1000).map(|n| format!("word {n}")).collect();
        let mut keys: Keys = ["", "first"].into_iter().collect();
        for word in &words {
            keys.add(&[Key::Text(word), Key::Text("first")]);
        }
        let whole: Keys = ["", "first"].into_iter().chain(words.iter().map(String::as_str)).collect();
        assert_eq!((keys.len(), &keys.array()), (1002, &whole.array()));
        assert!(whole.iter().all(|key| keys.id(key) == whole.id(key)) && !keys.has_repeats());
        assert_eq!((keys.id("word 1000"), keys.id(3i64), keys.key(0)), (None, None, Key::Text("")));
        assert_eq!(keys.select(&[2, 1]).iter().collect::<Vec<_>>(), ["word 0", "first"]);
        assert_eq!(keys.to_integers().unwrap_err(), 0);
    }

    #[test]
    fn integers_keep_their_type_and_the_first_decides() {
        let signed = added(Keys::default(), &[Key::Int64(-3), Key::UInt64(7)]).unwrap();
        assert_eq!((signed.key_type(), signed.id(7i64), signed.id("7")), (KeyType::Int64, Some(1), None));
        assert_eq!(signed.array().data_type(), &DataType::Int64);
        let unsigned = added(Keys::default(), &[Key::Int64(3), Key::UInt64(u64::MAX)]).unwrap();
        assert_eq!((unsigned.key_type(), unsigned.id(u64::MAX)), (KeyType::UInt64, Some(1)));
        let more = added(Keys::new(&UInt64Array::from(vec![1])).unwrap(), &[Key::Int64(2)]).unwrap();
        assert_eq!((more.key_type(), more.id(2i64), more.id(1i64)), (KeyType::UInt64, Some(1), Some(0)));
        let more = added(Keys::new(&Int64Array::from(vec![1])).unwrap(), &[Key::Int64(2)]).unwrap();
        assert_eq!((more.id(2i64), more.array().len()), (Some(1), 2));
    }

    #[test]
    fn keys_of_another_kind_are_refused() {
        let words: Keys = ["a"].into_iter().collect();
        let error = added(words, &[Key::Int64(1)]).unwrap_err().to_string();
        assert_eq!(error, "key: 1 cannot be added: the keys are text; pass str(key)");
        let error = added(Keys::default(), &[Key::Int64(1), Key::Text("a")]).unwrap_err().to_string();
        assert_eq!(error, "key: \"a\" cannot be added: the keys are integers (Int64); pass int(key)");
        assert!(added(Keys::new(&UInt64Array::from(vec![1])).unwrap(), &[Key::Int64(-1)]).is_err());
        assert!(added(Keys::default(), &[]).unwrap().is_empty());
    }
}
