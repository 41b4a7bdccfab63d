//! `polargram vocab`.

use std::path::Path;

use clap::Args;
use indicatif::HumanCount;

use crate::cli::args::{CorpusArgs, parse_bytes};
use crate::cli::display::{Watcher, on_interrupt, print_lines, say};
use crate::cli::exit::{Failure, OnOutput};
use crate::cli::settings::is_standard_stream;
use crate::cli::streams::ensure_can_be_written;
use crate::config::Config;
use crate::encode::SpoolOptions;
use crate::formats::{CountsFormat, count_lines, save_counts};
use crate::models::Job;
use crate::progress::Progress;
use crate::store::Location;
use crate::vocab::{Trim, Vocabulary};

/// Count the words of a corpus, and write them with their counts, the most frequent ones first.
#[derive(Args)]
pub(in crate::cli) struct Vocab {
    #[command(flatten)]
    corpus: CorpusArgs,
    /// A file or URL that ends in .parquet, .arrow, .txt or .tsv, with the columns word and count. - is standard output:
    /// a line `word<TAB>count` each.
    #[arg(long, short, default_value = "-", value_name = "FILE")]
    output: String,
    /// Leave out words that occur less often.
    #[arg(long, default_value_t = 1, value_name = "N")]
    min_count: u64,
    /// Leave out the rarest words, so that no more than this are left.
    #[arg(long, value_name = "N")]
    max_final_vocab: Option<usize>,
    /// Bytes that the counts may take in memory; more of them go to temporary files. 256M, 2G, …
    #[arg(long, value_name = "BYTES", default_value = "256M", value_parser = parse_bytes)]
    memory_budget: u64,
    /// Seed of the draws of --sample-fraction.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// No progress and no summary; errors only.
    #[arg(long, short)]
    quiet: bool,
}

impl Vocab {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let progress = Progress::default();
        on_interrupt(&progress);
        let is_printed = is_standard_stream(&self.output);
        if !is_printed {
            // Known before the corpus is read, not after.
            CountsFormat::of_name(Path::new(&self.output)).map(drop).on_output()?;
            ensure_can_be_written(&self.output)?;
        }
        let config = Config {
            min_count: self.min_count,
            max_final_vocab: self.max_final_vocab,
            seed: self.seed,
            ..Config::default()
        };
        let spool = SpoolOptions { memory_budget: self.memory_budget, ..SpoolOptions::default() };
        let job = Job { spool, ..Job::new(config) };
        let corpus = self.corpus.open(&job, &progress);
        if !self.quiet {
            progress.take_notes().into_iter().for_each(|note| say(format_args!("polargram: {note}")));
        }
        let corpus = corpus?;
        let watcher = Watcher::start(&progress, self.quiet);
        let counts = job.count(corpus.as_ref(), &progress)?;
        let (vocabulary, _) = Vocabulary::new(&counts, &Trim::from(&job.config))?;
        let (keys, occurrences) = (vocabulary.keys(), vocabulary.counts());
        let elapsed = watcher.stop();
        if is_printed {
            print_lines(count_lines(keys, occurrences, "standard output".as_ref()).on_output()?)?;
        } else {
            let location = Location::new(&self.output, self.corpus.storage());
            save_counts(keys, occurrences, &location, &progress).on_output()?;
        }
        if !self.quiet {
            say(format_args!(
                "vocabulary  {} of {} distinct words, {} words in {} sentences, in {:.1} s",
                HumanCount(vocabulary.len() as u64),
                HumanCount(vocabulary.raw_words() as u64),
                HumanCount(counts.raw_tokens()),
                HumanCount(counts.sentences()),
                elapsed.as_secs_f64()
            ));
        }
        Ok(())
    }
}
