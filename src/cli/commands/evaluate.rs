//! `polargram evaluate`.

use clap::Args;

use super::analogy::Method;
use crate::cli::args::VectorsArgs;
use crate::cli::display::{on_interrupt, print_lines};
use crate::cli::evaluation::{EvaluationOptions, Scores};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::vectors::AnalogyMethod;

/// Measure vectors by analogy questions and by people's judgements of pairs of words, with gensim's rules.
#[derive(Args)]
pub(in crate::cli) struct Evaluate {
    #[command(flatten)]
    vectors: VectorsArgs,
    /// Files of lines of four words, in sections that start with a line `: name`. They may be compressed, or URLs.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    analogies: Vec<String>,
    /// Files of lines of two words and a number. They may be compressed, or URLs.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pairs: Vec<String>,
    /// Print an object of all scores, rather than a table.
    #[arg(long)]
    json: bool,
    /// Only so many first words are known.
    #[arg(long, value_name = "WORDS", default_value_t = 300_000)]
    restrict_vocab: usize,
    /// Compare words as they are, rather than in upper case.
    #[arg(long)]
    case_sensitive: bool,
    /// Count questions with unknown words as wrong, and the cosines of unknown words as 0, rather than leaving them out.
    #[arg(long)]
    unknown_is_wrong: bool,
    /// How analogies are answered.
    #[arg(long, value_enum, default_value = "sum")]
    method: Method,
    /// What stands between the words and the number of a pair. [default: a tab]
    #[arg(long, default_value = "\t", hide_default_value = true)]
    delimiter: String,
}

impl Evaluate {
    pub(in crate::cli) fn run(&self) -> Result<()> {
        if self.analogies.is_empty() && self.pairs.is_empty() {
            return Err(Error::parameter("evaluate", "name a file with --analogies or --pairs"));
        }
        let progress = Progress::default();
        on_interrupt(&progress);
        let vectors = self.vectors.load(&progress)?;
        let options = EvaluationOptions {
            rows: self.restrict_vocab,
            ignore_case: !self.case_sensitive,
            unknown_is_wrong: self.unknown_is_wrong,
            method: match self.method {
                Method::Sum => AnalogyMethod::Sum,
                Method::Cosmul => AnalogyMethod::Product,
            },
            delimiter: self.delimiter.clone(),
            storage: self.vectors.storage(),
        };
        let scores = Scores::measure(&vectors, &self.analogies, &self.pairs, &options, &progress)?;
        if self.json {
            return print_lines([scores.json()]);
        }
        let lines = scores.lines(true);
        let width = |text: fn(&crate::plot::Evaluation) -> &String| {
            lines.iter().map(|line| text(line).chars().count()).max().unwrap_or(0)
        };
        let (names, results) = (width(|line| &line.name), width(|line| &line.score));
        print_lines(
            lines.iter().map(|line| format!("{:<names$}  {:>results$}  {}", line.name, line.score, line.detail)),
        )
    }
}
