//! The files that a source stands for: which of a directory or prefix are read, in which order, and in which partition
//! each of them is.

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
use crate::store::{self, Listing};

/// A file of a dataset.
pub(super) struct DatasetFile {
    pub(super) location: FileLocation,
    pub(super) partition: Partition,
}

/// The files that paths, directories, globs and URLs stand for, without those of partitions in which the condition can
/// be true of no row.
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
    match condition {
        Some(condition) => in_wanted_partitions(files, condition),
        None => Ok(files),
    }
}

fn expand(source: &str, options: &ReadOptions, progress: &Progress) -> Result<Vec<(FileLocation, PartitionText)>> {
    let listing = match store::is_url(source) {
        true => store::expand(source, &options.storage, progress)?.map(FileLocation::Remote),
        false => paths::expand(source, progress)?.map(FileLocation::Local),
    };
    let files = match listing {
        Listing::File(location) => vec![(String::new(), location)],
        Listing::Matching(files) => files,
        Listing::Below(mut files) => {
            if !options.subdirectories && !store::is_url(source) {
                files.retain(|(path, _)| !path.contains('/'));
            }
            selected(source, files, options.format)?
        }
    };
    Ok(files.into_iter().map(|(path, location)| (location, partition_text(&path))).collect())
}

/// The files below a directory or prefix that a corpus is made of, sorted by their paths below it: those of a format,
/// or else the Parquet files, or if there are none the Arrow IPC files. Names that start with `.` or `_` are left out
/// at every level.
fn selected<T>(source: &str, files: Vec<(String, T)>, format: Option<FileFormat>) -> Result<Vec<(String, T)>> {
    let mut files: Vec<_> =
        files.into_iter().filter(|(path, _)| !path.split('/').any(|name| paths::is_hidden(name.as_bytes()))).collect();
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    let of_format = |path: &str, format| format_of_name(path) == Some(format);
    let preferred = [FileFormat::Parquet, FileFormat::Ipc];
    let preferred = preferred.into_iter().find(|&format| files.iter().any(|(path, _)| of_format(path, format)));
    match (format, preferred) {
        (Some(_), _) if !files.is_empty() => Ok(files),
        (None, Some(preferred)) => {
            files.retain(|(path, _)| of_format(path, preferred));
            Ok(files)
        }
        (Some(_), _) => Err(Error::corpus(source, "there are no files in it, or below it")),
        (None, None) => {
            let reason = match files.len() {
                0 => "there is no *.parquet or *.arrow file in it, or below it; name others by a glob".into(),
                n => {
                    format!("none of the {n} files in it, and below it, is *.parquet or *.arrow; name others by a glob")
                }
            };
            Err(Error::corpus(source, reason))
        }
    }
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

    fn chosen(paths: &[&str], format: Option<FileFormat>) -> Result<Vec<String>> {
        let files = paths.iter().map(|path| ((*path).to_owned(), ())).collect();
        Ok(selected("data", files, format)?.into_iter().map(|(path, ())| path).collect())
    }

    #[test]
    fn hidden_names_are_left_out_at_every_level_and_parquet_comes_first() {
        let paths = ["b.parquet", "a/c.PARQUET", "_x/d.parquet", "a/.y/e.parquet", "a/_f.parquet", "g.arrow", "h.txt"];
        assert_eq!(chosen(&paths, None).unwrap(), ["a/c.PARQUET", "b.parquet"]);
        assert_eq!(chosen(&paths[2..], None).unwrap(), ["g.arrow"]);
        assert_eq!(chosen(&paths[4..], Some(FileFormat::Text)).unwrap(), ["g.arrow", "h.txt"]);
        assert!(chosen(&paths[6..], None).unwrap_err().to_string().contains("none of the 1 files"));
        assert!(chosen(&paths[2..5], None).unwrap_err().to_string().contains("there is no *.parquet"));
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
