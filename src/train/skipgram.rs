//! Skip-gram: every context word of a centre is an input (Mikolov et al. 2013).

use std::ops::Range;

use super::Shared;
use super::locks::LockedInputs;
use super::objectives::Objectives;
use super::targets::{MAX_CENTRES, Mask};
use super::worker::{Draws, Neighbours, window};

pub(crate) struct SkipGram<'a> {
    shared: &'a Shared<'a>,
    locked: Option<LockedInputs<'a>>,
    /// The context words of a block's centres.
    inputs: Vec<*mut f32>,
    masks: Vec<Mask>,
    /// The inputs of one centre.
    chosen: Vec<*mut f32>,
}

impl<'a> SkipGram<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        let locked = shared.locks.map(LockedInputs::new);
        Self { shared, locked, inputs: Vec::new(), masks: Vec::new(), chosen: Vec::new() }
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
        objectives.sums.examples += self.set_inputs(block, draws);
        if let Some(locked) = &mut self.locked {
            locked.take(&mut self.inputs, self.shared);
        }
        if objectives.has_softmax() {
            for (centre, at) in block.centres.clone().enumerate() {
                self.choose(centre);
                objectives.train_softmax(&mut self.chosen, block.after(at), rate);
            }
        }
        match self.shared.config.shared_negatives {
            true => objectives.train_negative(&mut self.inputs, &self.masks, block.following, rate, draws),
            false => self.train_pairs(block, objectives, rate, draws),
        }
        if let Some(locked) = &mut self.locked {
            locked.give_back(self.shared);
        }
    }

    /// The context words of some centres, and of which each is one; the number of pairs.
    #[inline(always)]
    fn set_inputs(&mut self, block: &Neighbours<'_>, draws: &mut Draws) -> u64 {
        let centres = block.centres.clone();
        let mut windows: [Range<usize>; MAX_CENTRES] = std::array::from_fn(|_| 0..0);
        let (mut start, mut end, mut pairs) = (usize::MAX, 0, 0);
        for at in centres.clone() {
            let window = window(at, &block.sentence, self.shared.config, draws);
            pairs += window.len() as u64 - 1;
            (start, end) = (start.min(window.start), end.max(window.end));
            windows[at - centres.start] = window;
        }
        self.masks.clear();
        for at in start..end {
            let mut mask = 0;
            for (centre, window) in windows[..centres.len()].iter().enumerate() {
                let is_context = (window.start <= at) & (at < window.end) & (at != centres.start + centre);
                mask |= Mask::from(is_context) << centre;
            }
            self.masks.push(mask);
        }
        self.inputs.clear();
        self.inputs.extend_from_slice(block.rows.get(start..end));
        if let Some(locked) = &mut self.locked {
            locked.set(&block.tokens[start..end]);
        }
        if centres.len() == 1 {
            // A centre alone is nobody's context; of two each is the other's.
            self.inputs.remove(centres.start - start);
            self.masks.remove(centres.start - start);
            if let Some(locked) = &mut self.locked {
                locked.remove(centres.start - start);
            }
        }
        pairs
    }

    /// The inputs of one centre of the block.
    #[inline(always)]
    fn choose(&mut self, centre: usize) {
        self.chosen.resize(self.inputs.len().max(self.chosen.len()), std::ptr::null_mut());
        let mut chosen = 0;
        for (&input, mask) in self.inputs.iter().zip(&self.masks) {
            // Every input is written, and overwritten by the next if it is none: whether it is cannot be predicted.
            self.chosen[chosen] = input;
            chosen += usize::from(mask >> centre & 1);
        }
        self.chosen.truncate(chosen);
    }

    /// Trains every pair of a centre and a context word against noise of its own.
    fn train_pairs(&mut self, block: &Neighbours<'_>, objectives: &mut Objectives<'_>, rate: f32, draws: &mut Draws) {
        for (centre, at) in block.centres.clone().enumerate() {
            self.choose(centre);
            for &input in &self.chosen {
                objectives.train_pair(input, block.tokens[at], rate, draws);
            }
        }
    }
}
