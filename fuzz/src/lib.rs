//! What the targets share: files for the readers, and what a program would do with what it has read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use polargram::bundle::{Array, Item, Value, save};
use polargram::corpus::{Corpus, FileCorpus, ReadOptions};
use polargram::models::{Checkpoint, TrainOptions};
use polargram::{Config, KeyedVectors, Location, Progress, Result, Word2Vec};

/// The column of token lists in the corpora of tables.
pub const COLUMN: &str = "tokens";
/// Words of the small model and corpora.
pub const SENTENCES: [&str; 3] = ["the king likes the queen", "the queen likes tea", "tea likes nobody"];

/// Files of vectors whose format is to be told from their content: with each ending, without one, and with another.
pub const VECTOR_NAMES: [&str; 11] = [
    "any.arrow",
    "any.npy",
    "any.txt",
    "any.bin",
    "any.vec.gz",
    "any.bin.gz",
    "any",
    "any.model",
    "any.parquet",
    "any.npz",
    "any.safetensors",
];

static DIRECTORY: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary directory"));

/// Call it once, before the first input: libFuzzer's own hook aborts at every panic, also at those that the crate
/// catches and makes errors of. A panic that reaches the target still aborts.
pub fn allow_caught_panics() {
    drop(std::panic::take_hook());
}

/// Where a file or directory of this name goes.
pub fn place(name: &str) -> PathBuf {
    DIRECTORY.path().join(name)
}

/// Writes a file of this name and gives its path.
pub fn file(name: &str, data: &[u8]) -> PathBuf {
    let path = place(name);
    fs::write(&path, data).expect("a file in the temporary directory");
    path
}

/// An input that stands for two files: the first file's length in two bytes, the first file, the second.
pub fn two_files(data: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = data.split_at_checked(2).unwrap_or((&[0, 0], data));
    rest.split_at(rest.len().min(u16::from_le_bytes([length[0], length[1]]).into()))
}

/// The other way round.
pub fn as_one_input(first: &[u8], second: &[u8]) -> Vec<u8> {
    let length = u16::try_from(first.len()).expect("a short first file");
    [&length.to_le_bytes(), first, second].concat()
}

/// Hyperparameters under which every word of the small corpus counts.
pub fn config() -> Config {
    Config { vector_size: 4, min_count: 1, epochs: 2, workers: 1, ..Config::default() }
}

/// Reads a corpus to its end or its first error.
pub fn read_corpus(path: &Path, options: &ReadOptions) -> Result<()> {
    let progress = Progress::default();
    let corpus = FileCorpus::open([path.to_str().expect("a path in UTF-8")], options, &progress)?;
    for part in 0..corpus.parts() {
        for batch in corpus.read(part, &progress)? {
            batch?;
        }
    }
    Ok(())
}

/// A corpus of a few words.
pub fn small_corpus(progress: &Progress) -> FileCorpus {
    let path = file("small.txt", SENTENCES.join("\n").as_bytes());
    FileCorpus::open([path.to_str().expect("a path in UTF-8")], &ReadOptions::column(COLUMN), progress)
        .expect("a corpus")
}

/// A model of a few words.
pub fn small_model(progress: &Progress) -> Word2Vec {
    Word2Vec::fit(&small_corpus(progress), config(), progress).expect("a corpus that can be trained on").0
}

/// Trains that model and leaves its last checkpoint.
pub fn small_checkpoint(checkpoint: &Checkpoint, progress: &Progress) {
    let corpus = small_corpus(progress);
    let model = Word2Vec::count(&corpus, config(), progress).expect("a corpus that can be counted");
    let options = TrainOptions { checkpoint: Some(checkpoint), ..TrainOptions::default() };
    model.train(&corpus, &options, &mut (), progress).expect("a corpus that can be trained on");
}

/// Saves a bundle of this name: an array, a group and values.
pub fn small_bundle(name: &str) {
    let values = [1.0f32, 2.0].map(f32::to_le_bytes).concat();
    let array = || Item::Array(Array { descr: "<f4".into(), is_fortran: false, shape: vec![2, 1], values: &values });
    let group = vec![("a".to_owned(), array()), ("n".to_owned(), Item::Value(Value::Int(20)))];
    let items = [
        ("v".to_owned(), array()),
        ("parts".to_owned(), Item::Group(group)),
        ("x".to_owned(), Item::Value(Value::List(vec![Value::None, Value::Float(f64::NAN)]))),
    ];
    save(&Location::from(place(name)), &items, &Progress::default()).expect("a bundle");
}

/// Looks at every key and vector, and searches: what a file promises must be there.
pub fn use_vectors(vectors: &KeyedVectors) {
    assert_eq!(vectors.keys().len(), vectors.counts().len());
    for key in vectors.keys().iter() {
        let vector = vectors.vector(key).expect("a key of the table");
        assert_eq!(vector.len(), vectors.vector_size());
    }
    if let Some(key) = vectors.keys().iter().next() {
        vectors.most_similar(&[key], &[], 3).expect("neighbours of a key of the table");
    }
}
