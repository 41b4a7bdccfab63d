//! Files on this machine and objects in stores, of every format.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use walkdir::WalkDir;

use super::compressed::is_compressed;
use super::ipc::IpcFile;
use super::npy::NpyFile;
use super::parquet::{ParquetFile, remote_footer};
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

fn format_of_name(name: &str) -> Option<FileFormat> {
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
            expand(source.as_ref(), options, progress, &mut places)?;
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

const NO_REGULAR_FILE: &str = "is no regular file; a corpus is read more than once, so write it to one first";

/// Adds the files that a path, directory, glob or URL stands for.
fn expand(source: &str, options: &ReadOptions, progress: &Progress, places: &mut Vec<Place>) -> Result<()> {
    if store::is_url(source) {
        let is = |format| move |name: &str| options.format.is_some() || format_of_name(name) == Some(format);
        let objects =
            store::expand(source, &options.storage, &[&is(FileFormat::Parquet), &is(FileFormat::Ipc)], progress)?;
        places.extend(objects.into_iter().map(Place::Remote));
        return Ok(());
    }
    let path = &store::local_path(source)?;
    let files = match path {
        _ if path.is_dir() => files_in(path, options.format)?,
        // A file whose name holds a bracket is a file first.
        _ if !path.exists() && source.contains(['*', '?', '[']) => files_matching(&path.to_string_lossy(), progress)?,
        // What is missing is told of when it is opened. Opening a pipe would wait for whoever writes to it.
        _ if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) => {
            return Err(Error::corpus(source, NO_REGULAR_FILE));
        }
        _ => vec![path.to_owned()],
    };
    places.extend(files.into_iter().map(Place::Local));
    Ok(())
}

/// The directory's own files of a format, else its Parquet files, or if there are none the Arrow IPC files; sorted.
fn files_in(directory: &Path, format: Option<FileFormat>) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).at("read", directory)? {
        let path = entry.at("read", directory)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && is_wanted(&path, false)? {
            files.push(path);
        }
    }
    files.sort();
    if format.is_some() && !files.is_empty() {
        return Ok(files);
    }
    for format in [FileFormat::Parquet, FileFormat::Ipc] {
        let of_format = |path: &&PathBuf| format_of_name(&path.to_string_lossy()) == Some(format);
        let found: Vec<PathBuf> = files.iter().filter(of_format).cloned().collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let reason = match format {
        Some(_) => "the directory holds no files",
        None => "the directory holds no *.parquet or *.arrow file; name others by a glob",
    };
    Err(Error::corpus(directory.display().to_string(), reason))
}

/// The files that match a glob, sorted. Links are followed, but not back to a directory that they are in.
fn files_matching(pattern: &str, progress: &Progress) -> Result<Vec<PathBuf>> {
    let parts = || Path::new(pattern).components();
    // As the walk writes them: without doubled slashes and a dot in front.
    let plain: PathBuf = parts().collect();
    let glob = Pattern::new(&without_dot(&plain).to_string_lossy());
    let glob = glob.map_err(|error| Error::corpus(pattern, format!("is no valid glob: {error}")))?;
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
    let is_wild = |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let base: PathBuf = parts().take_while(|part| !is_wild(part)).collect();
    let depth = parts().skip_while(|part| !is_wild(part)).count();
    let depth = if pattern.contains("**") { usize::MAX } else { depth };
    let root = if base.as_os_str().is_empty() { Path::new(".") } else { &base };
    let matches = |path: &Path| glob.matches_with(&without_dot(path).to_string_lossy(), options);
    let mut files = Vec::new();
    for entry in WalkDir::new(root).min_depth(1).max_depth(depth).follow_links(true) {
        progress.check()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.loop_ancestor().is_some() => continue,
            Err(_) if !root.exists() => continue,
            // What a link that leads nowhere is called may not be wanted; a directory that cannot be read may hold files.
            Err(error) if error.path().is_some_and(|path| path.is_symlink() && !matches(path)) => continue,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                return Err(Error::Io { action: "read", path, source: error.into() });
            }
        };
        if matches(entry.path()) && is_wanted(entry.path(), true)? {
            files.push(without_dot(entry.path()).to_owned());
        }
    }
    files.sort();
    if files.is_empty() { Err(Error::corpus("corpus", format!("no file matches {pattern}"))) } else { Ok(files) }
}

fn without_dot(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

/// Whether an entry of a directory is a file. One that bears the name of a corpus, or is `asked` for, and cannot be
/// read as one must not be passed over in silence.
fn is_wanted(path: &Path, is_asked: bool) -> Result<bool> {
    let name = path.display().to_string();
    let has_format = format_of_name(&name).is_some();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(_) if !has_format && !is_asked => return Ok(false),
        Err(error) => return Err(error).at("read", path),
    };
    if metadata.is_dir() && !(is_asked && has_format) {
        return Ok(false);
    }
    let refused = |reason: &str| Err(Error::corpus(&name, reason));
    match () {
        () if metadata.is_dir() => refused("is a directory; name the files in it, as in x.parquet/*.parquet"),
        () if metadata.is_file() && path.to_str().is_some() => Ok(true),
        () if metadata.is_file() => refused("has a name that is not UTF-8; rename it"),
        () if has_format || is_asked => refused(NO_REGULAR_FILE),
        () => Ok(false),
    }
}
