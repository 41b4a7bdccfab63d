//! Strings to which others are added.

use arrow::array::LargeStringArray;

/// Strings one after the other in one text.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Texts {
    /// # Panics
    /// If there is no such string.
    pub(super) fn value(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// A copy of them.
    pub(super) fn array(&self) -> LargeStringArray {
        LargeStringArray::from_iter_values((0..self.len()).map(|at| self.value(at)))
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(strings: I) -> Self {
        let mut texts = Self::default();
        strings.into_iter().for_each(|text| texts.push(text));
        texts
    }
}
