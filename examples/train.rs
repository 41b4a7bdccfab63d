//! From a corpus to neighbours and back from disk: writes the toy corpus, trains on it, saves the model and its vectors,
//! and looks words up.
//!
//! ```sh
//! cargo run --release --example train -- DIRECTORY
//! ```

use std::path::Path;

use polargram::corpus::{FileCorpus, ReadOptions};
use polargram::toy_corpus::write_corpus;
use polargram::{Config, KeyedVectors, Progress, Result, Word2Vec};

fn main() -> Result<()> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "demo/rust".into());
    let directory = Path::new(&directory);

    let written = write_corpus(&directory.join("corpus"), 2_500_000, 1)?;
    println!("{} sentences, {} tokens", written.sentences, written.tokens);

    // A corpus is read more than once: a glob, a directory or a URL, never a stream that ends.
    let progress = Progress::default();
    let pattern = directory.join("corpus/*.parquet").display().to_string();
    let corpus = FileCorpus::open([&pattern], &ReadOptions::column("tokens"), &progress)?;

    let config = Config { sg: true, ..Config::default() };
    let (model, trained) = Word2Vec::fit(&corpus, config, &progress)?;
    println!("{} words; {:.1} M tokens/s", model.vocabulary().len(), trained.tokens_per_second() / 1e6);

    // The model can be trained on later; the vectors are one Arrow file, which is memory-mapped when it is loaded.
    model.save(directory.join("model"), serde_json::Value::Null)?;
    let vectors = directory.join("vectors.arrow");
    model.vectors()?.save(vectors.as_path())?;

    let wv = KeyedVectors::load(vectors.as_path())?;
    println!("king and queen: {:.2}", wv.similarity("king", "queen")?);
    for (word, cosine) in wv.most_similar(&["king", "woman"], &["man"], 3)? {
        println!("  {word} {cosine:.2}");
    }
    Ok(())
}
