//! What is read of a table: which columns and rows, and how strings become tokens. A query is resolved once for each
//! schema; after that no name is looked up.

use std::fmt::Display;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::filter;
use arrow::datatypes::{Fields, Schema};
use arrow::error::ArrowError;

use super::batch::{Batch, Batches, check_count_type, counts_of};
use super::columns::ColumnPath;
use super::condition::{Condition, RowFilter};
use super::list_type::{check_list_type, is_text, is_void};
use super::options::{ReadOptions, Split};
use super::partitions::Partition;
use super::tokens::{decoded, lowercase_lists, split_strings};
use crate::error::{Error, Result};

/// What is read of a table.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    column: String,
    count_column: Option<String>,
    condition: Option<Condition>,
    split: Option<Split>,
    lowercase: bool,
}

/// Lists of sentences that all count once.
pub(super) type ListsOf<'a> = Box<dyn Iterator<Item = Result<ArrayRef>> + Send + 'a>;

impl Query {
    /// # Errors
    /// [`Error::Parameter`] for a filter that is not a condition, or a pattern that is not a regular expression.
    pub(crate) fn new(options: &ReadOptions) -> Result<Self> {
        if let Some(Split::Regex(pattern)) = &options.split {
            regex::Regex::new(pattern).map_err(|error| Error::parameter("split", error.to_string()))?;
        }
        Ok(Self {
            column: options.column.clone(),
            count_column: options.count_column.clone(),
            condition: options.filter.as_deref().map(Condition::new).transpose()?,
            split: options.split.clone(),
            lowercase: options.lowercase,
        })
    }

    /// The columns of tokens and counts, as the user names them.
    #[cfg(feature = "python")]
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.column.as_str()).chain(self.count_column.as_deref())
    }

    /// The condition on rows.
    pub(super) fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// # Errors
    /// [`Error::Parameter`] if it asks for what a source without columns does not have.
    pub(super) fn refuse_columns(&self, partition: &Partition, name: &str, kind: &str) -> Result<()> {
        let is_filtered = self.condition.as_ref().is_some_and(|condition| !condition.is_decided(partition));
        let asked =
            [(is_filtered, "where"), (self.count_column.is_some(), "count_column"), (self.split.is_some(), "split")];
        match asked.into_iter().find(|(is_asked, _)| *is_asked) {
            Some((_, option)) => Err(Error::parameter(option, format!("{name} is {kind}, which has no columns"))),
            None => Ok(()),
        }
    }

    /// Lists from a source without columns.
    pub(super) fn of_lists<'a>(&'a self, lists: ListsOf<'a>, origin: String) -> Batches<'a> {
        Box::new(lists.map(move |lists| {
            let lists = if self.lowercase { lowercase_lists(&lists?, &self.column, &origin)? } else { lists? };
            Batch::new(lists, None, &self.column, &origin)
        }))
    }

    /// The query over tables of this schema, in a file of this partition.
    ///
    /// # Errors
    /// [`Error::Corpus`] if a column is missing or of the wrong type.
    pub(super) fn resolve(&self, schema: &Schema, partition: &Partition, origin: &str) -> Result<ResolvedQuery> {
        let filter = match &self.condition {
            Some(condition) => condition.resolve(schema, partition, origin)?,
            None => None,
        };
        Ok(ResolvedQuery { columns: self.resolve_columns(schema.fields(), partition, origin)?, filter })
    }

    /// The columns of tokens and counts in tables of these fields.
    ///
    /// # Errors
    /// [`Error::Corpus`] if a column is missing or of the wrong type.
    pub(crate) fn resolve_columns(
        &self,
        fields: &Fields,
        partition: &Partition,
        origin: &str,
    ) -> Result<ResolvedColumns> {
        let tokens = ColumnPath::find(&self.column, fields, origin)?;
        let found = tokens.data_type(fields);
        match &self.split {
            Some(_) if is_text(found) => {}
            Some(_) => {
                let reason = format!("column {:?} is {found}, which cannot be split; expected strings", self.column);
                return Err(Error::corpus(origin, reason));
            }
            None => check_list_type(found, &self.column, origin)?,
        }
        let is_void = is_void(found);
        let counts = match &self.count_column {
            None => Counts::None,
            Some(name) => match partition.count(name, origin)? {
                Some(count) => Counts::Constant(count),
                None => {
                    let path = ColumnPath::find(name, fields, origin)?;
                    check_count_type(path.data_type(fields), name, origin)?;
                    Counts::Column(path, name.clone())
                }
            },
        };
        let (column, split, lowercase) = (self.column.clone(), self.split.clone(), self.lowercase);
        Ok(ResolvedColumns { tokens, is_void, counts, column, split, lowercase })
    }
}

/// A query over tables of one schema.
#[derive(Debug, Clone)]
pub(super) struct ResolvedQuery {
    pub(super) columns: ResolvedColumns,
    pub(super) filter: Option<RowFilter>,
}

impl ResolvedQuery {
    /// The tokens and counts of the rows that are wanted.
    ///
    /// # Errors
    /// [`Error::Corpus`] if the condition cannot be computed, or for counts that are null or negative.
    pub(super) fn read(&self, batch: &RecordBatch, origin: &str) -> Result<Batch> {
        let Some(row_filter) = &self.filter else { return self.columns.read(batch.columns(), origin) };
        let failed = |error: ArrowError| Error::corpus(origin, error.to_string());
        let rows = row_filter.matches(&batch.project(&row_filter.columns).map_err(failed)?, origin)?;
        self.columns.read_with(batch.columns(), origin, |column| filter(column, &rows))
    }
}

/// The columns of tokens and counts in tables of one schema.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedColumns {
    tokens: ColumnPath,
    /// True if by its type the column can hold no tokens.
    is_void: bool,
    counts: Counts,
    column: String,
    split: Option<Split>,
    lowercase: bool,
}

#[derive(Debug, Clone)]
enum Counts {
    None,
    Column(ColumnPath, String),
    /// From the file's partition.
    Constant(u64),
}

impl ResolvedColumns {
    /// Where the tokens stand.
    pub(super) fn tokens(&self) -> &ColumnPath {
        &self.tokens
    }

    /// True if by its type the column can hold no tokens: its rows need not be read.
    pub(super) fn is_void(&self) -> bool {
        self.is_void
    }

    /// Where all that is read stands.
    pub(super) fn paths(&self) -> impl Iterator<Item = &ColumnPath> {
        let counts = match &self.counts {
            Counts::Column(path, _) => Some(path),
            _ => None,
        };
        std::iter::once(&self.tokens).chain(counts)
    }

    /// The tokens and counts of all rows of a table.
    ///
    /// # Errors
    /// [`Error::Corpus`] for counts that are null or negative.
    pub(crate) fn read(&self, columns: &[ArrayRef], origin: &str) -> Result<Batch> {
        self.read_with(columns, origin, |column| Ok(column.clone()))
    }

    /// The tokens and counts of what `take` leaves of a column.
    fn read_with(
        &self,
        columns: &[ArrayRef],
        origin: &str,
        take: impl Fn(&ArrayRef) -> Result<ArrayRef, ArrowError>,
    ) -> Result<Batch> {
        if self.is_void {
            return Ok(Batch::empty());
        }
        let failed = |error: &dyn Display| Error::corpus(origin, format!("column {:?}: {error}", self.column));
        let column = |path: &ColumnPath| path.values(columns).and_then(|values| take(&values));
        let tokens = column(&self.tokens).map_err(|error| failed(&error))?;
        let counts = match &self.counts {
            Counts::None => None,
            Counts::Column(path, name) => {
                Some(counts_of(&column(path).map_err(|error| failed(&error))?, name, origin)?)
            }
            Counts::Constant(count) => Some(UInt64Array::from(vec![*count; tokens.len()])),
        };
        let lists = match &self.split {
            Some(split) => {
                let strings = decoded(tokens, &self.column, origin)?;
                split_strings(&strings, split, self.lowercase).map_err(|error| failed(&error))?
            }
            None if self.lowercase => lowercase_lists(&tokens, &self.column, origin)?,
            None => tokens,
        };
        Batch::new(lists, counts, &self.column, origin)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array, NullArray, StringArray};
    use arrow::compute::cast;
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn table() -> RecordBatch {
        let text = StringArray::from(vec![Some(" The  cat, The end"), None, Some(""), Some("ÄPFEL und")]);
        let n = Int64Array::from(vec![1, 2, 3, 4]);
        RecordBatch::try_from_iter([("text", Arc::new(text) as ArrayRef), ("n", Arc::new(n) as ArrayRef)]).unwrap()
    }

    fn read(options: &ReadOptions) -> Result<Batch> {
        let query = Query::new(options)?;
        query.resolve(&table().schema(), &Partition::default(), "table")?.read(&table(), "table")
    }

    fn tokens(options: &ReadOptions) -> (Vec<Vec<String>>, Option<UInt64Array>) {
        let batch = read(options).unwrap();
        let lists =
            cast(batch.lists(), &DataType::LargeList(Arc::new(Field::new("item", DataType::LargeUtf8, true)))).unwrap();
        let sentences = lists
            .as_list::<i64>()
            .iter()
            .flatten()
            .map(|words| words.as_string::<i64>().iter().flatten().map(str::to_owned).collect());
        (sentences.collect(), batch.counts().cloned())
    }

    #[test]
    fn strings_are_split_and_lowercased_and_give_no_empty_tokens() {
        let options = ReadOptions { split: Some(Split::Whitespace), ..ReadOptions::column("text") };
        assert_eq!(tokens(&options).0, [vec!["The", "cat,", "The", "end"], vec![], vec!["ÄPFEL", "und"]]);
        let options =
            ReadOptions { split: Some(Split::Regex(r"[\s,]+".into())), lowercase: true, ..ReadOptions::column("text") };
        assert_eq!(tokens(&options).0, [vec!["the", "cat", "the", "end"], vec![], vec!["äpfel", "und"]]);
    }

    #[test]
    fn bytes_are_split_as_strings_are_and_a_column_of_nulls_gives_nothing() {
        let text = cast(table().column(0), &DataType::Binary).unwrap();
        let counts: ArrayRef = Arc::new(NullArray::new(4));
        let nulls: ArrayRef = Arc::new(NullArray::new(4));
        let options = ReadOptions { split: Some(Split::Whitespace), ..ReadOptions::column("text") };
        let read = |options: &ReadOptions, text: &ArrayRef| {
            let table = RecordBatch::try_from_iter([("text", text.clone()), ("n", counts.clone())]).unwrap();
            let query = Query::new(options).unwrap();
            query.resolve(&table.schema(), &Partition::default(), "table").and_then(|query| query.read(&table, "table"))
        };
        let words = read(&options, &text).unwrap();
        let words = words.lists().as_list::<i64>().values().as_string::<i64>().iter().flatten().collect::<Vec<_>>();
        assert_eq!(words, ["The", "cat,", "The", "end", "ÄPFEL", "und"]);
        let counted = ReadOptions { count_column: Some("n".into()), ..options };
        assert!(read(&counted, &text).unwrap_err().to_string().contains("has a null"));
        assert_eq!(read(&counted, &nulls).unwrap().lists().len(), 0);
        assert_eq!(read(&ReadOptions { split: None, ..counted }, &nulls).unwrap().lists().len(), 0);
    }

    #[test]
    fn rows_are_filtered_with_their_counts() {
        let options = ReadOptions {
            split: Some(Split::Whitespace),
            filter: Some("n > 1 AND text IS NOT NULL".into()),
            count_column: Some("n".into()),
            ..ReadOptions::column("text")
        };
        let (sentences, counts) = tokens(&options);
        assert_eq!(sentences, [vec![], vec!["ÄPFEL", "und"]]);
        assert_eq!(counts.unwrap().values(), &[3, 4]);
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        let query = |filter: &str| {
            read(&ReadOptions {
                filter: Some(filter.into()),
                split: Some(Split::Whitespace),
                ..ReadOptions::column("text")
            })
            .map(drop)
        };
        let of_columns = ["CORR(n, n) > 0", "COVAR(n, n) > 0", "COVAR_POP(n, n) > 0", "QUANTILE_CONT(n, 0.5) > n"];
        for filter in of_columns {
            let error = query(filter).unwrap_err().to_string();
            assert!(error.contains("looks at more than its own row"), "{filter}: {error}");
        }
        let unknown = ["n + INTERVAL '1 foo' > 2", "CAST(n AS DECIMAL(99,0)) = 1"];
        for filter in ["n >", "1 = 1", "n + 1", "m > 2", "text > n + 1"].into_iter().chain(unknown) {
            let error = query(filter).unwrap_err().to_string();
            assert!(error.contains("where"), "{filter}: {error}");
        }
    }
}
