//! Files of questions and judgements, and what vectors make of them.

use serde_json::json;

use super::streams;
use crate::error::Result;
use crate::formats::file_bytes;
use crate::plot::Evaluation;
use crate::progress::Progress;
use crate::store::StorageOptions;
use crate::vectors::{
    AnalogyMethod, AnalogyOptions, AnalogyScores, Correlation, JudgementOptions, JudgementScores, KeyedVectors,
};

/// What counts in an evaluation, as gensim has it.
pub(super) struct EvaluationOptions {
    pub(super) rows: usize,
    pub(super) ignore_case: bool,
    pub(super) unknown_is_wrong: bool,
    pub(super) method: AnalogyMethod,
    pub(super) delimiter: String,
    pub(super) storage: StorageOptions,
}

impl Default for EvaluationOptions {
    fn default() -> Self {
        Self {
            rows: 300_000,
            ignore_case: true,
            unknown_is_wrong: false,
            method: AnalogyMethod::Sum,
            delimiter: "\t".to_owned(),
            storage: StorageOptions::default(),
        }
    }
}

/// The scores of some files.
#[derive(Default)]
pub(super) struct Scores {
    analogies: Vec<(String, AnalogyScores)>,
    pairs: Vec<(String, JudgementScores)>,
}

impl Scores {
    /// Reads files of analogy questions and of judged pairs, and answers them.
    pub(super) fn measure(
        vectors: &KeyedVectors,
        analogies: &[String],
        pairs: &[String],
        options: &EvaluationOptions,
        progress: &Progress,
    ) -> Result<Self> {
        let rows = options.rows.min(vectors.len());
        let read = |path: &String| file_bytes(&streams::input(path, options.storage.clone()), progress);
        let mut scores = Self::default();
        for path in analogies {
            let asked = AnalogyOptions {
                rows,
                ignore_case: options.ignore_case,
                unknown_is_wrong: options.unknown_is_wrong,
                method: options.method,
            };
            let found = vectors.evaluate_analogies(path, &read(path)?, &asked, progress)?;
            scores.analogies.push((path.clone(), found));
        }
        for path in pairs {
            let asked = JudgementOptions {
                rows,
                ignore_case: options.ignore_case,
                unknown_is_zero: options.unknown_is_wrong,
                delimiter: options.delimiter.clone(),
            };
            scores.pairs.push((path.clone(), vectors.evaluate_pairs(path, &read(path)?, &asked)?));
        }
        Ok(scores)
    }

    /// As an object: lists of `analogies` and of `pairs`.
    pub(super) fn json(&self) -> serde_json::Value {
        let share = |correct: usize, all: usize| (all > 0).then(|| correct as f64 / all as f64);
        let analogies = self.analogies.iter().map(|(file, scores)| {
            let sections = scores.sections.iter().map(|section| {
                let (correct, all) = (section.correct.len(), section.correct.len() + section.incorrect.len());
                json!({ "section": section.name, "correct": correct, "answered": all, "accuracy": share(correct, all) })
            });
            let (correct, all) = total(scores);
            json!({
                "file": file, "accuracy": share(correct, all), "correct": correct, "answered": all,
                "questions": scores.questions, "unknown": scores.unknown, "sections": sections.collect::<Vec<_>>(),
            })
        });
        let correlation = |found: Correlation| json!({ "statistic": found.statistic, "pvalue": found.pvalue });
        let pairs = self.pairs.iter().map(|(file, scores)| {
            json!({
                "file": file, "pearson": correlation(scores.pearson), "spearman": correlation(scores.spearman),
                "pairs": scores.pairs, "unknown": scores.unknown,
            })
        });
        json!({ "analogies": analogies.collect::<Vec<_>>(), "pairs": pairs.collect::<Vec<_>>() })
    }

    /// As lines of a table. With `sections`, each section of the questions has one.
    pub(super) fn lines(&self, sections: bool) -> Vec<Evaluation> {
        let line = |name: &str, score: String, detail: String| Evaluation { name: name.to_owned(), score, detail };
        let percent = |correct: usize, all: usize| match all {
            0 => "–".to_owned(),
            _ => format!("{:.1} %", 100.0 * correct as f64 / all as f64),
        };
        let mut lines = Vec::new();
        for (file, scores) in &self.analogies {
            for section in scores.sections.iter().filter(|_| sections) {
                let (correct, all) = (section.correct.len(), section.correct.len() + section.incorrect.len());
                lines.push(line(&section.name, percent(correct, all), format!("{correct} of {all} questions")));
            }
            let (correct, all) = total(scores);
            let left_out = format!("{correct} of {all} questions, {} with unknown words", scores.unknown);
            lines.push(line(&format!("analogies: {}", short_name(file)), percent(correct, all), left_out));
        }
        for (file, scores) in &self.pairs {
            let of = format!("{} pairs, {} with unknown words", scores.pairs, scores.unknown);
            for (name, found) in [("Spearman", scores.spearman), ("Pearson", scores.pearson)] {
                let detail = format!("{of}; p = {:.1e}", found.pvalue);
                lines.push(line(&format!("{name}: {}", short_name(file)), format!("{:.3}", found.statistic), detail));
            }
        }
        lines
    }
}

fn total(scores: &AnalogyScores) -> (usize, usize) {
    let correct = scores.sections.iter().map(|section| section.correct.len()).sum();
    let incorrect: usize = scores.sections.iter().map(|section| section.incorrect.len()).sum();
    (correct, correct + incorrect)
}

fn short_name(file: &str) -> &str {
    file.trim_end_matches('/').rsplit('/').next().unwrap_or(file)
}
