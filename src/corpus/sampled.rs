//! Some of a corpus, for a trial run.

use arrow::array::{Array, BooleanArray};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;

use super::batch::{Batch, Batches, Corpus, Input};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// A share of a corpus's lists drawn at random, and the first so many of those.
///
/// ```
/// use polargram::corpus::Sampled;
/// # use polargram::corpus::{ArrowCorpus, Corpus};
/// # let corpus = ArrowCorpus::new(&[], "tokens")?;
///
/// let trial = Sampled::new(Box::new(corpus), 0.1, Some(100_000), 1)?;
/// # assert_eq!(trial.column(), "tokens");
/// # Ok::<(), polargram::Error>(())
/// ```
pub struct Sampled {
    corpus: Box<dyn Corpus>,
    fraction: f64,
    limit: Option<u64>,
    seed: u64,
}

impl Sampled {
    /// Each list is kept with probability `fraction`, by a draw that depends on `seed` and its position alone; no more than
    /// `limit` of them are.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a fraction that is not above 0 and at most 1.
    pub fn new(corpus: Box<dyn Corpus>, fraction: f64, limit: Option<u64>, seed: u64) -> Result<Self> {
        if !(fraction > 0.0 && fraction <= 1.0) {
            let reason = format!("is {fraction}; it must be above 0 and at most 1");
            return Err(Error::parameter("sample_fraction", reason));
        }
        Ok(Self { corpus, fraction, limit, seed })
    }

    /// The batches of a part, with only the lists that were drawn.
    fn drawn(&self, part: usize, progress: &Progress) -> Result<Batches<'_>> {
        let batches = self.corpus.read(part, progress)?;
        if self.fraction == 1.0 {
            return Ok(batches);
        }
        let threshold = (self.fraction * 2f64.powi(64)) as u64;
        let mut draws = SplitMix64::seed_from_u64(self.seed.wrapping_add((part as u64) << 32));
        Ok(Box::new(batches.map(move |batch| {
            let batch = batch?;
            let kept: BooleanArray = (0..batch.lists().len()).map(|_| Some(draws.next_u64() < threshold)).collect();
            batch.filter(&kept)
        })))
    }
}

impl Corpus for Sampled {
    fn parts(&self) -> usize {
        // Where the limit falls is known only after what comes before.
        if self.limit.is_some() { self.corpus.parts().min(1) } else { self.corpus.parts() }
    }

    fn read(&self, part: usize, progress: &Progress) -> Result<Batches<'_>> {
        let Some(limit) = self.limit else { return self.drawn(part, progress) };
        let progress = progress.clone();
        let parts = (0..self.corpus.parts()).map(move |part| self.drawn(part, &progress));
        let batches = parts.flat_map(|batches| match batches {
            Ok(batches) => batches,
            Err(error) => Box::new(std::iter::once(Err(error))),
        });
        Ok(Box::new(First { batches, left: limit }))
    }

    fn inputs(&self) -> Vec<Input> {
        self.corpus.inputs()
    }

    fn origin(&self, part: usize) -> String {
        match self.limit.is_some() && self.corpus.parts() > 1 {
            true => "corpus".into(),
            false => self.corpus.origin(part),
        }
    }

    fn column(&self) -> &str {
        self.corpus.column()
    }

    fn is_parallel(&self) -> bool {
        self.corpus.is_parallel()
    }
}

/// The first lists, null ones not counted.
struct First<I> {
    batches: I,
    left: u64,
}

impl<I: Iterator<Item = Result<Batch>>> Iterator for First<I> {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let batch = match self.batches.next()? {
            Ok(batch) => batch,
            error => return Some(error),
        };
        let mut taken = 0;
        while taken < batch.lists().len() && self.left > 0 {
            self.left -= u64::from(batch.lists().is_valid(taken));
            taken += 1;
        }
        Some(Ok(batch.first(taken)))
    }
}
