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

/// # Errors
/// [`Error::Corpus`] with what was found and what to do, if the type is not a list of tokens.
pub(super) fn check_list_type(found: &DataType, column: &str, origin: &str) -> Result<()> {
    let wrong = |reason: String| Err(Error::corpus(origin, format!("column {column:?} {reason}")));
    let item = match (item_type(found), found) {
        (Some(item), _) => item,
        (None, text) if is_string(text) => {
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
        text if is_string(text) => Ok(()),
        integer if integer.is_integer() => Ok(()),
        other => wrong(format!("is a list of {other}; expected a list of strings or integers")),
    }
}
