//! What a trained model predicts about sentences and contexts.

use rayon::prelude::*;

use super::Word2Vec;
use crate::error::{Error, Result};
use crate::process::can_use_thread_pools;
use crate::progress::Progress;
use crate::vectors::Rows;
use crate::vocab::{HuffmanTree, Key, WordId};

impl Word2Vec {
    /// The log-probability of each sentence, a list of keys, by hierarchical softmax: the sum over all centres, and in
    /// skip-gram over all words in their full window (Taddy 2015). Unknown words are skipped. Unlike
    /// gensim, it does not cut sentences or ignore large products.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the model was not trained with hierarchical softmax; [`Error::Interrupted`].
    pub fn score<'k, K>(&self, sentences: &[Vec<K>], progress: &Progress) -> Result<Vec<f64>>
    where
        K: Into<Key<'k>> + Copy + Sync,
    {
        let Some(nodes) = self.node_rows().filter(|_| self.config.hs) else {
            return Err(Error::parameter("hs", "score needs a model of hierarchical softmax: hs=1"));
        };
        let tree = HuffmanTree::new(self.vocabulary.counts());
        let input = Rows::from_matrix(self.weights.input.clone());
        let scorer = Scorer { model: self, input, nodes, tree, progress };
        let score = |sentence: &Vec<K>| {
            let words: Vec<WordId> = sentence.iter().filter_map(|&key| self.vocabulary.keys().id(key)).collect();
            scorer.score(&words)
        };
        match can_use_thread_pools() {
            true => sentences.par_iter().map(score).collect(),
            false => sentences.iter().map(score).collect(),
        }
    }

    /// The `topn` words most probable between the given context words, and their probabilities, by a softmax over the
    /// output rows. Unknown words are skipped; the result is empty if no word is known. The prediction is that of CBOW,
    /// also for a skip-gram model.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the model was not trained with negative sampling.
    pub fn predict_output_word<'k, K>(&self, context: &[K], topn: usize) -> Result<Vec<(Key<'_>, f64)>>
    where
        K: Into<Key<'k>> + Copy,
    {
        let keys = self.vocabulary.keys();
        let context: Vec<WordId> = context.iter().filter_map(|&key| keys.id(key)).collect();
        let ranked = self.probable_words(&context, topn)?.into_iter();
        Ok(ranked.map(|(word, probability)| (keys.key(word), probability)).collect())
    }

    /// [`predict_output_word`](Self::predict_output_word) by the numbers of the words.
    pub(crate) fn probable_words(&self, context: &[WordId], topn: usize) -> Result<Vec<(WordId, f64)>> {
        let Some(output) = self.output_rows().filter(|_| self.config.negative > 0) else {
            return Err(Error::parameter(
                "negative",
                "predict_output_word needs a model of negative sampling: negative > 0",
            ));
        };
        if context.is_empty() {
            return Ok(Vec::new());
        }
        let hidden = self.hidden(&Rows::from_matrix(self.weights.input.clone()), context);
        let scores: Vec<f64> = output.iter().map(|row| dot(&hidden, row)).collect();
        let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = scores.iter().map(|score| (score - greatest).exp()).collect();
        let total: f64 = powers.iter().sum();
        let mut ranked: Vec<(WordId, f64)> = (0..).zip(powers.iter().map(|power| power / total)).collect();
        let by_probability = |a: &(WordId, f64), b: &(WordId, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if topn < ranked.len() {
            ranked.select_nth_unstable_by(topn, by_probability);
            ranked.truncate(topn);
        }
        ranked.sort_unstable_by(by_probability);
        Ok(ranked)
    }

    /// The mean or the sum of context words' vectors.
    fn hidden(&self, input: &Rows, context: &[WordId]) -> Vec<f64> {
        let mut hidden = vec![0.0; input.vector_size()];
        for &word in context {
            hidden.iter_mut().zip(input.row(word as usize)).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        if self.config.cbow_mean && !context.is_empty() {
            hidden.iter_mut().for_each(|sum| *sum /= context.len() as f64);
        }
        hidden
    }
}

struct Scorer<'a> {
    model: &'a Word2Vec,
    input: Rows,
    nodes: Rows,
    tree: HuffmanTree,
    progress: &'a Progress,
}

impl Scorer<'_> {
    fn score(&self, sentence: &[WordId]) -> Result<f64> {
        let window = self.model.config.window;
        let mut sum = 0.0;
        for (at, &centre) in sentence.iter().enumerate() {
            self.progress.check()?;
            let before = at.saturating_sub(window)..at;
            let after = at + 1..(at + window + 1).min(sentence.len());
            let context: Vec<WordId> = before.chain(after).map(|i| sentence[i]).collect();
            sum += match self.model.config.sg {
                true => {
                    context.iter().map(|&word| self.of_path(centre, &self.model.hidden(&self.input, &[word]))).sum()
                }
                false => self.of_path(centre, &self.model.hidden(&self.input, &context)),
            };
        }
        Ok(sum)
    }

    /// ln p(word | hidden): the sum over the nodes of the word's path.
    fn of_path(&self, word: WordId, hidden: &[f64]) -> f64 {
        let (path, bits) = self.tree.path(word);
        let steps = path.iter().zip(bits);
        steps
            .map(|(&node, &bit)| {
                let product = dot(hidden, self.nodes.row(node as usize));
                // ln σ(x) for bit 0, ln σ(−x) for bit 1.
                -(if bit == 0 { -product } else { product }).exp().ln_1p()
            })
            .sum()
    }
}

/// In double precision, unlike the kernel's: a probability is the sum of thousands of exponentials.
fn dot(a: &[f64], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, &y)| x * f64::from(y)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::vocab::{Trim, WordCounts};

    fn model() -> Word2Vec {
        let words: Vec<String> = (0..40).map(|i| format!("w{i}")).collect();
        let frequencies = words.iter().zip(50..);
        let counts = WordCounts::from_frequencies(frequencies, 5, true).unwrap();
        let config = Config { vector_size: 5, hs: true, negative: 0, sg: true, ..Config::default() };
        Word2Vec::new(config, &counts, &Trim::default()).unwrap().0
    }

    #[test]
    fn scores_come_in_the_order_of_the_sentences() {
        let sentences: Vec<Vec<String>> =
            (0..500usize).map(|i| (0..i % 17).map(|j| format!("w{}", (i * j + i) % 45)).collect()).collect();
        let (model, progress) = (model(), Progress::default());
        let sentences: Vec<Vec<&str>> =
            sentences.iter().map(|words| words.iter().map(String::as_str).collect()).collect();
        let scores = model.score(&sentences, &progress).unwrap();
        let one_by_one = sentences.chunks(1).map(|sentence| model.score(sentence, &progress).unwrap()[0]);
        assert_eq!(scores, one_by_one.collect::<Vec<f64>>());
        assert!(scores[0] == 0.0 && scores[16] < scores[4], "{scores:?}");
    }

    #[test]
    fn a_cancelled_score_is_interrupted() {
        let progress = Progress::default();
        progress.cancel();
        assert!(matches!(model().score(&[vec!["w1", "w2"]], &progress), Err(Error::Interrupted)));
    }
}
