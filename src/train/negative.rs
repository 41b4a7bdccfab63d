//! Negative sampling: the targets of a centre are itself, labelled 1, and noise words, labelled 0.

use super::Shared;
use super::kernel::prefetch;
use super::worker::Draws;

/// Draws of noise that are made at a time: many in a row overlap their cache misses.
const DRAWN_TOGETHER: usize = 32;

/// Centres between asking for a row and using it. Any of 1, 2 and 4 trained as fast on one core.
const FETCHED_AHEAD: usize = 2;

/// Slots of the ring: more than are fetched and not yet used.
const SLOTS: usize = 4;

/// Draws the targets of each centre of a run, and fetches their rows ahead of use.
pub(crate) struct NegativeSampling<'a> {
    shared: &'a Shared<'a>,
    /// Neighbouring centres that share their noise.
    centres_per_noise: usize,
    /// Noise of the next centres, `negative` words each.
    noise: Vec<u32>,
    /// How much of `noise` was used, the last `negative` words by the centre fetched last.
    used: usize,
    /// The fetched targets of a few centres.
    ring: [Targets; SLOTS],
}

/// Target rows of one centre.
#[derive(Clone)]
pub(crate) struct Targets {
    words: Vec<u32>,
    /// Rows of the output matrix, all different: the centre's, then the noise.
    pub(crate) rows: Vec<*mut f32>,
    /// 1 for the centre, 0 for noise.
    pub(crate) labels: Vec<f32>,
    /// How often each was drawn: a word drawn twice is one target of double weight, so that no update is lost.
    pub(crate) weights: Vec<f32>,
    /// Whether `labels` and `weights` are those of distinct words, as nearly always.
    is_plain: bool,
}

impl<'a> NegativeSampling<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>, centres_per_noise: usize) -> Self {
        let targets = Targets { words: vec![], rows: vec![], labels: vec![], weights: vec![], is_plain: false };
        Self { shared, centres_per_noise, noise: vec![], used: 0, ring: std::array::from_fn(|_| targets.clone()) }
    }

    /// Begins a batch: noise left over from another must not reach into this one.
    pub(crate) fn start_batch(&mut self) {
        self.used = self.noise.len();
    }

    /// Begins a run of centres.
    pub(crate) fn start(&mut self, centres: &[u32], draws: &mut Draws) {
        for at in 0..FETCHED_AHEAD.min(centres.len()) {
            self.fetch(at, centres, draws);
        }
    }

    /// The targets of the centre at `at`, which comes one after the last.
    #[inline(always)]
    pub(crate) fn targets(&mut self, at: usize, centres: &[u32], draws: &mut Draws) -> &Targets {
        if at + FETCHED_AHEAD < centres.len() {
            self.fetch(at + FETCHED_AHEAD, centres, draws);
        }
        &self.ring[at % SLOTS]
    }

    /// Takes the noise of the centre at `at` and asks the cache for its rows.
    #[inline(always)]
    fn fetch(&mut self, at: usize, centres: &[u32], draws: &mut Draws) {
        let negative = self.shared.config.negative;
        let is_new = at.is_multiple_of(self.centres_per_noise);
        if is_new {
            if self.used == self.noise.len() {
                self.draw(draws);
            }
            self.used += negative;
        }
        self.ring[at % SLOTS].set(centres[at], &self.noise[self.used - negative..self.used], is_new, self.shared);
    }

    /// Draws noise for the next centres.
    fn draw(&mut self, draws: &mut Draws) {
        // A copy of its own lets the generator live in registers.
        let mut rng = draws.clone();
        self.noise.resize(DRAWN_TOGETHER * self.shared.config.negative, 0);
        self.noise.iter_mut().for_each(|word| *word = self.shared.noise.draw(&mut rng));
        self.used = 0;
        *draws = rng;
    }
}

impl Targets {
    /// Noise that is not new was asked for before.
    #[inline(always)]
    fn set(&mut self, centre: u32, noise: &[u32], is_new: bool, shared: &Shared<'_>) {
        let output = &shared.weights.output;
        self.words.clear();
        self.words.push(centre);
        self.words.extend_from_slice(noise);
        let mut is_distinct = true;
        for (i, word) in self.words.iter().enumerate() {
            // Without a branch a comparison: equal words are rare, and there are few.
            is_distinct &= self.words[..i].iter().fold(true, |distinct, other| distinct & (other != word));
        }
        if !is_distinct {
            self.merge_equal();
        } else if !self.is_plain || self.labels.len() != self.words.len() {
            self.labels.clear();
            self.labels.resize(self.words.len(), 0.0);
            self.labels[0] = 1.0;
            self.weights.clear();
            self.weights.resize(self.words.len(), 1.0);
        }
        self.is_plain = is_distinct;
        self.rows.clear();
        self.rows.extend(self.words.iter().map(|&word| {
            let row = output.row(word);
            if is_new || word == centre {
                prefetch(row, output.stride());
            }
            row
        }));
    }

    /// Counts a repeated noise word as one of more weight. As in word2vec.c, noise that equals the centre is left out.
    #[cold]
    fn merge_equal(&mut self) {
        let drawn = std::mem::take(&mut self.words);
        self.labels.clear();
        self.weights.clear();
        for (i, &word) in drawn.iter().enumerate() {
            match self.words.iter().position(|&other| other == word) {
                None => {
                    self.words.push(word);
                    self.labels.push(if i == 0 { 1.0 } else { 0.0 });
                    self.weights.push(1.0);
                }
                Some(0) => {}
                Some(j) => self.weights[j] += 1.0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(words: &[u32]) -> (Vec<u32>, Vec<f32>, Vec<f32>) {
        let mut targets =
            Targets { words: words.to_vec(), rows: vec![], labels: vec![], weights: vec![], is_plain: false };
        targets.merge_equal();
        (targets.words, targets.labels, targets.weights)
    }

    #[test]
    fn noise_drawn_twice_weighs_double_and_the_centre_is_no_noise() {
        assert_eq!(merged(&[7, 3, 7, 3, 5]), (vec![7, 3, 5], vec![1.0, 0.0, 0.0], vec![1.0, 2.0, 1.0]));
        assert_eq!(merged(&[7, 7, 7]), (vec![7], vec![1.0], vec![1.0]));
    }
}
