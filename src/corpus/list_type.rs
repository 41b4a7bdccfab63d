//! Which columns are lists of tokens.

use arrow::datatypes::DataType;

use crate::error::{Error, Result};

/// True for strings, as a dictionary or not.
pub(super) fn is_string(values: &DataType) -> bool {
    match values {
        DataType::Dictionary(_, value) => is_string(value),
        _ => matches!(values, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}

/// True for bytes, as a dictionary or not: they may be strings whose writer did not say so.
pub(super) fn is_binary(values: &DataType) -> bool {
    match values {
        DataType::Dictionary(_, value) => is_binary(value),
        _ => matches!(
            values,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
        ),
    }
}

/// True for values that are all null by their type, as a dictionary or not. A column has it if its writer saw no value.
pub(super) fn is_null(values: &DataType) -> bool {
    match values {
        DataType::Dictionary(_, value) => is_null(value),
        _ => *values == DataType::Null,
    }
}

/// True for whole strings, also without their annotation, and for nulls: what can be split.
pub(super) fn is_text(column: &DataType) -> bool {
    is_string(column) || is_binary(column) || is_null(column)
}

/// True for a column that can hold no tokens. Its rows take up no bytes, so there may be any number of them.
pub(super) fn is_void(column: &DataType) -> bool {
    match column {
        DataType::FixedSizeList(item, width) => *width == 0 || is_null(item.data_type()),
        _ => is_null(column),
    }
}

/// The type of the items of a list column; `None` for a column of another type.
pub(super) fn item_type(lists: &DataType) -> Option<&DataType> {
    match lists {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => Some(item.data_type()),
        _ => None,
    }
}

/// True for a list column, whatever its items.
#[cfg(feature = "python")]
pub(crate) fn is_list(column: &DataType) -> bool {
    item_type(column).is_some()
}

/// # Errors
/// [`Error::Corpus`] with what was found and what to do, if the type is not a list of tokens.
pub(super) fn check_list_type(found: &DataType, column: &str, origin: &str) -> Result<()> {
    let wrong = |reason: String| Err(Error::corpus(origin, format!("column {column:?} {reason}")));
    let item = match (item_type(found), found) {
        (Some(item), _) => item,
        (None, nulls) if is_null(nulls) => return Ok(()),
        (None, text) if is_text(text) => {
            return wrong(
                "holds whole strings; expected a list of strings. Split it first, as in \
                 pl.col(…).str.extract_all(r\"\\S+\"), or pass --split whitespace."
                    .into(),
            );
        }
        (None, other) => return wrong(format!("is {other}; expected a list of strings or integers")),
    };
    let token = if let DataType::Dictionary(_, value) = item { value.as_ref() } else { item };
    match token {
        text if is_text(text) => Ok(()),
        integer if integer.is_integer() => Ok(()),
        other => wrong(format!("is a list of {other}; expected a list of strings or integers")),
    }
}
