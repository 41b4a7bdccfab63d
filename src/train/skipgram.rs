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
        let context = self.set_masks(block, objectives, draws);
        let may_repeat = block.text.has_repeats(context.clone());
        let mut rows = block.rows.get(context.clone());
        let is_alone = block.centres.len() == 1;
        if is_alone || self.locked.is_some() {
            self.inputs.clear();
            self.inputs.extend_from_slice(rows);
            if let Some(locked) = &mut self.locked {
                locked.take(&mut self.inputs, &block.text.tokens[context.clone()], self.shared);
            }
            if is_alone {
                // A centre alone is nobody's context; of two each is the other's.
                let centre = block.centres.start - context.start;
                self.inputs.remove(centre);
                self.masks.remove(centre);
            }
            rows = &self.inputs;
        }
        if objectives.has_softmax() {
            for (centre, at) in block.centres.clone().enumerate() {
                choose(rows, &self.masks, centre, &mut self.chosen);
                let inputs = Inputs { rows: &self.chosen, may_repeat, entering: block.entering_after(at) };
                objectives.train_softmax(inputs, block.after(at), rate);
            }
        }
        if self.shared.config.shared_negatives {
            let inputs = Inputs { rows, may_repeat, entering: block.entering };
            objectives.train_negative(inputs, &self.masks, block.following, rate, draws);
        } else {
            // Every pair of a centre and a context word has noise of its own.
            for (centre, at) in block.centres.clone().enumerate() {
                choose(rows, &self.masks, centre, &mut self.chosen);
                for &input in &self.chosen {
                    objectives.train_pair(input, block.text.tokens[at], rate, draws);
                }
            }
        }
        if let Some(locked) = &mut self.locked {
            locked.give_back(self.shared);
        }
    }

    /// The positions of the centres' windows; the masks then say of which each is a context word.
    #[inline(always)]
    fn set_masks(
        &mut self,
        block: &Neighbours<'_>,
        objectives: &mut Objectives<'_>,
        draws: &mut Draws,
    ) -> Range<usize> {
        let centres = block.centres.clone();
        let mut windows: [Range<usize>; MAX_CENTRES] = std::array::from_fn(|_| 0..0);
        let (mut start, mut end) = (usize::MAX, 0);
        for at in centres.clone() {
            let window = window(at, &block.sentence, self.shared.config, draws);
            objectives.sums.examples += window.len() as u64 - 1;
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
        start..end
    }
}

/// The inputs of one centre of the block.
#[inline(always)]
fn choose(inputs: &[*mut f32], masks: &[Mask], centre: usize, chosen: &mut Vec<*mut f32>) {
    chosen.resize(inputs.len().max(chosen.len()), std::ptr::null_mut());
    let mut count = 0;
    for (&input, mask) in inputs.iter().zip(masks) {
        // Every input is written, and overwritten by the next if it is none: whether it is cannot be predicted.
        chosen[count] = input;
        count += usize::from(mask >> centre & 1);
    }
    chosen.truncate(count);
}
