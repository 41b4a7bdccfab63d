//! What is read of a table: which columns and rows, and how strings become tokens. The expressions are Polars'.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, GenericListArray, RecordBatch, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, filter, filter_record_batch, prep_null_mask_filter};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use polars::prelude::{AggExpr, Column, DataFrame, Expr, FunctionExpr, IntoLazy, PlSmallStr, col, lit};
use polars::sql::sql_expr;

use super::arrow::missing_column;
use super::lists::{check_list_type, is_string};
use super::{Batch, Batches, ListsOf, ReadOptions, Split};
use crate::arrow::polars::{frame, from_polars, series};
use crate::error::{Error, Result};
use crate::process::catch_panic;

/// What is read of a table.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) column: String,
    count_column: Option<String>,
    filter: Option<Filter>,
    split: Option<Split>,
    lowercase: bool,
}

#[derive(Debug, Clone)]
struct Filter {
    expression: Expr,
    columns: Vec<String>,
}

impl Query {
    /// # Errors
    /// [`Error::Parameter`] for a filter that is no SQL expression, or a pattern that is no regular expression.
    pub(super) fn new(options: &ReadOptions) -> Result<Self> {
        if let Some(Split::Regex(pattern)) = &options.split {
            regex::Regex::new(pattern).map_err(|error| Error::parameter("split", error.to_string()))?;
        }
        Ok(Self {
            column: options.column.clone(),
            count_column: options.count_column.clone(),
            filter: options.filter.as_deref().map(Filter::new).transpose()?,
            split: options.split.clone(),
            lowercase: options.lowercase,
        })
    }

    /// The columns of what [`apply`](Self::apply) takes.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.column.as_str()).chain(self.count_column.as_deref())
    }

    /// Whether not all rows are wanted.
    pub(super) fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// The columns of what [`matches`](Self::matches) takes.
    pub(super) fn filter_columns(&self) -> impl Iterator<Item = &str> {
        self.filter.iter().flat_map(|filter| &filter.columns).map(String::as_str)
    }

    /// The columns of either; one that is in both comes twice.
    pub(super) fn read_columns(&self) -> impl Iterator<Item = &str> {
        self.columns().chain(self.filter_columns())
    }

    /// # Errors
    /// [`Error::Parameter`] if it asks for what a source without columns does not have.
    pub(super) fn refuse_columns(&self, name: &str, kind: &str) -> Result<()> {
        let asked = [
            (self.filter.is_some(), "where"),
            (self.count_column.is_some(), "count_column"),
            (self.split.is_some(), "split"),
        ];
        match asked.into_iter().find(|(is_asked, _)| *is_asked) {
            Some((_, option)) => Err(Error::parameter(option, format!("{name} is {kind}, which has no columns"))),
            None => Ok(()),
        }
    }

    /// Lists from a source without columns.
    pub(super) fn of_lists<'a>(&self, lists: ListsOf<'a>) -> Batches<'a> {
        match self.lowercase {
            true => Box::new(lists.map(|lists| Ok(lowercase_lists(&lists?)?.into()))),
            false => Box::new(lists.map(|lists| lists.map(Batch::from))),
        }
    }

    /// # Errors
    /// [`Error::Corpus`] if a column is missing or of the wrong type.
    pub(super) fn check(&self, schema: &Schema, origin: &str) -> Result<()> {
        for name in self.read_columns() {
            schema.column_with_name(name).ok_or_else(|| missing_column(name, schema, origin))?;
        }
        let field = |name: &str| schema.field_with_name(name).map_err(|error| Error::corpus(origin, error.to_string()));
        let tokens = field(&self.column)?.data_type();
        match &self.split {
            Some(_) if is_string(tokens) => {}
            Some(_) => {
                let reason = format!("column {:?} is {tokens}, which cannot be split; expected strings", self.column);
                return Err(Error::corpus(origin, reason));
            }
            None => check_list_type(tokens, &self.column, origin)?,
        }
        if let Some(name) = &self.count_column {
            let counts = field(name)?.data_type();
            if !counts.is_integer() {
                return Err(Error::corpus(origin, format!("column {name:?} is {counts}; expected whole numbers")));
            }
        }
        Ok(())
    }

    /// Which rows of a batch of [`filter_columns`](Self::filter_columns) the filter is true for.
    ///
    /// # Errors
    /// [`Error::Corpus`] if the filter cannot be computed or is no condition.
    pub(super) fn matches(&self, batch: &RecordBatch, origin: &str) -> Result<BooleanArray> {
        let Some(filter) = &self.filter else { return Ok(BooleanArray::from(vec![true; batch.num_rows()])) };
        let failed = |reason: String| Error::corpus(origin, format!("where: {reason}"));
        let frame = frame(batch)?;
        // Some of Polars' functions panic on arguments that cannot be.
        let result = catch_panic(|| evaluate(frame, filter.expression.clone()));
        let result = result.ok_or_else(|| failed("cannot be computed".into()))?.map_err(|error| {
            failed(match error {
                Error::Polars(error) => error.to_string(),
                other => other.to_string(),
            })
        })?;
        match result.as_boolean_opt() {
            // One that Polars finds to be constant is of length one.
            Some(rows) if rows.len() == 1 && batch.num_rows() != 1 => {
                Ok(BooleanArray::from(vec![rows.is_valid(0) && rows.value(0); batch.num_rows()]))
            }
            Some(rows) if rows.null_count() > 0 => Ok(prep_null_mask_filter(rows)),
            Some(rows) => Ok(rows.clone()),
            None => Err(failed(format!("gives {}; expected true or false", result.data_type()))),
        }
    }

    /// Filters a batch that has all columns, and takes its tokens.
    ///
    /// # Errors
    /// As for [`check`](Self::check), [`matches`](Self::matches) and [`apply`](Self::apply).
    pub(super) fn filter_and_apply(&self, batch: &RecordBatch, origin: &str) -> Result<Batch> {
        self.check(&batch.schema(), origin)?;
        if self.filter.is_none() {
            return self.apply(batch, origin);
        }
        let failed = |error: arrow::error::ArrowError| Error::corpus(origin, error.to_string());
        let projected = |names: &mut dyn Iterator<Item = &str>| {
            let places = names.map(|name| batch.schema().index_of(name)).collect::<Result<Vec<_>, _>>()?;
            batch.project(&places)
        };
        let rows = projected(&mut self.filter_columns()).map_err(failed)?;
        let rows = self.matches(&rows, origin)?;
        let batch = projected(&mut self.columns()).and_then(|batch| filter_record_batch(&batch, &rows));
        self.apply(&batch.map_err(failed)?, origin)
    }

    /// Takes the tokens and counts of a batch, whose rows are all wanted.
    ///
    /// # Errors
    /// [`Error::Corpus`] for counts that are null or negative.
    pub(super) fn apply(&self, batch: &RecordBatch, origin: &str) -> Result<Batch> {
        let column =
            |name: &str| batch.column_by_name(name).ok_or_else(|| missing_column(name, &batch.schema(), origin));
        let counts = match &self.count_column {
            Some(name) => Some(counts_of(column(name)?, name, origin)?),
            None => None,
        };
        let failed = |error: Error| Error::corpus(origin, format!("column {:?}: {error}", self.column));
        let tokens = column(&self.column)?;
        let lists = match &self.split {
            Some(split) => self.split_strings(tokens, split).map_err(failed)?,
            None if self.lowercase => lowercase_lists(tokens).map_err(failed)?,
            None => tokens.clone(),
        };
        Ok(Batch { lists, counts })
    }

    fn split_strings(&self, strings: &ArrayRef, split: &Split) -> Result<ArrayRef> {
        let text = series("text", &cast(strings, &DataType::LargeUtf8).map_err(polars_error)?)?;
        let text = DataFrame::new(strings.len(), vec![Column::from(text)])?;
        let expression = if self.lowercase { col("text").str().to_lowercase() } else { col("text") };
        let expression = match split {
            Split::Whitespace => expression.str().extract_all(lit(r"\S+")),
            Split::Regex(pattern) => expression.str().split_regex(lit(pattern.as_str()), true),
        };
        without_empty(&evaluate(text, expression)?)
    }
}

impl Filter {
    fn new(sql: &str) -> Result<Self> {
        let refused = |reason: &str| Error::parameter("where", format!("{sql:?}: {reason}"));
        let expression = catch_panic(|| sql_expr(sql)).ok_or_else(|| refused("Polars cannot read it"))?;
        let expression = expression.map_err(|error| refused(&error.to_string()))?;
        let mut columns: Vec<String> = Vec::new();
        let of_a_row = |node: &Expr| match node {
            Expr::Alias(..) | Expr::Column(_) | Expr::Literal(_) | Expr::BinaryExpr { .. } => true,
            Expr::Cast { .. } | Expr::Ternary { .. } => true,
            // SQL knows no other functions of whole columns that are no aggregates.
            Expr::Function { function, .. } => {
                !matches!(function, FunctionExpr::Correlation { .. } | FunctionExpr::Quantile { .. })
            }
            // The list of an IN.
            Expr::Agg(AggExpr::Implode { input, .. }) => matches!(**input, Expr::Literal(_)),
            _ => false,
        };
        if !expression.into_iter().all(of_a_row) {
            let reason = format!("{sql:?} looks at more than its own row, which is not known while rows are read");
            return Err(Error::parameter("where", reason));
        }
        for node in &expression {
            if let Expr::Column(name) = node
                && !columns.iter().any(|known| known == name.as_str())
            {
                columns.push(name.to_string());
            }
        }
        match columns.is_empty() {
            true => Err(Error::parameter("where", format!("{sql:?} names no column"))),
            false => Ok(Self { expression, columns }),
        }
    }
}

/// An expression over a batch.
fn evaluate(frame: DataFrame, expression: Expr) -> Result<ArrayRef> {
    let result = frame.lazy().select([expression.alias(PlSmallStr::from_static("result"))]).collect()?;
    from_polars(result.column("result")?.as_materialized_series())
}

fn polars_error(error: arrow::error::ArrowError) -> Error {
    Error::Polars(polars::error::PolarsError::ComputeError(error.to_string().into()))
}

/// The greatest count of a list.
const MAX_COUNT: u64 = u32::MAX as u64;

/// How often each list counts.
///
/// # Errors
/// [`Error::Corpus`] for a null or a negative number.
pub(crate) fn counts_of(counts: &ArrayRef, column: &str, origin: &str) -> Result<UInt64Array> {
    let refused = |reason: &str| Error::corpus(origin, format!("column {column:?} {reason}"));
    if counts.null_count() > 0 {
        return Err(refused("has a null; a count is a whole number of at least 0"));
    }
    if !counts.data_type().is_integer() {
        return Err(refused(&format!("is {}; expected whole numbers", counts.data_type())));
    }
    let counts = cast(counts, &DataType::UInt64).map_err(|error| refused(&error.to_string()))?;
    let counts = counts.as_primitive::<UInt64Type>();
    match counts.values().iter().find(|&&count| count > MAX_COUNT) {
        _ if counts.null_count() > 0 => Err(refused("has a negative number; a count is a whole number of at least 0")),
        Some(count) => Err(refused(&format!("has the count {count}; at most {MAX_COUNT} fit"))),
        None => Ok(counts.clone()),
    }
}

/// The same lists of lowercased tokens.
fn lowercase_lists(lists: &ArrayRef) -> Result<ArrayRef> {
    let strings = DataType::LargeList(Arc::new(Field::new("item", DataType::LargeUtf8, true)));
    let lists = cast(lists, &strings).map_err(polars_error)?;
    let lists: &GenericListArray<i64> = lists.as_list();
    // Of a slice only its own tokens.
    let (first, last) = (lists.offsets()[0], lists.offsets()[lists.len()]);
    let values = lists.values().slice(first as usize, (last - first) as usize);
    let offsets = OffsetBuffer::new(lists.offsets().iter().map(|offset| offset - first).collect());
    let text = DataFrame::new(values.len(), vec![Column::from(series("text", &values)?)])?;
    let values = evaluate(text, col("text").str().to_lowercase())?;
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    Ok(Arc::new(GenericListArray::new(item, offsets, values, lists.nulls().cloned())))
}

/// The lists without their empty strings.
fn without_empty(lists: &ArrayRef) -> Result<ArrayRef> {
    let lists: &GenericListArray<i64> = lists.as_list();
    let values = cast(lists.values(), &DataType::LargeUtf8).map_err(polars_error)?;
    let is_full: BooleanArray =
        values.as_string::<i64>().iter().map(|s| Some(s.is_some_and(|s| !s.is_empty()))).collect();
    if is_full.true_count() == values.len() {
        return Ok(Arc::new(lists.clone()));
    }
    let mut before = Vec::with_capacity(values.len() + 1);
    before.push(0);
    let mut count = 0;
    before.extend(is_full.values().iter().map(|is_full| {
        count += i64::from(is_full);
        count
    }));
    let offsets: Vec<i64> = lists.offsets().iter().map(|offset| before[*offset as usize]).collect();
    let values = filter(&values, &is_full).map_err(polars_error)?;
    let item = Arc::new(Field::new("item", DataType::LargeUtf8, true));
    Ok(Arc::new(GenericListArray::new(item, OffsetBuffer::new(offsets.into()), values, lists.nulls().cloned())))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn table() -> RecordBatch {
        let text = StringArray::from(vec![Some(" The  cat, The end"), None, Some(""), Some("ÄPFEL und")]);
        let n = Int64Array::from(vec![1, 2, 3, 4]);
        RecordBatch::try_from_iter([("text", Arc::new(text) as ArrayRef), ("n", Arc::new(n) as ArrayRef)]).unwrap()
    }

    fn tokens(options: &ReadOptions) -> (Vec<Vec<String>>, Option<UInt64Array>) {
        let batch = Query::new(options).unwrap().filter_and_apply(&table(), "table").unwrap();
        let lists =
            cast(&batch.lists, &DataType::LargeList(Arc::new(Field::new("item", DataType::LargeUtf8, true)))).unwrap();
        let sentences = lists
            .as_list::<i64>()
            .iter()
            .flatten()
            .map(|words| words.as_string::<i64>().iter().flatten().map(str::to_owned).collect());
        (sentences.collect(), batch.counts)
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
            let options = ReadOptions {
                filter: Some(filter.into()),
                split: Some(Split::Whitespace),
                ..ReadOptions::column("text")
            };
            Query::new(&options).and_then(|query| query.filter_and_apply(&table(), "table").map(drop))
        };
        let of_columns = ["CORR(n, n) > 0", "COVAR(n, n) > 0", "COVAR_POP(n, n) > 0", "QUANTILE_CONT(n, 0.5) > n"];
        for filter in of_columns {
            let error = query(filter).unwrap_err().to_string();
            assert!(error.contains("looks at more than its own row"), "{filter}: {error}");
        }
        let unknown = ["n + INTERVAL '1 foo' > 2", "CAST(n AS DECIMAL(99,0)) = 1"];
        for filter in ["n >", "1 = 1", "n + 1", "m > 2", "text > n + 1"].into_iter().chain(unknown) {
            let error = query(filter).unwrap_err().to_string();
            assert!(error.contains("where") || error.contains("no column \"m\""), "{filter}: {error}");
        }
    }

    #[test]
    fn counts_are_whole_and_not_negative() {
        for bad in [Int64Array::from(vec![Some(1), None]), Int64Array::from(vec![Some(-1)])] {
            assert!(counts_of(&(Arc::new(bad) as ArrayRef), "n", "table").is_err());
        }
    }
}
