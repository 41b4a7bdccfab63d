//! Counting, by Polars' streaming engine.
//!
//! The corpus is counted in partial aggregations of some hundred thousand tokens each, which are added up: so every
//! source is counted the same way, and can be interrupted. Memory grows with the distinct words, not with the tokens,
//! and with [`CountOptions::max_vocab_size`] not with the words either.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayRef};
use arrow::ffi::to_ffi;
use polars::prelude::*;

use super::WordCounts;
use crate::corpus::{Corpus, Lists};
use crate::error::{Error, Result};
use crate::progress::{Phase, Progress};

/// Tokens in a partial aggregation. Of 250,000, 700,000 and 2,000,000 the smallest took half the memory at the same
/// speed (the summary of `polargram train`).
const PARTIAL_TOKENS: usize = 250_000;

/// Words of partial aggregations that are held before they are added up.
const HELD_WORDS: usize = 8_000_000;

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
}

impl Default for CountOptions {
    fn default() -> Self {
        Self { max_vocab_size: None, sorted: true }
    }
}

/// Counts the words of a corpus.
pub(super) fn count_words(corpus: &dyn Corpus, options: &CountOptions, progress: &Progress) -> Result<WordCounts> {
    progress.enter(Phase::Vocabulary, 0);
    let counter =
        Counter { corpus, options, progress, partials: Mutex::new(Partials::default()), sentences: AtomicU64::new(0) };
    counter.count_parts()?;
    let partials = counter.partials.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(WordCounts {
        frame: add_up(partials.frames, options)?,
        sorted: options.sorted,
        raw_tokens: partials.tokens,
        sentences: counter.sentences.into_inner(),
    })
}

/// What the threads that count share.
struct Counter<'a> {
    corpus: &'a dyn Corpus,
    options: &'a CountOptions,
    progress: &'a Progress,
    partials: Mutex<Partials>,
    sentences: AtomicU64,
}

impl Counter<'_> {
    fn count_parts(&self) -> Result<()> {
        // Threads of its own: a rayon worker that waits for Polars would meanwhile take up another part, and another
        // within that.
        let is_parallel = self.corpus.is_parallel() && self.options.max_vocab_size.is_none();
        let threads = if is_parallel { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 };
        let parts = self.corpus.parts();
        let next = AtomicUsize::new(0);
        let count_parts = || -> Result<()> {
            loop {
                match next.fetch_add(1, Ordering::Relaxed) {
                    // After an error nobody takes up another part.
                    part if part < parts => {
                        self.count_part(part).inspect_err(|_| next.store(parts, Ordering::Relaxed))?;
                    }
                    _ => return Ok(()),
                }
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (1..threads.min(parts)).map(|_| scope.spawn(count_parts)).collect();
            let mine = count_parts();
            let theirs = workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            theirs.fold(mine, Result::and)
        })
    }

    /// Counts one part, and adds it to the others.
    fn count_part(&self, part: usize) -> Result<()> {
        let origin = self.corpus.origin(part);
        let mut tokens = Tokens::new((!self.options.sorted).then_some((part as u64) << POSITION_BITS));
        for lists in self.corpus.read(part)? {
            self.progress.check()?;
            let lists = Lists::new(&lists?, self.corpus.column(), &origin)?;
            let mut values = lists.listed_values(&origin)?;
            self.sentences.fetch_add(lists.ranges.len() as u64, Ordering::Relaxed);
            self.progress.advance((values.len() - values.null_count()) as u64);
            while !values.is_empty() {
                let taken = values.len().min(self.room_in(&tokens));
                tokens.push(&values.slice(0, taken), &origin)?;
                values = values.slice(taken, values.len() - taken);
                if tokens.len >= PARTIAL_TOKENS {
                    self.add(&mut tokens)?;
                }
            }
        }
        self.add(&mut tokens)
    }

    /// How many more tokens a partial aggregation takes. When the vocabulary is bounded all take the same number: so
    /// the same words are dropped however the source cuts its batches.
    fn room_in(&self, tokens: &Tokens) -> usize {
        match self.options.max_vocab_size {
            Some(_) => PARTIAL_TOKENS - tokens.len,
            None => usize::MAX,
        }
    }

    fn add(&self, tokens: &mut Tokens) -> Result<()> {
        if tokens.len == 0 {
            return Ok(());
        }
        let counts = tokens.count()?;
        self.partials().push(counts, self.options)
    }

    fn partials(&self) -> MutexGuard<'_, Partials> {
        self.partials.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tokens that wait to be counted.
struct Tokens {
    chunks: Vec<Box<dyn polars_arrow::array::Array>>,
    len: usize,
    /// The position of the first of them in the corpus, if first occurrences are asked for.
    position: Option<u64>,
}

impl Tokens {
    fn new(position: Option<u64>) -> Self {
        Self { chunks: Vec::new(), len: 0, position }
    }

    /// Passes an array to Polars through the Arrow C data interface, without copying it.
    fn push(&mut self, values: &ArrayRef, origin: &str) -> Result<()> {
        let (array, schema) = to_ffi(&values.to_data()).map_err(|error| Error::corpus(origin, error.to_string()))?;
        self.len += values.len();
        // SAFETY: both structs are the C data interface's, laid out by its specification; ownership moves, since Polars
        // calls the release callback and `FFI_ArrowArray` is forgotten by the transmute.
        let chunk = unsafe {
            let array = std::mem::transmute::<arrow::ffi::FFI_ArrowArray, polars_arrow::ffi::ArrowArray>(array);
            let schema = std::mem::transmute::<arrow::ffi::FFI_ArrowSchema, polars_arrow::ffi::ArrowSchema>(schema);
            let field = polars_arrow::ffi::import_field_from_c(&schema)?;
            polars_arrow::ffi::import_array_from_c(array, field.dtype)?
        };
        self.chunks.push(chunk);
        Ok(())
    }

    /// Counts what waits, and takes it away.
    fn count(&mut self) -> Result<DataFrame> {
        let chunks = std::mem::take(&mut self.chunks);
        let words = Series::try_from((PlSmallStr::from_static("word"), chunks))?.cast(&DataType::String)?;
        let mut words = words.into_frame();
        let mut counts = vec![len().cast(DataType::UInt64).alias("count")];
        if let Some(first) = self.position {
            let end = first + self.len as u64;
            let positions = UInt64Chunked::from_vec(PlSmallStr::from_static("first"), (first..end).collect());
            words.with_column(positions.into_column())?;
            counts.push(col("first").min());
            self.position = Some(end);
        }
        self.len = 0;
        let tokens = words.lazy().filter(col("word").is_not_null());
        let mut counts = streamed(tokens.group_by([col("word")]).agg(counts))?;
        // The words are views into the text of the tokens: copied, so that it can go.
        let words = StringChunked::from_iter_values(
            PlSmallStr::from_static("word"),
            counts.column("word")?.str()?.no_null_iter(),
        );
        counts.with_column(words.into_column())?;
        Ok(counts)
    }
}

/// Counts of parts of the corpus; a word may stand in several.
#[derive(Default)]
struct Partials {
    frames: Vec<DataFrame>,
    words: usize,
    /// Tokens counted, those of words that were dropped among them.
    tokens: u64,
}

impl Partials {
    fn push(&mut self, counts: DataFrame, options: &CountOptions) -> Result<()> {
        self.tokens += counts.column("count")?.u64()?.sum().unwrap_or(0);
        self.words += counts.height();
        self.frames.push(counts);
        // A vocabulary beyond the limit is added up again only when it has doubled.
        let limit = HELD_WORDS.max(2 * self.frames[0].height());
        let bound = options.max_vocab_size.map_or(usize::MAX, |most| most.saturating_mul(2));
        if self.words > limit.min(bound) {
            let sum = add_up(std::mem::take(&mut self.frames), options)?;
            self.words = sum.height();
            self.frames.push(sum);
        }
        Ok(())
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
    match count_at(&counts, most)? {
        Some(count) => streamed(counts.lazy().filter(col("count").gt(lit(count)))),
        None => Ok(counts),
    }
}

/// The count at an index of the descending counts, if there are so many.
pub(super) fn count_at(counts: &DataFrame, index: usize) -> Result<Option<u64>> {
    if index >= counts.height() {
        return Ok(None);
    }
    let mut counts: Vec<u64> = counts.column("count")?.u64()?.into_no_null_iter().collect();
    Ok(Some(*counts.select_nth_unstable_by(index, |a, b| b.cmp(a)).1))
}

pub(super) fn streamed(query: LazyFrame) -> Result<DataFrame> {
    Ok(query.collect_with_engine(Engine::Streaming)?.unwrap_single())
}
