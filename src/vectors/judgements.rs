//! How well cosines agree with what people say about pairs of words, with gensim's rules.

use super::KeyedVectors;
use super::correlation::Correlation;
use crate::error::{Error, Result};

/// What counts in a comparison with judgements.
#[derive(Debug, Clone)]
pub struct JudgementOptions {
    /// Words after the first rows are unknown.
    pub rows: usize,
    /// True compares words in upper case. Of words that differ only in case, the first row's counts.
    pub ignore_case: bool,
    /// True takes 0 as the cosine of pairs with an unknown word; false leaves them out.
    pub unknown_is_zero: bool,
    /// What stands between the words and the number.
    pub delimiter: String,
}

/// What a comparison with judgements gives.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgementScores {
    /// Pearson's correlation.
    pub pearson: Correlation,
    /// Spearman's correlation.
    pub spearman: Correlation,
    /// Pairs read.
    pub pairs: usize,
    /// Pairs with an unknown word.
    pub unknown: usize,
    /// Lines that are not pairs with a number, from 1.
    pub invalid_lines: Vec<usize>,
}

impl KeyedVectors {
    /// The correlation of cosines with the judgements of a text: lines of two words and a number. Lines that start with `#`
    /// are comments. Errors name the text as `origin`.
    ///
    /// ```
    /// # use polargram::vectors::JudgementOptions;
    /// # use polargram::KeyedVectors;
    /// let wv = KeyedVectors::from_rows(["a", "b", "c"], 2, &[1.0, 0.0, 0.9, 0.1, 0.0, 1.0])?;
    /// let options =
    ///     JudgementOptions { rows: 3, ignore_case: true, unknown_is_zero: false, delimiter: "\t".into() };
    /// let scores = wv.evaluate_pairs("pairs", b"A\tB\t9\na\tc\t1\nb\tc\t2\n", &options)?;
    /// assert_eq!(scores.spearman.statistic, 1.0);
    /// # Ok::<(), polargram::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Corpus`] if the text is not UTF-8, or has fewer than two pairs of known words.
    pub fn evaluate_pairs(&self, origin: &str, text: &[u8], options: &JudgementOptions) -> Result<JudgementScores> {
        let text = str::from_utf8(text).map_err(|error| {
            let line = 1 + text[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
            Error::corpus(format!("{origin}, line {line}"), "is not valid UTF-8")
        })?;
        let (mut words, mut judgements, mut invalid_lines) = (Vec::new(), Vec::new(), Vec::new());
        for (line, number) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().zip(1..) {
            if line.starts_with('#') {
                continue;
            }
            match judgement(line, &options.delimiter) {
                Some((a, b, judgement)) => {
                    words.push((a, b));
                    judgements.push(judgement);
                }
                None => invalid_lines.push(number),
            }
        }
        let cosines = self.similarities_of_words(&words, options.rows, options.ignore_case);
        let unknown = cosines.iter().filter(|cosine| cosine.is_none()).count();
        let compared = judgements.into_iter().zip(&cosines);
        let compared: Vec<(f64, f64)> = compared
            .filter(|(_, cosine)| options.unknown_is_zero || cosine.is_some())
            .map(|(judgement, cosine)| (judgement, cosine.unwrap_or(0.0).into()))
            .collect();
        if compared.len() < 2 {
            let reason = format!(
                "has {} pairs of known words, which are too few; {unknown} have unknown words, and {} lines are not two \
                 words and a number with {:?} between them",
                compared.len(),
                invalid_lines.len(),
                options.delimiter
            );
            return Err(Error::corpus(origin, reason));
        }
        Ok(JudgementScores {
            pearson: Correlation::pearson(&compared),
            spearman: Correlation::spearman(&compared),
            pairs: words.len(),
            unknown,
            invalid_lines,
        })
    }
}

fn judgement(line: &str, delimiter: &str) -> Option<(String, String, f64)> {
    let mut fields = line.split(delimiter);
    let (a, b, number) = (fields.next()?, fields.next()?, fields.next()?);
    let number = number.trim().parse().ok()?;
    fields.next().is_none().then(|| (a.to_owned(), b.to_owned(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(text: &[u8]) -> Result<JudgementScores> {
        let wv = KeyedVectors::from_rows(["a", "b", "c"], 2, &[1.0, 0.0, 0.9, 0.1, 0.0, 1.0]).unwrap();
        let options = JudgementOptions { rows: 3, ignore_case: true, unknown_is_zero: false, delimiter: "\t".into() };
        wv.evaluate_pairs("pairs.tsv", text, &options)
    }

    #[test]
    fn comments_are_skipped_and_lines_that_are_no_pairs_and_unknown_words_are_counted() {
        let found = scores("\u{feff}a\tb\t9\n# a comment\n\nA\tC\t1.5 \r\nb\tnone\t3\na\tb\tc\n".as_bytes()).unwrap();
        assert_eq!((found.pairs, found.unknown, found.invalid_lines), (3, 1, vec![3, 6]));
        assert_eq!(found.pearson.statistic, 1.0);
    }

    #[test]
    fn too_few_pairs_and_other_encodings_are_refused_by_name() {
        for (text, reason) in [(&b"a\tb\t1\n"[..], "pairs.tsv: has 1 pairs"), (b"a\tb\t1\n\xff\tb\t2\n", "line 2")] {
            let error = scores(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
