//! Which rows are read: a Polars SQL expression over the columns of a table and of the dataset's partitions.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::prep_null_mask_filter;
use arrow::datatypes::{DataType as ArrowType, Schema, TimeUnit as ArrowUnit};
use polars::prelude::{
    AggExpr, BooleanFunction, Column, DataFrame, DataType, Expr, FunctionExpr, IntoLazy, IntoSeries, LiteralValue,
    NamedFrom, PlSmallStr, PolarsError, PolarsResult, Series, SpecialEq, StringChunked, StrptimeOptions, TimeUnit,
    TimeZone, col, lit,
};
use polars::sql::sql_expr;

use super::partitions::Partition;
use super::tokens::evaluate;
use crate::arrow::polars::frame;
use crate::error::{Error, Result, one_line};
use crate::process::catch_panic;

/// A condition on rows.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    expression: Expr,
    columns: Vec<String>,
}

impl Condition {
    /// # Errors
    /// [`Error::Parameter`] for text that is not an SQL expression, names no column, or looks at more than one row.
    pub(super) fn new(sql: &str) -> Result<Self> {
        let refused = |reason: &str| Error::parameter("where", format!("{sql:?}: {reason}"));
        let expression = catch_panic(|| sql_expr(sql)).ok_or_else(|| refused("Polars cannot read it"))?;
        let expected = "expected an SQL condition, as in lang = 'en' AND day >= '2026-11-01'";
        let expression = expression.map_err(|error| refused(&format!("{}; {expected}", one_line(&error))))?;
        if !expression.into_iter().all(is_of_a_row) {
            return Err(refused("looks at more than its own row, which is not known while rows are read"));
        }
        let columns = columns_of(&expression);
        match columns.is_empty() {
            true => Err(refused("names no column")),
            false => Ok(Self { expression, columns }),
        }
    }

    /// The columns that it names, each once.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str)
    }

    /// The condition over the partitions of a dataset: text that a date is compared with is read as a date.
    ///
    /// # Errors
    /// What Polars says about text that is not a date.
    pub(super) fn over_partitions(&self, types: &dyn Fn(&str) -> Option<DataType>) -> PolarsResult<Expr> {
        with_dates(self.expression.clone(), types)
    }

    /// The condition over a table of this schema, in a file of this partition, whose values come before the file's own;
    /// `None` if the partition decides it.
    ///
    /// # Errors
    /// [`Error::Corpus`] if a column is in neither, or is compared with text that is not a date.
    pub(super) fn resolve(&self, schema: &Schema, partition: &Partition, origin: &str) -> Result<Option<RowFilter>> {
        if self.is_decided(partition) {
            return Ok(None);
        }
        let mut columns = Vec::new();
        for name in &self.columns {
            if partition.value(name).is_none() {
                columns.push(schema.index_of(name).map_err(|_| {
                    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                    let names: Vec<&str> = names.into_iter().chain(partition.names()).collect();
                    Error::corpus(origin, format!("where: there is no column {name:?}; it has {names:?}"))
                })?);
            }
        }
        let data_type = |name: &str| match partition.value(name) {
            Some(value) => Some(value.dtype().clone()),
            None => temporal_type(schema.field_with_name(name).ok()?.data_type()),
        };
        let expression = with_dates(self.expression.clone(), &data_type);
        let expression = expression.map_err(|error| refused(origin, &one_line(&error)))?;
        let expression = expression.map_expr(|node| match &node {
            Expr::Column(name) => match partition.value(name) {
                Some(value) => Expr::Literal(LiteralValue::Scalar(value.clone())),
                None => node,
            },
            _ => node,
        });
        Ok(Some(RowFilter { expression, columns }))
    }

    /// True if all its columns are the partition's. Then it is true of all rows, as other files are not opened.
    pub(super) fn is_decided(&self, partition: &Partition) -> bool {
        self.columns.iter().all(|name| partition.value(name).is_some())
    }
}

/// A condition over the tables of one schema.
#[derive(Debug, Clone)]
pub(super) struct RowFilter {
    pub(super) expression: Expr,
    /// The indices in the schema of the columns that it looks at.
    pub(super) columns: Vec<usize>,
}

impl RowFilter {
    /// The rows of a table for which it is true, by the names of the table's columns.
    ///
    /// # Errors
    /// [`Error::Corpus`] if it cannot be computed or is not a condition.
    pub(super) fn matches(&self, batch: &RecordBatch, origin: &str) -> Result<BooleanArray> {
        are_true(frame(batch)?, self.expression.clone(), origin)
    }
}

/// The rows for which an expression is true.
///
/// # Errors
/// [`Error::Corpus`] if it cannot be computed or is not a condition.
pub(super) fn are_true(frame: DataFrame, expression: Expr, origin: &str) -> Result<BooleanArray> {
    let rows = frame.height();
    // Some of Polars' functions panic on arguments that cannot be.
    let named = columns_of(&expression);
    let columns = frame.columns().iter().filter(|column| named.iter().any(|name| name == column.name().as_str()));
    let types: Vec<String> = columns.map(|column| format!("{} is {}", column.name(), column.dtype())).collect();
    let failed = |reason: &str| {
        let advice = "CAST(column AS TYPE) makes another type of a column";
        refused(origin, &format!("{reason} ({}; {advice})", types.join(", ")))
    };
    let result = catch_panic(|| evaluate(frame, expression)).ok_or_else(|| failed("cannot be computed"))?;
    let result = result.map_err(|error| match error {
        Error::Polars(error) => failed(&one_line(&error)),
        other => failed(&one_line(&other)),
    })?;
    match result.as_boolean_opt() {
        // One that Polars finds to be constant is of length one.
        Some(result) if result.len() == 1 && rows != 1 => {
            Ok(BooleanArray::from(vec![result.is_valid(0) && result.value(0); rows]))
        }
        Some(result) if result.null_count() > 0 => Ok(prep_null_mask_filter(result)),
        Some(result) => Ok(result.clone()),
        // Of a column without values.
        None if *result.data_type() == ArrowType::Null => Ok(BooleanArray::from(vec![false; rows])),
        None => Err(refused(origin, &format!("gives {}; expected true or false", result.data_type()))),
    }
}

fn refused(origin: &str, reason: &str) -> Error {
    Error::corpus(origin, format!("where: {reason}"))
}

/// True if a node of an expression looks at one row alone.
fn is_of_a_row(node: &Expr) -> bool {
    match node {
        Expr::Alias(..) | Expr::Column(_) | Expr::Literal(_) | Expr::BinaryExpr { .. } => true,
        Expr::Cast { .. } | Expr::Ternary { .. } => true,
        // All other functions of whole columns in SQL are aggregates.
        Expr::Function { function, .. } => {
            !matches!(function, FunctionExpr::Correlation { .. } | FunctionExpr::Quantile { .. })
        }
        // The list of an IN.
        Expr::Agg(AggExpr::Implode { input, .. }) => matches!(**input, Expr::Literal(_)),
        _ => false,
    }
}

/// The columns that an expression names, each once.
pub(super) fn columns_of(expression: &Expr) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for node in expression {
        if let Expr::Column(name) = node
            && !columns.iter().any(|known| known == name.as_str())
        {
            columns.push(name.to_string());
        }
    }
    columns
}

/// Polars' type of a column of dates or times.
fn temporal_type(found: &ArrowType) -> Option<DataType> {
    match found {
        ArrowType::Date32 | ArrowType::Date64 => Some(DataType::Date),
        ArrowType::Timestamp(unit, zone) => {
            let unit = match unit {
                ArrowUnit::Nanosecond => TimeUnit::Nanoseconds,
                ArrowUnit::Microsecond => TimeUnit::Microseconds,
                _ => TimeUnit::Milliseconds,
            };
            let zone = TimeZone::opt_try_new(zone.as_deref().map(PlSmallStr::from_str)).ok()?;
            Some(DataType::Datetime(unit, zone))
        }
        ArrowType::Time32(_) | ArrowType::Time64(_) => Some(DataType::Time),
        _ => None,
    }
}

/// Reads text that a column of dates or times is compared with as such, as Polars does where it knows the schema.
fn with_dates(expression: Expr, types: &dyn Fn(&str) -> Option<DataType>) -> PolarsResult<Expr> {
    let temporal = |node: &Expr| match node {
        Expr::Column(name) => types(name).filter(DataType::is_temporal),
        _ => None,
    };
    expression.try_map_expr(|node| match node {
        Expr::BinaryExpr { left, op, right } if op.is_comparison() => {
            let (of_left, of_right) = (temporal(&left), temporal(&right));
            let read = |side: Arc<Expr>, data_type: Option<DataType>| match (text_of(&side), data_type) {
                (Some(text), Some(data_type)) => read_date(text, &data_type).map(Arc::new),
                _ => Ok(side),
            };
            Ok(Expr::BinaryExpr { left: read(left, of_right)?, op, right: read(right, of_left)? })
        }
        Expr::Function { mut input, function: function @ FunctionExpr::Boolean(BooleanFunction::IsIn { .. }) } => {
            if let [column, Expr::Agg(AggExpr::Implode { input: list, maintain_order })] = input.as_slice()
                && let Some(data_type) = temporal(column)
                && let Expr::Literal(LiteralValue::Series(values)) = list.as_ref()
                && values.dtype() == &DataType::String
            {
                let values = LiteralValue::Series(SpecialEq::new(read_dates(values, &data_type)?));
                let (list, maintain_order) = (Arc::new(Expr::Literal(values)), *maintain_order);
                input[1] = Expr::Agg(AggExpr::Implode { input: list, maintain_order });
            }
            Ok(Expr::Function { input, function })
        }
        // DATE '2026-11-01' and TIMESTAMP '2026-11-01 12:00'.
        Expr::Cast { expr, dtype, options } => match (text_of(&expr), dtype.as_literal()) {
            (Some(text), Some(data_type @ (DataType::Date | DataType::Datetime(..) | DataType::Time))) => {
                read_date(text, data_type)
            }
            _ => Ok(Expr::Cast { expr, dtype, options }),
        },
        other => Ok(other),
    })
}

fn text_of(node: &Expr) -> Option<&str> {
    match node {
        Expr::Literal(value) => value.extract_str(),
        _ => None,
    }
}

/// An expression for the date or time that a text means.
fn read_date(text: &str, data_type: &DataType) -> PolarsResult<Expr> {
    let name = PlSmallStr::from_static("text");
    read_dates(&Series::new(name, [text]), data_type).map(drop)?;
    Ok(read_iso(lit(iso_text(text, data_type)), data_type))
}

/// The dates or times that texts mean.
///
/// # Errors
/// The first text that means none, and how to write one.
fn read_dates(texts: &Series, data_type: &DataType) -> PolarsResult<Series> {
    let read = |texts: &Series| -> PolarsResult<Series> {
        let name = texts.name().clone();
        let iso = texts.str()?.iter().map(|text| text.map(|text| iso_text(text, data_type)));
        let iso = iso.collect::<StringChunked>().into_series().with_name(name.clone());
        let table = DataFrame::new(iso.len(), vec![Column::from(iso)])?;
        let dates = table.lazy().select([read_iso(col(name.clone()), data_type)]).collect()?;
        Ok(dates.column(&name)?.as_materialized_series().clone())
    };
    read(texts).map_err(|error| {
        let unread = (0..texts.len()).find(|&i| read(&texts.slice(i as i64, 1)).is_err());
        let Some(text) = unread.and_then(|i| texts.str().ok()?.get(i)) else { return error };
        let expected = match data_type {
            DataType::Time => "a time; write it as '12:30' or '12:30:05'",
            DataType::Date => "a date; write it as '2026-11-01'",
            _ => "a date or time; write it as '2026-11-01' or '2026-11-01 12:30:05'",
        };
        PolarsError::ComputeError(format!("{text:?} is not {expected}").into())
    })
}

/// The text as ISO 8601 has it: for a time, a date is its midnight.
fn iso_text(text: &str, data_type: &DataType) -> String {
    match data_type {
        DataType::Datetime(..) if text.len() == 10 => format!("{text}T00:00:00"),
        DataType::Datetime(..) => text.replacen(' ', "T", 1),
        DataType::Time if text.len() == 5 => format!("{text}:00"),
        _ => text.to_owned(),
    }
}

fn read_iso(text: Expr, data_type: &DataType) -> Expr {
    let options = StrptimeOptions { strict: true, ..StrptimeOptions::default() };
    match data_type {
        DataType::Datetime(unit, zone) => text.str().to_datetime(Some(*unit), zone.clone(), options, lit("latest")),
        DataType::Date => text.str().to_date(options),
        DataType::Time => text.str().to_time(options),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Date32Array, Time64MicrosecondArray, TimestampMicrosecondArray};

    use super::*;

    fn rows(sql: &str) -> Result<Vec<bool>> {
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(20_000), Some(20_001), None]));
        let times: ArrayRef =
            Arc::new(TimestampMicrosecondArray::from(vec![Some(20_000 * 86_400_000_000 + 1), Some(0), None]));
        let at: ArrayRef = Arc::new(Time64MicrosecondArray::from(vec![Some(0), Some(45_005_000_000), None]));
        let batch = RecordBatch::try_from_iter([("day", days), ("time", times), ("at", at)]).unwrap();
        let filter = Condition::new(sql)?.resolve(&batch.schema(), &Partition::default(), "table")?;
        Ok(filter.unwrap().matches(&batch, "table")?.iter().map(|row| row == Some(true)).collect())
    }

    #[test]
    fn dates_and_times_are_compared_with_text() {
        // 20,000 days after 1970-01-01 is 2024-10-04.
        assert_eq!(rows("day >= '2024-10-05'").unwrap(), [false, true, false]);
        assert_eq!(rows("'2024-10-04' = day").unwrap(), [true, false, false]);
        assert_eq!(rows("day IN ('2024-10-04', '2024-10-09')").unwrap(), [true, false, false]);
        assert_eq!(rows("day NOT IN ('2024-10-04')").unwrap(), [false, true, false]);
        assert_eq!(rows("time IN ('1970-01-01', '2024-10-04 00:00')").unwrap(), [false, true, false]);
        assert_eq!(rows("day < DATE '2024-10-05'").unwrap(), [true, false, false]);
        assert_eq!(rows("time < TIMESTAMP '2024-10-04 00:00:00'").unwrap(), [false, true, false]);
        assert_eq!(rows("day BETWEEN '2024-10-01' AND '2024-10-04'").unwrap(), [true, false, false]);
        assert_eq!(rows("time > '2024-10-04'").unwrap(), [true, false, false]);
        assert_eq!(rows("time < '2024-10-04 00:00:01'").unwrap(), [true, true, false]);
        assert_eq!(rows("at >= '12:30'").unwrap(), [false, true, false]);
        assert_eq!(rows("at IN ('12:30:05', '11:00')").unwrap(), [false, true, false]);
    }

    #[test]
    fn what_is_wrong_with_a_condition_is_one_line_that_says_what_to_do() {
        for (sql, wanted) in [
            ("day > 'tomorrow'", "\"tomorrow\" is not a date; write it as '2026-11-01'"),
            ("time BETWEEN '2024-10-04' AND 'x'", "\"x\" is not a date or time; write it as '2026-11-01' or"),
            ("day IN ('2024-10-04', 'x')", "\"x\" is not a date; write it as '2026-11-01'"),
            ("at < 'noon'", "\"noon\" is not a time; write it as '12:30'"),
            ("time + 1 > 3", "(time is datetime[μs]; CAST(column AS TYPE)"),
            ("day", "gives Date32; expected true or false"),
            ("month = 1", "there is no column \"month\"; it has [\"day\", \"time\", \"at\"]"),
            ("day >", "expected an SQL condition, as in lang = 'en'"),
            ("", "expected an SQL condition, as in lang = 'en'"),
        ] {
            let error = rows(sql).unwrap_err().to_string();
            assert!(error.contains(wanted) && !error.contains('\n'), "{sql}: {error}");
            assert!(error.contains("where: ") && !error.contains("--column"), "{sql}: {error}");
        }
    }
}
