//! Negative sampling: the targets of a centre are itself, labelled 1, and noise words, labelled 0.

use super::Shared;
use super::kernel::prefetch;
use super::worker::Draws;

/// Centres whose noise is drawn at a time: many draws in a row overlap their cache misses.
const DRAWN_TOGETHER: usize = 64;

/// Centres between asking for a row and using it. Any of 1, 2 and 4 was as good (`make bench`).
const FETCHED_AHEAD: usize = 2;

/// Draws the targets of each centre of a sentence, and fetches their rows ahead of use.
#[derive(Default)]
pub(crate) struct NegativeSampling {
    /// A ring of the noise of twice [`DRAWN_TOGETHER`] centres.
    noise: Vec<u32>,
    /// Centres of the sentence whose noise was drawn.
    drawn: usize,
    words: Vec<u32>,
    targets: Targets,
}

/// Target rows of one centre.
#[derive(Default)]
pub(crate) struct Targets {
    /// Rows of the output matrix, all different.
    pub(crate) rows: Vec<*mut f32>,
    /// 1 for the centre, 0 for noise.
    pub(crate) labels: Vec<f32>,
    /// How often each was drawn: a word drawn twice is one target of double weight, so that no update is lost.
    pub(crate) weights: Vec<f32>,
}

impl NegativeSampling {
    /// Begins a sentence.
    pub(crate) fn start(&mut self, sentence: &[u32], shared: &Shared<'_>, draws: &mut Draws) {
        self.noise.resize(2 * DRAWN_TOGETHER * shared.config.negative, 0);
        self.drawn = 0;
        for at in 0..FETCHED_AHEAD.min(sentence.len()) {
            self.fetch(at, sentence, shared, draws);
        }
    }

    /// The targets of the centre at `at`, which comes one after the last. As in word2vec.c, noise that equals the
    /// centre is left out.
    #[inline(always)]
    pub(crate) fn targets(&mut self, at: usize, sentence: &[u32], shared: &Shared<'_>, draws: &mut Draws) -> &Targets {
        if at + FETCHED_AHEAD < sentence.len() {
            self.fetch(at + FETCHED_AHEAD, sentence, shared, draws);
        }
        let (words, targets, centre) = (&mut self.words, &mut self.targets, sentence[at]);
        words.clear();
        targets.rows.clear();
        targets.labels.clear();
        targets.weights.clear();
        let mut push = |word: u32, label: f32| match words.iter().position(|&other| other == word) {
            None => {
                words.push(word);
                targets.rows.push(shared.weights.output.row(word));
                targets.labels.push(label);
                targets.weights.push(1.0);
            }
            Some(0) => {}
            Some(j) => targets.weights[j] += 1.0,
        };
        push(centre, 1.0);
        let k = shared.config.negative;
        let first = at % (2 * DRAWN_TOGETHER) * k;
        self.noise[first..first + k].iter().for_each(|&word| push(word, 0.0));
        &self.targets
    }

    /// Asks the cache for the rows of the centre at `at`.
    #[inline(always)]
    fn fetch(&mut self, at: usize, sentence: &[u32], shared: &Shared<'_>, draws: &mut Draws) {
        if at >= self.drawn {
            self.draw(sentence.len() - self.drawn, shared, draws);
        }
        let output = &shared.weights.output;
        let k = shared.config.negative;
        let first = at % (2 * DRAWN_TOGETHER) * k;
        for word in self.noise[first..first + k].iter().copied().chain([sentence[at]]) {
            prefetch(output.row(word), output.stride());
        }
    }

    /// Draws the noise of the next centres.
    fn draw(&mut self, centres_left: usize, shared: &Shared<'_>, draws: &mut Draws) {
        let k = shared.config.negative;
        let first = self.drawn % (2 * DRAWN_TOGETHER) * k;
        let centres = centres_left.min(DRAWN_TOGETHER);
        self.noise[first..first + centres * k].iter_mut().for_each(|word| *word = shared.noise.draw(draws));
        self.drawn += centres;
    }
}
