//! `polargram similar`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use crate::error::{IoContext, Result};
use crate::vectors::KeyedVectors;

/// Print the words nearest to the given ones, a line `word<TAB>cosine` each.
#[derive(Args)]
pub(super) struct Similar {
    /// The words to be near to.
    #[arg(required = true)]
    positive: Vec<String>,
    /// A file of vectors: .arrow, .npy, .txt or .bin.
    #[arg(long)]
    vectors: PathBuf,
    /// Words to be far from.
    #[arg(long, num_args = 1..)]
    negative: Vec<String>,
    /// How many words to print.
    #[arg(long, default_value_t = 10)]
    topn: usize,
}

impl Similar {
    pub(super) fn run(&self) -> Result<()> {
        let vectors = KeyedVectors::load(&self.vectors)?;
        let [positive, negative] =
            [&self.positive, &self.negative].map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
        let nearest = vectors.most_similar(&positive, &negative, self.topn)?;
        let mut out = io::stdout().lock();
        for (row, cosine) in nearest {
            match writeln!(out, "{}\t{cosine:.4}", vectors.words().word(row)) {
                // The reader has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                written => written.at("write to", "standard output".as_ref())?,
            }
        }
        Ok(())
    }
}
