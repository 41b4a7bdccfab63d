//! Analogy questions (a is to b as c is to what?), as in word2vec's compute-accuracy, with gensim's rules.

use std::borrow::Cow;
use std::ops::Range;
use std::str::FromStr;

use hashbrown::HashMap;

use super::KeyedVectors;
use super::batch::{Neighbours, SearchOptions};
use super::query::{ProductQuery, Query};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::vocab::Key;

/// Neighbours that are asked for: the nearest may be a word of the question in other letters.
const NEIGHBOURS: usize = 5;
/// Questions that are searched for at once.
const QUESTIONS_PER_SEARCH: usize = 8192;

/// How the answer to a question is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnalogyMethod {
    /// The nearest to the sum of unit vectors (3CosAdd).
    Sum,
    /// The greatest product of cosines (3CosMul).
    Product,
}

impl FromStr for AnalogyMethod {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "most_similar" => Ok(Self::Sum),
            "most_similar_cosmul" => Ok(Self::Product),
            _ => {
                let reason = format!("{name:?} is unknown; expected \"most_similar\" or \"most_similar_cosmul\"");
                Err(Error::parameter("similarity_function", reason))
            }
        }
    }
}

/// What counts in an evaluation.
#[derive(Debug, Clone)]
pub struct AnalogyOptions {
    /// Words after the first rows are unknown.
    pub rows: usize,
    /// True compares words in upper case. Of words that differ only in case, the first row's counts.
    pub ignore_case: bool,
    /// True counts questions with an unknown word as answered wrong; false leaves them out.
    pub unknown_is_wrong: bool,
    /// How answers are found.
    pub method: AnalogyMethod,
}

/// Four words: a is to b as c is to d.
pub type Question = [String; 4];

/// A section of a file of questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalogySection {
    /// As in the line that starts it.
    pub name: String,
    /// Questions that were answered right.
    pub correct: Vec<Question>,
    /// Questions that were answered wrong.
    pub incorrect: Vec<Question>,
}

/// What an evaluation gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalogyScores {
    /// In the order of the file.
    pub sections: Vec<AnalogySection>,
    /// Questions read.
    pub questions: usize,
    /// Questions with an unknown word.
    pub unknown: usize,
    /// Lines that are not questions, from 1.
    pub invalid_lines: Vec<usize>,
}

/// The questions of a file, and where they stand.
struct Questions {
    sections: Vec<String>,
    questions: Vec<(usize, Question)>,
    invalid_lines: Vec<usize>,
}

impl KeyedVectors {
    /// Answers the questions of a text: lines of four words, in sections that start with a line `: name`. Errors name the
    /// text as `origin`.
    ///
    /// ```
    /// # use polargram::vectors::{AnalogyMethod, AnalogyOptions};
    /// # use polargram::{KeyedVectors, Progress};
    /// let values = [1.0, 0.0, 1.0, 1.0, 0.2, 0.1, 0.2, 1.1, -1.0, -1.0];
    /// let wv = KeyedVectors::from_rows(["man", "woman", "king", "queen", "car"], 2, &values)?;
    /// let options =
    ///     AnalogyOptions { rows: 5, ignore_case: true, unknown_is_wrong: false, method: AnalogyMethod::Sum };
    /// let text = b": family\nMan Woman King Queen\n";
    /// let scores = wv.evaluate_analogies("questions", text, &options, &Progress::default())?;
    /// assert_eq!(scores.sections[0].correct.len(), 1);
    /// # Ok::<(), polargram::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Corpus`] naming a line that is not UTF-8 or stands before the first section, or if there is no question;
    /// [`Error::Interrupted`].
    pub fn evaluate_analogies(
        &self,
        origin: &str,
        text: &[u8],
        options: &AnalogyOptions,
        progress: &Progress,
    ) -> Result<AnalogyScores> {
        let Questions { sections, questions, invalid_lines } = parse(origin, text, options.ignore_case)?;
        if questions.is_empty() {
            return Err(Error::corpus(origin, "there is no question; expected lines of four words"));
        }
        let rows = self.rows_of_questions(&questions, options);
        let section = |name| AnalogySection { name, correct: Vec::new(), incorrect: Vec::new() };
        let mut scores = AnalogyScores {
            sections: sections.into_iter().map(section).collect(),
            questions: questions.len(),
            unknown: rows.iter().filter(|rows| rows.is_none()).count(),
            invalid_lines,
        };
        let known: Vec<[usize; 4]> = rows.iter().copied().flatten().collect();
        let mut answers = Vec::with_capacity(known.len());
        for questions in known.chunks(QUESTIONS_PER_SEARCH) {
            answers.extend(self.answers(questions, options, progress)?);
        }
        let mut answers = answers.into_iter();
        for ((section, words), rows) in questions.into_iter().zip(rows) {
            let answer = rows.and_then(|_| answers.next());
            if answer.is_none() && !options.unknown_is_wrong {
                continue;
            }
            let is_correct = answer.is_some_and(|found| self.is_correct(&found, &words, options.ignore_case));
            let section = &mut scores.sections[section];
            if is_correct { section.correct.push(words) } else { section.incorrect.push(words) }
        }
        Ok(scores)
    }

    /// The rows of each question's words, or None if one of them is unknown.
    fn rows_of_questions(&self, questions: &[(usize, Question)], options: &AnalogyOptions) -> Vec<Option<[usize; 4]>> {
        let words = questions.iter().flat_map(|(_, words)| words).map(String::as_str);
        let rows = self.rows_of_words(words, options.rows, options.ignore_case);
        let rows_of = |words: &Question| match words.each_ref().map(|word| rows[word.as_str()]) {
            [Some(a), Some(b), Some(c), Some(d)] => Some([a, b, c, d]),
            _ => None,
        };
        questions.iter().map(|(_, words)| rows_of(words)).collect()
    }

    /// The nearest rows to each question.
    fn answers(&self, questions: &[[usize; 4]], options: &AnalogyOptions, progress: &Progress) -> Result<Neighbours> {
        let rows = 0..options.rows.min(self.len());
        match options.method {
            AnalogyMethod::Sum => self.nearest_to_sums(questions, rows, progress),
            AnalogyMethod::Product => {
                let answer = |&[a, b, c, _]: &[usize; 4]| {
                    progress.check()?;
                    let mut query = ProductQuery::new(self);
                    [(b, true), (c, true), (a, false)].into_iter().for_each(|(row, sign)| query.add_row(row, sign));
                    query.nearest(NEIGHBOURS, rows.clone())
                };
                questions.iter().map(answer).collect()
            }
        }
    }

    fn nearest_to_sums(&self, questions: &[[usize; 4]], rows: Range<usize>, progress: &Progress) -> Result<Neighbours> {
        let direction = |&[a, b, c, _]: &[usize; 4]| {
            let mut query = Query::new(self);
            [(b, 1.0), (c, 1.0), (a, -1.0)].into_iter().for_each(|(row, weight)| query.add_row(row, weight));
            query.direction()
        };
        let directions = questions.iter().flat_map(direction).collect();
        let excluded: Vec<Vec<usize>> = questions.iter().map(|question| question[..3].to_vec()).collect();
        self.search_directions(directions, &SearchOptions { topn: NEIGHBOURS, rows, excluded: &excluded }, progress)
    }

    /// True if the nearest word that is not of the question is the expected one. If all are of it, the last counts.
    fn is_correct(&self, found: &[(usize, f32)], words: &Question, ignore_case: bool) -> bool {
        let [asked @ .., expected] = words;
        // A row is a word's number.
        let word = |row: usize| in_case(self.keys.key(row as u32), ignore_case).into_owned();
        let mut found = found.iter().map(|&(row, _)| word(row)).peekable();
        while let Some(answer) = found.next() {
            if !asked.contains(&answer) || found.peek().is_none() {
                return answer == *expected;
            }
        }
        false
    }

    /// The rows of words, among the first `rows`. With `ignore_case` words are in upper case already.
    fn rows_of_words<'w>(
        &self,
        words: impl Iterator<Item = &'w str>,
        rows: usize,
        ignore_case: bool,
    ) -> HashMap<&'w str, Option<usize>> {
        let mut found: HashMap<&str, Option<usize>> = words.map(|word| (word, None)).collect();
        for (row, key) in self.keys.iter().take(rows).enumerate() {
            if let Some(first) = found.get_mut(in_case(key, ignore_case).as_ref()) {
                first.get_or_insert(row);
            }
        }
        found
    }

    /// The cosines of pairs of words, or None where one is not among the first `rows`.
    pub fn similarities_of_words(
        &self,
        pairs: &[(String, String)],
        rows: usize,
        ignore_case: bool,
    ) -> Vec<Option<f32>> {
        let word = |word: &str| in_case(Key::Text(word), ignore_case).into_owned();
        let pairs: Vec<[String; 2]> = pairs.iter().map(|(a, b)| [word(a), word(b)]).collect();
        let found = self.rows_of_words(pairs.iter().flatten().map(String::as_str), rows, ignore_case);
        let similarity = |[a, b]: &[String; 2]| Some(self.cosine_of_rows(found[a.as_str()]?, found[b.as_str()]?));
        pairs.iter().map(similarity).collect()
    }
}

/// A key as text, in upper case if case does not count.
fn in_case(key: Key<'_>, ignore_case: bool) -> Cow<'_, str> {
    match (key, ignore_case) {
        (Key::Text(text), false) => text.into(),
        (Key::Text(text), true) if text.is_ascii() => text.to_ascii_uppercase().into(),
        (Key::Text(text), true) => text.to_uppercase().into(),
        (Key::Int64(number), _) => number.to_string().into(),
        (Key::UInt64(number), _) => number.to_string().into(),
    }
}

fn parse(origin: &str, text: &[u8], ignore_case: bool) -> Result<Questions> {
    let mut read = Questions { sections: Vec::new(), questions: Vec::new(), invalid_lines: Vec::new() };
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let lines = text.strip_suffix(b"\n").unwrap_or(text).split(|&byte| byte == b'\n');
    for (line, number) in lines.zip(1..) {
        let fault = |reason: &str| Error::corpus(format!("{origin}, line {number}"), reason);
        let line = str::from_utf8(line).map_err(|_| fault("is not valid UTF-8"))?;
        if line.starts_with(": ") {
            let name = line.trim_start_matches([':', ' ']).trim_matches(is_space);
            read.sections.push(name.to_owned());
        } else if read.sections.is_empty() {
            return Err(fault("stands before the first section; expected a line such as \": capitals\" at the start"));
        } else {
            let words = line.split(is_space).filter(|word| !word.is_empty());
            let words = words.map(|word| in_case(Key::Text(word), ignore_case).into_owned());
            match <[String; 4]>::try_from(words.take(5).collect::<Vec<_>>()) {
                Ok(words) => read.questions.push((read.sections.len() - 1, words)),
                Err(_) => read.invalid_lines.push(number),
            }
        }
    }
    Ok(read)
}

/// What Python's `str.split` splits at.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = ": family\nMan Woman King Queen\nman woman king car\nman woman king prince\nfour words are too many\n\n\
        : empty\n: none:\nking queen man woman\r\n";

    fn table() -> KeyedVectors {
        let values = [1.0, 0.0, 1.0, 1.0, 0.2, 0.1, 0.2, 1.1, -1.0, -1.0, 9.0, 9.0];
        KeyedVectors::from_rows(["man", "woman", "king", "queen", "car", "QUEEN"], 2, &values).unwrap()
    }

    fn options() -> AnalogyOptions {
        AnalogyOptions { rows: 300, ignore_case: true, unknown_is_wrong: false, method: AnalogyMethod::Sum }
    }

    fn scores(text: &[u8], options: &AnalogyOptions) -> Result<AnalogyScores> {
        table().evaluate_analogies("q.txt", text, options, &Progress::default())
    }

    /// Names, right and wrong answers of the sections.
    fn counts(scores: &AnalogyScores) -> Vec<(&str, usize, usize)> {
        let sections = scores.sections.iter();
        sections.map(|section| (section.name.as_str(), section.correct.len(), section.incorrect.len())).collect()
    }

    #[test]
    fn sections_count_what_is_right_and_wrong_and_skip_what_is_unknown() {
        let got = scores(TEXT.as_bytes(), &options()).unwrap();
        assert_eq!(counts(&got), [("family", 1, 1), ("empty", 0, 0), ("none:", 1, 0)]);
        assert_eq!((got.questions, got.unknown, got.invalid_lines), (4, 1, vec![5, 6]));
        assert_eq!(got.sections[0].correct[0], ["MAN", "WOMAN", "KING", "QUEEN"]);
    }

    #[test]
    fn options_say_whether_case_counts_and_what_is_unknown() {
        let got = scores(TEXT.as_bytes(), &AnalogyOptions { unknown_is_wrong: true, ..options() }).unwrap();
        assert_eq!(counts(&got)[0], ("family", 1, 2));
        let got = scores(TEXT.as_bytes(), &AnalogyOptions { ignore_case: false, ..options() }).unwrap();
        assert_eq!((counts(&got)[0], got.unknown), (("family", 0, 1), 2));
        let got = scores(TEXT.as_bytes(), &AnalogyOptions { rows: 3, ..options() }).unwrap();
        assert_eq!(got.unknown, 4);
        let got = scores(TEXT.as_bytes(), &AnalogyOptions { method: AnalogyMethod::Product, ..options() }).unwrap();
        assert_eq!(got.unknown, 1);
    }

    #[test]
    fn faulty_texts_are_errors_that_name_the_line() {
        for (text, expected) in [
            (&b"a b c d\n"[..], "q.txt, line 1: stands before"),
            (b": x\na b \xff d\n", "q.txt, line 2: is not valid UTF-8"),
            (b"", "q.txt, line 1: stands before"),
            (b": x\n", "no question"),
        ] {
            let error = scores(text, &options()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!("nearest".parse::<AnalogyMethod>().is_err());
    }

    #[test]
    fn pairs_have_the_cosine_of_the_first_rows_in_any_case() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let pairs = [pair("Queen", "man"), pair("man", "prince")];
        let wv = table();
        assert_eq!(wv.similarities_of_words(&pairs, 9, true), [Some(wv.similarity("queen", "man").unwrap()), None]);
        assert_eq!(wv.similarities_of_words(&pairs, 9, false), [None, None]);
    }
}
