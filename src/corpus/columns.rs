//! Where a named column stands in a schema. Nothing else in the crate matches the name of a column.

use std::fmt::Debug;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{is_null, nullif};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::error::ArrowError;

use crate::error::{Error, Result};

/// The index of a column, and for a field of a struct the index at each level below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnPath {
    root: usize,
    below: Vec<usize>,
}

impl ColumnPath {
    /// The column of that very name, or else, at each dot, the field of a struct: `session.items`.
    ///
    /// # Errors
    /// [`Error::Corpus`] with the names that there are.
    pub(crate) fn find(name: &str, fields: &Fields, origin: &str) -> Result<Self> {
        let indices = indices_of(name, fields).filter(|indices| !indices.is_empty());
        let mut indices = indices.ok_or_else(|| missing_column(name, fields, origin))?.into_iter();
        Ok(Self { root: indices.next().unwrap_or_default(), below: indices.collect() })
    }

    /// The index of the column that it is, or that it is in.
    pub(crate) fn root(&self) -> usize {
        self.root
    }

    /// The field and the structs around it, the outermost first.
    pub(crate) fn fields<'a>(&self, fields: &'a Fields) -> Vec<&'a Field> {
        let mut path = vec![fields[self.root].as_ref()];
        for &index in &self.below {
            if let Some(DataType::Struct(inner)) = path.last().map(|field| field.data_type()) {
                path.push(inner[index].as_ref());
            }
        }
        path
    }

    pub(crate) fn data_type<'a>(&self, fields: &'a Fields) -> &'a DataType {
        self.fields(fields).last().map_or(&DataType::Null, |field| field.data_type())
    }

    /// The values; null where a struct around them is.
    ///
    /// # Errors
    /// What Arrow says of arrays that cannot hold nulls.
    pub(crate) fn values(&self, columns: &[ArrayRef]) -> Result<ArrayRef, ArrowError> {
        let mut values = columns[self.root].clone();
        for &index in &self.below {
            let inner = values.as_struct().column(index);
            values = if values.null_count() == 0 { inner.clone() } else { nullif(inner, &is_null(&values)?)? };
        }
        Ok(values)
    }
}

fn indices_of(name: &str, fields: &Fields) -> Option<Vec<usize>> {
    if let Some((index, _)) = fields.find(name) {
        return Some(vec![index]);
    }
    // The longest name first: names may hold dots themselves.
    name.rmatch_indices('.').find_map(|(dot, _)| {
        let (index, field) = fields.find(&name[..dot])?;
        let DataType::Struct(inner) = field.data_type() else { return None };
        let below = indices_of(&name[dot + 1..], inner)?;
        Some(std::iter::once(index).chain(below).collect())
    })
}

/// Those of the columns in which `name` may be found.
#[cfg(feature = "python")]
pub(crate) fn candidates<'a>(name: &str, columns: &'a [String]) -> Vec<&'a str> {
    let is = |column: &&String| *column == name;
    match columns.iter().find(is) {
        Some(column) => vec![column],
        None => {
            let holds = |column: &&String| name.strip_prefix(column.as_str()).is_some_and(|rest| rest.starts_with('.'));
            columns.iter().filter(holds).map(String::as_str).collect()
        }
    }
}

/// Says which columns there are instead.
pub(crate) fn missing_column(column: &str, fields: &Fields, origin: &str) -> Error {
    let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
    no_column(column, &names, origin)
}

/// Says which columns there are instead.
pub(crate) fn no_column(column: &str, names: &[impl Debug], origin: &str) -> Error {
    Error::corpus(
        origin,
        format!("there is no column {column:?}; it has {names:?}. Name one with column= or --column."),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StructArray};
    use arrow::buffer::NullBuffer;

    use super::*;

    fn integers(values: &[i64]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    fn structs(fields: &[(&str, ArrayRef)], valid: Vec<bool>) -> ArrayRef {
        let (fields, columns): (Vec<_>, Vec<_>) = fields
            .iter()
            .map(|(name, column)| (Arc::new(Field::new(*name, column.data_type().clone(), true)), column.clone()))
            .unzip();
        Arc::new(StructArray::new(fields.into(), columns, Some(NullBuffer::from(valid))))
    }

    fn found(name: &str, columns: &[(&str, ArrayRef)]) -> Option<Vec<Option<i64>>> {
        let fields: Fields =
            columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
        let arrays: Vec<ArrayRef> = columns.iter().map(|(_, column)| column.clone()).collect();
        let path = ColumnPath::find(name, &fields, "table").ok()?;
        let values = path.values(&arrays).unwrap();
        Some(values.as_primitive::<arrow::datatypes::Int64Type>().iter().collect())
    }

    #[test]
    fn a_dot_reaches_into_structs_and_null_structs_give_nulls() {
        let inner = structs(&[("c", integers(&[1, 2, 3]))], vec![true, false, true]);
        let columns = [("a", structs(&[("b", inner)], vec![false, true, true]))];
        assert_eq!(found("a.b.c", &columns), Some(vec![None, None, Some(3)]));
        for missing in ["a.b.d", "b.c", "a.", ".a", "", "a.b.c.d"] {
            assert_eq!(found(missing, &columns), None, "{missing:?}");
        }
        let sliced = [("a", columns[0].1.slice(1, 2))];
        assert_eq!(found("a.b.c", &sliced), Some(vec![None, Some(3)]));
    }

    #[test]
    fn a_column_of_that_very_name_comes_first_and_then_the_longest() {
        let all = [
            ("a", structs(&[("b", integers(&[1])), ("b.c", integers(&[2]))], vec![true])),
            ("a.b", structs(&[("c", integers(&[3]))], vec![true])),
        ];
        assert_eq!(found("a.b.c", &all), Some(vec![Some(3)]));
        assert_eq!(found("a.b.c", &all[..1]), Some(vec![Some(2)]));
        let named = [all[0].clone(), ("a.b", integers(&[4]))];
        assert_eq!(found("a.b", &named), Some(vec![Some(4)]));
        assert_eq!(found("a.b.c", &named), Some(vec![Some(2)]));
    }
}
