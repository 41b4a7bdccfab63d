//! `polargram sample`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::display::{print_lines, say};
use crate::error::Result;
use crate::toy_corpus::write_corpus;

/// Write a sample corpus as Parquet, and analogy questions that fit it.
#[derive(Args)]
pub(in crate::cli) struct Sample {
    /// The directory for part-0.parquet … and questions.txt.
    #[arg(long, short)]
    output: PathBuf,
    /// Tokens to write, at least.
    #[arg(long, default_value_t = 2_500_000)]
    tokens: u64,
    /// Seed of all random draws.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Sample {
    pub(in crate::cli) fn run(&self) -> Result<()> {
        let written = write_corpus(&self.output, self.tokens, self.seed)?;
        say(format_args!("{} sentences, {} tokens", written.sentences, written.tokens));
        print_lines(written.files.iter().chain([&written.questions]).map(|file| file.display()))
    }
}
