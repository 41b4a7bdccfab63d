//! Counting, by Polars' streaming engine.
//!
//! The corpus is counted in partial aggregations of a few million tokens each, which are added up: so every source is
//! counted the same way, in bounded memory, and can be interrupted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::ArrayRef;
use arrow::ffi::to_ffi;
use polars::prelude::*;

use super::Words;
use crate::corpus::{Corpus, Lists};
use crate::error::{Error, Result};
use crate::progress::{Phase, Progress};

/// Tokens in a partial aggregation. Of 250,000, 700,000 and 2,000,000 the smallest took half the memory at the same speed
/// (the summary of `polargram train`).
const PARTIAL_TOKENS: usize = 250_000;

/// Words of partial aggregations that are held before they are added up.
const HELD_WORDS: usize = 8_000_000;

pub(super) struct Counted {
    pub(super) words: Words,
    pub(super) counts: Vec<u64>,
    pub(super) tokens: u64,
    pub(super) distinct: usize,
}

/// The words of at least `min_count` occurrences, in row order.
pub(super) fn count_words(corpus: &dyn Corpus, min_count: u64, progress: &Progress) -> Result<Counted> {
    progress.enter(Phase::Vocabulary, 0);
    let partials = Mutex::new(Partials::default());
    // Threads of its own: a rayon worker that waits for Polars would meanwhile take up another part, and another within that.
    let threads = if corpus.is_parallel() { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 };
    let next = AtomicUsize::new(0);
    let count_parts = || -> Result<()> {
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                part if part < corpus.parts() => {
                    // After an error nobody takes up another part.
                    let stop = |_: &Error| next.store(corpus.parts(), Ordering::Relaxed);
                    count_part(corpus, part, &partials, progress).inspect_err(stop)?;
                }
                _ => return Ok(()),
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads.min(corpus.parts())).map(|_| scope.spawn(count_parts)).collect();
        let mine = count_parts();
        let theirs =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        theirs.fold(mine, Result::and)
    })?;
    let partials = partials.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let counts = partials.add_up()?;
    let tokens = counts.column("count")?.u64()?.sum().unwrap_or(0);
    let distinct = counts.height();
    let order = SortMultipleOptions::default().with_order_descending_multi([true, false]);
    let kept = counts.lazy().filter(col("count").gt_eq(lit(min_count))).sort(["count", "word"], order);
    let kept = streamed(kept)?;
    let words = kept.column("word")?.str()?.no_null_iter().collect();
    let counts = kept.column("count")?.u64()?.into_no_null_iter().collect();
    Ok(Counted { words, counts, tokens, distinct })
}

/// Counts one part, and adds it to the others.
fn count_part(corpus: &dyn Corpus, part: usize, partials: &Mutex<Partials>, progress: &Progress) -> Result<()> {
    let origin = corpus.origin(part);
    let mut tokens = Tokens::default();
    for lists in corpus.read(part)? {
        progress.check()?;
        let lists = Lists::new(&lists?, corpus.column(), &origin)?;
        let values = lists.listed_values(&origin)?;
        progress.advance((values.len() - values.null_count()) as u64);
        tokens.push(values, &origin)?;
        if tokens.len >= PARTIAL_TOKENS {
            tokens.count_into(partials)?;
        }
    }
    tokens.count_into(partials)
}

/// Tokens that wait to be counted.
#[derive(Default)]
struct Tokens {
    chunks: Vec<Box<dyn polars_arrow::array::Array>>,
    len: usize,
}

impl Tokens {
    /// Passes an array to Polars through the Arrow C data interface, without copying it.
    fn push(&mut self, values: ArrayRef, origin: &str) -> Result<()> {
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

    fn count_into(&mut self, partials: &Mutex<Partials>) -> Result<()> {
        if self.len == 0 {
            return Ok(());
        }
        let chunks = std::mem::take(&mut self.chunks);
        let words = Series::try_from((PlSmallStr::from_static("word"), chunks))?.cast(&DataType::String)?;
        let tokens = words.into_frame().lazy().filter(col("word").is_not_null());
        let mut counts = streamed(tokens.group_by([col("word")]).agg([len().cast(DataType::UInt64).alias("count")]))?;
        // The words are views into the text of the tokens: copied, so that it can go.
        let words = StringChunked::from_iter_values(
            PlSmallStr::from_static("word"),
            counts.column("word")?.str()?.no_null_iter(),
        );
        counts.with_column(words.into_column())?;
        self.len = 0;
        partials.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(counts)
    }
}

/// Counts of parts of the corpus; a word may stand in several.
#[derive(Default)]
struct Partials {
    frames: Vec<DataFrame>,
    words: usize,
}

impl Partials {
    fn push(&mut self, counts: DataFrame) -> Result<()> {
        self.words += counts.height();
        self.frames.push(counts);
        // A vocabulary beyond the limit is added up again only when it has doubled.
        if self.words > HELD_WORDS.max(2 * self.frames[0].height()) {
            let sum = std::mem::take(self).add_up()?;
            self.words = sum.height();
            self.frames.push(sum);
        }
        Ok(())
    }

    fn add_up(self) -> Result<DataFrame> {
        let frames: Vec<LazyFrame> = self.frames.into_iter().map(DataFrame::lazy).collect();
        if frames.is_empty() {
            return Ok(df!("word" => Vec::<String>::new(), "count" => Vec::<u64>::new())?);
        }
        streamed(concat(frames, UnionArgs::default())?.group_by([col("word")]).agg([col("count").sum()]))
    }
}

fn streamed(query: LazyFrame) -> Result<DataFrame> {
    Ok(query.collect_with_engine(Engine::Streaming)?.unwrap_single())
}
