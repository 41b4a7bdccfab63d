//! Training as a whole: against a plain f64 reference that follows the papers pair by pair, and with batches from every
//! source.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder};

use std::time::{Duration, Instant};

use super::segment::EpochSegment;
use super::shared::{MAX_CENTRES, Shared};
use super::*;
use crate::config::Config;
use crate::corpus::{ArrowCorpus, Corpus, FileCorpus, ReadOptions};
use crate::encode::{Encoded, Encoder, Spool, encode};
use crate::error::{Error, Result};
use crate::kernel::{Isa, Matrix};
use crate::progress::Progress;
use crate::toy_corpus::write_corpus;
use crate::vocab::{HuffmanTree, Trim, Vocabulary, WordCounts};

fn corpus_of(sentences: &[Vec<String>]) -> ArrowCorpus {
    let mut lists = ListBuilder::new(StringBuilder::new());
    sentences.iter().for_each(|sentence| lists.append_value(sentence.iter().map(Some)));
    let lists: ArrayRef = Arc::new(lists.finish());
    ArrowCorpus::new(&[RecordBatch::try_from_iter([("tokens", lists)]).unwrap()], "tokens").unwrap()
}

fn vocabulary_of(corpus: &dyn Corpus, config: &Config) -> Vocabulary {
    let counts = WordCounts::count(corpus, &config.into(), &Progress::default()).unwrap();
    Vocabulary::new(&counts, &Trim { min_count: 1, ..Trim::default() }).unwrap().0
}

/// A progress that nothing displays.
static PROGRESS: LazyLock<Progress> = LazyLock::new(Progress::default);

/// Everything that a run needs.
struct Setup {
    config: Config,
    vocabulary: Vocabulary,
    spool: Spool,
    weights: Weights,
}

impl Setup {
    fn new(corpus: &dyn Corpus, config: Config) -> Self {
        let vocabulary = vocabulary_of(corpus, &config);
        let spool = encode(corpus, &vocabulary, config.batch_words, u64::MAX, &Progress::default()).unwrap();
        let weights = Weights::new(vocabulary.len(), &config).unwrap();
        Self { config, vocabulary, spool, weights }
    }

    fn run(&self, isa: Isa) -> TrainingRun<'_> {
        TrainingRun {
            config: &self.config,
            vocabulary: &self.vocabulary,
            weights: &self.weights,
            locks: None,
            source: Source::Spool(&self.spool),
            expected_tokens: None,
            start: Position::default(),
            isa,
        }
    }

    fn encoder<'a>(&'a self, corpus: &'a dyn Corpus) -> Encoder<'a> {
        Encoder {
            corpus,
            vocabulary: &self.vocabulary,
            batch_words: self.config.batch_words,
            memory_budget: u64::MAX,
            progress: &PROGRESS,
        }
    }

    fn train(&self, isa: Isa) -> Trained {
        train(&self.run(isa), &mut (), &Progress::default()).unwrap()
    }
}

fn values_of(matrix: &Matrix) -> Vec<f32> {
    // SAFETY: no worker is left.
    let row = |row: u32| unsafe { std::slice::from_raw_parts(matrix.row(row), matrix.columns()) };
    (0..matrix.rows() as u32).flat_map(|i| row(i).to_vec()).collect()
}

fn available() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_available())
}

/// Every family with every loss.
fn modes() -> Vec<Config> {
    let mut modes = Vec::new();
    for (sg, cbow_mean) in [(true, true), (false, true), (false, false)] {
        for (hs, negative) in [(false, 5), (true, 0), (true, 5)] {
            for shared_negatives in [true, false] {
                modes.push(Config {
                    sg,
                    cbow_mean,
                    hs,
                    negative,
                    shared_negatives,
                    workers: 1,
                    epochs: 1,
                    ..Config::default()
                });
            }
        }
    }
    modes
}

/// A model of f64, trained pair by pair.
struct Reference<'a> {
    config: &'a Config,
    tree: HuffmanTree,
    input: Vec<Vec<f64>>,
    output: Vec<Vec<f64>>,
    nodes: Vec<Vec<f64>>,
    loss: f64,
}

/// One term of the objective: −ln σ(x·y) for label 1, −ln σ(−x·y) for label 0.
struct Term {
    x: usize,
    y: usize,
    label: f64,
}

/// Takes one step down the gradient of a sum of terms, all of them at the old values. Returns the loss before the step.
fn descend(x: &mut [Vec<f64>], y: &mut [Vec<f64>], terms: &[Term], rate: f64) -> f64 {
    let (x_old, y_old) = (x.to_vec(), y.to_vec());
    let mut loss = 0.0;
    for term in terms {
        let dot: f64 = x_old[term.x].iter().zip(&y_old[term.y]).map(|(a, b)| a * b).sum();
        let sigmoid = 1.0 / (1.0 + (-dot).exp());
        loss -= if term.label == 1.0 { sigmoid.ln() } else { (1.0 - sigmoid).ln() };
        for d in 0..x_old[term.x].len() {
            x[term.x][d] += rate * (term.label - sigmoid) * y_old[term.y][d];
            y[term.y][d] += rate * (term.label - sigmoid) * x_old[term.x][d];
        }
    }
    loss
}

impl Reference<'_> {
    /// The context words of a centre, with a full window.
    fn context(&self, sentence: &[usize], at: usize) -> Vec<usize> {
        let Range { start, end } =
            at.saturating_sub(self.config.window)..(at + self.config.window + 1).min(sentence.len());
        (start..end).filter(|&i| i != at).map(|i| sentence[i]).collect()
    }

    /// The terms of predicting a centre from the input `x`, where every noise word is row 0.
    fn negative_terms(&self, x: usize, centre: usize) -> Vec<Term> {
        let noise = if centre == 0 { 0 } else { self.config.negative };
        let noise = (0..noise).map(|_| Term { x, y: 0, label: 0.0 });
        std::iter::once(Term { x, y: centre, label: 1.0 }).chain(noise).collect()
    }

    fn softmax_terms(&self, x: usize, centre: usize) -> Vec<Term> {
        let (path, bits) = self.tree.path(centre as u32);
        path.iter().zip(bits).map(|(&y, &bit)| Term { x, y: y as usize, label: f64::from(1 - bit) }).collect()
    }

    fn train(&mut self, sentence: &[usize]) {
        let together = if self.config.sg && self.config.shared_negatives { MAX_CENTRES } else { 1 };
        for first in (0..sentence.len()).step_by(together) {
            let centres = first..(first + together).min(sentence.len());
            if self.config.sg { self.train_skipgram(sentence, centres) } else { self.train_cbow(sentence, centres) }
        }
    }

    fn train_skipgram(&mut self, sentence: &[usize], centres: Range<usize>) {
        let rate = f64::from(self.config.alpha);
        if self.config.hs {
            for at in centres.clone() {
                let context = self.context(sentence, at);
                let terms: Vec<Term> = context.iter().flat_map(|&x| self.softmax_terms(x, sentence[at])).collect();
                self.loss += descend(&mut self.input, &mut self.nodes, &terms, rate);
            }
        }
        if self.config.negative == 0 {
            return;
        }
        let of_centre = |at: usize| self.context(sentence, at).into_iter().map(move |x| (x, at));
        let pairs: Vec<(usize, usize)> = centres.flat_map(of_centre).collect();
        let terms = pairs.into_iter().map(|(x, at)| self.negative_terms(x, sentence[at]));
        let steps: Vec<Vec<Term>> = match self.config.shared_negatives {
            true => vec![terms.flatten().collect()],
            false => terms.collect(),
        };
        for terms in steps {
            self.loss += descend(&mut self.input, &mut self.output, &terms, rate);
        }
    }

    fn train_cbow(&mut self, sentence: &[usize], centres: Range<usize>) {
        if self.config.hs {
            for at in centres.clone() {
                let terms = self.softmax_terms(0, sentence[at]);
                let mut nodes = std::mem::take(&mut self.nodes);
                self.train_hidden(sentence, at..at + 1, &terms, &mut nodes);
                self.nodes = nodes;
            }
        }
        if self.config.negative > 0 {
            let terms: Vec<Term> =
                centres.clone().enumerate().flat_map(|(i, at)| self.negative_terms(i, sentence[at])).collect();
            let mut output = std::mem::take(&mut self.output);
            self.train_hidden(sentence, centres, &terms, &mut output);
            self.output = output;
        }
    }

    /// Trains the mean or sum of each centre's context, and passes the change on to the context as gensim documents it:
    /// the whole change with the mean, equal shares of it with the sum.
    fn train_hidden(&mut self, sentence: &[usize], centres: Range<usize>, terms: &[Term], targets: &mut [Vec<f64>]) {
        let contexts: Vec<Vec<usize>> = centres.map(|at| self.context(sentence, at)).collect();
        let pooled = |context: &Vec<usize>| -> Vec<f64> {
            let scale = if self.config.cbow_mean { 1.0 / context.len() as f64 } else { 1.0 };
            (0..self.config.vector_size)
                .map(|d| scale * context.iter().map(|&word| self.input[word][d]).sum::<f64>())
                .collect()
        };
        let before: Vec<Vec<f64>> = contexts.iter().map(pooled).collect();
        let mut hidden = before.clone();
        self.loss += descend(&mut hidden, targets, terms, f64::from(self.config.alpha));
        for (i, context) in contexts.iter().enumerate() {
            let share = if self.config.cbow_mean { 1.0 } else { 1.0 / context.len() as f64 };
            for &word in context {
                for d in 0..hidden[i].len() {
                    self.input[word][d] += share * (hidden[i][d] - before[i][d]);
                }
            }
        }
    }
}

/// Fills a matrix with values that every step changes. Returns them as rows of f64.
fn fill(matrix: &mut Option<Arc<Matrix>>, seed: usize) -> Vec<Vec<f64>> {
    let Some(matrix) = matrix else { return Vec::new() };
    let matrix = Arc::get_mut(matrix).unwrap();
    let value = |row: usize, d: usize| ((row * 7 + d * 3 + seed) as f32).sin() / 3.0;
    for row in 0..matrix.rows() {
        matrix.values(row).iter_mut().enumerate().for_each(|(d, v)| *v = value(row, d));
    }
    (0..matrix.rows()).map(|row| matrix.values(row).iter().map(|&v| f64::from(v)).collect()).collect()
}

fn assert_rows(matrix: Option<&Arc<Matrix>>, want: &[Vec<f64>], what: &str) {
    let got = matrix.map(|matrix| values_of(matrix)).unwrap_or_default();
    let want: Vec<f64> = want.iter().flatten().copied().collect();
    assert_eq!(got.len(), want.len(), "{what}");
    for (got, want) in got.iter().zip(want) {
        assert!((f64::from(*got) - want).abs() < 1e-5, "{what}: {got} instead of {want}");
    }
}

#[test]
fn a_sentence_is_trained_as_the_papers_say_in_every_mode_on_every_path() {
    // The word "a" is so frequent that with this exponent every noise word is "a".
    let sentence: Vec<String> = ["d", "b", "a", "c", "b"].map(str::to_owned).to_vec();
    let mut all = vec![sentence.clone()];
    all.extend((0..50).map(|_| vec!["a".to_owned()]));
    let corpus = corpus_of(&all);
    for mode in modes() {
        let config = Config {
            vector_size: 21,
            window: 2,
            shrink_windows: false,
            sample: 0.0,
            ns_exponent: 40.0,
            alpha: 0.2,
            min_alpha: 0.2,
            compute_loss: true,
            ..mode
        };
        for isa in available() {
            let mut setup = Setup::new(&corpus, config.clone());
            let row = |word: &String| setup.vocabulary.keys().id(word).unwrap() as usize;
            let rows: Vec<usize> = sentence.iter().map(row).collect();
            assert_eq!(setup.vocabulary.keys().id("a"), Some(0));
            let mut input = Some(setup.weights.input.clone());
            setup.weights.input = Arc::new(Matrix::zeros(1, 1).unwrap());
            let mut reference = Reference {
                config: &config,
                tree: HuffmanTree::new(setup.vocabulary.counts()),
                input: fill(&mut input, 1),
                output: fill(&mut setup.weights.output, 2),
                nodes: fill(&mut setup.weights.nodes, 3),
                loss: 0.0,
            };
            setup.weights.input = input.unwrap();
            reference.train(&rows);
            let trained = setup.train(isa);
            let what = format!("{isa}, sg {}, hs {}, negative {}", config.sg, config.hs, config.negative);
            assert_rows(Some(&setup.weights.input), &reference.input, &format!("{what}, input"));
            assert_rows(setup.weights.output.as_ref(), &reference.output, &format!("{what}, output"));
            assert_rows(setup.weights.nodes.as_ref(), &reference.nodes, &format!("{what}, nodes"));
            assert!(
                (trained.loss() - reference.loss).abs() < 1e-4,
                "{what}: loss {} for {}",
                trained.loss(),
                reference.loss
            );
            let pairs = if config.sg { 14 } else { 5 };
            assert_eq!(trained.losses[0].1, pairs, "{what}: examples");
        }
    }
}

/// 20,000 tokens of the toy corpus.
fn toy_corpus() -> (tempfile::TempDir, FileCorpus) {
    let directory = tempfile::tempdir().unwrap();
    write_corpus(directory.path(), 20_000, 1).unwrap();
    let corpus =
        FileCorpus::open([directory.path().to_str().unwrap()], &ReadOptions::column("tokens"), &Progress::default())
            .unwrap();
    (directory, corpus)
}

#[test]
fn every_instruction_set_learns_the_same() {
    let (_directory, corpus) = toy_corpus();
    for mode in modes().into_iter().filter(|mode| mode.shared_negatives) {
        let config = Config { vector_size: 20, alpha: 0.015, ..mode };
        let trained = |isa| {
            let setup = Setup::new(&corpus, config.clone());
            setup.train(isa);
            values_of(&setup.weights.input)
        };
        let all: Vec<_> = available().map(|isa| (isa, trained(isa))).collect();
        for (isa, vectors) in &all {
            let difference = vectors.iter().zip(&all[0].1).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < 2e-3, "{isa} differs from {} by {difference}", all[0].0);
            assert!(vectors.iter().any(|&v| v.abs() > 0.06), "{isa} learned nothing");
        }
    }
}

#[test]
fn the_loss_falls_in_every_mode() {
    let (_directory, corpus) = toy_corpus();
    for mode in modes() {
        let config = Config { vector_size: 16, epochs: 3, workers: 2, compute_loss: true, alpha: 0.015, ..mode };
        let trained = Setup::new(&corpus, config).train(Isa::Portable);
        let means: Vec<f64> = trained.losses.iter().map(|&(loss, examples)| loss / examples as f64).collect();
        assert!(means.iter().all(|mean| mean.is_finite()) && means[2] < means[0], "{means:?}");
    }
}

/// Pauses after every batch, and records the positions.
#[derive(Default)]
struct Pauses(Vec<Position>);

impl Observer for Pauses {
    fn next_pause(&self) -> Option<Instant> {
        Some(Instant::now())
    }

    fn paused(&mut self, position: &Position) -> Result<()> {
        self.0.push(position.clone());
        Ok(())
    }
}

#[test]
fn a_run_that_is_paused_streamed_or_resumed_ends_in_the_same_bits() {
    let (_directory, corpus) = toy_corpus();
    let config = Config { vector_size: 16, sg: true, epochs: 2, workers: 1, batch_words: 1500, ..Config::default() };
    let uninterrupted = Setup::new(&corpus, config.clone());
    let whole = uninterrupted.train(Isa::Portable);
    let expected = values_of(&uninterrupted.weights.input);

    let streamed = Setup::new(&corpus, config.clone());
    let source = Source::Stream { encoder: streamed.encoder(&corpus), encoded: streamed.spool.encoded() };
    let run = TrainingRun { source, ..streamed.run(Isa::Portable) };
    let trained = train(&run, &mut (), &Progress::default()).unwrap();
    assert_eq!((values_of(&streamed.weights.input) == expected, trained.kept), (true, whole.kept), "streamed");

    for is_streamed in [false, true] {
        let setup = Setup::new(&corpus, config.clone());
        let source = match is_streamed {
            true => Source::Stream { encoder: setup.encoder(&corpus), encoded: setup.spool.encoded() },
            false => Source::Spool(&setup.spool),
        };
        let mut pauses = Pauses::default();
        let run = TrainingRun { source, ..setup.run(Isa::Portable) };
        let trained = train(&run, &mut pauses, &Progress::default()).unwrap();
        assert!(pauses.0.len() > 10, "paused {} times", pauses.0.len());
        assert_eq!((values_of(&setup.weights.input) == expected, trained.kept), (true, whole.kept), "paused");
    }

    // Killed in the second epoch, and resumed from the last position.
    let killed = Setup::new(&corpus, config);
    struct Kill(Option<Position>);
    impl Observer for Kill {
        fn next_pause(&self) -> Option<Instant> {
            Some(Instant::now())
        }
        fn paused(&mut self, position: &Position) -> Result<()> {
            if position.epoch == 1 && position.batch > 3 {
                self.0 = Some(position.clone());
                return Err(Error::Interrupted);
            }
            Ok(())
        }
    }
    let mut kill = Kill(None);
    train(&killed.run(Isa::Portable), &mut kill, &Progress::default()).unwrap_err();
    assert!(values_of(&killed.weights.input) != expected);
    let run = TrainingRun { start: kill.0.unwrap(), ..killed.run(Isa::Portable) };
    let trained = train(&run, &mut (), &Progress::default()).unwrap();
    assert_eq!((values_of(&killed.weights.input) == expected, trained.kept), (true, whole.kept), "resumed");
    assert_eq!((trained.tokens, trained.tokens_before), (whole.tokens, run.start.tokens_read(run.source.encoded())));
    let all = Position { epoch: 2, losses: vec![0.0; 2], examples: vec![0; 2], ..Position::default() };
    let finished = train(&TrainingRun { start: all, ..run }, &mut (), &Progress::default()).unwrap();
    assert_eq!((finished.tokens, finished.tokens_per_second()), (whole.tokens, 0.0), "finished");
}

#[test]
fn a_streamed_corpus_that_changes_is_an_error() {
    let (_directory, corpus) = toy_corpus();
    let setup = Setup::new(&corpus, Config { vector_size: 16, workers: 1, ..Config::default() });
    let encoded = Encoded { fingerprint: 1, ..setup.spool.encoded() };
    let run =
        TrainingRun { source: Source::Stream { encoder: setup.encoder(&corpus), encoded }, ..setup.run(Isa::Portable) };
    let error = train(&run, &mut (), &Progress::default()).unwrap_err();
    assert!(error.to_string().contains("other tokens"), "{error}");
}

#[test]
fn a_worker_that_panics_does_not_leave_the_reader_waiting() {
    let (send, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (_directory, corpus) = toy_corpus();
        let setup = Setup::new(&corpus, Config { vector_size: 16, workers: 1, batch_words: 100, ..Config::default() });
        let (run, progress) = (setup.run(Isa::Portable), Progress::default());
        let shared = Shared::new(&run, &progress);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let segment = EpochSegment { run: &run, shared: &shared, pool: &pool, epoch: 0, first: 0, pause: None };
        let train =
            || segment.train_stream(setup.encoder(&corpus), setup.spool.encoded(), &|_, _| panic!("on purpose"));
        send.send(std::panic::catch_unwind(std::panic::AssertUnwindSafe(train)).is_err()).unwrap();
    });
    assert_eq!(ended.recv_timeout(Duration::from_secs(60)), Ok(true));
}

#[test]
fn rows_with_the_lock_factor_0_do_not_change_and_others_do() {
    let (_directory, corpus) = toy_corpus();
    for mode in modes() {
        let setup = Setup::new(&corpus, Config { vector_size: 16, workers: 2, ..mode });
        let before = values_of(&setup.weights.input);
        let mut locks = vec![1.0; setup.vocabulary.len()];
        locks[..2].fill(0.0);
        train(&TrainingRun { locks: Some(&locks), ..setup.run(Isa::Portable) }, &mut (), &Progress::default()).unwrap();
        let after = values_of(&setup.weights.input);
        assert_eq!(after[..32], before[..32]);
        assert_ne!(after[32..48], before[32..48]);
    }
}

#[test]
fn parts_that_do_not_fit_together_are_refused() {
    let (_directory, corpus) = toy_corpus();
    let setup = Setup::new(&corpus, Config { vector_size: 16, workers: 1, ..Config::default() });
    let refused = |config: &Config, locks: Option<&[f32]>| {
        let run = TrainingRun { config, locks, ..setup.run(Isa::Portable) };
        train(&run, &mut (), &Progress::default()).unwrap_err().to_string()
    };
    assert!(refused(&Config { vector_size: 17, ..setup.config.clone() }, None).starts_with("vector_size"));
    assert!(refused(&Config { hs: true, ..setup.config.clone() }, None).starts_with("hs"));
    assert!(refused(&setup.config, Some(&[1.0])).starts_with("vectors_lockf"));
}

#[test]
fn a_start_that_cannot_occur_in_the_run_is_refused() {
    let (_directory, corpus) = toy_corpus();
    let setup = Setup::new(&corpus, Config { vector_size: 16, workers: 1, epochs: 3, ..Config::default() });
    let tokens = setup.spool.encoded().tokens;
    let valid = Position { epoch: 1, batch: 1, tokens: 1500, losses: vec![0.0; 2], examples: vec![9; 2], kept: 9 };
    let train_from = |start| train(&TrainingRun { start, ..setup.run(Isa::Portable) }, &mut (), &Progress::default());
    let (one, two) = (vec![0.0], vec![0.0; 2]);
    for (invalid, needle) in [
        (Position { epoch: usize::MAX, ..valid.clone() }, "epochs"),
        (Position { epoch: 3, losses: vec![0.0; 4], examples: vec![9; 4], ..valid.clone() }, "epochs"),
        (Position { epoch: 4, batch: 0, tokens: 0, losses: vec![0.0; 4], examples: vec![9; 4], kept: 0 }, "epochs"),
        (Position { losses: one.clone(), ..valid.clone() }, "1 losses"),
        (Position { examples: vec![9], ..valid.clone() }, "1 example counts"),
        (Position { batch: 0, tokens: 0, ..valid.clone() }, "for 1 started epochs"),
        (Position { losses: two, epoch: 2, batch: 0, ..valid.clone() }, "0 batches"),
        (Position { tokens: tokens + 1, ..valid.clone() }, "of 20"),
        (Position { batch: usize::MAX, ..valid.clone() }, "batches"),
        (Position { kept: u64::MAX, ..valid.clone() }, "kept"),
        (Position { examples: vec![u64::MAX; 2], ..valid.clone() }, "possible"),
    ] {
        let error = train_from(invalid).unwrap_err().to_string();
        assert!(error.starts_with("start: ") && error.contains(needle), "{error}");
    }
    train_from(valid).unwrap();
}
