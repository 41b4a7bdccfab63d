//! A corpus written by program, to try the crate on without downloading anything.
//!
//! Its sentences speak of a small world of countries, people, verbs, animals and trades, in some 2,900 words of
//! Zipf-like frequencies. 2.5 million tokens of it are enough for vectors whose nearest neighbours make sense and which
//! answer the questions of [`questions`]: over 99 % of them after five epochs of skip-gram with gensim 4.4 (64 or 100
//! dimensions, window 5, 5 negative samples), but under half after one. So it can test a whole training run.
//!
//! ```no_run
//! let written = polargram::toy_corpus::write_corpus("corpus".as_ref(), 2_500_000, 1)?;
//! println!("{} tokens in {:?}", written.tokens, written.files);
//! # Ok::<(), polargram::Error>(())
//! ```

mod clauses;
mod grammar;
mod world;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::error::{IoContext, Result};
use crate::output::{Out, Output};
use crate::progress::Progress;
use crate::store::Location;
use clauses::{FAMILIES, Family};
use grammar::Grammar;

/// Files of a corpus: more than one, so that reading a directory and threads over files are tried as well.
const FILES: u64 = 4;

/// Rows in a row group.
const ROW_GROUP: usize = 20_000;

/// An endless supply of sentences of 6 to 25 lower-case words, the same for the same seed.
pub struct Sample {
    grammar: Grammar,
    rng: Xoshiro256PlusPlus,
}

impl Sample {
    /// Starts the sentences that belong to `seed`.
    pub fn new(seed: u64) -> Self {
        Self { grammar: Grammar::new(), rng: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }
}

impl Iterator for Sample {
    type Item = Vec<&'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.grammar.sentence(&mut self.rng))
    }
}

/// The sections of analogy questions: a name, and the two roles whose forms are asked for.
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

/// A row is asked about together with the rows this far behind it.
const STRIDES: [usize; 3] = [1, 4, 9];

/// Analogy questions about the sample's words: sections of a name and the questions `[a, b, c, d]`, each to be read
/// "`a` is to `b` as `c` is to `d`" with `d` the answer, as in `questions-words.txt` (Mikolov et al. 2013).
pub fn questions() -> Vec<(&'static str, Vec<[&'static str; 4]>)> {
    SECTIONS.iter().map(|&(section, from, to)| (section, section_questions(from, to))).collect()
}

fn section_questions(from: &str, to: &str) -> Vec<[&'static str; 4]> {
    FAMILIES.iter().filter_map(|family| pairs(family, from, to)).flat_map(|pairs| quadruples(&pairs)).collect()
}

/// The two forms of each row, or none where the family lacks one of the roles.
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

/// What [`write_corpus`] wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The Parquet files, in the order of the corpus.
    pub files: Vec<PathBuf>,
    /// The analogy questions.
    pub questions: PathBuf,
    /// Sentences (rows) in all files.
    pub sentences: u64,
    /// Words in all files.
    pub tokens: u64,
}

/// Writes a corpus of `tokens` words or a few more into `dir`, which is created where it is missing.
///
/// `part-0.parquet` to `part-3.parquet` each hold a quarter of the sentences of [`Sample::new`]`(seed)` in one column
/// `tokens` (list of strings), a sentence in each row; `questions.txt` holds the analogy [`questions`]. Files of these
/// names are replaced, all or none. Fails with [`Error::Io`](crate::Error::Io) when something cannot be written.
pub fn write_corpus(dir: &Path, tokens: u64, seed: u64) -> Result<Written> {
    fs::create_dir_all(dir).at("create", dir)?;
    let questions = dir.join("questions.txt");
    let mut written = Written { files: Vec::new(), questions, sentences: 0, tokens: 0 };
    let mut sample = Sample::new(seed);
    let mut output = Output::files(&Location::from(dir), &Progress::default());
    for part in 0..FILES {
        let path = dir.join(format!("part-{part}.parquet"));
        let goal = (u128::from(tokens) * u128::from(part + 1) / u128::from(FILES)) as u64;
        output.write(&path, |file| write_part(file, &mut sample, goal, &mut written))?;
        written.files.push(path);
    }
    output.write(&written.questions, write_questions)?;
    output.commit()?;
    Ok(written)
}

/// Writes sentences until the whole corpus counts `goal` tokens.
fn write_part(file: &mut Out<'_>, sample: &mut Sample, goal: u64, written: &mut Written) -> io::Result<()> {
    let compression = Compression::ZSTD(ZstdLevel::default());
    let properties =
        WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(ROW_GROUP)).build();
    let mut writer = ArrowWriter::try_new(file, schema(), Some(properties)).map_err(io::Error::other)?;
    while written.tokens < goal {
        let batch = next_batch(sample, goal, written)?;
        writer.write(&batch).map_err(io::Error::other)?;
    }
    writer.close().map_err(io::Error::other)?;
    Ok(())
}

fn schema() -> Arc<Schema> {
    let item = Field::new_list_field(DataType::Utf8, true);
    Arc::new(Schema::new(vec![Field::new("tokens", DataType::List(Arc::new(item)), false)]))
}

/// The next row group's sentences, fewer where `goal` is reached before.
fn next_batch(sample: &mut Sample, goal: u64, written: &mut Written) -> io::Result<RecordBatch> {
    let mut column = ListBuilder::new(StringBuilder::new());
    for sentence in sample.take(ROW_GROUP) {
        written.sentences += 1;
        written.tokens += sentence.len() as u64;
        column.append_value(sentence.into_iter().map(Some));
        if written.tokens >= goal {
            break;
        }
    }
    RecordBatch::try_new(schema(), vec![Arc::new(column.finish()) as ArrayRef]).map_err(io::Error::other)
}

fn write_questions(text: &mut Out<'_>) -> io::Result<()> {
    for (section, questions) in questions() {
        writeln!(text, ": {section}")?;
        for [a, b, c, d] in questions {
            writeln!(text, "{a} {b} {c} {d}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use arrow::array::{AsArray, RecordBatchReader};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::error::Error;

    /// How often each word occurs in the first `tokens` tokens.
    fn counts(tokens: usize, seed: u64) -> HashMap<&'static str, u64> {
        let mut counts = HashMap::new();
        for word in Sample::new(seed).flatten().take(tokens) {
            *counts.entry(word).or_default() += 1;
        }
        counts
    }

    fn read(path: &Path) -> Vec<Vec<String>> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap().build().unwrap();
        assert_eq!(reader.schema(), schema());
        let mut sentences = Vec::new();
        for batch in reader {
            for tokens in batch.unwrap().column(0).as_list::<i32>().iter().flatten() {
                sentences.push(tokens.as_string::<i32>().iter().map(|token| token.unwrap().to_owned()).collect());
            }
        }
        sentences
    }

    #[test]
    fn the_same_seed_gives_the_same_sentences_and_another_seed_gives_others() {
        let first = |seed| Sample::new(seed).take(1000).collect::<Vec<_>>();
        assert_eq!(first(5), first(5));
        assert_ne!(first(5), first(6));
    }

    #[test]
    fn every_sentence_has_6_to_25_words() {
        for sentence in Sample::new(2).take(50_000) {
            assert!((6..=25).contains(&sentence.len()), "{sentence:?}");
        }
    }

    #[test]
    fn every_word_of_the_questions_occurs_100_times_in_two_million_tokens() {
        let counts = counts(2_000_000, 1);
        let words: HashSet<_> = questions().into_iter().flat_map(|(_, questions)| questions).flatten().collect();
        let rare: Vec<_> = words.iter().filter(|&word| counts.get(word).is_none_or(|&count| count < 100)).collect();
        assert!(rare.is_empty(), "{rare:?}");
    }

    #[test]
    fn a_hundred_words_make_up_half_of_the_corpus_and_thousands_the_rest() {
        let counts = counts(500_000, 1);
        let mut frequencies: Vec<_> = counts.into_values().collect();
        frequencies.sort_unstable_by(|a, b| b.cmp(a));
        let frequent: u64 = frequencies[..100].iter().sum();
        assert!(frequent > 250_000, "{frequent}");
        assert!(frequencies.len() > 2500, "{}", frequencies.len());
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

    #[test]
    fn the_files_hold_the_sentences_of_the_seed_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let written = write_corpus(dir.path(), 30_000, 9).unwrap();
        let read: Vec<_> = written.files.iter().flat_map(|path| read(path)).collect();
        assert_eq!(written.files.len(), 4);
        assert_eq!(written.sentences, read.len() as u64);
        assert_eq!(written.tokens, read.iter().map(|sentence| sentence.len() as u64).sum::<u64>());
        assert!((30_000..30_025).contains(&written.tokens));
        assert!(Sample::new(9).zip(&read).all(|(expected, found)| expected == *found));
    }

    #[test]
    fn the_questions_file_has_a_line_for_each_section_and_question() {
        let dir = tempfile::tempdir().unwrap();
        let written = write_corpus(dir.path(), 1, 1).unwrap();
        let text = fs::read_to_string(written.questions).unwrap();
        let mut lines = text.lines();
        for (section, questions) in questions() {
            assert_eq!(lines.next().unwrap(), format!(": {section}"));
            for question in questions {
                assert_eq!(lines.next().unwrap(), question.join(" "));
            }
        }
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn a_corpus_written_again_replaces_the_files_and_leaves_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("new/corpus");
        write_corpus(&inside, 1_000, 1).unwrap();
        let again = write_corpus(&inside, 2_000, 1).unwrap();
        let mut expected = again.files;
        expected.push(again.questions);
        let mut found: Vec<_> = fs::read_dir(&inside).unwrap().map(|entry| entry.unwrap().path()).collect();
        found.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("occupied");
        fs::write(&file, "").unwrap();
        match write_corpus(&file.join("corpus"), 1, 1) {
            Err(Error::Io { action: "create", path, .. }) => assert_eq!(path, file.join("corpus")),
            other => panic!("{other:?}"),
        }
    }
}
