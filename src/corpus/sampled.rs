//! Some of a corpus, for a trial run.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt64Array};
use arrow::compute::filter;
use arrow::datatypes::UInt64Type;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;

use super::{Batch, Batches, Corpus};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// A share of a corpus's lists drawn at random, and of those the first so many.
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
    /// Each list is kept with probability `fraction`, by a draw that depends on `seed` and its place alone; no more than
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

    /// The batches of a part with what was drawn of them.
    fn drawn(&self, part: usize, progress: &Progress) -> Result<Batches<'_>> {
        let batches = self.corpus.read(part, progress)?;
        if self.fraction == 1.0 {
            return Ok(batches);
        }
        let threshold = (self.fraction * 2f64.powi(64)) as u64;
        let mut draws = SplitMix64::seed_from_u64(self.seed.wrapping_add((part as u64) << 32));
        Ok(Box::new(batches.map(move |batch| {
            let batch = batch?;
            let kept: BooleanArray = (0..batch.lists.len()).map(|_| Some(draws.next_u64() < threshold)).collect();
            self.of(&batch, |column| filter(column, &kept))
        })))
    }

    fn of(
        &self,
        batch: &Batch,
        take: impl Fn(&dyn Array) -> Result<ArrayRef, arrow::error::ArrowError>,
    ) -> Result<Batch> {
        let failed = |error: arrow::error::ArrowError| Error::corpus("corpus", error.to_string());
        let counts = match &batch.counts {
            Some(counts) => Some(take(counts).map_err(failed)?.as_primitive::<UInt64Type>().clone()),
            None => None,
        };
        Ok(Batch { lists: take(batch.lists.as_ref()).map_err(failed)?, counts })
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
        while taken < batch.lists.len() && self.left > 0 {
            self.left -= u64::from(batch.lists.is_valid(taken));
            taken += 1;
        }
        let counts: Option<UInt64Array> = batch.counts.map(|counts| counts.slice(0, taken));
        Some(Ok(Batch { lists: batch.lists.slice(0, taken), counts }))
    }
}
