//! The nearest rows so far, while a search goes through the others.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A row and its cosine. The greater of two is the farther; of equally near rows, the later.
#[derive(Debug, Clone, Copy)]
struct Neighbour {
    row: usize,
    cosine: f32,
}

impl Ord for Neighbour {
    /// NaN, which an untrained or damaged row may give, is farther than everything.
    fn cmp(&self, other: &Self) -> Ordering {
        let farther = other.cosine.partial_cmp(&self.cosine);
        let farther = farther.unwrap_or_else(|| self.cosine.is_nan().cmp(&other.cosine.is_nan()));
        farther.then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Neighbour {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Neighbour {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Neighbour {}

/// The nearest rows of those offered, in whatever order they come.
#[derive(Debug)]
pub(super) struct Nearest<'a> {
    topn: usize,
    excluded: &'a [usize],
    /// The farthest is on top.
    heap: BinaryHeap<Neighbour>,
}

impl<'a> Nearest<'a> {
    /// Keeps the `topn` nearest rows, none of those that are excluded.
    pub(super) fn new(topn: usize, excluded: &'a [usize]) -> Self {
        Self { topn, excluded, heap: BinaryHeap::new() }
    }

    /// Rows of a lesser cosine than this are not kept any more. Minus infinity if all are, NaN too.
    #[inline]
    pub(super) fn limit(&self) -> f32 {
        match self.heap.peek() {
            Some(farthest) if self.heap.len() >= self.topn && !farthest.cosine.is_nan() => farthest.cosine,
            _ if self.topn == 0 => f32::INFINITY,
            _ => f32::NEG_INFINITY,
        }
    }

    /// How many rows it keeps at most.
    pub(super) fn topn(&self) -> usize {
        self.topn
    }

    pub(super) fn offer(&mut self, row: usize, cosine: f32) {
        if self.topn == 0 || self.excluded.contains(&row) {
            return;
        }
        let neighbour = Neighbour { row, cosine };
        if self.heap.len() < self.topn {
            self.heap.push(neighbour);
        } else if let Some(mut farthest) = self.heap.peek_mut()
            && neighbour < *farthest
        {
            *farthest = neighbour;
        }
    }

    /// The nearest of both.
    pub(super) fn merge(mut self, other: Self) -> Self {
        other.heap.into_iter().for_each(|neighbour| self.offer(neighbour.row, neighbour.cosine));
        self
    }

    /// Rows and cosines, the nearest first; rows of equal cosine in row order.
    pub(super) fn into_sorted(self) -> Vec<(usize, f32)> {
        self.heap.into_sorted_vec().into_iter().map(|neighbour| (neighbour.row, neighbour.cosine)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_nearest_are_those_of_a_full_sort_in_whatever_order_they_come(
            cosines in prop::collection::vec(prop_oneof![Just(f32::NAN), (-3i8..4).prop_map(f32::from)], 0..40),
            topn in 0usize..45, excluded in prop::collection::vec(0usize..40, 0..4), split in 0usize..40,
        ) {
            let mut parts = [Nearest::new(topn, &excluded), Nearest::new(topn, &excluded)];
            for (row, &cosine) in cosines.iter().enumerate().rev() {
                let part = &mut parts[usize::from(row < split)];
                if cosine >= part.limit() || cosine.is_nan() {
                    part.offer(row, cosine);
                }
            }
            let [first, second] = parts;
            let got: Vec<_> = first.merge(second).into_sorted().into_iter().map(|(row, _)| row).collect();
            let mut want: Vec<usize> = (0..cosines.len()).filter(|row| !excluded.contains(row)).collect();
            // NaN sorts behind everything; the sort is stable.
            let key = |row: usize| if cosines[row].is_nan() { f32::NEG_INFINITY } else { cosines[row] };
            want.sort_by(|&a, &b| key(b).total_cmp(&key(a)));
            want.truncate(topn);
            prop_assert_eq!(got, want);
        }
    }
}
