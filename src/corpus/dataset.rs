//! The files that a source stands for: which of a directory or prefix are read, in which order, and in which partition
//! each of them is.

use std::collections::BTreeSet;

use polars::prelude::{AnyValue, Column, DataType, PlSmallStr, Series};

use super::condition::Condition;
use super::options::{FileFormat, ReadOptions};
use super::partitions::{Partition, PartitionText, partition_text};
use super::paths;
use super::pruning::Known;
use super::readers::format_of_name;
use super::token_file::FileLocation;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::store::{self, Kind, Listing};

/// A file of a dataset.
pub(super) struct DatasetFile {
    pub(super) location: FileLocation,
    pub(super) partition: Partition,
}

/// The files that paths, directories, globs and URLs stand for, without those of partitions in which the condition can
/// be true of no row. What is left out, and why, is noted in `progress`.
///
/// # Errors
/// As for [`FileCorpus::open`](super::FileCorpus::open).
pub(super) fn files(
    sources: impl IntoIterator<Item = impl AsRef<str>>,
    options: &ReadOptions,
    condition: Option<&Condition>,
    progress: &Progress,
) -> Result<Vec<DatasetFile>> {
    let (mut locations, mut texts) = (Vec::new(), Vec::new());
    for source in sources {
        for (location, text) in expand(source.as_ref(), options, progress)? {
            locations.push(location);
            texts.push(text);
        }
    }
    if locations.is_empty() {
        return Err(Error::corpus("corpus", "no files were given"));
    }
    let partitions = Partition::of_files(&texts);
    let files = locations.into_iter().zip(partitions);
    let files: Vec<_> = files.map(|(location, partition)| DatasetFile { location, partition }).collect();
    let Some(condition) = condition else { return Ok(files) };
    let all = files.len();
    let wanted = in_wanted_partitions(files, condition)?;
    if wanted.len() < all {
        progress.note(format!("where: left out {} of {all} files, whose partitions cannot match", all - wanted.len()));
    }
    Ok(wanted)
}

fn expand(source: &str, options: &ReadOptions, progress: &Progress) -> Result<Vec<(FileLocation, PartitionText)>> {
    let mut listing = match store::is_url(source) {
        true => store::expand(source, &options.storage, progress)?.map(FileLocation::Remote),
        false => paths::expand(source, progress)?.map(FileLocation::Local),
    };
    if listing.kind == Kind::Directory && !options.subdirectories && !store::is_url(source) {
        listing.files.retain(|(path, _)| !path.contains('/'));
    }
    let kind = listing.kind;
    let Selected { files, left_out } = Selected::of(source, listing, options.format)?;
    if kind != Kind::File {
        progress.note(left_out.note(source, files.len()));
    }
    Ok(files.into_iter().map(|(path, location)| (location, partition_text(&path))).collect())
}

/// The files of a source that a corpus is made of.
struct Selected<T> {
    files: Vec<(String, T)>,
    left_out: LeftOut,
}

/// The paths of what is not read, by why.
#[derive(Debug, Default, PartialEq)]
struct LeftOut {
    hidden: BTreeSet<String>,
    other_formats: Vec<String>,
    folders: Vec<String>,
}

impl<T> Selected<T> {
    /// Of a directory or prefix, sorted by their paths below it: the files of a format, or else the Parquet files, or if
    /// there are none the Arrow IPC files. Names that start with `.` or `_` are left out at every level. Of other sources,
    /// all files.
    ///
    /// # Errors
    /// [`Error::Corpus`] if there are none, or one of them cannot be addressed.
    fn of(source: &str, listing: Listing<T>, format: Option<FileFormat>) -> Result<Self> {
        let Listing { kind, mut files, folders, mut unreadable } = listing;
        let mut left_out = LeftOut { folders, ..LeftOut::default() };
        if kind != Kind::Directory {
            refuse_unreadable(source, &unreadable)?;
            return Ok(Self { files, left_out });
        }
        let is_hidden = |path: &str, hidden: &mut BTreeSet<String>| match uppermost_hidden(path) {
            Some(name) => {
                hidden.insert(name.to_owned());
                true
            }
            None => false,
        };
        files.retain(|(path, _)| !is_hidden(path, &mut left_out.hidden));
        unreadable.retain(|path| !is_hidden(path, &mut left_out.hidden));
        left_out.folders.retain(|path| uppermost_hidden(path).is_none());
        files.sort_by(|(a, _), (b, _)| a.cmp(b));
        if format.is_none() {
            let of_format = |path: &str, format| format_of_name(path) == Some(format);
            let paths = || files.iter().map(|(path, _)| path).chain(&unreadable);
            let preferred = [FileFormat::Parquet, FileFormat::Ipc];
            let preferred = preferred.into_iter().find(|&format| paths().any(|path| of_format(path, format)));
            let is_wanted = |path: &str| preferred.is_some_and(|format| of_format(path, format));
            left_out.other_formats = paths().filter(|path| !is_wanted(path)).cloned().collect();
            files.retain(|(path, _)| is_wanted(path));
            unreadable.retain(|path| is_wanted(path));
        }
        refuse_unreadable(source, &unreadable)?;
        match files.is_empty() {
            true => Err(Error::corpus(source, left_out.nothing_left(format))),
            false => Ok(Self { files, left_out }),
        }
    }
}

/// # Errors
/// [`Error::Corpus`] if there is an object that should be read, and cannot be.
fn refuse_unreadable(source: &str, unreadable: &[String]) -> Result<()> {
    let Some(path) = unreadable.first() else { return Ok(()) };
    let reason = "has a folder name that is empty (//) or is only dots, or a control character, and cannot be addressed; \
                  copy it to another key, or name the other files by a glob that does not match it";
    Err(Error::corpus(source, format!("{path:?} {reason}")))
}

/// The path up to its first name that is hidden.
fn uppermost_hidden(path: &str) -> Option<&str> {
    let mut end = 0;
    for name in path.split('/') {
        end += name.len();
        if paths::is_hidden(name.as_bytes()) {
            return Some(&path[..end]);
        }
        end += 1;
    }
    None
}

impl LeftOut {
    /// Says how many files are read, and what is not.
    fn note(&self, source: &str, files: usize) -> String {
        let kinds = [
            ("hidden (. or _)", self.hidden.iter().collect::<Vec<_>>()),
            ("of another format", self.other_formats.iter().collect()),
            ("that only mark folders", self.folders.iter().collect()),
        ];
        let left_out = kinds.iter().filter(|(_, paths)| !paths.is_empty());
        let left_out = left_out.map(|(why, paths)| format!("{} {why}: {}", paths.len(), first_few(paths)));
        let left_out = left_out.collect::<Vec<_>>().join("; ");
        let noun = if files == 1 { "file" } else { "files" };
        match left_out.is_empty() {
            true => format!("{source}: reads {files} {noun}"),
            false => format!("{source}: reads {files} {noun}; leaves out {left_out}"),
        }
    }

    /// Why there is nothing to read.
    fn nothing_left(&self, format: Option<FileFormat>) -> String {
        match (format, self.other_formats.len()) {
            (Some(_), _) => "there are no files in it, or below it".to_owned(),
            (None, 0) => "there is no *.parquet or *.arrow file in it, or below it; name others by a glob".to_owned(),
            (None, n) => {
                format!("none of the {n} files in it, and below it, is *.parquet or *.arrow; name others by a glob")
            }
        }
    }
}

/// Paths that a note names.
const NAMED: usize = 3;

fn first_few(paths: &[&String]) -> String {
    let first = paths.iter().take(NAMED).map(|path| path.as_str()).collect::<Vec<_>>().join(", ");
    if paths.len() > NAMED { format!("{first}, …") } else { first }
}

/// The files whose partition does not rule out that the condition is true of one of their rows.
fn in_wanted_partitions(mut files: Vec<DatasetFile>, condition: &Condition) -> Result<Vec<DatasetFile>> {
    let is_named = |name: &&str| files.iter().any(|file| file.partition.value(name).is_some());
    let names: Vec<&str> = condition.columns().filter(is_named).collect();
    // In another file they may be columns of its own.
    let is_in_all = |file: &DatasetFile| names.iter().all(|name| file.partition.value(name).is_some());
    let known_files: Vec<&DatasetFile> = files.iter().filter(|file| is_in_all(file)).collect();
    let Some(first) = known_files.first().filter(|_| !names.is_empty()) else { return Ok(files) };
    let data_type = |name: &str| first.partition.value(name).map(|value| value.dtype().clone());
    let mut known = Known::of_groups(known_files.len());
    for name in &names {
        let values: Vec<AnyValue> =
            known_files.iter().filter_map(|file| Some(file.partition.value(name)?.value().clone())).collect();
        let data_type = data_type(name).unwrap_or(DataType::Null);
        let values = Series::from_any_values_and_dtype(PlSmallStr::from_str(name), &values, &data_type, true)?;
        known.add_constant(name, Column::from(values));
    }
    let origin = first.location.name();
    let is_decided = condition.columns().count() == names.len();
    let may_match = match condition.over_partitions(&data_type) {
        Ok(condition) => known.may_match(&condition, &origin),
        Err(error) => Err(Error::corpus(origin, format!("where: {error}"))),
    };
    let may_match = match may_match {
        Ok(may_match) => may_match,
        Err(error) if is_decided => return Err(error),
        // Reading the rows will say what is wrong, and where.
        Err(_) => return Ok(files),
    };
    let is_known: Vec<bool> = files.iter().map(is_in_all).collect();
    let (mut number, mut answers) = (0, may_match.values().iter());
    files.retain(|_| {
        let is_kept = !is_known[number] || answers.next().unwrap_or(true);
        number += 1;
        is_kept
    });
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn selected(paths: &[&str], format: Option<FileFormat>) -> Result<(Vec<String>, LeftOut)> {
        let files = paths.iter().map(|path| ((*path).to_owned(), ())).collect();
        let listing = Listing { files, ..Listing::empty(Kind::Directory) };
        let Selected { files, left_out } = Selected::of("data", listing, format)?;
        Ok((files.into_iter().map(|(path, ())| path).collect(), left_out))
    }

    #[test]
    fn hidden_names_are_left_out_at_every_level_and_parquet_comes_first() {
        let paths = ["b.parquet", "a/c.PARQUET", "_x/d.parquet", "a/.y/e.parquet", "a/_f.parquet", "g.arrow", "h.txt"];
        let chosen = |paths: &[&str], format| selected(paths, format).map(|(files, _)| files);
        assert_eq!(chosen(&paths, None).unwrap(), ["a/c.PARQUET", "b.parquet"]);
        assert_eq!(chosen(&paths[2..], None).unwrap(), ["g.arrow"]);
        assert_eq!(chosen(&paths[4..], Some(FileFormat::Text)).unwrap(), ["g.arrow", "h.txt"]);
        assert!(chosen(&paths[6..], None).unwrap_err().to_string().contains("none of the 1 files"));
        assert!(chosen(&paths[2..5], None).unwrap_err().to_string().contains("there is no *.parquet"));
    }

    #[test]
    fn what_is_left_out_is_counted_and_named() {
        let (_, left_out) = selected(&["b.parquet", "_x/d.parquet", "_x/e.parquet", "a/.y", "g.arrow"], None).unwrap();
        let note = "data: reads 1 file; leaves out 2 hidden (. or _): _x, a/.y; 1 of another format: g.arrow";
        assert_eq!(left_out.note("data", 1), note);
        assert_eq!(LeftOut::default().note("data", 2), "data: reads 2 files");
    }

    #[test]
    fn an_object_that_cannot_be_addressed_is_an_error_only_where_it_should_be_read() {
        let listing = |unreadable: &str| Listing {
            files: vec![("a.parquet".to_owned(), ())],
            unreadable: vec![unreadable.to_owned()],
            ..Listing::empty(Kind::Directory)
        };
        for unreadable in ["/log.txt", "/_x.parquet", "_tmp//x.parquet"] {
            assert_eq!(Selected::of("data", listing(unreadable), None).unwrap().files.len(), 1, "{unreadable}");
        }
        let error = Selected::of("data", listing("/x.parquet"), None).err().unwrap().to_string();
        assert!(error.starts_with("data: \"/x.parquet\" has a folder name that is empty"), "{error}");
    }

    fn opened(paths: &[&str], sql: &str) -> Result<Vec<usize>> {
        let texts: Vec<PartitionText> = paths.iter().map(|path| partition_text(path)).collect();
        let files = Partition::of_files(&texts).into_iter().enumerate();
        let files = files.map(|(i, partition)| DatasetFile {
            location: FileLocation::Local(PathBuf::from(i.to_string())),
            partition,
        });
        let kept = in_wanted_partitions(files.collect(), &Condition::new(sql)?)?;
        Ok(kept.iter().map(|file| file.location.name().parse().unwrap()).collect())
    }

    #[test]
    fn files_of_partitions_that_cannot_match_are_left_out() {
        let paths = ["lang=en/day=2026-11-01/a", "lang=en/day=2026-11-02/a", "lang=ko/day=2026-11-02/a", "a"];
        for (sql, expected) in [
            ("lang = 'en' AND day >= '2026-11-02'", vec![1, 3]),
            ("lang = 'en' OR n > 3", vec![0, 1, 2, 3]),
            ("lang = 'en' AND n > 3", vec![0, 1, 3]),
            ("day IN ('2026-11-01')", vec![0, 3]),
            ("UPPER(lang) = 'KO'", vec![2, 3]),
            ("n > 3", vec![0, 1, 2, 3]),
            ("lang > 3 AND n > 3", vec![0, 1, 2, 3]),
        ] {
            assert_eq!(opened(&paths, sql).unwrap(), expected, "{sql}");
        }
        let nulls = ["n=1/a", "n=__HIVE_DEFAULT_PARTITION__/a", "n=2/a"];
        assert_eq!(opened(&nulls, "n > 1").unwrap(), [2]);
        assert_eq!(opened(&nulls, "NOT n > 1").unwrap(), [0]);
        assert_eq!(opened(&nulls, "n IS NULL").unwrap(), [1]);
        assert!(opened(&nulls, "n > 'x'").unwrap_err().to_string().contains("where"));
    }
}
