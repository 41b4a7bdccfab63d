//! Analogy questions about the words of the toy corpus.

use super::clauses::{FAMILIES, Family};

/// The sections of analogy questions: a name, and the two roles whose forms the questions ask for.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("country-capital", "country", "capital"),
    ("country-currency", "country", "currency"),
    ("country-nationality", "country", "nationality"),
    ("male-female", "male", "female"),
    ("base-past", "base", "past"),
    ("base-gerund", "base", "gerund"),
    ("base-third-person", "base", "third"),
    ("positive-comparative", "positive", "comparative"),
    ("positive-superlative", "positive", "superlative"),
    ("singular-plural", "singular", "plural"),
    ("animal-young", "singular", "young"),
    ("person-workplace", "person", "workplace"),
];

/// The distances between the two rows of a question.
const STRIDES: [usize; 3] = [1, 4, 9];

/// Analogy questions about the words of the toy corpus: sections with a name and questions `[a, b, c, d]`. A question
/// reads "`a` is to `b` as `c` is to `d`", and `d` is the answer, as in `questions-words.txt` (Mikolov et al. 2013).
pub fn questions() -> Vec<(&'static str, Vec<[&'static str; 4]>)> {
    SECTIONS.iter().map(|&(section, from, to)| (section, section_questions(from, to))).collect()
}

fn section_questions(from: &str, to: &str) -> Vec<[&'static str; 4]> {
    FAMILIES.iter().filter_map(|family| pairs(family, from, to)).flat_map(|pairs| quadruples(&pairs)).collect()
}

/// The two forms of each row, or `None` if the family lacks one of the roles.
fn pairs(family: &Family, from: &str, to: &str) -> Option<Vec<[&'static str; 2]>> {
    let role = |name| family.roles.iter().position(|&role| role == name);
    let (from, to) = (role(from)?, role(to)?);
    let pair = |forms: &'static str| {
        let forms: Vec<_> = forms.split(' ').collect();
        [forms[from], forms[to]]
    };
    Some(family.rows.iter().map(|&(forms, _)| pair(forms)).collect())
}

fn quadruples(pairs: &[[&'static str; 2]]) -> Vec<[&'static str; 4]> {
    let join = |row: usize, stride: usize| {
        let ([a, b], [c, d]) = (pairs[row], pairs[(row + stride) % pairs.len()]);
        [a, b, c, d]
    };
    (0..pairs.len()).flat_map(|row| STRIDES.map(|stride| join(row, stride))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::toy_corpus::generator::tests::counts;

    #[test]
    fn every_word_of_the_questions_occurs_100_times_in_two_million_tokens() {
        let counts = counts(2_000_000, 1);
        let words: HashSet<_> = questions().into_iter().flat_map(|(_, questions)| questions).flatten().collect();
        let rare: Vec<_> = words.iter().filter(|&word| counts.get(word).is_none_or(|&count| count < 100)).collect();
        assert!(rare.is_empty(), "{rare:?}");
    }

    #[test]
    fn every_section_asks_distinct_questions_of_four_distinct_words() {
        let sections = questions();
        assert_eq!(sections.len(), SECTIONS.len());
        for (section, questions) in sections {
            assert!(questions.len() >= 50, "{section} has {} questions", questions.len());
            assert_eq!(questions.iter().collect::<HashSet<_>>().len(), questions.len(), "{section}");
            for question in questions {
                assert_eq!(question.iter().collect::<HashSet<_>>().len(), 4, "{question:?}");
            }
        }
    }

    #[test]
    fn a_word_has_one_answer_in_a_section() {
        for (section, questions) in questions() {
            let mut answers = HashMap::new();
            for [a, b, c, d] in questions {
                assert_eq!(*answers.entry(a).or_insert(b), b, "{section}");
                assert_eq!(*answers.entry(c).or_insert(d), d, "{section}");
            }
        }
    }
}
