//! The files of the toy corpus.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::generator::SentenceGenerator;
use super::questions::questions;
use crate::error::{IoContext, Result};
use crate::output::{Out, Output};
use crate::progress::Progress;
use crate::store::Location;

/// Files of a corpus. More than one, so that a user also tries directories, and threads over files.
const FILES: u64 = 4;

/// Rows in a row group.
const ROW_GROUP: usize = 20_000;

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

/// Writes a corpus of `tokens` words or a few more into the directory `dir`, which is created if it does not exist.
///
/// `part-0.parquet` to `part-3.parquet` each hold a quarter of the sentences of [`SentenceGenerator::new`]`(seed)` in one column
/// `tokens` (list of strings), one sentence in each row; `questions.txt` holds the analogy [`questions`]. Files of these
/// names are replaced, all or none.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if the directory or a file cannot be written.
pub fn write_corpus(dir: &Path, tokens: u64, seed: u64) -> Result<Written> {
    fs::create_dir_all(dir).at("create", dir)?;
    let questions = dir.join("questions.txt");
    let mut written = Written { files: Vec::new(), questions, sentences: 0, tokens: 0 };
    let mut sentences = SentenceGenerator::new(seed);
    let mut output = Output::files(&Location::from(dir), &Progress::default());
    for part in 0..FILES {
        let path = dir.join(format!("part-{part}.parquet"));
        let goal = (u128::from(tokens) * u128::from(part + 1) / u128::from(FILES)) as u64;
        output.write(&path, |file| write_part(file, &mut sentences, goal, &mut written))?;
        written.files.push(path);
    }
    output.write(&written.questions, write_questions)?;
    output.commit()?;
    Ok(written)
}

/// Writes sentences until the whole corpus has `goal` tokens.
fn write_part(
    file: &mut Out<'_>,
    sentences: &mut SentenceGenerator,
    goal: u64,
    written: &mut Written,
) -> io::Result<()> {
    let compression = Compression::ZSTD(ZstdLevel::default());
    let properties =
        WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(ROW_GROUP)).build();
    let mut writer = ArrowWriter::try_new(file, schema(), Some(properties)).map_err(io::Error::other)?;
    while written.tokens < goal {
        let batch = next_batch(sentences, goal, written)?;
        writer.write(&batch).map_err(io::Error::other)?;
    }
    writer.close().map_err(io::Error::other)?;
    Ok(())
}

fn schema() -> Arc<Schema> {
    let item = Field::new_list_field(DataType::Utf8, true);
    Arc::new(Schema::new(vec![Field::new("tokens", DataType::List(Arc::new(item)), false)]))
}

/// The sentences of the next row group, or fewer if they reach `goal`.
fn next_batch(sentences: &mut SentenceGenerator, goal: u64, written: &mut Written) -> io::Result<RecordBatch> {
    let mut column = ListBuilder::new(StringBuilder::new());
    for sentence in sentences.take(ROW_GROUP) {
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
    use arrow::array::{AsArray, RecordBatchReader};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;
    use crate::error::Error;

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
    fn the_files_hold_the_sentences_of_the_seed_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let written = write_corpus(dir.path(), 30_000, 9).unwrap();
        let read: Vec<_> = written.files.iter().flat_map(|path| read(path)).collect();
        assert_eq!(written.files.len(), 4);
        assert_eq!(written.sentences, read.len() as u64);
        assert_eq!(written.tokens, read.iter().map(|sentence| sentence.len() as u64).sum::<u64>());
        assert!((30_000..30_025).contains(&written.tokens));
        assert!(SentenceGenerator::new(9).zip(&read).all(|(expected, found)| expected == *found));
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
    fn a_directory_that_cannot_be_created_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("occupied");
        fs::write(&file, "").unwrap();
        match write_corpus(&file.join("corpus"), 1, 1) {
            Err(Error::Io { action: "create", path, .. }) => assert_eq!(path, file.join("corpus")),
            other => panic!("{other:?}"),
        }
    }
}
