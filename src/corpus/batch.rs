//! What a corpus gives: batches of token lists, part by part.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt64Array};
use arrow::compute::{cast, filter};
use arrow::datatypes::{DataType, Field, UInt64Type};

use super::list_type::{check_list_type, is_null, is_void};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// Token lists in independent parts that can each be read again.
///
/// A list column may be List, LargeList, ListView, LargeListView or FixedSizeList, of Utf8, LargeUtf8, Utf8View or
/// integers of any width, which stay integers, or of a dictionary of those. Null lists and null tokens are skipped, so
/// a column or items of the type Null are no tokens. Binary items are strings whose writer did not say so: UTF-8.
pub trait Corpus: Send + Sync {
    /// The number of parts: row groups, record batches, pieces of a text; or 1.
    fn parts(&self) -> usize;

    /// Reads one part, in order. Parts are asked for from the first to the last, by several threads if they may be.
    ///
    /// # Errors
    /// [`Error::Corpus`](crate::Error::Corpus), [`Error::Io`](crate::Error::Io),
    /// [`Error::Interrupted`](crate::Error::Interrupted), or what the caller's own source raises.
    fn read(&self, part: usize, progress: &Progress) -> Result<Batches<'_>>;

    /// What to call a part in a message: "part-0.parquet, row group 3".
    fn origin(&self, part: usize) -> String;

    /// The column's name.
    fn column(&self) -> &str;

    /// True if parts may be read on any thread at once. A source that is one object's iterator says no.
    fn is_parallel(&self) -> bool {
        true
    }

    /// The files that it reads, if it is one of files.
    fn inputs(&self) -> Vec<Input> {
        Vec::new()
    }
}

/// A file of a corpus.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Input {
    /// Its path or URL.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// Batches, one after the other.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<Batch>> + Send + 'a>;

/// The greatest count of a list.
const MAX_COUNT: u64 = u32::MAX as u64;

/// Token lists, of a type that can be read, and how often each counts.
#[derive(Debug, Clone)]
pub struct Batch {
    pub(super) lists: ArrayRef,
    /// A count for each list, without nulls and at most [`MAX_COUNT`].
    pub(super) counts: Option<UInt64Array>,
}

impl Batch {
    /// Checks a list column, and the counts of its lists; without counts each list counts once. `column` and `origin`
    /// name them in errors.
    ///
    /// # Errors
    /// [`Error::Corpus`] if `lists` is not a [list column](Corpus), or a count is missing, null or above 2³² − 1.
    pub fn new(lists: ArrayRef, counts: Option<UInt64Array>, column: &str, origin: &str) -> Result<Self> {
        check_list_type(lists.data_type(), column, origin)?;
        if let Some(counts) = &counts {
            let refused = |reason: String| Err(Error::corpus(origin, reason));
            if counts.len() != lists.len() {
                return refused(format!("has {} lists, but {} counts", lists.len(), counts.len()));
            }
            if counts.null_count() > 0 {
                return refused("has a null count; a count is a whole number of at least 0".into());
            }
            if let Some(count) = counts.values().iter().find(|&&count| count > MAX_COUNT) {
                return refused(format!("has the count {count}; at most {MAX_COUNT} fit"));
            }
        }
        if is_void(lists.data_type()) {
            return Ok(Self::empty());
        }
        Ok(Self { lists, counts })
    }

    /// No lists.
    pub(super) fn empty() -> Self {
        Self {
            lists: Arc::new(ListArray::new_null(Arc::new(Field::new_list_field(DataType::Utf8, true)), 0)),
            counts: None,
        }
    }

    /// A list column.
    pub fn lists(&self) -> &ArrayRef {
        &self.lists
    }

    /// How often each list stands in the corpus; once if there are no counts.
    pub fn counts(&self) -> Option<&UInt64Array> {
        self.counts.as_ref()
    }

    /// The lists for which `is_kept` is true, with their counts.
    pub(super) fn filter(&self, is_kept: &BooleanArray) -> Result<Self> {
        let filtered =
            |column: &dyn Array| filter(column, is_kept).map_err(|error| Error::corpus("corpus", error.to_string()));
        let counts = match &self.counts {
            Some(counts) => Some(filtered(counts)?.as_primitive::<UInt64Type>().clone()),
            None => None,
        };
        Ok(Self { lists: filtered(self.lists.as_ref())?, counts })
    }

    /// The first lists, with their counts.
    pub(super) fn first(&self, lists: usize) -> Self {
        let counts = self.counts.as_ref().map(|counts| counts.slice(0, lists));
        Self { lists: self.lists.slice(0, lists), counts }
    }
}

/// A column of counts, of whatever integer type.
///
/// # Errors
/// [`Error::Corpus`] for another type, a null, or a number that is negative or above 2³² − 1.
pub(super) fn counts_of(counts: &ArrayRef, column: &str, origin: &str) -> Result<UInt64Array> {
    let refused = |reason: &str| Error::corpus(origin, format!("column {column:?} {reason}"));
    if counts.logical_null_count() > 0 {
        return Err(refused("has a null; a count is a whole number of at least 0"));
    }
    check_count_type(counts.data_type(), column, origin)?;
    let counts = cast(counts, &DataType::UInt64).map_err(|error| refused(&error.to_string()))?;
    let counts = counts.as_primitive::<UInt64Type>();
    match counts.values().iter().find(|&&count| count > MAX_COUNT) {
        _ if counts.null_count() > 0 => Err(refused("has a negative number; a count is a whole number of at least 0")),
        Some(count) => Err(refused(&format!("has the count {count}; at most {MAX_COUNT} fit"))),
        None => Ok(counts.clone()),
    }
}

/// # Errors
/// [`Error::Corpus`] if a column of this type holds no counts. That of a file without rows may be of the type Null.
pub(super) fn check_count_type(found: &DataType, column: &str, origin: &str) -> Result<()> {
    match found.is_integer() || is_null(found) {
        true => Ok(()),
        false => Err(Error::corpus(origin, format!("column {column:?} is {found}; expected whole numbers"))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, ListBuilder, StringArray, StringBuilder};

    use super::*;

    #[test]
    fn counts_are_whole_and_not_negative() {
        for bad in [Int64Array::from(vec![Some(1), None]), Int64Array::from(vec![-1]), Int64Array::from(vec![1 << 32])]
        {
            assert!(counts_of(&(Arc::new(bad) as ArrayRef), "n", "table").is_err());
        }
        assert!(counts_of(&(Arc::new(StringArray::from(vec!["1"])) as ArrayRef), "n", "table").is_err());
    }

    #[test]
    fn a_batch_is_checked_when_it_is_made() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value(["to", "be"].map(Some));
        let lists: ArrayRef = Arc::new(lists.finish());
        let made = |lists: &ArrayRef, counts: Option<Vec<Option<u64>>>| {
            Batch::new(lists.clone(), counts.map(UInt64Array::from), "tokens", "table")
        };
        assert!(made(&lists, None).is_ok());
        assert!(made(&lists, Some(vec![Some(2)])).is_ok());
        for counts in [vec![], vec![None], vec![Some(1 << 32)]] {
            assert!(made(&lists, Some(counts)).is_err());
        }
        let text: ArrayRef = Arc::new(StringArray::from(vec!["to be"]));
        assert!(made(&text, None).unwrap_err().to_string().contains("Split it first"));
    }
}
