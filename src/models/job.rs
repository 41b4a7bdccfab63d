//! From a corpus to a trained model. The command, the Python classes and [`Word2Vec::fit`](crate::Word2Vec::fit) all run
//! this job or its steps.

use std::time::{Duration, Instant};

use super::checkpoint::Checkpoint;
use super::memory::{self, Memory};
use super::saved::Resume;
use super::state::Family;
use super::training::{TrainOptions, check_settings, train_model};
use crate::config::Config;
use crate::corpus::{Corpus, FileCorpus, ReadOptions};
use crate::encode::SpoolOptions;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::train::{Observer, Trained};
use crate::vocab::{CountOptions, Trim, TrimReport, Vocabulary, WordCounts};

/// From a corpus to a trained model of any [`Family`], in one call ([`run`](Self::run)) or step by step.
///
/// ```no_run
/// use polargram::corpus::ReadOptions;
/// use polargram::models::{Checkpoint, Every, Fitted, Job};
/// use polargram::{Config, Progress, Word2Vec};
///
/// let checkpoint = Checkpoint::new("checkpoint", Every::Epoch);
/// let job = Job { checkpoint: Some(&checkpoint), ..Job::new(Config { sg: true, ..Config::default() }) };
/// let progress = Progress::default();
/// let corpus = job.open(["s3://bucket/corpus/"], ReadOptions::column("tokens"), &progress)?;
/// let Fitted { model, trained, .. } = job.run::<Word2Vec>(&corpus, &mut (), &progress)?;
/// println!("{} words, {:.0} tokens a second", model.vocabulary().len(), trained.tokens_per_second());
/// # Ok::<(), polargram::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// The hyperparameters.
    pub config: Config,
    /// Whether and where the encoded corpus is kept. The memory budget bounds the counting of words and what is fetched
    /// ahead, too.
    pub spool: SpoolOptions,
    /// Where to save the state now and then, and to resume from.
    pub checkpoint: Option<&'a Checkpoint>,
}

/// A model whose words are known, but which is not trained yet, or not to the end.
pub struct Prepared<M> {
    /// The model.
    pub model: M,
    /// Where its training goes on, if it comes from a checkpoint.
    resume: Option<Resume>,
    counting: Option<Duration>,
}

/// What a run would take.
pub struct Estimate {
    /// The words that would get a vector.
    pub vocabulary: Vocabulary,
    /// What trimming and subsampling would leave of the corpus.
    pub report: TrimReport,
    /// Bytes by purpose.
    pub memory: Memory,
}

/// A trained model, and how it came to be.
pub struct Fitted<M> {
    /// The model.
    pub model: M,
    /// What the training did.
    pub trained: Trained,
    /// How long the counting of words took, unless the run was resumed.
    pub counting: Option<Duration>,
}

/// The share of the memory budget that may hold what is fetched ahead.
const FETCHING_SHARE: u64 = 4;

impl Job<'_> {
    /// A job without checkpoints.
    pub fn new(config: Config) -> Self {
        Self { config, spool: SpoolOptions::default(), checkpoint: None }
    }

    /// Opens files; what is fetched ahead of them stays within the memory budget.
    ///
    /// # Errors
    /// As for [`FileCorpus::open`].
    pub fn open(
        &self,
        sources: impl IntoIterator<Item = impl AsRef<str>>,
        options: ReadOptions,
        progress: &Progress,
    ) -> Result<FileCorpus> {
        FileCorpus::open(sources, &bounded(options, self.spool.memory_budget), progress)
    }

    /// Counts the words of a corpus.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a value out of range, what the corpus fails with,
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn count(&self, corpus: &dyn Corpus, progress: &Progress) -> Result<WordCounts> {
        self.config.validate()?;
        let options = CountOptions { memory_budget: self.spool.memory_budget, ..CountOptions::from(&self.config) };
        memory::while_counting(|| WordCounts::count(corpus, &options, progress))
    }

    /// The model and position of the checkpoint, if there is one.
    ///
    /// # Errors
    /// As for [`Checkpoint::resume`].
    pub fn resume<F: Family>(&self) -> Result<Option<(F, Resume)>> {
        Ok(self.checkpoint.map(|checkpoint| checkpoint.resume(&self.config)).transpose()?.flatten())
    }

    /// Resumes from the checkpoint, or else counts the corpus and makes a model of its words; then trains it.
    ///
    /// # Errors
    /// As for [`prepare`](Self::prepare) and [`train`](Self::train).
    pub fn run<F: Family>(
        &self,
        corpus: &dyn Corpus,
        observer: &mut dyn Observer,
        progress: &Progress,
    ) -> Result<Fitted<F>> {
        self.train(self.prepare(corpus, progress)?, corpus, observer, progress)
    }

    /// Resumes from the checkpoint, or else counts the corpus and makes a model of its words. What depends on the words
    /// can be checked now, before the hours of training.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a value out of range, what the corpus fails with,
    /// [`Error::EmptyVocabulary`](crate::Error::EmptyVocabulary),
    /// [`Error::Io`](crate::Error::Io) or [`Error::Format`](crate::Error::Format) for the checkpoint,
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn prepare<F: Family>(&self, corpus: &dyn Corpus, progress: &Progress) -> Result<Prepared<F>> {
        check_settings(&self.config, self.spool, self.checkpoint)?;
        let start = Instant::now();
        let (model, resume) = match self.resume::<F>()? {
            Some((model, resume)) => (model, Some(resume)),
            None => {
                let counts = self.count(corpus, progress)?;
                (F::new(self.config.clone(), &counts, &Trim::from(&self.config))?.0, None)
            }
        };
        let counting = resume.is_none().then(|| start.elapsed());
        Ok(Prepared { model, resume, counting })
    }

    /// Trains a model on the corpus that it was prepared for.
    ///
    /// # Errors
    /// [`Error::Corpus`](crate::Error::Corpus) for another corpus, what the corpus or the observer fails with,
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn train<F: Family>(
        &self,
        prepared: Prepared<F>,
        corpus: &dyn Corpus,
        observer: &mut dyn Observer,
        progress: &Progress,
    ) -> Result<Fitted<F>> {
        let Prepared { model, resume, counting } = prepared;
        let options = TrainOptions {
            spool: self.spool,
            is_vocabulary_corpus: true,
            checkpoint: self.checkpoint,
            resume: resume.as_ref(),
            ..TrainOptions::default()
        };
        let trained = train_model(&model, corpus, &options, observer, progress)?;
        Ok(Fitted { model, trained, counting })
    }

    /// Counts a corpus, and estimates the vocabulary and the memory of a run without running it.
    ///
    /// # Errors
    /// As for [`count`](Self::count).
    pub fn estimate(&self, corpus: &dyn Corpus, progress: &Progress) -> Result<Estimate> {
        let counts = self.count(corpus, progress)?;
        let trim = Trim::from(&self.config);
        let (vocabulary, report) = match Vocabulary::new(&counts, &trim) {
            Err(Error::EmptyVocabulary { .. }) => (Vocabulary::empty(), trim.report(&counts, None)?),
            made => made?,
        };
        let words = report.num_retained_words as u64;
        let memory = Memory::estimate(&self.config, words, report.retain_total, self.spool);
        Ok(Estimate { vocabulary, report, memory })
    }
}

/// The options of a corpus, of which no more is fetched ahead than a share of the memory budget.
pub(crate) fn bounded(options: ReadOptions, memory_budget: u64) -> ReadOptions {
    ReadOptions { fetch_ahead: options.fetch_ahead.min(memory_budget / FETCHING_SHARE), ..options }
}

impl From<&Config> for CountOptions {
    fn from(config: &Config) -> Self {
        Self { max_vocab_size: config.max_vocab_size, sorted: config.sorted_vocab, ..Self::default() }
    }
}

impl From<&Config> for Trim<'_> {
    fn from(config: &Config) -> Self {
        Self {
            min_count: config.min_count,
            max_final_vocab: config.max_final_vocab,
            rules: None,
            sample: config.sample,
            null_word: config.null_word,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_fetched_ahead_than_a_quarter_of_the_memory_budget() {
        let fetched = |budget| bounded(ReadOptions::column("tokens"), budget).fetch_ahead;
        let by_default = ReadOptions::column("tokens").fetch_ahead;
        assert_eq!((fetched(1 << 20), fetched(SpoolOptions::default().memory_budget)), (1 << 18, by_default));
        assert_eq!(fetched(u64::MAX), by_default);
    }
}
