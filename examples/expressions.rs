//! From articles to related articles in Polars: trains on a column of tokens, embeds each article by the mean of its words,
//! and looks words up, all as expressions.
//!
//! ```sh
//! cargo run --release --example expressions -- DIRECTORY
//! ```

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use polargram::corpus::{FileCorpus, ReadOptions};
use polargram::expr::{EmbedOptions, analogy, embed, known, most_similar, oov_rate, similarity};
use polargram::toy_corpus::write_corpus;
use polargram::vectors::{Pooling, Weighting};
use polargram::{Config, Progress, Word2Vec};
use polars::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "demo/expressions".into());
    let directory = Path::new(&directory);
    write_corpus(&directory.join("corpus"), 500_000, 1)?;

    let progress = Progress::default();
    let pattern = directory.join("corpus/*.parquet").display().to_string();
    let corpus = FileCorpus::open([&pattern], &ReadOptions::column("tokens"), &progress)?;
    let (model, _) = Word2Vec::fit(&corpus, Config { sg: true, ..Config::default() }, &progress)?;
    let vectors = directory.join("vectors.arrow");
    model.vectors()?.save(vectors.as_path())?;

    // A path stands for its vectors: the file is opened once, when the plan is resolved, and mapped.
    let sentences = df![
        "sentence" => ["the king and the queen", "the queen of the castle", "no-such-word"],
        "word" => ["king", "queen", "no-such-word"],
    ]?;
    let tokens = col("sentence").str().split(lit(" "));
    let sif = EmbedOptions {
        pooling: Some(Pooling::Mean),
        weights: Some(Weighting::Sif),
        normalise: true,
        ..EmbedOptions::default()
    };
    let plan = sentences.lazy().select([
        col("word"),
        known(col("word"), vectors.as_path()).alias("known"),
        oov_rate(tokens.clone(), vectors.as_path()).alias("unknown"),
        similarity(tokens.clone(), col("word"), vectors.as_path(), Pooling::Mean).alias("similarity"),
        embed(tokens, vectors.as_path(), sif).alias("embedding"),
    ]);
    println!("{:?}", plan.clone().collect_schema()?);
    print_rows(&plan.collect()?, &["word", "known", "unknown", "similarity"])?;

    // So do vectors in memory.
    let wv = Arc::new(model.vectors()?);
    let words = df!["a" => ["man", "man"], "b" => ["woman", "king"], "c" => ["king", "woman"]]?;
    let found = words.lazy().select([
        col("c"),
        first_word(most_similar(col("c"), wv.clone(), 3)).alias("near"),
        first_word(analogy(col("a"), col("b"), col("c"), wv, 1)).alias("analogy"),
    ]);
    print_rows(&found.collect()?, &["c", "near", "analogy"])?;
    Ok(())
}

fn first_word(found: Expr) -> Expr {
    found.list().first().struct_().field_by_name("word")
}

/// This crate's Polars is built without its tables.
fn print_rows(frame: &DataFrame, columns: &[&str]) -> PolarsResult<()> {
    for row in 0..frame.height() {
        for name in columns {
            print!("{name}: {}  ", frame.column(name)?.get(row)?);
        }
        println!();
    }
    Ok(())
}
