//! How often keys occurred.

use std::ops::Deref;

use arrow::buffer::ScalarBuffer;

/// Counts in row order: numbers in memory of their own, or a part of a file that is mapped, until they are written to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    owned: Vec<u64>,
    /// Taken instead, if there are any.
    shared: Option<ScalarBuffer<u64>>,
}

impl Counts {
    /// The counts, in memory of their own.
    pub(crate) fn make_mut(&mut self) -> &mut Vec<u64> {
        if let Some(shared) = self.shared.take() {
            self.owned = shared.to_vec();
        }
        &mut self.owned
    }
}

impl Deref for Counts {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        self.shared.as_deref().unwrap_or(&self.owned)
    }
}

impl From<Vec<u64>> for Counts {
    fn from(owned: Vec<u64>) -> Self {
        Self { owned, shared: None }
    }
}

impl From<ScalarBuffer<u64>> for Counts {
    fn from(shared: ScalarBuffer<u64>) -> Self {
        Self { owned: Vec::new(), shared: Some(shared) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_counts_are_copied_when_they_are_written_to() {
        let file = ScalarBuffer::from(vec![3, 2, 1]);
        let mut counts = Counts::from(file.clone());
        assert_eq!((&counts[..], counts.as_ptr()), (&[3, 2, 1][..], file.as_ptr()));
        counts.make_mut()[0] = 7;
        assert_eq!((&counts[..], &file[..]), (&[7, 2, 1][..], &[3, 2, 1][..]));
    }
}
