//! `polargram similar`.

use clap::Args;

use crate::cli::args::VectorsArgs;
use crate::cli::display::{on_interrupt, print_lines};
use crate::error::Result;
use crate::progress::Progress;

/// Print the words nearest to the given ones, a line `word<TAB>cosine` each. Words are integers where the file's keys
/// are.
#[derive(Args)]
pub(in crate::cli) struct Similar {
    /// The words to be near to.
    #[arg(required = true, allow_negative_numbers = true)]
    positive: Vec<String>,
    #[command(flatten)]
    vectors: VectorsArgs,
    /// Words to be far from.
    #[arg(long, num_args = 1.., allow_negative_numbers = true)]
    negative: Vec<String>,
    /// How many words to print.
    #[arg(long, default_value_t = 10)]
    topn: usize,
}

impl Similar {
    pub(in crate::cli) fn run(&self) -> Result<()> {
        let progress = Progress::default();
        on_interrupt(&progress);
        let vectors = self.vectors.load(&progress)?;
        let [positive, negative] = [&self.positive, &self.negative]
            .map(|words| words.iter().map(|word| vectors.keys().parse(word)).collect::<Vec<_>>());
        let nearest = vectors.most_similar(&positive, &negative, self.topn)?;
        print_lines(nearest.into_iter().map(|(key, cosine)| format!("{key}\t{cosine:.4}")))
    }
}
