//! Files on this machine and objects in stores, of every format.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use super::compressed::is_compressed;
use super::ipc::IpcFile;
use super::npy::NpyFile;
use super::parquet::{ParquetFile, remote_footer};
use super::paths;
use super::query::Query;
use super::text::TextFile;
use super::{Batches, Corpus, FileFormat, ReadOptions};
use crate::error::{Error, IoContext, Result};
use crate::progress::Progress;
use crate::store::{self, Fetcher, Object, Span};

/// Names by which a format is known; what is compressed is text.
const EXTENSIONS: [(FileFormat, &[&str]); 4] = [
    (FileFormat::Parquet, &["parquet", "pq", "parq"]),
    (FileFormat::Ipc, &["arrow", "arrows", "ipc", "feather"]),
    (FileFormat::Npy, &["npy"]),
    (FileFormat::Text, &["txt", "text"]),
];
/// First bytes by which a file of another name is known.
const MAGICS: [(FileFormat, &[u8]); 4] = [
    (FileFormat::Parquet, b"PAR1"),
    (FileFormat::Ipc, b"ARROW1"),
    (FileFormat::Ipc, &[0xFF; 4]),
    (FileFormat::Npy, b"\x93NUMPY"),
];

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
}

struct OpenFile {
    file: Box<dyn TokenFile>,
    /// The number of its first span.
    first_span: usize,
}

/// A file of one format.
pub(super) trait TokenFile: Send + Sync {
    /// Row groups, record batches, pieces of a text; or 1.
    fn parts(&self) -> usize {
        1
    }

    /// Of an object the bytes that its parts will read, in order.
    fn spans(&self) -> Vec<Span>;

    fn read(&self, part: usize, spans: Spans<'_>) -> Result<Batches<'_>>;

    fn origin(&self, part: usize) -> String;
}

/// The spans of one file, fetched ahead.
#[derive(Clone, Copy)]
pub(super) struct Spans<'a> {
    fetcher: &'a Fetcher,
    first: usize,
    pub(super) progress: &'a Progress,
}

impl Spans<'_> {
    pub(super) fn read(&self, span: usize) -> Result<store::RangeReader> {
        self.fetcher.read(self.first + span, self.progress)
    }
}

/// Where a file is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Local(PathBuf),
    Remote(Object),
}

impl Place {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Local(path) => path.display().to_string(),
            Self::Remote(object) => object.url(),
        }
    }

    /// All of an object.
    pub(super) fn whole(&self) -> Vec<Span> {
        match self {
            Self::Local(_) => Vec::new(),
            Self::Remote(object) => vec![Span { object: object.clone(), bytes: 0..object.size() }],
        }
    }

    /// All bytes in order; of an object its only span.
    pub(super) fn bytes(&self, spans: Spans<'_>) -> Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Local(path) => Box::new(File::open(path).at("read", path)?),
            Self::Remote(_) => Box::new(spans.read(0)?),
        })
    }

    /// The first bytes, fewer of a short file.
    pub(super) fn head(&self, bytes: u64, progress: &Progress) -> Result<Vec<u8>> {
        self.range(0..bytes.min(self.size()?), progress)
    }

    pub(super) fn size(&self) -> Result<u64> {
        match self {
            Self::Local(path) => Ok(fs::metadata(path).at("read", path)?.len()),
            Self::Remote(object) => Ok(object.size()),
        }
    }

    /// Some of its bytes, fewer if it ends before.
    pub(super) fn range(&self, bytes: Range<u64>, progress: &Progress) -> Result<Vec<u8>> {
        let mut read = Vec::new();
        match self {
            Self::Local(path) => {
                let mut file = File::open(path).at("read", path)?;
                file.seek(SeekFrom::Start(bytes.start)).at("read", path)?;
                file.take(bytes.end - bytes.start).read_to_end(&mut read).at("read", path)?;
            }
            Self::Remote(object) => read.extend(object.read_range(bytes, progress)?),
        }
        Ok(read)
    }

    fn format(&self, progress: &Progress) -> Result<FileFormat> {
        let name = self.name();
        if let Some(format) = format_of_name(&name) {
            return Ok(format);
        }
        let head = self.head(8, progress)?;
        let known = MAGICS.iter().find(|(_, magic)| head.starts_with(magic)).map(|(format, _)| *format);
        known.ok_or_else(|| {
            Error::corpus(&name, "is neither Parquet nor Arrow IPC nor .npy; plain text is known by its name (.txt, .gz, …) or given as corpus_file")
        })
    }
}

/// An error of ours that came through a reader of bytes, or one of the system's.
pub(super) fn unwrapped(error: io::Error, name: &str) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(source) => Error::Io { action: "read", path: PathBuf::from(name), source },
    }
}

pub(super) fn format_of_name(name: &str) -> Option<FileFormat> {
    if is_compressed(name) {
        return Some(FileFormat::Text);
    }
    let extension = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
    EXTENSIONS.iter().find(|(_, names)| names.contains(&extension.as_str())).map(|(format, _)| *format)
}

impl FileCorpus {
    /// Opens files, directories, globs, and URLs of objects, prefixes and globs.
    ///
    /// Of a directory all Parquet files are taken, without those of its subdirectories, or if there are none all Arrow
    /// IPC files; of a prefix the same with what lies below. Globs descend by `**`. Files are sorted by name. Footers
    /// are read at once, data later.
    ///
    /// # Errors
    /// [`Error::Io`] for a missing or unreadable file; [`Error::Corpus`] for a pattern that matches nothing, a damaged
    /// file, or one without such a column; [`Error::Parameter`] for an option that means nothing.
    pub fn open(
        sources: impl IntoIterator<Item = impl AsRef<str>>,
        options: &ReadOptions,
        progress: &Progress,
    ) -> Result<Self> {
        let query = Query::new(options)?;
        let mut places = Vec::new();
        for source in sources {
            places.extend(expand(source.as_ref(), options, progress)?);
        }
        if places.is_empty() {
            return Err(Error::corpus("corpus", "no files were given"));
        }
        let formats = places.iter().map(|place| options.format.map_or_else(|| place.format(progress), Ok));
        let formats = formats.collect::<Result<Vec<_>>>()?;
        let footers = remote_footers(&places, &formats, progress)?;
        let (mut files, mut parts, mut spans) = (Vec::new(), Vec::new(), Vec::new());
        for ((place, format), footer) in places.into_iter().zip(formats).zip(footers) {
            progress.check()?;
            let file: Box<dyn TokenFile> = match format {
                FileFormat::Parquet => Box::new(ParquetFile::open(place, &query, footer)?),
                FileFormat::Ipc => Box::new(IpcFile::open(place, &query, progress)?),
                FileFormat::Npy => Box::new(NpyFile::open(place, &query, progress)?),
                FileFormat::Text => Box::new(TextFile::open(place, &query, options)?),
            };
            parts.extend((0..file.parts()).map(|part| (files.len(), part)));
            let first_span = spans.len();
            spans.extend(file.spans());
            files.push(OpenFile { file, first_span });
        }
        Ok(Self { files, parts, fetcher: Fetcher::new(spans, options.fetch_ahead), column: options.column.clone() })
    }
}

impl Corpus for FileCorpus {
    fn parts(&self) -> usize {
        self.parts.len()
    }

    fn read(&self, part: usize, progress: &Progress) -> Result<Batches<'_>> {
        let (file, part) = self.parts[part];
        let OpenFile { file, first_span } = &self.files[file];
        file.read(part, Spans { fetcher: &self.fetcher, first: *first_span, progress })
    }

    fn origin(&self, part: usize) -> String {
        let (file, part) = self.parts[part];
        self.files[file].file.origin(part)
    }

    fn column(&self) -> &str {
        &self.column
    }
}

/// Of each file that is a Parquet object the footer. They are fetched at once.
fn remote_footers(
    places: &[Place],
    formats: &[FileFormat],
    progress: &Progress,
) -> Result<Vec<Option<ArrowReaderMetadata>>> {
    let (mut footers, mut wanted, mut requests) = (vec![None; places.len()], Vec::new(), Vec::new());
    for (i, file) in places.iter().zip(formats).enumerate() {
        if let (Place::Remote(object), FileFormat::Parquet) = file {
            wanted.push(i);
            requests.push(remote_footer(object));
        }
    }
    if !requests.is_empty() {
        for (i, footer) in wanted.into_iter().zip(store::all(requests, progress)?) {
            footers[i] = Some(footer);
        }
    }
    Ok(footers)
}

/// The files that a path, directory, glob or URL stands for.
fn expand(source: &str, options: &ReadOptions, progress: &Progress) -> Result<Vec<Place>> {
    if !store::is_url(source) {
        return Ok(paths::expand(source, options.format, progress)?.into_iter().map(Place::Local).collect());
    }
    let is = |format| move |name: &str| options.format.is_some() || format_of_name(name) == Some(format);
    let (parquet, ipc) = (is(FileFormat::Parquet), is(FileFormat::Ipc));
    let objects = store::expand(source, &options.storage, &[&parquet, &ipc], progress)?;
    Ok(objects.into_iter().map(Place::Remote).collect())
}
