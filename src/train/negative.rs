//! Negative sampling: the targets of a centre are itself, labelled 1, and noise words, labelled 0.

use rand_core::Rng;

use super::Shared;
use super::kernel::prefetch;
use super::worker::Draws;

/// Target rows of one centre and their labels. Fetched into the cache while the centre before is being trained.
#[derive(Default)]
pub(crate) struct Targets {
    words: Vec<u32>,
    /// The rows of the output matrix.
    pub(crate) rows: Vec<*mut f32>,
    /// 1 for the centre, 0 for noise.
    pub(crate) labels: Vec<f32>,
    /// How often each target was drawn: a word drawn twice is one target of double weight, so that no update is lost.
    pub(crate) weights: Vec<f32>,
}

impl Targets {
    /// Draws the noise for a centre. As in word2vec.c, noise that equals the centre is left out.
    #[inline(always)]
    pub(crate) fn draw(&mut self, centre: u32, shared: &Shared<'_>, draws: &mut impl Rng) {
        self.words.clear();
        self.rows.clear();
        self.labels.clear();
        self.weights.clear();
        self.push(centre, 1.0, shared);
        for _ in 0..shared.config.negative {
            let word = shared.noise.draw(draws);
            match self.words.iter().position(|&w| w == word) {
                None => self.push(word, 0.0, shared),
                Some(0) => {}
                Some(j) => self.weights[j] += 1.0,
            }
        }
    }

    #[inline(always)]
    fn push(&mut self, word: u32, label: f32, shared: &Shared<'_>) {
        let row = shared.weights.output.row(word);
        prefetch(row, shared.weights.output.stride());
        self.words.push(word);
        self.rows.push(row);
        self.labels.push(label);
        self.weights.push(1.0);
    }
}

/// The targets of each centre of a sentence, drawn one centre ahead.
#[derive(Default)]
pub(crate) struct TargetsAhead {
    now: Targets,
    next: Targets,
}

impl TargetsAhead {
    /// Draws for the first centre.
    #[inline(always)]
    pub(crate) fn start(&mut self, sentence: &[u32], shared: &Shared<'_>, draws: &mut Draws) {
        self.next.draw(sentence[0], shared, draws);
    }

    /// The targets of the centre at `at`, after drawing those of the centre behind it.
    #[inline(always)]
    pub(crate) fn at(&mut self, at: usize, sentence: &[u32], shared: &Shared<'_>, draws: &mut Draws) -> &Targets {
        std::mem::swap(&mut self.now, &mut self.next);
        if let Some(&centre) = sentence.get(at + 1) {
            self.next.draw(centre, shared, draws);
        }
        &self.now
    }
}
