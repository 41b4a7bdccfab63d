//! Hive partitions: the values that stand in the names of a dataset's directories, `lang=en/day=2026-11-01/`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::compute::kernels::cast_utils::Parser;
use arrow::datatypes::Date32Type;
use percent_encoding::percent_decode_str;
use polars::prelude::{AnyValue, Column, DataType, PlSmallStr, Scalar};

use crate::error::{Error, Result};

/// What Hive, Spark and Polars write for null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Names and texts of the partition that a file is in, the outermost directory first; `None` is null.
pub(super) type PartitionText = Vec<(String, Option<String>)>;

/// What the directories above a file say, by the file's path below the dataset's root. Values are percent-decoded.
pub(super) fn partition_text(path: &str) -> PartitionText {
    let directories = path.rsplit_once('/').map_or("", |(directories, _)| directories);
    let named = directories.split('/').filter_map(|directory| {
        let (name, value) = directory.split_once('=').filter(|(name, _)| !name.is_empty())?;
        let value = (value != NULL).then(|| percent_decode_str(value).decode_utf8_lossy().into_owned());
        Some((name.to_owned(), value))
    });
    named.collect()
}

/// The partition that a file is in: a value for each name, of the type that the dataset's values have in common.
#[derive(Debug, Clone, Default)]
pub(crate) struct Partition(Arc<[(PlSmallStr, Scalar)]>);

impl Partition {
    /// The partition of each file of a dataset.
    ///
    /// The values of a name are integers, numbers, true and false, or dates (`2026-11-01`) if all of them are, else
    /// strings.
    pub(super) fn of_files(files: &[PartitionText]) -> Vec<Self> {
        let mut types: BTreeMap<&str, Kind> = BTreeMap::new();
        for (name, value) in files.iter().flatten() {
            let kind = types.entry(name).or_insert(Kind::Null);
            *kind = kind.with(value.as_deref().map_or(Kind::Null, Kind::of));
        }
        let mut partitions: Vec<Self> = Vec::with_capacity(files.len());
        for (i, file) in files.iter().enumerate() {
            // Files of one directory stand together.
            let same = i.checked_sub(1).filter(|&before| &files[before] == file);
            partitions.push(match same {
                Some(before) => partitions[before].clone(),
                None => {
                    let value = |(name, value): &(String, Option<String>)| {
                        (PlSmallStr::from_str(name), types[name.as_str()].scalar(value.as_deref()))
                    };
                    Self(file.iter().map(value).collect())
                }
            });
        }
        partitions
    }

    /// The value of a name. Of directories of one name inside each other the innermost counts.
    pub(super) fn value(&self, name: &str) -> Option<&Scalar> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The names that have a value.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// A column for each name, in which each of this many rows has the value of the partition.
    pub(crate) fn columns(&self, rows: usize) -> impl Iterator<Item = Column> {
        let is_innermost = |i: &usize| self.0[i + 1..].iter().all(|(name, _)| *name != self.0[*i].0);
        let named = (0..self.0.len()).filter(is_innermost).map(|i| &self.0[i]);
        named.map(move |(name, value)| Column::new_scalar(name.clone(), value.clone(), rows))
    }

    /// The value of a name as the count of each list; `None` if there is no such name.
    ///
    /// # Errors
    /// [`Error::Corpus`] if it is not a whole number of at least 0.
    pub(super) fn count(&self, name: &str, origin: &str) -> Result<Option<u64>> {
        let Some(value) = self.value(name) else { return Ok(None) };
        match value.value() {
            AnyValue::Int64(count) if *count >= 0 => Ok(Some(count.unsigned_abs())),
            other => {
                let reason = format!("the partition {name:?} is {other}; a count is a whole number of at least 0");
                Err(Error::corpus(origin, reason))
            }
        }
    }
}

/// What all values of a name are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Null,
    Integer,
    Number,
    Boolean,
    Date,
    Text,
}

impl Kind {
    fn of(text: &str) -> Self {
        // Words such as "inf" parse as numbers, and stay words.
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        match text {
            "true" | "false" => Self::Boolean,
            _ if text.parse::<i64>().is_ok() => Self::Integer,
            // Integers beyond 64 bits would lose digits.
            _ if is_number && text.contains(['.', 'e', 'E']) && text.parse::<f64>().is_ok() => Self::Number,
            _ if days_since_1970(text).is_some() => Self::Date,
            _ => Self::Text,
        }
    }

    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Null, kind) | (kind, Self::Null) => kind,
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Self::Number,
            (kind, other) if kind == other => kind,
            _ => Self::Text,
        }
    }

    fn scalar(self, text: Option<&str>) -> Scalar {
        let (data_type, value) = match self {
            Self::Integer => (DataType::Int64, text.and_then(|text| text.parse().ok()).map(AnyValue::Int64)),
            Self::Number => (DataType::Float64, text.and_then(|text| text.parse().ok()).map(AnyValue::Float64)),
            Self::Boolean => (DataType::Boolean, text.map(|text| AnyValue::Boolean(text == "true"))),
            Self::Date => (DataType::Date, text.and_then(days_since_1970).map(AnyValue::Date)),
            Self::Null | Self::Text => {
                (DataType::String, text.map(|text| AnyValue::StringOwned(PlSmallStr::from_str(text))))
            }
        };
        Scalar::new(data_type, value.unwrap_or(AnyValue::Null))
    }
}

/// The day that `YYYY-MM-DD` names.
fn days_since_1970(text: &str) -> Option<i32> {
    let is_date = text.len() == 10
        && text.bytes().enumerate().all(|(i, byte)| match i {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if is_date { Date32Type::parse(text) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(texts: &[&str]) -> Vec<AnyValue<'static>> {
        let files: Vec<PartitionText> =
            texts.iter().map(|text| partition_text(&format!("x={text}/a.parquet"))).collect();
        Partition::of_files(&files).iter().map(|file| file.value("x").unwrap().value().clone()).collect()
    }

    #[test]
    fn the_directories_above_a_file_name_its_partition() {
        let path = "lang=en/no partition/=x/day=2026-11-01/a=b%2Fc%3D%C3%A4=d/n=__HIVE_DEFAULT_PARTITION__/z=1.parquet";
        let text = |text: &str| Some(text.to_owned());
        let expected = [("lang", text("en")), ("day", text("2026-11-01")), ("a", text("b/c=ä=d")), ("n", None)];
        let expected: PartitionText = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(partition_text(path), expected);
        assert!(partition_text("a=1.parquet").is_empty());
    }

    #[test]
    fn the_type_is_what_all_values_of_a_name_are() {
        use AnyValue::{Boolean, Date, Float64, Int64, Null};
        assert_eq!(values(&["01", "-2", "__HIVE_DEFAULT_PARTITION__"]), [Int64(1), Int64(-2), Null]);
        assert_eq!(values(&["1", "2.5", "1e3"]), [Float64(1.0), Float64(2.5), Float64(1000.0)]);
        assert_eq!(values(&["true", "false"]), [Boolean(true), Boolean(false)]);
        assert_eq!(values(&["2026-11-01", "1969-12-31", "2000-02-29"]), [Date(20_758), Date(-1), Date(11_016)]);
        for texts in
            [["1", "en"], ["1", "true"], ["2026-02-30", "2026-02-01"], ["inf", "1"], ["18446744073709551616", "1"]]
        {
            let expected: Vec<AnyValue> = texts.iter().map(|text| AnyValue::StringOwned((*text).into())).collect();
            assert_eq!(values(&texts), expected);
        }
    }

    #[test]
    fn a_column_for_each_name_holds_the_innermost_value() {
        let partition = Partition::of_files(&[partition_text("n=1/day=2026-11-01/n=2/a")]).remove(0);
        let columns: Vec<Column> = partition.columns(3).collect();
        assert_eq!(columns.iter().map(|column| column.name().as_str()).collect::<Vec<_>>(), ["day", "n"]);
        assert!(columns.iter().all(|column| column.len() == 3));
        assert_eq!(columns[1].get(2).unwrap(), AnyValue::Int64(2));
        assert_eq!(Partition::default().columns(3).count(), 0);
    }

    #[test]
    fn a_partition_can_be_a_count() {
        let of = |text: &str| Partition::of_files(&[partition_text(&format!("n={text}/a"))]).remove(0);
        assert_eq!(of("3").count("n", "a").unwrap(), Some(3));
        assert_eq!(of("3").count("m", "a").unwrap(), None);
        for bad in ["-3", "3.5", "three", "__HIVE_DEFAULT_PARTITION__"] {
            assert!(of(bad).count("n", "a").is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_read_without_panic(path in "[=/%a-f0-9\\-.ä]{0,40}") {
            let text = partition_text(&path);
            prop_assert_eq!(Partition::of_files(&[text.clone(), text]).len(), 2);
        }
    }
}
