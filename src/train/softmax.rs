//! Hierarchical softmax: the targets of a centre are the inner nodes on its path in a Huffman tree, labelled with the
//! branches not taken (Morin & Bengio 2005; Mikolov et al. 2013).

use super::Shared;
use super::rows::{SharedRows, USES_OF_NODE};
use super::targets::Pairs;
use crate::model::Matrix;
use crate::vocab::HuffmanTree;

/// Gives the path of each centre, one centre ahead of use.
pub(crate) struct HierarchicalSoftmax<'a> {
    tree: &'a HuffmanTree,
    nodes: SharedRows<'a>,
    current: Path,
    next: Path,
}

/// The targets of a centre.
#[derive(Default)]
pub(crate) struct Path {
    pub(crate) rows: Vec<*mut f32>,
    /// The row of A for every input, padded for [`Pairs::repeat`]; all of B is 1.
    pub(crate) positive: Vec<f32>,
    /// The rows that the cache may not hold.
    distant: Vec<*mut f32>,
}

/// Nodes from the root down that every path leads through so often that they stay in the cache.
const NEAR_NODES: u32 = 256;

impl<'a> HierarchicalSoftmax<'a> {
    pub(crate) fn new(tree: &'a HuffmanTree, nodes: &'a Matrix, shared: &Shared<'_>) -> Self {
        let nodes = SharedRows::new(nodes, USES_OF_NODE, shared);
        Self { tree, nodes, current: Path::default(), next: Path::default() }
    }

    /// Begins a batch, of which these are the first centres.
    pub(crate) fn start_batch(&mut self, centres: &[u32]) {
        if let Some(&first) = centres.first() {
            self.next.set(first, self.tree, &mut self.nodes);
        }
    }

    /// Begins a run of centres, which others will follow.
    pub(crate) fn start_run(&mut self, following: &[u32]) {
        self.tree.fetch(following);
    }

    /// The path of the next centre, and of the one `after` it the rows that the cache may not hold.
    #[inline(always)]
    pub(crate) fn path(&mut self, after: Option<u32>) -> (&Path, &[*mut f32]) {
        std::mem::swap(&mut self.current, &mut self.next);
        match after {
            Some(after) => self.next.set(after, self.tree, &mut self.nodes),
            None => self.next.distant.clear(),
        }
        (&self.current, &self.next.distant)
    }
}

impl Path {
    #[inline(always)]
    fn set(&mut self, centre: u32, tree: &HuffmanTree, nodes: &mut SharedRows<'_>) {
        let (path, bits) = tree.path(centre);
        self.rows.clear();
        for &node in path {
            self.rows.push(nodes.row(node));
        }
        // Their numbers rise along the path.
        let near = path.iter().take_while(|&&node| node < NEAR_NODES).count();
        self.distant.clear();
        self.distant.extend_from_slice(&self.rows[near..]);
        let padded = bits.len().next_multiple_of(Pairs::STEP);
        if self.positive.len() < padded {
            self.positive.resize(padded, 0.0);
        }
        for (positive, &bit) in self.positive.iter_mut().zip(bits) {
            *positive = f32::from(1 - bit);
        }
    }
}
