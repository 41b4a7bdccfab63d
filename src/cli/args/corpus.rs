//! Which corpus is read, and how.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use tempfile::TempDir;

use super::values::{parse_split, parse_storage_option};
use crate::cli::settings::is_standard_stream;
use crate::cli::streams;
use crate::corpus::{Corpus, ReadOptions, Sampled, Split, StorageOptions, TextOptions, Utf8Errors, compression_of};
use crate::error::{IoContext, Result};
use crate::models::Job;
use crate::progress::Progress;
use crate::store::LocalCopy;

#[derive(Args)]
#[command(next_help_heading = "Corpus")]
pub(in crate::cli) struct CorpusArgs {
    /// Files, globs or URLs (s3://, gs://, az://, https://) of Parquet, Arrow IPC, .npy or plain text; a directory or
    /// prefix stands for the Parquet files in and below it, or if there are none for those of Arrow. - is standard input.
    #[arg(required = true, help_heading = None)]
    corpus: Vec<String>,
    /// The list column, or with --split the string column; a.b is the field b of the struct a.
    #[arg(long, default_value = "tokens")]
    column: String,
    /// A column of whole numbers: how many times each list counts.
    #[arg(long, value_name = "COLUMN")]
    count_column: Option<String>,
    /// Read only the rows for which this Polars SQL expression is true. Directories such as day=2026-11-01 are columns.
    #[arg(long = "where", value_name = "SQL", allow_hyphen_values = true)]
    filter: Option<String>,
    /// Split strings into tokens: at white space, or wherever a regular expression matches.
    #[arg(long, value_name = "whitespace|regex:PATTERN", value_parser = parse_split)]
    split: Option<Split>,
    /// Lowercase the tokens.
    #[arg(long)]
    lowercase: bool,
    /// Read only the first sentences, as many as this, for a trial run.
    #[arg(long, value_name = "SENTENCES")]
    limit: Option<u64>,
    /// Read only this share of the sentences, drawn by --seed, for a trial run.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    sample_fraction: f64,
    /// Plain text: what to do about bytes that are not UTF-8.
    #[arg(long, value_enum, default_value = "strict")]
    errors: Utf8Errors,
    /// A setting of the object store, as in Polars' storage_options; may be given several times. Keys and secrets are
    /// better left to the environment, where other users of the machine do not see them.
    #[arg(long = "storage-option", value_name = "NAME=VALUE", value_parser = parse_storage_option)]
    storage_options: Vec<(String, String)>,
    /// What came from standard input, which is read more than once.
    #[arg(skip)]
    standard_input: OnceCell<(LocalCopy, Option<TempDir>, PathBuf)>,
}

impl CorpusArgs {
    /// The settings of object stores, for the corpus and the output.
    pub(in crate::cli) fn storage(&self) -> StorageOptions {
        self.storage_options.iter().cloned().collect()
    }

    /// The column of how many times each list counts.
    pub(in crate::cli) fn count_column(&self) -> Option<&str> {
        self.count_column.as_deref()
    }

    /// Opens the corpus, or the share of it that is to be read.
    pub(in crate::cli) fn open(&self, job: &Job<'_>, progress: &Progress) -> Result<Box<dyn Corpus>> {
        let sources = self.corpus.iter().map(|source| match is_standard_stream(source) {
            true => self.standard_input(progress),
            false => Ok(source.clone()),
        });
        let sources = sources.collect::<Result<Vec<_>>>()?;
        let corpus = Box::new(job.open(&sources, self.options(), progress)?);
        match self.limit.is_some() || self.sample_fraction != 1.0 {
            true => Ok(Box::new(Sampled::new(corpus, self.sample_fraction, self.limit, job.config.seed)?)),
            false => Ok(corpus),
        }
    }

    /// A file with what comes from standard input, which lives as long as these arguments.
    fn standard_input(&self, progress: &Progress) -> Result<String> {
        if self.standard_input.get().is_none() {
            let copy = LocalCopy::of_file(&streams::input("-", StorageOptions::default()), progress)?;
            let (directory, file) = with_ending(&copy)?;
            // It was empty.
            let _ = self.standard_input.set((copy, directory, file));
        }
        Ok(self.standard_input.get().map(|(_, _, file)| file.display().to_string()).unwrap_or_default())
    }

    fn options(&self) -> ReadOptions {
        ReadOptions {
            count_column: self.count_column.clone(),
            filter: self.filter.clone(),
            split: self.split.clone(),
            lowercase: self.lowercase,
            text: TextOptions { errors: self.errors, ..TextOptions::default() },
            storage: self.storage(),
            ..ReadOptions::column(&self.column)
        }
    }
}

/// A file whose ending tells the format of what came from standard input: of plain text, or as it is compressed. What has a
/// format of its own keeps its name.
fn with_ending(copy: &LocalCopy) -> Result<(Option<TempDir>, PathBuf)> {
    let (path, mut start) = (copy.path(), Vec::new());
    File::open(path).and_then(|file| file.take(16).read_to_end(&mut start)).at("read", path)?;
    let magics = [b"PAR1".as_slice(), b"ARROW1", b"\x93NUMPY", &[0xff; 4]];
    if magics.iter().any(|magic| start.starts_with(magic)) {
        return Ok((None, path.to_owned()));
    }
    let name = format!("stdin.txt{}", compression_of(&start).unwrap_or_default());
    if copy.is_temporary() {
        let named = path.with_file_name(name);
        fs::rename(path, &named).at("read", path)?;
        return Ok((None, named));
    }
    let directory = tempfile::Builder::new().prefix("polargram-copy-").tempdir().at("read", path)?;
    let named = directory.path().join(name);
    fs::copy(path, &named).at("read", path)?;
    Ok((Some(directory), named))
}
