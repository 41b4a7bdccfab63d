//! Counting: each thread tallies the words of its parts, and the tallies are added up.
//!
//! Memory grows with the distinct words, not with the tokens; beyond [`CountOptions::memory_budget`] counts go to disk,
//! or with [`CountOptions::max_vocab_size`] the rarest words are dropped.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use arrow::array::Array;

use super::options::{CountOptions, WORD_BYTES};
use super::partials::Partials;
use super::tally::Tally;
use super::word_counts::WordCounts;
use crate::corpus::{Corpus, Lists};
use crate::error::{Error, Result};
use crate::process::ensure_not_forked;
use crate::progress::{Phase, Progress};
use crate::vocab::key::KeyType;

/// Tokens that are counted before rare words are dropped, when the vocabulary is bounded.
const PARTIAL_TOKENS: usize = 250_000;

/// Bits of a token's position in the corpus that say where in its part it stands; those above are the part's number.
const POSITION_BITS: u32 = 40;

impl WordCounts {
    /// Counts a corpus, whose tokens must all be text or all integers of one type.
    ///
    /// # Errors
    /// The errors of the corpus; [`Error::Corpus`] naming the place where tokens are of another type than before;
    /// [`Error::Interrupted`].
    pub fn count(corpus: &dyn Corpus, options: &CountOptions, progress: &Progress) -> Result<Self> {
        ensure_not_forked()?;
        progress.enter(Phase::Vocabulary, 0);
        // Threads of its own: a rayon worker that waits for Polars while it reads would meanwhile take up another part, and another
        // within that.
        let is_parallel = corpus.is_parallel() && options.max_vocab_size.is_none();
        let threads = if is_parallel { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 };
        let (partials, sentences) = (Mutex::new(Partials::default()), AtomicU64::new(0));
        let counter = Counter { corpus, options, progress, threads, partials, sentences, keys: OnceLock::new() };
        counter.count_parts()?;
        let partials = counter.partials.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (sorted, raw_tokens, sentences) = (options.sorted, partials.tokens, counter.sentences.into_inner());
        let (counts, words) = partials.finish(options)?;
        Ok(Self { counts, words, sorted, raw_tokens, sentences })
    }
}

/// What the threads that count share.
struct Counter<'a> {
    corpus: &'a dyn Corpus,
    options: &'a CountOptions,
    progress: &'a Progress,
    threads: usize,
    partials: Mutex<Partials>,
    sentences: AtomicU64,
    /// The type of the corpus' tokens, and where they were seen first.
    keys: OnceLock<(KeyType, String)>,
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
            self.check_type(lists.values.as_ref(), &origin)?;
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

    /// Refuses tokens of another type than those before. An array of nulls may be of any.
    fn check_type(&self, tokens: &dyn Array, origin: &str) -> Result<()> {
        if tokens.null_count() == tokens.len() {
            return Ok(());
        }
        let found = KeyType::of(tokens.data_type()).unwrap_or(KeyType::Text);
        let (known, first) = self.keys.get_or_init(|| (found, origin.to_owned()));
        if found == *known {
            return Ok(());
        }
        let reason = format!(
            "column {:?} holds {found}, but {known} in {first}; all tokens of a corpus must be of one type. Cast one of them.",
            self.corpus.column()
        );
        Err(Error::corpus(origin, reason))
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
