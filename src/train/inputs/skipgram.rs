//! Skip-gram: the inputs of a centre are the rows of its context words (Mikolov et al. 2013).

use std::ops::Range;

use super::block::CentreBlock;
use super::locks::LockedInputs;
use crate::train::losses::{CentreMask, InputRows, Losses};
use crate::train::rng::BatchRng;
use crate::train::shared::{MAX_CENTRES, Shared};

pub(crate) struct SkipGram<'a> {
    shared: &'a Shared<'a>,
    locked: Option<LockedInputs<'a>>,
    /// The input rows of a block with locked words: their copies stand in for some of them.
    with_copies: Vec<*mut f32>,
    /// The inputs of one centre.
    context: Vec<*mut f32>,
    masks: Vec<CentreMask>,
}

/// The windows of a block's centres.
struct Windows {
    by_centre: [Range<usize>; MAX_CENTRES],
    /// From the first position of all windows to the last.
    all: Range<usize>,
}

impl<'a> SkipGram<'a> {
    pub(super) fn new(shared: &'a Shared<'a>) -> Self {
        let locked = shared.locks.map(LockedInputs::new);
        Self { shared, locked, with_copies: Vec::new(), context: Vec::new(), masks: Vec::new() }
    }

    /// Trains a block of centres.
    #[inline(always)]
    pub(super) fn train(&mut self, block: &CentreBlock<'_>, losses: &mut Losses<'_>, rate: f32, rng: &mut BatchRng) {
        let windows = Windows::new(block, self.shared, losses, rng);
        let positions = windows.all.clone();
        let may_have_duplicates = block.batch.has_duplicates(positions.clone());
        let mut rows = block.rows.get(positions.clone());
        if let Some(locked) = &mut self.locked {
            self.with_copies.clear();
            self.with_copies.extend_from_slice(rows);
            locked.replace(&mut self.with_copies, &block.batch.tokens[positions], self.shared);
            rows = &self.with_copies;
        }
        if losses.has_hierarchical() {
            for (centre, at) in block.centres.clone().enumerate() {
                windows.context(centre, at, rows, &mut self.context);
                let prefetch = block.prefetch_inputs_at(at);
                let inputs = InputRows { rows: &self.context, may_have_duplicates, prefetch };
                losses.train_hierarchical(inputs, &block.batch.tokens[at + 1..], rate);
            }
        }
        if losses.has_negative() && self.shared.config.shared_negatives {
            if block.centres.len() == 1 {
                // A single centre is not an input. Two centres are inputs of each other.
                windows.context(0, block.centres.start, rows, &mut self.context);
                rows = &self.context;
                self.masks.clear();
                self.masks.resize(rows.len(), 1);
            } else {
                windows.set_masks(&block.centres, &mut self.masks);
            }
            let inputs = InputRows { rows, may_have_duplicates, prefetch: block.prefetch_inputs };
            losses.train_negative(inputs, &self.masks, block.next_centres, rate, rng);
        } else if losses.has_negative() {
            // Each pair of a centre and a context word has its own noise.
            for (centre, at) in block.centres.clone().enumerate() {
                windows.context(centre, at, rows, &mut self.context);
                for &input in &self.context {
                    losses.train_pair(input, block.batch.tokens[at], rate, rng);
                }
            }
        }
        if let Some(locked) = &mut self.locked {
            locked.spread_changes(self.shared);
        }
    }
}

impl Windows {
    #[inline(always)]
    fn new(block: &CentreBlock<'_>, shared: &Shared<'_>, losses: &mut Losses<'_>, rng: &mut BatchRng) -> Self {
        let mut by_centre: [Range<usize>; MAX_CENTRES] = std::array::from_fn(|_| 0..0);
        let (mut start, mut end) = (usize::MAX, 0);
        for (window, at) in by_centre.iter_mut().zip(block.centres.clone()) {
            *window = block.window(at, shared.config, rng);
            losses.stats.examples += window.len() as u64 - 1;
            (start, end) = (start.min(window.start), end.max(window.end));
        }
        Self { by_centre, all: start..end }
    }

    /// Selects the rows of the context words of one centre, which is at the position `at`, from the rows of all windows.
    #[inline(always)]
    fn context(&self, centre: usize, at: usize, rows: &[*mut f32], context: &mut Vec<*mut f32>) {
        let (window, start) = (&self.by_centre[centre], self.all.start);
        context.clear();
        context.extend_from_slice(&rows[window.start - start..at - start]);
        context.extend_from_slice(&rows[at + 1 - start..window.end - start]);
    }

    /// For each position of all windows, the centres of which it is a context word.
    #[inline(always)]
    fn set_masks(&self, centres: &Range<usize>, masks: &mut Vec<CentreMask>) {
        const AT_ONCE: usize = size_of::<u64>();
        let len = self.all.len();
        masks.resize(masks.len().max(len.next_multiple_of(AT_ONCE)), 0);
        for (eight, from) in masks.chunks_exact_mut(AT_ONCE).zip(self.all.clone().step_by(AT_ONCE)) {
            let before = |at: usize| ones_before(at.saturating_sub(from));
            let mut bytes = 0;
            for (centre, at) in centres.clone().enumerate() {
                let window = &self.by_centre[centre];
                let context = before(at) ^ before(window.start) ^ before(window.end) ^ before(at + 1);
                bytes |= context << centre;
            }
            eight.copy_from_slice(&bytes.to_le_bytes());
        }
        masks.truncate(len);
    }
}

/// 1 in each of the first n bytes, 0 in the others.
#[inline(always)]
fn ones_before(n: usize) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    ONES & 1u64.checked_shl(8 * n.min(8) as u32).map_or(u64::MAX, |byte| byte - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_the_bits_of_the_centres_whose_context_word_a_position_is() {
        let windows = Windows { by_centre: [3..15, 11..25], all: 3..25 };
        let mut masks = vec![7; 40];
        windows.set_masks(&(12..14), &mut masks);
        let want: Vec<CentreMask> = (3..25)
            .map(|at| {
                let first = (3..15).contains(&at) && at != 12;
                let second = (11..25).contains(&at) && at != 13;
                CentreMask::from(first) | CentreMask::from(second) << 1
            })
            .collect();
        assert_eq!(masks, want);
    }
}
