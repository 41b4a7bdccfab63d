//! Files on this machine and objects in stores, of every format.

use std::sync::Arc;

use super::batch::{Batches, Corpus, Input};
use super::dataset::{self, DatasetFile};
use super::options::ReadOptions;
use super::partitions::Partition;
use super::query::Query;
use super::readers;
use super::token_file::{Opening, Spans, TokenFile};
use crate::error::Result;
use crate::progress::Progress;
use crate::store::Fetcher;

/// A corpus in files: Parquet, Arrow IPC, NumPy and plain text, on this machine or in an object store.
///
/// ```no_run
/// use polargram::Progress;
/// use polargram::corpus::{FileCorpus, ReadOptions};
///
/// let progress = Progress::default();
/// let local = FileCorpus::open(["data/*.parquet"], &ReadOptions::column("tokens"), &progress)?;
/// let remote = FileCorpus::open(["s3://bucket/wiki/"], &ReadOptions::column("tokens"), &progress)?;
/// # Ok::<(), polargram::Error>(())
/// ```
pub struct FileCorpus {
    files: Vec<OpenFile>,
    /// File and part of it, for each part.
    parts: Vec<(usize, usize)>,
    fetcher: Fetcher,
    column: String,
    inputs: Vec<Input>,
}

struct OpenFile {
    file: Box<dyn TokenFile>,
    /// The number of its first span.
    first_span: usize,
}

/// The paths and URLs of the files that sources stand for.
///
/// # Errors
/// As for [`FileCorpus::open`].
pub(crate) fn files_of(
    sources: impl IntoIterator<Item = impl AsRef<str>>,
    options: &ReadOptions,
    progress: &Progress,
) -> Result<Vec<(String, Partition)>> {
    let files = dataset::files(sources, options, None, progress)?;
    Ok(files.into_iter().map(|file| (file.location.name(), file.partition)).collect())
}

impl FileCorpus {
    /// Opens files, directories, globs, and URLs of objects, prefixes and globs.
    ///
    /// A directory or prefix stands for all Parquet files in it and below it, or if there are none for all Arrow IPC
    /// files, sorted by their paths; names that start with `.` or `_` are left out at every level. A glob stands for
    /// the files that match it; it descends by `**`.
    ///
    /// Directories named `lang=en` or `day=2026-11-01`, below the directory or prefix or from a glob's first wildcard
    /// on, are Hive partitions: columns for [`filter`](ReadOptions::filter) and
    /// [`count_column`](ReadOptions::count_column) that come before the files' own. Their values are integers, numbers,
    /// true and false, or dates if all values of the dataset are, else strings; `__HIVE_DEFAULT_PARTITION__` is null.
    /// Files of partitions that cannot match the filter are not opened.
    ///
    /// The footers of the others are read at once, data later.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) for a missing or unreadable file; [`Error::Corpus`](crate::Error::Corpus) for a
    /// pattern that matches nothing, a damaged file, or one without such a column;
    /// [`Error::Parameter`](crate::Error::Parameter) for an option that means nothing.
    pub fn open(
        sources: impl IntoIterator<Item = impl AsRef<str>>,
        options: &ReadOptions,
        progress: &Progress,
    ) -> Result<Self> {
        let query = Arc::new(Query::new(options)?);
        let dataset = dataset::files(sources, options, query.condition(), progress)?;
        let format = |file: &DatasetFile| match options.format {
            Some(format) => Ok(format),
            None => readers::format_of(&file.location, progress),
        };
        let formats = dataset.iter().map(format).collect::<Result<Vec<_>>>()?;
        let locations = dataset.iter().map(|file| &file.location).zip(formats.iter().copied());
        let footers = readers::remote_footers(locations, progress)?;
        let (mut files, mut parts, mut spans, mut inputs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for ((DatasetFile { location, partition }, format), footer) in dataset.into_iter().zip(formats).zip(footers) {
            progress.check()?;
            inputs.push(Input { name: location.name(), bytes: location.size()? });
            let (query, text) = (query.clone(), &options.text);
            let file = readers::open(format, Opening { location, partition, query, text, progress }, footer)?;
            parts.extend((0..file.parts()).map(|part| (files.len(), part)));
            let first_span = spans.len();
            spans.extend(file.spans());
            files.push(OpenFile { file, first_span });
        }
        Ok(Self {
            files,
            parts,
            fetcher: Fetcher::new(spans, options.fetch_ahead),
            column: options.column.clone(),
            inputs,
        })
    }
}

impl Corpus for FileCorpus {
    fn parts(&self) -> usize {
        self.parts.len()
    }

    fn read(&self, part: usize, progress: &Progress) -> Result<Batches<'_>> {
        let (file, part) = self.parts[part];
        let OpenFile { file, first_span } = &self.files[file];
        file.read(part, Spans::new(&self.fetcher, *first_span, progress))
    }

    fn origin(&self, part: usize) -> String {
        let (file, part) = self.parts[part];
        self.files[file].file.origin(part)
    }

    fn column(&self) -> &str {
        &self.column
    }

    fn inputs(&self) -> Vec<Input> {
        self.inputs.clone()
    }
}
