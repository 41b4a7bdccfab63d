//! The Huffman tree of hierarchical softmax (Morin & Bengio 2005; Mikolov et al. 2013).

use std::cmp::Reverse;

use crate::kernel::prefetch;
use crate::vocab::keys::WordId;

/// A binary tree whose leaves are the rows of a vocabulary: the more frequent a word, the shorter its path.
///
/// Inner nodes are numbered by descending count, the root being 0, so that the busiest lie together.
#[derive(Debug, Clone)]
pub(crate) struct HuffmanTree {
    /// Where each row's path starts in `nodes` and `bits`; the last is where they end.
    starts: Vec<usize>,
    nodes: Vec<u32>,
    bits: Vec<u8>,
}

/// The link from a node to its parent.
#[derive(Debug, Clone, Copy, Default)]
struct Link {
    parent: u32,
    bit: u8,
}

/// The links of a tree; the root's own is not used.
struct Links {
    /// By row.
    words: Vec<Link>,
    /// By number. A parent's number is below its children's.
    inner: Vec<Link>,
}

impl HuffmanTree {
    /// Builds the tree with the least Σ count · length of path, for counts in any order.
    pub(crate) fn new(counts: &[u64]) -> Self {
        let links = Links::new(counts);
        let depths = links.depths();
        let mut starts = Vec::with_capacity(counts.len() + 1);
        let mut length = 0;
        starts.push(0);
        for &depth in &depths {
            length += depth as usize;
            starts.push(length);
        }
        let mut tree = Self { starts, nodes: vec![0; length], bits: vec![0; length] };
        for (row, &depth) in depths.iter().enumerate() {
            tree.write_path(row, depth as usize, &links);
        }
        tree
    }

    /// The inner nodes from the root to a row, and at each the bit of the branch to take: 1 to the more frequent side,
    /// as in word2vec.c.
    pub(crate) fn path(&self, row: u32) -> (&[u32], &[u8]) {
        let path = self.starts[row as usize]..self.starts[row as usize + 1];
        (&self.nodes[path.clone()], &self.bits[path])
    }

    /// Prefetches the address of a word's path.
    pub(crate) fn prefetch_address(&self, word: WordId) {
        prefetch(&self.starts[word as usize]);
    }

    /// Prefetches a word's path.
    pub(crate) fn prefetch_path(&self, word: WordId) {
        // The nodes of a path take one or two cache lines.
        if let ([first, .., last], [bit, ..]) = self.path(word) {
            prefetch(first);
            prefetch(last);
            prefetch(bit);
        }
    }

    fn write_path(&mut self, row: usize, depth: usize, links: &Links) {
        let mut link = links.words[row];
        for place in (self.starts[row]..self.starts[row] + depth).rev() {
            self.nodes[place] = link.parent;
            self.bits[place] = link.bit;
            link = links.inner[link.parent as usize];
        }
    }
}

impl Links {
    /// Merges the two least frequent nodes until one is left. Words wait in one queue and merged nodes in another;
    /// since both are ascending, the least is at the head of one of them.
    fn new(counts: &[u64]) -> Self {
        let mut rows: Vec<u32> = (0..counts.len() as u32).collect();
        rows.sort_unstable_by_key(|&row| (counts[row as usize], Reverse(row)));
        let merges = counts.len().saturating_sub(1);
        let mut links = Self { words: vec![Link::default(); counts.len()], inner: vec![Link::default(); merges] };
        // u128 holds the sum of 2^64 counts of 64 bits.
        let mut sums: Vec<u128> = Vec::with_capacity(merges);
        let (mut next_word, mut next_sum) = (0, 0);
        for merge in 0..merges {
            let mut sum = 0;
            for bit in [0, 1] {
                let link = Link { parent: (merges - 1 - merge) as u32, bit };
                let word = rows.get(next_word).map(|&row| (row as usize, u128::from(counts[row as usize])));
                match (word, sums.get(next_sum)) {
                    // If counts are equal, the word goes first: this keeps the longest path as short as possible, and
                    // words that never occur make no chain.
                    (Some((row, count)), inner) if inner.is_none_or(|&inner| count <= inner) => {
                        links.words[row] = link;
                        sum += count;
                        next_word += 1;
                    }
                    (_, inner) => {
                        links.inner[merges - 1 - next_sum] = link;
                        sum += inner.copied().unwrap_or_default();
                        next_sum += 1;
                    }
                }
            }
            sums.push(sum);
        }
        links
    }

    /// The length of each row's path.
    fn depths(&self) -> Vec<u32> {
        let mut inner: Vec<u32> = Vec::with_capacity(self.inner.len());
        for (number, link) in self.inner.iter().enumerate() {
            inner.push(if number == 0 { 0 } else { inner[link.parent as usize] + 1 });
        }
        // A single word is the root itself.
        self.words.iter().map(|link| inner.get(link.parent as usize).map_or(0, |depth| depth + 1)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BinaryHeap;

    use proptest::prelude::*;

    use super::*;

    /// The least Σ count · length, by the textbook's heap: each merge lengthens the paths below it by one.
    fn least_length(counts: &[u64]) -> u128 {
        let mut heap: BinaryHeap<Reverse<u128>> = counts.iter().map(|&count| Reverse(count.into())).collect();
        let mut length = 0;
        while let (Some(Reverse(a)), Some(Reverse(b))) = (heap.pop(), heap.pop()) {
            length += a + b;
            heap.push(Reverse(a + b));
        }
        length
    }

    /// Σ count · length, after checking every promise of the tree.
    fn checked_length(counts: &[u64]) -> u128 {
        let tree = HuffmanTree::new(counts);
        // For each inner node: the count below it and below each of its branches.
        let mut below = vec![[0u128; 2]; counts.len() - 1];
        let mut codes = Vec::new();
        let mut length = 0;
        for (row, &count) in counts.iter().enumerate() {
            let (nodes, bits) = tree.path(row as u32);
            assert_eq!(nodes.len(), bits.len());
            assert!(nodes.is_empty() || nodes[0] == 0, "paths start at the root");
            assert!(nodes.is_sorted_by(|a, b| a < b), "numbers rise from the root down");
            nodes.iter().zip(bits).for_each(|(&node, &bit)| below[node as usize][bit as usize] += u128::from(count));
            length += u128::from(count) * nodes.len() as u128;
            codes.push(bits);
        }
        assert!(below.iter().all(|[zero, one]| zero <= one), "bit 1 leads to the more frequent side");
        assert!(below.is_sorted_by_key(|[zero, one]| Reverse(zero + one)), "inner nodes are by descending count");
        codes.sort_unstable();
        assert!(codes.windows(2).all(|pair| !pair[1].starts_with(pair[0])), "no code begins another");
        length
    }

    fn longest_path(counts: &[u64]) -> usize {
        let tree = HuffmanTree::new(counts);
        (0..counts.len() as u32).map(|row| tree.path(row).0.len()).max().unwrap()
    }

    proptest! {
        #[test]
        fn the_tree_is_optimal_for_any_counts(counts in prop::collection::vec(0u64..1000, 1..200)) {
            prop_assert_eq!(checked_length(&counts), least_length(&counts));
        }

        #[test]
        fn sums_beyond_64_bits_do_not_overflow(counts in prop::collection::vec(u64::MAX - 9..=u64::MAX, 1..20)) {
            prop_assert_eq!(checked_length(&counts), least_length(&counts));
        }
    }

    #[test]
    fn zipfian_counts_have_an_optimal_tree() {
        let counts: Vec<u64> = (1..=5000).map(|rank| 1_000_000 / rank).collect();
        assert_eq!(checked_length(&counts), least_length(&counts));
    }

    #[test]
    fn no_word_has_no_path_and_one_word_an_empty_one() {
        assert!(HuffmanTree::new(&[]).nodes.is_empty());
        assert_eq!(HuffmanTree::new(&[7]).path(0), (&[][..], &[][..]));
    }

    #[test]
    fn of_two_words_the_more_frequent_gets_bit_1() {
        let tree = HuffmanTree::new(&[3, 5]);
        assert_eq!((tree.path(0), tree.path(1)), ((&[0][..], &[0][..]), (&[0][..], &[1][..])));
    }

    #[test]
    fn four_words_get_the_paths_worked_out_by_hand() {
        // 1 + 2 = 3 is node 2, 3 + 3 = 6 node 1, 6 + 10 = 16 the root.
        let tree = HuffmanTree::new(&[10, 3, 2, 1]);
        let paths: Vec<_> = (0..4).map(|row| tree.path(row)).collect();
        assert_eq!(paths[0], (&[0][..], &[1][..]));
        assert_eq!(paths[1], (&[0, 1][..], &[0, 0][..]));
        assert_eq!(paths[2], (&[0, 1, 2][..], &[0, 1, 1][..]));
        assert_eq!(paths[3], (&[0, 1, 2][..], &[0, 1, 0][..]));
    }

    #[test]
    fn equal_counts_even_zeros_make_a_balanced_tree() {
        assert_eq!(longest_path(&[5; 1000]), 10);
        assert_eq!(longest_path(&[0; 1000]), 10);
    }
}
