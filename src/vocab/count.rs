//! Counting: each thread tallies the words of its parts, and Polars' streaming engine adds the tallies up.
//!
//! Memory grows with the distinct words, not with the tokens; beyond [`CountOptions::memory_budget`] counts go to disk,
//! or with [`CountOptions::max_vocab_size`] the rarest words are dropped.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::Array;
use polars::prelude::*;

use super::WordCounts;
use super::spill::Spill;
use super::tally::Tally;
use super::word_counts::Counts;
use crate::corpus::{Corpus, Lists};
use crate::error::Result;
use crate::progress::{Phase, Progress};

/// Tokens that are counted before rare words are dropped, when the vocabulary is bounded.
const PARTIAL_TOKENS: usize = 250_000;

/// Words of partial aggregations that are held before they are added up, at most.
const HELD_WORDS: u64 = 8_000_000;
/// And at least: fewer would be added up again and again.
const LEAST_HELD_WORDS: u64 = 200_000;

/// Bytes that a word held takes, about, most of them while counts are added up.
const WORD_BYTES: u64 = 256;

/// Bits of a token's position in the corpus that say where in its part it stands; those above are the part's number.
const POSITION_BITS: u32 = 40;

/// How a corpus is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountOptions {
    /// The most words that are left when counts are added up: beyond, the rarest are dropped, all of one count
    /// together, and those that come again count from zero. Between times up to twice as many are held, and the words
    /// of 250,000 tokens.
    ///
    /// One thread then counts part by part, so that every run drops the same words. `None` keeps all.
    pub max_vocab_size: Option<usize>,
    /// Whether rows are by descending count, then by word; if not, by first occurrence.
    pub sorted: bool,
    /// Bytes of counts that are held in memory, about; beyond, they go to temporary files. With `max_vocab_size` they
    /// never do.
    pub memory_budget: u64,
}

impl Default for CountOptions {
    fn default() -> Self {
        Self { max_vocab_size: None, sorted: true, memory_budget: 256 << 20 }
    }
}

impl CountOptions {
    /// Words that are held in memory.
    fn held_words(&self) -> usize {
        (self.memory_budget / WORD_BYTES).clamp(LEAST_HELD_WORDS, HELD_WORDS) as usize
    }
}

/// Counts the words of a corpus.
pub(super) fn count_words(corpus: &dyn Corpus, options: &CountOptions, progress: &Progress) -> Result<WordCounts> {
    progress.enter(Phase::Vocabulary, 0);
    // Threads of its own: a rayon worker that waits for Polars would meanwhile take up another part, and another within
    // that.
    let is_parallel = corpus.is_parallel() && options.max_vocab_size.is_none();
    let threads = if is_parallel { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 };
    let (partials, sentences) = (Mutex::new(Partials::default()), AtomicU64::new(0));
    let counter = Counter { corpus, options, progress, threads, partials, sentences };
    counter.count_parts()?;
    let partials = counter.partials.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (sorted, raw_tokens, sentences) = (options.sorted, partials.tokens, counter.sentences.into_inner());
    let (counts, words) = partials.finish(options)?;
    Ok(WordCounts { counts, words, sorted, raw_tokens, sentences })
}

/// What the threads that count share.
struct Counter<'a> {
    corpus: &'a dyn Corpus,
    options: &'a CountOptions,
    progress: &'a Progress,
    threads: usize,
    partials: Mutex<Partials>,
    sentences: AtomicU64,
}

impl Counter<'_> {
    fn count_parts(&self) -> Result<()> {
        let parts = self.corpus.parts();
        let next = AtomicUsize::new(0);
        let count_parts = || -> Result<()> {
            let mut tally = Tally::default();
            loop {
                match next.fetch_add(1, Ordering::Relaxed) {
                    // After an error nobody takes up another part.
                    part if part < parts => {
                        self.count_part(part, &mut tally).inspect_err(|_| next.store(parts, Ordering::Relaxed))?;
                    }
                    _ => return self.add(&mut tally),
                }
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (1..self.threads.min(parts)).map(|_| scope.spawn(count_parts)).collect();
            let mine = count_parts();
            let theirs = workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            theirs.fold(mine, Result::and)
        })
    }

    /// Counts one part.
    fn count_part(&self, part: usize, tally: &mut Tally) -> Result<()> {
        let origin = self.corpus.origin(part);
        let mut position = (part as u64) << POSITION_BITS;
        for batch in self.corpus.read(part, self.progress)? {
            self.progress.check()?;
            let lists = Lists::new(&batch?, self.corpus.column(), &origin)?;
            let (values, counts) = (lists.listed_values(&origin)?, lists.value_counts());
            self.sentences.fetch_add(lists.counts().map(u64::from).sum(), Ordering::Relaxed);
            self.progress.advance((values.len() - values.null_count()) as u64);
            let mut from = 0;
            while from < values.len() {
                let taken = (values.len() - from).min(self.room_in(tally));
                let counts = counts.as_ref().map(|counts| counts.slice(from, taken));
                tally.add(&values.slice(from, taken), counts.as_ref(), position, &origin)?;
                (from, position) = (from + taken, position + taken as u64);
                if self.is_full(tally) {
                    self.add(tally)?;
                }
            }
        }
        Ok(())
    }

    /// How many more tokens a tally takes. When the vocabulary is bounded all take the same number: so the same words
    /// are dropped however the source cuts its batches.
    fn room_in(&self, tally: &Tally) -> usize {
        match self.options.max_vocab_size {
            Some(_) => PARTIAL_TOKENS - tally.tokens,
            None => usize::MAX,
        }
    }

    fn is_full(&self, tally: &Tally) -> bool {
        match self.options.max_vocab_size {
            Some(_) => tally.tokens == PARTIAL_TOKENS,
            None => {
                let share = self.options.held_words() / self.threads.max(4);
                tally.len() > share || tally.text_bytes() > share * WORD_BYTES as usize
            }
        }
    }

    fn add(&self, tally: &mut Tally) -> Result<()> {
        if tally.len() == 0 {
            tally.tokens = 0;
            return Ok(());
        }
        let counts = tally.take(!self.options.sorted)?;
        self.partials().push(counts, self.options)
    }

    fn partials(&self) -> MutexGuard<'_, Partials> {
        self.partials.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts of parts of the corpus; a word may stand in several.
#[derive(Default)]
struct Partials {
    frames: Vec<DataFrame>,
    words: usize,
    /// Those that did not fit.
    spill: Option<Spill>,
    /// Tokens counted, those of words that were dropped among them.
    tokens: u64,
}

impl Partials {
    fn push(&mut self, counts: DataFrame, options: &CountOptions) -> Result<()> {
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
            return self.spill(options)?.write(&sum);
        }
        self.words = sum.height();
        self.frames.push(sum);
        Ok(())
    }

    fn spill(&mut self, options: &CountOptions) -> Result<&mut Spill> {
        match &mut self.spill {
            Some(spill) => Ok(spill),
            none => Ok(none.insert(Spill::create(options)?)),
        }
    }

    /// The sums, and how many words there are.
    fn finish(self, options: &CountOptions) -> Result<(Counts, usize)> {
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

/// Adds up the counts of each word, and drops the rarest where there are too many.
pub(super) fn add_up(frames: Vec<DataFrame>, options: &CountOptions) -> Result<DataFrame> {
    let frames: Vec<LazyFrame> = frames.into_iter().map(DataFrame::lazy).collect();
    if frames.is_empty() {
        let none = Vec::<u64>::new;
        return Ok(df!("word" => Vec::<String>::new(), "count" => none(), "first" => none())?);
    }
    let mut sums = vec![col("count").sum()];
    if !options.sorted {
        sums.push(col("first").min());
    }
    let sum = streamed(concat(frames, UnionArgs::default())?.group_by([col("word")]).agg(sums))?;
    match options.max_vocab_size {
        Some(most) => prune(sum, most),
        None => Ok(sum),
    }
}

/// At most `most` words. The threshold follows from the counts alone, so words of one count stay or go together.
fn prune(counts: DataFrame, most: usize) -> Result<DataFrame> {
    match count_at(std::iter::once(Ok(Cow::Borrowed(&counts))), most)? {
        Some(count) => streamed(counts.lazy().filter(col("count").gt(lit(count)))),
        None => Ok(counts),
    }
}

/// The count at an index of the descending counts, if there are so many.
pub(super) fn count_at<'a>(
    frames: impl Iterator<Item = Result<Cow<'a, DataFrame>>>,
    index: usize,
) -> Result<Option<u64>> {
    // Few counts are different from each other.
    let mut words_of_count: BTreeMap<Reverse<u64>, usize> = BTreeMap::new();
    for frame in frames {
        for count in frame?.column("count")?.u64()?.into_no_null_iter() {
            *words_of_count.entry(Reverse(count)).or_default() += 1;
        }
    }
    let mut words = 0;
    let reached = words_of_count.into_iter().find(|(_, more)| {
        words += more;
        words > index
    });
    Ok(reached.map(|(Reverse(count), _)| count))
}

pub(super) fn streamed(query: LazyFrame) -> Result<DataFrame> {
    Ok(query.collect()?)
}
