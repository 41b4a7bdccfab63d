//! `polargram analogy`.

use clap::{Args, ValueEnum};

use crate::cli::args::VectorsArgs;
use crate::cli::display::{on_interrupt, print_lines};
use crate::error::Result;
use crate::progress::Progress;
use crate::vectors::{ProductQuery, Query};

/// Answer: A is to B as C is to what?, a line `word<TAB>score` each.
#[derive(Args)]
pub(in crate::cli) struct Analogy {
    /// As `man` in: man is to king as woman is to queen.
    #[arg(allow_negative_numbers = true)]
    a: String,
    /// As `king`.
    #[arg(allow_negative_numbers = true)]
    b: String,
    /// As `woman`.
    #[arg(allow_negative_numbers = true)]
    c: String,
    #[command(flatten)]
    vectors: VectorsArgs,
    /// How the answer is found.
    #[arg(long, value_enum, default_value = "sum")]
    method: Method,
    /// How many words to print.
    #[arg(long, default_value_t = 10)]
    topn: usize,
}

/// How an answer is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Method {
    /// The nearest to B - A + C (3CosAdd)
    Sum,
    /// The greatest product of cosines (3CosMul)
    Cosmul,
}

impl Analogy {
    pub(in crate::cli) fn run(&self) -> Result<()> {
        let progress = Progress::default();
        on_interrupt(&progress);
        let vectors = self.vectors.load(&progress)?;
        let row = |word: &String| vectors.id(vectors.keys().parse(word)).map(|id| id as usize);
        let [a, b, c] = [row(&self.a)?, row(&self.b)?, row(&self.c)?];
        let nearest = match self.method {
            Method::Sum => {
                let mut query = Query::new(&vectors);
                [(b, 1.0), (c, 1.0), (a, -1.0)].into_iter().for_each(|(row, weight)| query.add_row(row, weight));
                query.nearest(self.topn, 0..vectors.len())?
            }
            Method::Cosmul => {
                let mut query = ProductQuery::new(&vectors);
                [(b, true), (c, true), (a, false)].into_iter().for_each(|(row, sign)| query.add_row(row, sign));
                query.nearest(self.topn, 0..vectors.len())?
            }
        };
        print_lines(nearest.into_iter().map(|(row, score)| format!("{}\t{score:.4}", vectors.keys().key(row as u32))))
    }
}
