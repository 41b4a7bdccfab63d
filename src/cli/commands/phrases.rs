//! `polargram phrases`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::HumanCount;

use crate::cli::args::{CorpusArgs, parse_connector_words};
use crate::cli::display::{Watcher, on_interrupt, print_lines, say};
use crate::config::Config;
use crate::corpus::Corpus;
use crate::error::{Error, Result};
use crate::models::{Job, peak_memory};
use crate::output::Output;
use crate::phrases::{PhraseModel, PhraseOptions, PhrasedCorpus, Scoring, write_parquet};
use crate::progress::Progress;
use crate::store::Location;

/// Learn which words form phrases, and print a line `phrase<TAB>score<TAB>count` for each, the highest score first.
#[derive(Args)]
pub(in crate::cli) struct Phrases {
    #[command(flatten)]
    corpus: CorpusArgs,
    /// Pairs of words that occur less often are no phrases.
    #[arg(long, default_value_t = 5.0, help_heading = "Phrases")]
    min_count: f64,
    /// Pairs with a score above this are phrases.
    #[arg(long, default_value_t = 10.0, allow_negative_numbers = true, help_heading = "Phrases")]
    threshold: f64,
    /// How pairs are scored: default (Mikolov et al. 2013), npmi, or SQL over count_a, count_b, count_ab, len_vocab,
    /// min_count and corpus_word_count.
    #[arg(long, value_name = "default|npmi|SQL", default_value = "default", help_heading = "Phrases")]
    scoring: String,
    /// Words that may stand within a phrase: english, or words between commas.
    #[arg(long, value_name = "english|WORD,…", default_value = "", value_parser = parse_connector_words,
          help_heading = "Phrases")]
    connector_words: BTreeSet<String>,
    /// What stands between the words of a phrase.
    #[arg(long, default_value = "_", allow_hyphen_values = true, help_heading = "Phrases")]
    delimiter: String,
    /// How often the corpus is read: two passes find phrases of up to four words, three of up to eight.
    #[arg(long, default_value_t = 1, help_heading = "Phrases")]
    passes: usize,
    /// Distinct words and pairs that are held; when there are more, the rarest are dropped.
    #[arg(long, default_value_t = 40_000_000, help_heading = "Phrases")]
    max_vocab_size: u64,
    /// Use the phrases of this file, which this command or gensim saved, and learn none.
    #[arg(long, value_name = "FILE", help_heading = "Phrases")]
    model: Option<PathBuf>,
    /// Where to save the phrases, as an Arrow file of phrase, score and count.
    #[arg(long, short, value_name = "FILE")]
    output: Option<String>,
    /// Save the phrases alone, without the counts that are needed to learn more.
    #[arg(long, requires = "output")]
    frozen: bool,
    /// Write the corpus as a Parquet file, with phrases in place of their words. It has the column of tokens, and that of
    /// --count-column.
    #[arg(long, value_name = "FILE")]
    rewrite: Option<String>,
    /// How many phrases to print.
    #[arg(long, default_value_t = 20)]
    topn: usize,
    /// Seed of the draws of --sample-fraction.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// No progress and no summary; errors only.
    #[arg(long, short)]
    quiet: bool,
}

impl Phrases {
    pub(in crate::cli) fn run(&self) -> Result<()> {
        let progress = Progress::default();
        on_interrupt(&progress);
        let options = self.options()?;
        let job = Job::new(Config { seed: self.seed, ..Config::default() });
        let corpus = self.corpus.open(&job, &progress);
        if !self.quiet {
            progress.take_notes().into_iter().for_each(|note| say(format_args!("polargram: {note}")));
        }
        let corpus: Box<dyn Corpus> = corpus?;
        let watcher = Watcher::start(&progress, self.quiet);
        let (model, sentences) = self.model(options, corpus.as_ref(), &progress)?;
        let exported = model.export()?;
        let mut summary = vec![format!("phrases     {}", HumanCount(exported.len() as u64))];
        if let Some(sentences) = sentences {
            summary.insert(0, format!("corpus      {} sentences", HumanCount(sentences)));
        }
        for file in self.write(&model, corpus, &progress)? {
            summary.push(format!("wrote       {}", file.display()));
        }
        let elapsed = watcher.stop();
        print_lines(exported.iter().take(self.topn).map(|phrase| {
            let count = phrase.count.map(|count| count.to_string()).unwrap_or_default();
            format!("{}\t{:.4}\t{count}", phrase.phrase, phrase.score)
        }))?;
        if !self.quiet {
            print_summary(&summary, elapsed);
        }
        Ok(())
    }

    fn options(&self) -> Result<PhraseOptions> {
        let options = PhraseOptions {
            min_count: self.min_count,
            threshold: self.threshold,
            max_vocab_size: self.max_vocab_size,
            delimiter: self.delimiter.clone(),
            scoring: Scoring::parse(&self.scoring)?,
            connector_words: self.connector_words.clone(),
        };
        options.check()?;
        Ok(options)
    }

    /// The model of a file, or one that learns from the corpus, with the number of its sentences.
    fn model(
        &self,
        options: PhraseOptions,
        corpus: &dyn Corpus,
        progress: &Progress,
    ) -> Result<(PhraseModel, Option<u64>)> {
        if let Some(file) = &self.model {
            let location = Location::new(file, self.corpus.storage());
            return Ok((PhraseModel::load_with(location, progress)?, None));
        }
        let mut model = PhraseModel::empty(options, self.passes)?;
        let sentences = model.add(corpus, progress)?;
        Ok((model, Some(sentences)))
    }

    /// Writes what is to be written, all or nothing, and gives the names of the files.
    fn write(&self, model: &PhraseModel, corpus: Box<dyn Corpus>, progress: &Progress) -> Result<Vec<PathBuf>> {
        let Some(first) = self.output.as_ref().or(self.rewrite.as_ref()) else { return Ok(Vec::new()) };
        if self.output == self.rewrite {
            return Err(Error::parameter("rewrite", format!("{first} is also the output; give them two names")));
        }
        let mut output = Output::files(&Location::new(first, self.corpus.storage()), progress);
        if let Some(file) = &self.output {
            let frozen = if self.frozen { Some(model.freeze()?) } else { None };
            frozen.as_ref().unwrap_or(model).write_to(&mut output, file.as_ref())?;
        }
        if let Some(file) = &self.rewrite {
            let corpus = PhrasedCorpus::new(corpus, Arc::new(model.detectors()?));
            write_parquet(&corpus, self.corpus.count_column(), file.as_ref(), &mut output, progress)?;
        }
        output.commit()
    }
}

fn print_summary(lines: &[String], elapsed: Duration) {
    lines.iter().for_each(say);
    let peak = peak_memory().map(|bytes| format!(", peak memory {} MiB", bytes >> 20)).unwrap_or_default();
    say(format_args!("total       {:.1} s{peak}", elapsed.as_secs_f64()));
}
