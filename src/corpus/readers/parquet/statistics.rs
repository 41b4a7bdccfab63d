//! What the footer of a Parquet file says about the values of its columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use polars::prelude::Series;

use crate::arrow::polars::series;
use crate::corpus::pruning::Known;
use crate::process::catch_panic;

/// What is known of these columns in each row group. Nothing is known of a column without statistics.
pub(super) fn known(metadata: &ArrowReaderMetadata, columns: &[usize]) -> Known {
    let mut known = Known::of_groups(metadata.metadata().num_row_groups());
    for &column in columns {
        let name = metadata.schema().field(column).name();
        // Whatever a damaged footer says, reading the rows decides.
        if let Some(Some([min, max, nulls, rows])) = catch_panic(|| bounds(metadata, name)) {
            known.add_bounds(name, min, max, nulls, rows);
        }
    }
    known
}

/// Bounds, nulls and rows in each row group.
fn bounds(metadata: &ArrowReaderMetadata, name: &str) -> Option<[Series; 4]> {
    let parquet = metadata.metadata();
    let groups = parquet.row_groups();
    let converter = StatisticsConverter::try_new(name, metadata.schema(), parquet.file_metadata().schema_descr());
    // A missing number of nulls is not 0.
    let converter = converter.ok()?.with_missing_null_counts_as_zero(false);
    let leaf = converter.parquet_column_index()?;
    let mut statistics = groups.iter().filter_map(|group| group.column(leaf).statistics());
    // Old writers compared text and unsigned numbers as signed ones.
    if statistics.any(|column| column.is_min_max_deprecated() && !column.is_min_max_backwards_compatible()) {
        return None;
    }
    let rows: UInt64Array = groups.iter().map(|group| u64::try_from(group.num_rows()).ok()).collect();
    let (min, max) = (converter.row_group_mins(groups).ok()?, converter.row_group_maxes(groups).ok()?);
    let nulls = converter.row_group_null_counts(groups).ok()?;
    let columns: [ArrayRef; 4] = [min, max, Arc::new(nulls), Arc::new(rows)];
    let [min, max, nulls, rows] = columns.map(|column| series("", &column).ok());
    Some([min?, max?, nulls?, rows?])
}
