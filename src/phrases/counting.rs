//! Counting words and pairs of words: several threads, a part of the corpus each, in one pass.
//!
//! A thread turns tokens into the numbers of words, which all threads share, and collects pairs of numbers until some
//! hundred of them can be counted together in one small table. So memory grows with what is distinct.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::bounded::count_bounded;
use super::codes::KeyCodes;
use super::counts::PhraseCounts;
use super::rules::{CountRules, Counted};
use super::table::{Gapped, Pair, SharedTables, Waiting};
use super::tokens::{Coder, TokenCodes};
use super::words::Words;
use crate::corpus::{Corpus, Lists};
use crate::error::{Error, Result};
use crate::kernel::Growing;
use crate::process::ensure_not_forked;
use crate::progress::{Phase, Progress};
use crate::vocab::View;

/// Counts a corpus, as gensim does.
///
/// # Errors
/// The errors of the corpus; [`Error::Corpus`] for tokens that are not text; [`Error::Interrupted`].
pub(super) fn count(corpus: &dyn Corpus, rules: &CountRules<'_>, progress: &Progress) -> Result<Counted> {
    ensure_not_forked()?;
    progress.enter(Phase::Vocabulary, 0);
    // What is dropped depends on what came before, so a corpus that is too large is counted in its order.
    if !rules.is_read_once
        && let Some(counted) = count_all(corpus, rules, progress)?
    {
        return Ok(counted);
    }
    progress.enter(Phase::Vocabulary, 0);
    count_bounded(corpus, rules, progress)
}

/// Counts everything; `None` if that is more than the rules allow.
fn count_all(corpus: &dyn Corpus, rules: &CountRules<'_>, progress: &Progress) -> Result<Option<Counted>> {
    let shared = Shared::new(corpus, rules, progress);
    let (parts, next) = (corpus.parts(), AtomicUsize::new(0));
    let count_parts = || -> Result<Growing<u64>> {
        let mut worker = Worker::new(&shared);
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                part if part < parts && !shared.is_full() => {
                    // After an error nobody takes up another part.
                    worker.count_part(part).inspect_err(|_| next.store(parts, Ordering::Relaxed))?;
                }
                _ => return Ok(worker.finish()),
            }
        }
    };
    let threads = match corpus.is_parallel() {
        true => thread::available_parallelism().map_or(1, usize::from).min(parts),
        false => 1,
    };
    let word_counts = thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(count_parts)).collect();
        let mine = count_parts();
        let theirs =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        std::iter::once(mine).chain(theirs.collect::<Vec<_>>()).collect::<Result<Vec<_>>>()
    })?;
    if shared.is_full() {
        return Ok(None);
    }
    let counted = shared.finish(word_counts);
    Ok(Some(counted).filter(|counted| counted.counts.len() as u64 <= rules.max_vocab_size))
}

/// Marks of a code above the number of its word.
const CONNECTOR: u32 = 1 << 31;
/// The word blurs where the words of a joined text end.
const BLURS: u32 = 1 << 30;
const ID: u32 = BLURS - 1;
/// Words that have numbers, at most.
const MOST_WORDS: usize = ID as usize;

/// What the threads share.
struct Shared<'a> {
    corpus: &'a dyn Corpus,
    rules: &'a CountRules<'a>,
    progress: &'a Progress,
    words: Mutex<Words>,
    between: Mutex<Words>,
    pairs: SharedTables<Pair>,
    gapped: SharedTables<Gapped>,
    /// Pairs in which a word blurs where the words end.
    blurred_pairs: SharedTables<Pair>,
    blurred_gapped: SharedTables<Gapped>,
    /// Texts that are known to be distinct.
    texts: AtomicUsize,
    is_full: AtomicBool,
    tokens: AtomicU64,
    sentences: AtomicU64,
}

impl<'a> Shared<'a> {
    fn new(corpus: &'a dyn Corpus, rules: &'a CountRules<'a>, progress: &'a Progress) -> Self {
        Self {
            corpus,
            rules,
            progress,
            words: Mutex::default(),
            between: Mutex::default(),
            pairs: SharedTables::default(),
            gapped: SharedTables::default(),
            blurred_pairs: SharedTables::default(),
            blurred_gapped: SharedTables::default(),
            texts: AtomicUsize::new(0),
            is_full: AtomicBool::new(false),
            tokens: AtomicU64::new(0),
            sentences: AtomicU64::new(0),
        }
    }

    fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    fn add_texts(&self, new: usize) {
        if new > 0 && (self.texts.fetch_add(new, Ordering::Relaxed) + new) as u64 > self.rules.max_vocab_size {
            self.is_full.store(true, Ordering::Relaxed);
        }
    }

    /// The counts of the words that each thread has seen, and all others.
    fn finish(self, word_counts: Vec<Growing<u64>>) -> Counted {
        let (tokens, sentences) = (self.tokens.into_inner(), self.sentences.into_inner());
        let words = self.words.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut sums = vec![0u64; words.len()];
        for counts in word_counts {
            sums.iter_mut().zip(&*counts).for_each(|(sum, count)| *sum = sum.saturating_add(*count));
        }
        let mut counts = PhraseCounts {
            words,
            word_counts: sums,
            between: self.between.into_inner().unwrap_or_else(PoisonError::into_inner),
            pairs: self.pairs.into_tables(),
            gapped: self.gapped.into_tables(),
            ..PhraseCounts::new(self.rules.delimiter.clone())
        };
        let mut text = String::new();
        for id in 0..counts.words.len() as u32 {
            if counts.delimiter.is_in(counts.words.text(id)) {
                let count = std::mem::take(&mut counts.word_counts[id as usize]);
                text.clear();
                text.push_str(counts.words.text(id));
                counts.add_joined(&text, count);
            }
        }
        for (pair, count) in self.blurred_pairs.into_tables().iter() {
            counts.join_pair(pair, &mut text);
            counts.add_joined(&text, count);
        }
        for (gapped, count) in self.blurred_gapped.into_tables().iter() {
            counts.join_gapped(gapped, &mut text);
            counts.add_joined(&text, count);
        }
        Counted { counts, words: tokens, sentences, min_reduce: 1 }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Short words that a thread knows at once. What is frequent is known again soon; most words are not, and need no memory
/// in each thread.
const MOST_SHORT: usize = 100_000;
/// Other words that a thread knows at once.
const MOST_LONG: usize = 20_000;

/// The codes of the words that one thread has seen of late.
struct WordCoder<'a> {
    shared: &'a Shared<'a>,
    short: KeyCodes,
    long: Words,
    long_codes: Vec<u32>,
    /// Words that this thread was the first to see.
    new: usize,
    /// One more than the greatest number of its words.
    end: usize,
}

impl Coder for WordCoder<'_> {
    const NULL: u32 = u32::MAX;

    #[inline]
    fn known(&self, view: View) -> Option<u32> {
        self.short.get(view.0)
    }

    #[inline]
    fn prefetch(&self, view: View) {
        self.short.prefetch(view.0);
    }

    fn code(&mut self, word: &str) -> u32 {
        if View::holds(word) {
            let view = View::of(word);
            return self.short.get(view.0).unwrap_or_else(|| {
                if self.short.len() >= MOST_SHORT {
                    self.short.clear();
                }
                let code = self.code_of_new(word);
                self.short.set(view.0, code);
                code
            });
        }
        if self.long.len() >= MOST_LONG {
            self.long = Words::default();
            self.long_codes.clear();
        }
        let id = self.long.intern(word) as usize;
        if id == self.long_codes.len() {
            let code = self.code_of_new(word);
            self.long_codes.push(code);
        }
        self.long_codes[id]
    }
}

impl WordCoder<'_> {
    fn code_of_new(&mut self, word: &str) -> u32 {
        let rules = self.shared.rules;
        if let Some(connector) = rules.connectors.id(word) {
            return CONNECTOR | connector;
        }
        let mut words = lock(&self.shared.words);
        let before = words.len();
        if before >= MOST_WORDS {
            self.shared.is_full.store(true, Ordering::Relaxed);
            return 0;
        }
        let id = words.intern(word);
        self.new += usize::from(words.len() > before && !rules.delimiter.is_in(word));
        self.end = self.end.max(id as usize + 1);
        let is_blurred = rules.delimiter.blurs(word);
        if is_blurred { BLURS | id } else { id }
    }
}

/// What one thread has seen.
struct Worker<'a> {
    shared: &'a Shared<'a>,
    codes: TokenCodes<WordCoder<'a>>,
    word_counts: Growing<u64>,
    pairs: Waiting<Pair>,
    gapped: Waiting<Gapped>,
    blurred_pairs: Waiting<Pair>,
    blurred_gapped: Waiting<Gapped>,
    /// The number of what stands between two words, by the codes of its connector words, and whether one of them blurs.
    between: HashMap<Box<[u32]>, (u32, bool)>,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared<'a>) -> Self {
        let coder = WordCoder {
            shared,
            short: KeyCodes::for_at_most(MOST_SHORT),
            long: Words::default(),
            long_codes: Vec::new(),
            new: 0,
            end: 1,
        };
        Self {
            shared,
            codes: TokenCodes::new(coder),
            word_counts: Growing::default(),
            pairs: Waiting::default(),
            gapped: Waiting::default(),
            blurred_pairs: Waiting::default(),
            blurred_gapped: Waiting::default(),
            between: HashMap::new(),
        }
    }

    fn count_part(&mut self, part: usize) -> Result<()> {
        let Shared { corpus, progress, .. } = *self.shared;
        let (origin, column) = (corpus.origin(part), corpus.column());
        for batch in corpus.read(part, progress)? {
            progress.check()?;
            let lists = Lists::new(&batch?, column, &origin)?;
            let codes = self.codes.of(lists.values.as_ref(), column, &origin)?;
            self.word_counts.grow(self.codes.coder.end);
            let (mut tokens, mut sentences) = (0, 0);
            for (range, count) in lists.ranges.iter().zip(lists.counts()) {
                tokens += self.count_sentence(&codes[range.clone()], count.into());
                sentences += u64::from(count);
            }
            let new = std::mem::take(&mut self.codes.coder.new);
            self.shared.add_texts(new);
            self.shared.tokens.fetch_add(tokens, Ordering::Relaxed);
            self.shared.sentences.fetch_add(sentences, Ordering::Relaxed);
            progress.advance(tokens);
            if self.shared.is_full() {
                break;
            }
        }
        Ok(())
    }

    /// Counts the words of a sentence and the pairs of those side by side, and tells how many words there are. Connector
    /// words are none of them, and do not part others.
    fn count_sentence(&mut self, codes: &[u32], count: u64) -> u64 {
        let (mut start, mut gap) = (None, 0..0);
        let mut nulls = 0;
        for (i, &code) in codes.iter().enumerate() {
            if code == WordCoder::NULL {
                nulls += 1;
                continue;
            }
            if code & CONNECTOR != 0 {
                if start.is_some() {
                    gap = if gap.is_empty() { i..i + 1 } else { gap.start..i + 1 };
                }
                continue;
            }
            self.word_counts[(code & ID) as usize] += count;
            if let Some(start) = start {
                match gap.is_empty() {
                    true => self.count_pair(start, code, count),
                    false => self.count_gapped(start, &codes[gap], code, count),
                }
            }
            (start, gap) = (Some(code), 0..0);
        }
        (codes.len() - nulls) as u64 * count
    }

    #[inline]
    fn count_pair(&mut self, a: u32, b: u32, count: u64) {
        let pair = [a & ID, b & ID];
        if (a | b) & BLURS == 0 {
            let new = self.pairs.add(pair, count, &self.shared.pairs);
            self.shared.add_texts(new);
        } else {
            self.blurred_pairs.add(pair, count, &self.shared.blurred_pairs);
        }
    }

    fn count_gapped(&mut self, a: u32, gap: &[u32], b: u32, count: u64) {
        let (between, is_blurred) = self.between(gap);
        let gapped = [a & ID, between, b & ID];
        if (a | b) & BLURS == 0 && !is_blurred {
            let new = self.gapped.add(gapped, count, &self.shared.gapped);
            self.shared.add_texts(new);
        } else {
            self.blurred_gapped.add(gapped, count, &self.shared.blurred_gapped);
        }
    }

    /// The number of what stands between two words, and whether it blurs.
    fn between(&mut self, gap: &[u32]) -> (u32, bool) {
        if let Some(known) = self.between.get(gap) {
            return *known;
        }
        let CountRules { delimiter, connectors, .. } = self.shared.rules;
        let words =
            || gap.iter().filter(|code| **code != WordCoder::NULL).map(|code| connectors.text(code & !CONNECTOR));
        let mut text = String::new();
        delimiter.join(&mut text, words());
        let found = (lock(&self.shared.between).intern(&text), words().any(|word| delimiter.blurs(word)));
        self.between.insert(gap.into(), found);
        found
    }

    /// Counts what waits, and gives the counts of words.
    fn finish(mut self) -> Growing<u64> {
        let new = self.pairs.finish(&self.shared.pairs) + self.gapped.finish(&self.shared.gapped);
        self.shared.add_texts(new);
        self.blurred_pairs.finish(&self.shared.blurred_pairs);
        self.blurred_gapped.finish(&self.shared.blurred_gapped);
        self.word_counts
    }
}

/// # Errors
/// [`Error::Parameter`] for more connector words than there can be numbers.
pub(super) fn connectors_of<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Words> {
    let words: Words = words.into_iter().collect();
    match words.len() <= MOST_WORDS {
        true => Ok(words),
        false => Err(Error::parameter("connector_words", format!("are more than {MOST_WORDS}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder};

    use super::super::delimiter::Delimiter;
    use super::*;
    use crate::corpus::ArrowCorpus;

    #[test]
    fn words_are_counted_on_when_a_thread_has_forgotten_them() {
        let words: Vec<String> = (0..MOST_SHORT * 3 / 2).map(|word| format!("{word}")).collect();
        let long: Vec<String> = (0..MOST_LONG * 3 / 2).map(|word| format!("a longer word {word}")).collect();
        let mut lists = ListBuilder::new(StringBuilder::new());
        for _ in 0..2 {
            lists.append_value(words.iter().chain(&long).map(Some));
        }
        let batch = RecordBatch::try_from_iter([("tokens", Arc::new(lists.finish()) as ArrayRef)]).unwrap();
        let corpus = ArrowCorpus::new(&[batch], "tokens").unwrap();
        let delimiter = Delimiter::new("_").unwrap();
        let rules = CountRules {
            delimiter: &delimiter,
            connectors: &Words::default(),
            max_vocab_size: 1_000_000,
            is_read_once: false,
        };
        let counted = count(&corpus, &rules, &Progress::default()).unwrap();
        assert_eq!(counted.counts.len(), 2 * (words.len() + long.len()) - 1);
        assert!(words.iter().chain(&long).all(|word| counted.counts.of_text(word) == 2));
        assert_eq!(counted.counts.of_text("7_8"), 2);
        assert_eq!(counted.words, 2 * (words.len() + long.len()) as u64);
    }
}
