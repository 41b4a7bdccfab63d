//! Training a model of any family on a corpus: encoding it, checking that it is the right one, and the epochs.

use std::time::Instant;

use super::checkpoint::Checkpoint;
use super::saved::Resume;
use super::state::{CorpusSize, Family, State};
use crate::config::Config;
use crate::corpus::Corpus;
use crate::encode::{Encoded, Encoder, SpoolOptions, encode, measure};
use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::process::ensure_not_forked;
use crate::progress::Progress;
use crate::train::{self, Observer, Source, Trained, corpus_changed};

/// What a training may be told besides the hyperparameters.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrainOptions<'a> {
    /// Where the encoded corpus is kept, if it is.
    pub spool: SpoolOptions,
    /// True if the vocabulary is from this corpus, which must then have the same tokens as when it was counted.
    pub is_vocabulary_corpus: bool,
    /// The size of an epoch for the decay of the learning rate, if it is not the size of the corpus.
    pub expected: Option<CorpusSize>,
    /// For each word the share of its updates that its vector takes: 0 freezes it.
    pub locks: Option<&'a [f32]>,
    /// Where to save the state now and then.
    pub checkpoint: Option<&'a Checkpoint>,
    /// Where the training was when its state was saved.
    pub resume: Option<&'a Resume>,
}

/// Refuses what can be refused before the corpus is read, and says which instructions there are.
pub(super) fn check_settings(config: &Config, spool: SpoolOptions, checkpoint: Option<&Checkpoint>) -> Result<Isa> {
    config.validate()?;
    ensure_not_forked()?;
    if config.shuffle && !spool.spool {
        return Err(Error::parameter("shuffle", "needs the spool: batches that are streamed come in order"));
    }
    if let Some(checkpoint) = checkpoint {
        checkpoint.check_writable()?;
    }
    Isa::detect()
}

/// Trains [`Config::epochs`] times over a corpus, in place.
///
/// # Errors
/// [`Error::Parameter`] for a value out of range; [`Error::Corpus`] if the corpus is not the one that it must be; what
/// the corpus or the observer fails with; [`Error::Interrupted`].
pub(super) fn train_model<F: Family>(
    model: &F,
    corpus: &dyn Corpus,
    options: &TrainOptions<'_>,
    observer: &mut dyn Observer,
    progress: &Progress,
) -> Result<Trained> {
    let state = model.state();
    let (config, vocabulary) = (&state.config, state.vocabulary.as_ref());
    let isa = check_settings(config, options.spool, options.checkpoint)?;
    let start = Instant::now();
    let memory_budget = options.spool.memory_budget;
    let spool = match options.spool.spool {
        true => Some(encode(corpus, vocabulary, config.batch_words, memory_budget, progress)?),
        false => None,
    };
    let source = match &spool {
        Some(spool) => Source::Spool(spool),
        None => {
            let encoder = Encoder { corpus, vocabulary, batch_words: config.batch_words, memory_budget, progress };
            Source::Stream { encoded: measure(&encoder)?, encoder }
        }
    };
    let encoded = source.encoded();
    check_corpus(&state, options, encoded)?;
    let run = train::TrainingRun {
        config,
        vocabulary,
        weights: model.weights(),
        locks: options.locks,
        source,
        expected_tokens: options.expected.map(|expected| expected_tokens(encoded, expected)),
        start: options.resume.map(|resume| resume.position.clone()).unwrap_or_default(),
        isa,
    };
    let encoding = start.elapsed();
    let trained = match options.checkpoint {
        Some(checkpoint) => train::train(&run, &mut checkpoint.observer(model, encoded, observer), progress),
        None => train::train(&run, observer, progress),
    }?;
    Ok(Trained { encoding, ..trained })
}

/// # Errors
/// [`Error::Corpus`] if the corpus is not the one that was counted, or that the checkpoint was made from.
fn check_corpus(state: &State, options: &TrainOptions<'_>, encoded: Encoded) -> Result<()> {
    let Config { max_vocab_size, null_word, .. } = state.config;
    if encoded.raw_tokens == 0 {
        return Err(Error::corpus("corpus", "holds no tokens; if it gave some before, it can be read only once"));
    }
    if options.is_vocabulary_corpus && encoded.raw_tokens != state.corpus.tokens {
        return Err(corpus_changed(Encoded { raw_tokens: state.corpus.tokens, ..encoded }, encoded));
    }
    // Words that were dropped while counting make the counts of others smaller than they are.
    let is_exact = options.is_vocabulary_corpus && max_vocab_size.is_none() && !null_word;
    if is_exact && encoded.tokens != state.vocabulary.tokens() {
        let reason = "gave other words when it was read again; a corpus must be the same each time";
        return Err(Error::corpus("corpus", reason));
    }
    match options.resume.filter(|resume| resume.encoded != encoded) {
        None => Ok(()),
        Some(resume) if resume.encoded.raw_tokens == encoded.raw_tokens => {
            Err(Error::corpus("corpus", "is not the one that the checkpoint was made from"))
        }
        Some(resume) => Err(corpus_changed(resume.encoded, encoded)),
    }
}

/// In-vocabulary tokens in an epoch of the size expected, as in the corpus read.
fn expected_tokens(encoded: Encoded, expected: CorpusSize) -> u64 {
    let share = |expected: u64, read: u64| match expected {
        0 => 1.0,
        _ => expected as f64 / read.max(1) as f64,
    };
    let share = match expected.sentences {
        0 => share(expected.tokens, encoded.raw_tokens),
        sentences => share(sentences, encoded.raw_sentences),
    };
    (encoded.tokens as f64 * share).round() as u64
}
