//! Skip-gram: every context word of a centre is an input (Mikolov et al. 2013).

use std::ops::Range;

use super::Shared;
use super::locks::LockedInputs;
use super::objectives::{Inputs, Objectives};
use super::targets::{MAX_CENTRES, Mask};
use super::worker::{Draws, Neighbours, window};

pub(crate) struct SkipGram<'a> {
    shared: &'a Shared<'a>,
    locked: Option<LockedInputs<'a>>,
    /// The context words of a block's centres, where they are not just their rows.
    inputs: Vec<*mut f32>,
    /// The inputs of one centre.
    chosen: Vec<*mut f32>,
    masks: Vec<Mask>,
}

/// The windows of a block's centres.
struct Windows {
    of_centres: [Range<usize>; MAX_CENTRES],
    /// From the first to the last position of them all.
    all: Range<usize>,
}

impl<'a> SkipGram<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        let locked = shared.locks.map(LockedInputs::new);
        Self { shared, locked, inputs: Vec::new(), chosen: Vec::new(), masks: Vec::new() }
    }

    /// Trains a block of centres.
    #[inline(always)]
    pub(crate) fn train(
        &mut self,
        block: &Neighbours<'_>,
        objectives: &mut Objectives<'_>,
        rate: f32,
        draws: &mut Draws,
    ) {
        let windows = Windows::new(block, self.shared, objectives, draws);
        let context = windows.all.clone();
        let may_repeat = block.text.has_repeats(context.clone());
        let mut rows = block.rows.get(context.clone());
        if let Some(locked) = &mut self.locked {
            self.inputs.clear();
            self.inputs.extend_from_slice(rows);
            locked.take(&mut self.inputs, &block.text.tokens[context], self.shared);
            rows = &self.inputs;
        }
        if objectives.has_softmax() {
            for (centre, at) in block.centres.clone().enumerate() {
                windows.choose(centre, at, rows, &mut self.chosen);
                let inputs = Inputs { rows: &self.chosen, may_repeat, entering: block.entering_after(at) };
                objectives.train_softmax(inputs, &block.text.tokens[at + 1..], rate);
            }
        }
        if objectives.has_negative() && self.shared.config.shared_negatives {
            if block.centres.len() == 1 {
                // A centre alone is nobody's context; of two each is the other's.
                windows.choose(0, block.centres.start, rows, &mut self.chosen);
                rows = &self.chosen;
                self.masks.clear();
                self.masks.resize(rows.len(), 1);
            } else {
                windows.set_masks(&block.centres, &mut self.masks);
            }
            let inputs = Inputs { rows, may_repeat, entering: block.entering };
            objectives.train_negative(inputs, &self.masks, block.following, rate, draws);
        } else if objectives.has_negative() {
            // Every pair of a centre and a context word has noise of its own.
            for (centre, at) in block.centres.clone().enumerate() {
                windows.choose(centre, at, rows, &mut self.chosen);
                for &input in &self.chosen {
                    objectives.train_pair(input, block.text.tokens[at], rate, draws);
                }
            }
        }
        if let Some(locked) = &mut self.locked {
            locked.give_back(self.shared);
        }
    }
}

impl Windows {
    #[inline(always)]
    fn new(block: &Neighbours<'_>, shared: &Shared<'_>, objectives: &mut Objectives<'_>, draws: &mut Draws) -> Self {
        let mut of_centres: [Range<usize>; MAX_CENTRES] = std::array::from_fn(|_| 0..0);
        let (mut start, mut end) = (usize::MAX, 0);
        for (of_centre, at) in of_centres.iter_mut().zip(block.centres.clone()) {
            *of_centre = window(at, &block.sentence, shared.config, draws);
            objectives.sums.examples += of_centre.len() as u64 - 1;
            (start, end) = (start.min(of_centre.start), end.max(of_centre.end));
        }
        Self { of_centres, all: start..end }
    }

    /// The context words of one centre, which stands at `at`, among those of all.
    #[inline(always)]
    fn choose(&self, centre: usize, at: usize, rows: &[*mut f32], chosen: &mut Vec<*mut f32>) {
        let (window, start) = (&self.of_centres[centre], self.all.start);
        chosen.clear();
        chosen.extend_from_slice(&rows[window.start - start..at - start]);
        chosen.extend_from_slice(&rows[at + 1 - start..window.end - start]);
    }

    /// For each position of them all, of which centres it is a context word.
    #[inline(always)]
    fn set_masks(&self, centres: &Range<usize>, masks: &mut Vec<Mask>) {
        const AT_ONCE: usize = size_of::<u64>();
        let len = self.all.len();
        masks.resize(masks.len().max(len.next_multiple_of(AT_ONCE)), 0);
        for (eight, from) in masks.chunks_exact_mut(AT_ONCE).zip(self.all.clone().step_by(AT_ONCE)) {
            let before = |at: usize| ones_before(at.saturating_sub(from));
            let mut bytes = 0;
            for (centre, at) in centres.clone().enumerate() {
                let window = &self.of_centres[centre];
                let context = before(at) ^ before(window.start) ^ before(window.end) ^ before(at + 1);
                bytes |= context << centre;
            }
            eight.copy_from_slice(&bytes.to_le_bytes());
        }
        masks.truncate(len);
    }
}

/// Ones in the first bytes, up to the n-th.
#[inline(always)]
fn ones_before(n: usize) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    ONES & 1u64.checked_shl(8 * n.min(8) as u32).map_or(u64::MAX, |byte| byte - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_tells_of_which_centres_a_position_is_a_context_word() {
        let windows = Windows { of_centres: [3..15, 11..25], all: 3..25 };
        let mut masks = vec![7; 40];
        windows.set_masks(&(12..14), &mut masks);
        let want: Vec<Mask> = (3..25)
            .map(|at| {
                let first = (3..15).contains(&at) && at != 12;
                let second = (11..25).contains(&at) && at != 13;
                Mask::from(first) | Mask::from(second) << 1
            })
            .collect();
        assert_eq!(masks, want);
    }
}
