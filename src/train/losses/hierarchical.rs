//! Hierarchical softmax: the targets of a centre are the rows of the inner nodes on its path in a Huffman tree. The label
//! of a node is 1 minus the bit of the branch (Morin & Bengio 2005; Mikolov et al. 2013).

use super::labels::Labels;
use crate::train::rows::{PRIVATE_NODES, SharedRows};
use crate::train::shared::Shared;
use crate::vocab::{HuffmanTree, WordId};

/// Prepares the path of each centre, one centre ahead of its use.
pub(super) struct HierarchicalSoftmax<'a> {
    tree: &'a HuffmanTree,
    nodes: SharedRows<'a>,
    current: Path,
    next: Path,
}

/// The targets of a centre.
#[derive(Default)]
pub(super) struct Path {
    pub(super) rows: Vec<*mut f32>,
    /// The labels of the nodes: for every input the row of A, padded for [`Labels::repeat`]. All of B is 1.
    pub(super) positive: Vec<f32>,
    /// The number of rows, from the root on, that the cache holds.
    cached: usize,
}

/// Centres between the prefetch of a path and its use, and between the prefetch of the path's address and its use.
const PATH_AHEAD: usize = 3;
const ADDRESS_AHEAD: usize = 6;

impl<'a> HierarchicalSoftmax<'a> {
    /// Returns `None` if there is no hierarchical softmax.
    pub(super) fn new(shared: &'a Shared<'a>) -> Option<Self> {
        let (tree, nodes) = (shared.tree.as_ref()?, shared.weights.nodes.as_deref()?);
        let nodes = SharedRows::nodes(nodes, &shared.node_merges, shared.config.worker_threads(), shared.isa);
        Some(Self { tree, nodes, current: Path::default(), next: Path::default() })
    }

    /// Starts a batch. `centres` are its first centres.
    pub(super) fn start_batch(&mut self, centres: &[WordId]) {
        if let Some(&first) = centres.first() {
            self.next.set(first, self.tree, &mut self.nodes);
        }
    }

    /// The path of the next centre, and the rows of the path after it that the cache may not hold. `next_centres` are the
    /// centres after the next one.
    #[inline(always)]
    pub(super) fn path(&mut self, next_centres: &[WordId]) -> (&Path, &[*mut f32]) {
        std::mem::swap(&mut self.current, &mut self.next);
        if let Some(&centre) = next_centres.get(ADDRESS_AHEAD) {
            self.tree.prefetch_address(centre);
        }
        if let Some(&centre) = next_centres.get(PATH_AHEAD) {
            self.tree.prefetch_path(centre);
        }
        let Some(&after) = next_centres.first() else { return (&self.current, &[]) };
        self.next.set(after, self.tree, &mut self.nodes);
        (&self.current, &self.next.rows[self.next.cached..])
    }
}

impl Path {
    #[inline(always)]
    fn set(&mut self, centre: WordId, tree: &HuffmanTree, nodes: &mut SharedRows<'_>) {
        let (path, bits) = tree.path(centre);
        self.rows.clear();
        nodes.acquire(path, &mut self.rows);
        self.cached = path.iter().filter(|&&node| node < PRIVATE_NODES as u32).count();
        let padded = bits.len().next_multiple_of(Labels::STEP);
        if self.positive.len() < padded {
            self.positive.resize(padded, 0.0);
        }
        for (positive, &bit) in self.positive.iter_mut().zip(bits) {
            *positive = f32::from(1 - bit);
        }
    }
}
