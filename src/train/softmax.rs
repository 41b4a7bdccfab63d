//! Hierarchical softmax: the targets of a centre are the inner nodes on its path in a Huffman tree, labelled with the
//! branches not taken (Morin & Bengio 2005; Mikolov et al. 2013).

use super::Shared;
use super::rows::{PRIVATE_NODES, SharedRows};
use super::targets::Pairs;
use crate::kernel::Matrix;
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
    /// How many of the rows, from the root on, the cache holds.
    near: usize,
}

/// How many centres ahead the cache is asked for a path, and before that for where it lies.
const PATH_AHEAD: usize = 3;
const PLACE_AHEAD: usize = 6;

impl<'a> HierarchicalSoftmax<'a> {
    pub(crate) fn new(tree: &'a HuffmanTree, nodes: &'a Matrix, shared: &'a Shared<'_>) -> Self {
        let nodes = SharedRows::nodes(nodes, shared);
        Self { tree, nodes, current: Path::default(), next: Path::default() }
    }

    /// Begins a batch, of which these are the first centres.
    pub(crate) fn start_batch(&mut self, centres: &[u32]) {
        if let Some(&first) = centres.first() {
            self.next.set(first, self.tree, &mut self.nodes);
        }
    }

    /// The path of the next centre, after which come the centres `following`, and of the path after it the rows that
    /// the cache may not hold.
    #[inline(always)]
    pub(crate) fn path(&mut self, following: &[u32]) -> (&Path, &[*mut f32]) {
        std::mem::swap(&mut self.current, &mut self.next);
        if let Some(&centre) = following.get(PLACE_AHEAD) {
            self.tree.fetch_place(centre);
        }
        if let Some(&centre) = following.get(PATH_AHEAD) {
            self.tree.fetch_path(centre);
        }
        let Some(&after) = following.first() else { return (&self.current, &[]) };
        self.next.set(after, self.tree, &mut self.nodes);
        (&self.current, &self.next.rows[self.next.near..])
    }
}

impl Path {
    #[inline(always)]
    fn set(&mut self, centre: u32, tree: &HuffmanTree, nodes: &mut SharedRows<'_>) {
        let (path, bits) = tree.path(centre);
        self.rows.clear();
        nodes.take_up(path, &mut self.rows);
        self.near = path.iter().filter(|&&node| node < PRIVATE_NODES as u32).count();
        let padded = bits.len().next_multiple_of(Pairs::STEP);
        if self.positive.len() < padded {
            self.positive.resize(padded, 0.0);
        }
        for (positive, &bit) in self.positive.iter_mut().zip(bits) {
            *positive = f32::from(1 - bit);
        }
    }
}
