//! Each program in `examples/` runs, and what it prints and writes is as it should be.

use std::path::Path;
use std::process::Command;

use polargram::KeyedVectors;

/// What an example prints, given a directory. Cargo has built it already, unless only this file is tested.
fn printed(example: &str, directory: &Path) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--locked", "--example", example, "--"]).arg(directory);
    let done = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The number that follows a text.
fn number_after(text: &str, before: &str) -> f64 {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{text:?} lacks {before:?}"));
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest[..end].parse().unwrap()
}

#[test]
fn training_prints_its_speed_and_neighbours_and_leaves_a_model_and_vectors() {
    let directory = tempfile::tempdir().unwrap();
    let said = printed("train", directory.path());
    assert!(said.contains("2500"), "{said}");
    assert!((0.5..1.0).contains(&number_after(&said, "king and queen: ")), "{said}");
    assert!(said.contains("\n  queen "), "{said}");
    let wv = KeyedVectors::load(directory.path().join("vectors.arrow").as_path()).unwrap();
    assert_eq!(wv.vector_size(), 100);
    assert!(directory.path().join("model/config.json").exists());
}

#[test]
fn expressions_give_vectors_similarities_and_analogies() {
    let directory = tempfile::tempdir().unwrap();
    let said = printed("expressions", directory.path());
    assert!(said.contains("embedding"), "{said}");
    let rows: Vec<&str> = said.lines().filter(|line| line.starts_with("word: ")).collect();
    let [king, queen, unknown] = rows[..] else { panic!("{said}") };
    assert!(king.contains("known: true  unknown: 0") && queen.contains("known: true"), "{said}");
    assert!(unknown.contains("known: false  unknown: 1") && unknown.contains("similarity: null"), "{said}");
    assert!(number_after(king, "similarity: ") > 0.2, "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("c: ") && line.contains("analogy: ")).count(), 2, "{said}");
}
