//! From Parquet to nearest neighbours, with only the public API.

use std::path::Path;

use polargram::corpus::{FileCorpus, ReadOptions};
use polargram::toy_corpus::{questions, write_corpus};
use polargram::{Config, Error, KeyedVectors, Progress, Word2Vec};

fn toy_corpus(directory: &Path, tokens: u64) -> FileCorpus {
    write_corpus(directory, tokens, 1).unwrap();
    FileCorpus::open([directory.to_str().unwrap()], &ReadOptions::column("tokens"), &Progress::default()).unwrap()
}

fn small() -> Config {
    Config { vector_size: 32, epochs: 1, workers: 1, ..Config::default() }
}

/// The share of the toy corpus's analogy questions that 3CosAdd answers correctly.
fn analogies_right(wv: &KeyedVectors) -> f64 {
    let all: Vec<[&str; 4]> = questions().into_iter().flat_map(|(_, questions)| questions).step_by(7).collect();
    let is_right = |[a, b, c, d]: &[&str; 4]| wv.most_similar(&[*b, *c], &[*a], 1).unwrap()[0].0 == *d;
    all.iter().filter(|question| is_right(question)).count() as f64 / all.len() as f64
}

#[test]
fn trained_vectors_answer_the_analogies_of_the_toy_corpus() {
    let directory = tempfile::tempdir().unwrap();
    let corpus = toy_corpus(directory.path(), 2_500_000);
    let config = Config { sg: true, vector_size: 100, workers: 2, ..Config::default() };
    let (model, _) = Word2Vec::fit(&corpus, config, &Progress::default()).unwrap();
    let path = directory.path().join("vectors.arrow");
    model.vectors().unwrap().save(&path).unwrap();
    let right = analogies_right(&KeyedVectors::load(&path).unwrap());
    assert!(right >= 0.9, "only {right:.2} of the answers are right");
}

#[test]
fn one_worker_gives_the_same_bits_twice_and_other_bits_for_another_seed() {
    let directory = tempfile::tempdir().unwrap();
    let corpus = toy_corpus(directory.path(), 50_000);
    for sg in [true, false] {
        let train = |seed| {
            let (model, _) = Word2Vec::fit(&corpus, Config { sg, seed, ..small() }, &Progress::default()).unwrap();
            model.vectors().unwrap().rows().to_buffer()
        };
        assert_eq!(train(1), train(1));
        assert_ne!(train(1), train(2));
    }
}

#[test]
fn a_cancelled_job_stops_with_its_own_error() {
    let directory = tempfile::tempdir().unwrap();
    let corpus = toy_corpus(directory.path(), 50_000);
    let progress = Progress::default();
    progress.cancel();
    assert!(matches!(Word2Vec::fit(&corpus, small(), &progress), Err(Error::Interrupted)));
}

#[test]
fn errors_name_the_bad_corpus_and_say_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let corpus = toy_corpus(directory.path(), 1_000);
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("broken.parquet"), b"PAR1 but no more").unwrap();
    let cases = [
        (path("missing.parquet"), "tokens", vec!["missing.parquet"]),
        (path("broken.parquet"), "tokens", vec!["broken.parquet", "Parquet"]),
        (path("part-0.parquet"), "words", vec!["part-0.parquet", "words", "tokens", "--column"]),
        (path("none-*.parquet"), "tokens", vec!["none-*.parquet"]),
    ];
    for (source, column, needles) in cases {
        let message =
            FileCorpus::open([&source], &ReadOptions::column(column), &Progress::default()).err().unwrap().to_string();
        needles.iter().for_each(|needle| assert!(message.contains(needle), "{message:?} lacks {needle:?}"));
        assert!(!message.contains('\n'), "{message:?} has more than one line");
    }
    let empty = Word2Vec::fit(&corpus, Config { min_count: 1_000_000, ..small() }, &Progress::default());
    assert!(empty.err().unwrap().to_string().contains("min_count"));
}

#[test]
fn a_truncated_file_is_an_error_that_names_file_row_group_and_column() {
    let directory = tempfile::tempdir().unwrap();
    toy_corpus(directory.path(), 100_000);
    let path = directory.path().join("part-0.parquet");
    let whole = std::fs::read(&path).unwrap();
    let corpus =
        FileCorpus::open([path.to_str().unwrap()], &ReadOptions::column("tokens"), &Progress::default()).unwrap();
    // Damage after the footer was read: the first pages become zeros.
    let mut damaged = whole.clone();
    damaged[4..whole.len() / 2].fill(0);
    std::fs::write(&path, damaged).unwrap();
    let message = Word2Vec::fit(&corpus, small(), &Progress::default()).err().unwrap().to_string();
    for needle in ["part-0.parquet", "row group", "tokens"] {
        assert!(message.contains(needle), "{message:?} lacks {needle:?}");
    }
}
