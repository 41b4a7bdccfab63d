//! Counts of parts of the corpus, added up before they take too much memory.

use std::sync::Arc;

use polars::prelude::{ChunkAgg, DataFrame};

use super::options::CountOptions;
use super::spill::Spill;
use super::sums::{add_up, key_type};
use super::word_counts::Counts;
use crate::error::Result;

/// Counts of parts of the corpus; a word may stand in several.
#[derive(Default)]
pub(super) struct Partials {
    frames: Vec<DataFrame>,
    words: usize,
    /// Those that did not fit.
    spill: Option<Spill>,
    /// Tokens counted, those of words that were dropped among them.
    pub(super) tokens: u64,
}

impl Partials {
    /// Takes the counts of a part.
    pub(super) fn push(&mut self, counts: DataFrame, options: &CountOptions) -> Result<()> {
        self.tokens += counts.column("count")?.u64()?.sum().unwrap_or(0);
        self.words += counts.height();
        self.frames.push(counts);
        let held = options.held_words();
        // Under a bound nothing is spilled, so what cannot shrink is added up again only when it has doubled.
        let bound = |most: usize| held.max(2 * self.frames[0].height()).min(most.saturating_mul(2));
        if self.words <= options.max_vocab_size.map_or(held, bound) {
            return Ok(());
        }
        let sum = add_up(std::mem::take(&mut self.frames), options)?;
        if options.max_vocab_size.is_none() && sum.height() > held / 2 {
            self.words = 0;
            return self.spill(&sum, options)?.write(&sum);
        }
        self.words = sum.height();
        self.frames.push(sum);
        Ok(())
    }

    /// The files for counts like these.
    fn spill(&mut self, counts: &DataFrame, options: &CountOptions) -> Result<&mut Spill> {
        match &mut self.spill {
            Some(spill) => Ok(spill),
            none => Ok(none.insert(Spill::create(key_type(counts)?, options)?)),
        }
    }

    /// The sums, and how many words there are.
    pub(super) fn finish(self, options: &CountOptions) -> Result<(Counts, usize)> {
        let sum = add_up(self.frames, options)?;
        let Some(mut spill) = self.spill else {
            let words = sum.height();
            return Ok((Counts::InMemory(sum), words));
        };
        if sum.height() > 0 {
            spill.write(&sum)?;
        }
        let (spilled, words) = spill.finish(options)?;
        Ok((Counts::OnDisk(Arc::new(spilled)), words))
    }
}
