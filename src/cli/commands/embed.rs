//! `polargram embed`.

use std::path::Path;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use indicatif::HumanCount;

use crate::cli::args::{VectorsArgs, parse_split};
use crate::cli::display::{Watcher, on_interrupt, say};
use crate::cli::exit::{Failure, OnOutput};
use crate::cli::settings::is_standard_stream;
use crate::cli::streams::{self, ensure_can_be_written};
use crate::corpus::{ReadOptions, Split, files_of};
use crate::error::{Error, Result};
use crate::expr::{AddedColumn, EmbedOptions, TableFormat, TableInput, Unknown, embed_files};
use crate::progress::Progress;
use crate::store::Location;
use crate::vectors::{Pooling, Weighting};

/// Add a column of vectors to a table: Parquet or Arrow in, Parquet or Arrow out, batch by batch.
#[derive(Args)]
pub(in crate::cli) struct Embed {
    /// Files, globs or URLs of Parquet or Arrow IPC, which all have the same columns; a directory or prefix stands for the
    /// Parquet files in and below it, or if there are none for those of Arrow; directories such as day=2026-11-01 become
    /// columns. - is standard input.
    #[arg(required = true)]
    inputs: Vec<String>,
    #[command(flatten)]
    vectors: VectorsArgs,
    /// The file or URL to write: .parquet or .arrow. - is standard output.
    #[arg(long, short, value_name = "FILE")]
    output: String,
    /// The format of the output, whatever its name ends with; Arrow on standard output.
    #[arg(long, value_enum)]
    format: Option<OutputFormat>,
    /// The column of lists of tokens, of single tokens, or with --split of strings; a.b is the field b of the struct a.
    #[arg(long, default_value = "tokens")]
    column: String,
    /// The name of the column of vectors.
    #[arg(long = "as", value_name = "NAME", default_value = "embedding")]
    name: String,
    /// How the vectors of a list become one.
    #[arg(long, value_enum, default_value = "mean")]
    pooling: PoolingName,
    /// Weights of the tokens of a mean or a sum: by their frequency, or a column of lists of numbers.
    #[arg(long, value_name = "sif|usif|idf|COLUMN")]
    weights: Option<String>,
    /// Scale each vector to length 1.
    #[arg(long, alias = "normalize")]
    normalise: bool,
    /// What stands for a token without a vector.
    #[arg(long, value_enum, default_value = "null")]
    oov: Oov,
    /// Write half precision.
    #[arg(long)]
    half: bool,
    /// Split strings into tokens: at white space, or wherever a regular expression matches.
    #[arg(long, value_name = "whitespace|regex:PATTERN", value_parser = parse_split)]
    split: Option<Split>,
    /// Lowercase the tokens.
    #[arg(long)]
    lowercase: bool,
    /// No progress and no summary; errors only.
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OutputFormat {
    Parquet,
    Arrow,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PoolingName {
    Mean,
    Sum,
    Max,
    Min,
    First,
    Last,
    /// A list of vectors stays one
    None,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Oov {
    /// Nothing: it is left out of a list, and alone it is null
    Null,
    /// A vector of zeros
    Zero,
    /// The command fails
    Error,
}

impl Embed {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let progress = Progress::default();
        on_interrupt(&progress);
        self.ensure_one_reads_standard_input()?;
        let format = self.format().on_output()?;
        ensure_can_be_written(&self.output)?;
        let column = AddedColumn {
            name: self.name.clone(),
            tokens: self.column.clone(),
            split: self.split.clone(),
            lowercase: self.lowercase,
            weights: self.weights.clone().filter(|name| name.parse::<Weighting>().is_err()),
            vectors: Arc::new(self.vectors.load(&progress)?),
            options: self.options(),
        };
        let inputs = self.inputs(&progress);
        if !self.quiet {
            progress.take_notes().into_iter().for_each(|note| say(format_args!("polargram: {note}")));
        }
        let inputs = inputs?;
        let watcher = Watcher::start(&progress, self.quiet);
        let ending = if format == TableFormat::Parquet { "parquet" } else { "arrow" };
        let mut rows = 0;
        let written = streams::output(&self.output, ending, self.vectors.storage(), |output| {
            rows = embed_files(&inputs, output, format, &column, &progress)?;
            Ok(())
        });
        match written {
            Err(Error::Format { ref path, .. }) if path == Path::new(&self.output) => written.on_output()?,
            written => written?,
        }
        let elapsed = watcher.stop();
        if !self.quiet {
            let (rows, files) = (HumanCount(rows), inputs.len());
            let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            say(format_args!("embedded    {rows} rows of {files} in {:.1} s", elapsed.as_secs_f64()));
        }
        Ok(())
    }

    /// # Errors
    /// [`Error::Parameter`] if more than one is standard input.
    fn ensure_one_reads_standard_input(&self) -> Result<()> {
        let readers = self.inputs.iter().filter(|input| is_standard_stream(input)).count();
        match readers + usize::from(self.vectors.is_standard_stream()) {
            0 | 1 => Ok(()),
            _ => Err(Error::parameter("-", "standard input can be read only once; save one of them as a file first")),
        }
    }

    fn inputs(&self, progress: &Progress) -> Result<Vec<TableInput>> {
        let storage = self.vectors.storage();
        let options = ReadOptions { storage: storage.clone(), ..ReadOptions::column(&self.column) };
        let mut inputs = Vec::new();
        // Partitions have the type that all values of neighbouring inputs have in common.
        for inputs_here in self.inputs.chunk_by(|a, b| is_standard_stream(a) == is_standard_stream(b)) {
            if is_standard_stream(&inputs_here[0]) {
                inputs.push(streams::input(&inputs_here[0], storage.clone()).into());
                continue;
            }
            let files = files_of(inputs_here, &options, progress)?;
            let located = |file: String| Location::new(file, storage.clone());
            inputs.extend(files.into_iter().map(|(file, partition)| TableInput::new(located(file), partition)));
        }
        Ok(inputs)
    }

    fn options(&self) -> EmbedOptions {
        EmbedOptions {
            pooling: match self.pooling {
                PoolingName::Mean => Some(Pooling::Mean),
                PoolingName::Sum => Some(Pooling::Sum),
                PoolingName::Max => Some(Pooling::Max),
                PoolingName::Min => Some(Pooling::Min),
                PoolingName::First => Some(Pooling::First),
                PoolingName::Last => Some(Pooling::Last),
                PoolingName::None => None,
            },
            weights: self.weights.as_ref().and_then(|name| name.parse().ok()),
            normalise: self.normalise,
            oov: match self.oov {
                Oov::Null => Unknown::Null,
                Oov::Zero => Unknown::Zero,
                Oov::Error => Unknown::Error,
            },
            half: self.half,
            ..EmbedOptions::default()
        }
    }

    fn format(&self) -> Result<TableFormat> {
        match self.format {
            Some(OutputFormat::Parquet) => Ok(TableFormat::Parquet),
            Some(OutputFormat::Arrow) => Ok(TableFormat::Arrow),
            None if is_standard_stream(&self.output) => Ok(TableFormat::Arrow),
            None => TableFormat::of_name(Path::new(&self.output)),
        }
    }
}
