//! Tables with a column of keys and a column of vectors, as any program may write them to Arrow or Parquet.
//!
//! The keys are the column `word`, `key`, `token` or `item` of strings or integers, or else the only column of strings, or
//! else the only one of integers. The vectors are the column `vector`, or else the only column of lists of floats. Options
//! name others. A column `count` of integers is used if it is there.

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait, RecordBatch};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Field, Float16Type, Float32Type, Float64Type, Schema, UInt64Type};

use super::options::LoadOptions;
use super::parts::Parsed;
use super::values::narrow;
use crate::vectors::Counts;
use crate::vocab::{KeyType, Keys};

/// The names that columns of keys usually have.
const KEY_NAMES: [&str; 4] = ["word", "key", "token", "item"];
const VECTOR_NAME: &str = "vector";
const COUNT_NAME: &str = "count";

/// The numbers of the columns of a schema that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    key: usize,
    vector: usize,
    count: Option<usize>,
}

impl Columns {
    /// # Errors
    /// Which column is missing or ambiguous, and what to do.
    pub(super) fn choose(schema: &Schema, options: &LoadOptions) -> Parsed<Self> {
        let vector = choose_vector(schema, options.vector_column.as_deref())?;
        let key = choose_key(schema, options.key_column.as_deref())?;
        let count = numbers(schema).find(|&at| at != key && at != vector && schema.field(at).name() == COUNT_NAME);
        if let Some(field) = count.map(|at| schema.field(at)).filter(|field| !field.data_type().is_integer()) {
            return Err(format!("column \"count\" is {}; make integers of it, or rename it", field.data_type()));
        }
        Ok(Self { key, vector, count })
    }

    /// The columns in the order of the schema.
    pub(super) fn projection(&self) -> Vec<usize> {
        let mut columns: Vec<usize> = [Some(self.key), Some(self.vector), self.count].into_iter().flatten().collect();
        columns.sort_unstable();
        columns
    }

    /// The same columns in a batch that has only them.
    pub(super) fn projected(&self) -> Self {
        let columns = self.projection();
        let place = |column: usize| columns.iter().position(|&other| other == column).unwrap_or(0);
        Self { key: place(self.key), vector: place(self.vector), count: self.count.map(place) }
    }
}

fn numbers(schema: &Schema) -> std::ops::Range<usize> {
    0..schema.fields().len()
}

fn choose_key(schema: &Schema, name: Option<&str>) -> Parsed<usize> {
    let kind = |at: usize| KeyType::of(schema.field(at).data_type());
    if let Some(name) = name {
        let at = named(schema, name, "key_column")?;
        let data_type = schema.field(at).data_type();
        return match kind(at) {
            Some(_) => Ok(at),
            None => Err(format!("column {name:?} is {data_type}; expected strings or integers")),
        };
    }
    if let Some(at) = KEY_NAMES.iter().find_map(|name| schema.index_of(name).ok().filter(|&at| kind(at).is_some())) {
        return Ok(at);
    }
    let of = |is_wanted: &dyn Fn(KeyType) -> bool| {
        let is_key = |at: &usize| kind(*at).is_some_and(is_wanted) && schema.field(*at).name() != COUNT_NAME;
        numbers(schema).filter(is_key).collect::<Vec<_>>()
    };
    match (of(&|kind| kind == KeyType::Text).as_slice(), of(&KeyType::is_integer).as_slice()) {
        (&[only], _) | (&[], &[only]) => Ok(only),
        ([], []) => Err(format!("has no column of strings or integers for the keys; it has {}", listed(schema))),
        (several, others) => {
            let several = if several.is_empty() { others } else { several };
            let names: Vec<&str> = several.iter().map(|&at| schema.field(at).name().as_str()).collect();
            Err(format!("several columns could be the keys: {names:?}; name one with key_column="))
        }
    }
}

fn choose_vector(schema: &Schema, name: Option<&str>) -> Parsed<usize> {
    let is_vector = |at: usize| item_of(schema.field(at).data_type()).is_some_and(DataType::is_floating);
    let checked = |name: &str, at: usize| match is_vector(at) {
        true => Ok(at),
        false => Err(format!("column {name:?} is {}; expected lists of floats", schema.field(at).data_type())),
    };
    if let Some(name) = name {
        return checked(name, named(schema, name, "vector_column")?);
    }
    if let Ok(at) = schema.index_of(VECTOR_NAME) {
        return checked(VECTOR_NAME, at);
    }
    match numbers(schema).filter(|&at| is_vector(at)).collect::<Vec<_>>().as_slice() {
        &[only] => Ok(only),
        [] => Err(format!("has no column of lists of floats for the vectors; it has {}", listed(schema))),
        several => {
            let names: Vec<&str> = several.iter().map(|&at| schema.field(at).name().as_str()).collect();
            Err(format!("several columns could be the vectors: {names:?}; name one with vector_column="))
        }
    }
}

fn named(schema: &Schema, name: &str, option: &str) -> Parsed<usize> {
    schema.index_of(name).map_err(|_| format!("{option}: there is no column {name:?}; it has {}", listed(schema)))
}

/// The first columns with their types.
fn listed(schema: &Schema) -> String {
    const SHOWN: usize = 8;
    let columns = schema.fields().iter().take(SHOWN).map(|field| format!("{:?}: {}", field.name(), field.data_type()));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let more = if schema.fields().len() > SHOWN { ", …" } else { "" };
    if columns.is_empty() { "no columns".to_owned() } else { format!("{columns}{more}") }
}

/// What the lists of a column hold.
fn item_of(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => Some(item.data_type()),
        _ => None,
    }
}

/// Record batches, put together.
pub(super) struct TableReader {
    columns: Columns,
    keys: Vec<ArrayRef>,
    counts: Counts,
    values: Values,
    width: Option<usize>,
    rows: usize,
}

/// Of one batch of float32 the values stay where they are.
enum Values {
    Shared(ScalarBuffer<f32>),
    Owned(Vec<f32>),
}

/// The keys, the counts, the values and their number in a row.
pub(super) type Read = (Keys, Option<Counts>, ScalarBuffer<f32>, usize);

impl TableReader {
    /// Reads batches that have only these columns.
    pub(super) fn new(columns: &Columns) -> Self {
        let (keys, counts) = (Vec::new(), Counts::default());
        Self { columns: columns.projected(), keys, counts, values: Values::Owned(Vec::new()), width: None, rows: 0 }
    }

    /// # Errors
    /// What is wrong with a row.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Parsed<()> {
        let field = |at: usize| batch.schema_ref().field(at).name().clone();
        let Columns { key, vector, count } = self.columns;
        self.push_keys(batch.column(key)).map_err(|reason| format!("column {:?}: {reason}", field(key)))?;
        if let Some(count) = count {
            self.push_counts(batch.column(count))?;
        }
        self.push_vectors(batch.column(vector)).map_err(|reason| format!("column {:?}: {reason}", field(vector)))?;
        self.rows += batch.num_rows();
        Ok(())
    }

    fn push_keys(&mut self, keys: &ArrayRef) -> Parsed<()> {
        // Of a dictionary, a value may be null too.
        if let Some(row) = keys.logical_nulls().and_then(|nulls| nulls.iter().position(|is_valid| !is_valid)) {
            return Err(format!("row {} is null; every row needs a key", self.rows + row));
        }
        self.keys.push(keys.clone());
        Ok(())
    }

    fn push_counts(&mut self, counts: &ArrayRef) -> Parsed<()> {
        let counts = cast(counts, &DataType::UInt64).map_err(|error| error.to_string())?;
        let counts = counts.as_primitive::<UInt64Type>();
        if let Some(row) = counts.nulls().and_then(|nulls| nulls.iter().position(|is_valid| !is_valid)) {
            return Err(format!("column \"count\": row {} is null or negative", self.rows + row));
        }
        match self.rows {
            0 => self.counts = counts.values().clone().into(),
            _ => self.counts.make_mut().extend_from_slice(counts.values()),
        }
        Ok(())
    }

    fn push_vectors(&mut self, vectors: &ArrayRef) -> Parsed<()> {
        let (values, width) = self.flat(vectors)?;
        if values.null_count() > 0 {
            let at = values.nulls().and_then(|nulls| nulls.iter().position(|is_valid| !is_valid)).unwrap_or(0);
            return Err(format!("the vector in row {} has a null", self.rows + at / width.max(1)));
        }
        self.width = Some(width).filter(|&width| width > 0).or(self.width);
        if let Some(values) = values.as_primitive_opt::<Float32Type>() {
            self.extend(values.values());
        } else if let Some(values) = values.as_primitive_opt::<Float16Type>() {
            let wide: Vec<f32> = values.values().iter().map(|value| value.to_f32()).collect();
            self.extend(&wide.into());
        } else if let Some(values) = values.as_primitive_opt::<Float64Type>() {
            let rows = self.rows;
            let wide = narrow(values.values()).map_err(|at| {
                format!("the vector in row {} has a value that is beyond float32", rows + at / width.max(1))
            })?;
            self.extend(&wide.into());
        } else {
            return Err(format!("holds lists of {}; expected floats", values.data_type()));
        }
        Ok(())
    }

    fn extend(&mut self, values: &ScalarBuffer<f32>) {
        if self.rows == 0 {
            self.values = Values::Shared(values.clone());
            return;
        }
        if let Values::Shared(first) = &self.values {
            self.values = Values::Owned(first.to_vec());
        }
        if let Values::Owned(all) = &mut self.values {
            all.extend_from_slice(values);
        }
    }

    /// The values of all rows, and how many each has.
    fn flat(&self, vectors: &ArrayRef) -> Parsed<(ArrayRef, usize)> {
        if let Some(row) = vectors.nulls().and_then(|nulls| nulls.iter().position(|is_valid| !is_valid)) {
            return Err(format!("row {} is null; every row needs a vector", self.rows + row));
        }
        match vectors.data_type() {
            DataType::FixedSizeList(_, width) => {
                let width = usize::try_from(*width).unwrap_or(0);
                Ok((vectors.as_fixed_size_list().values().clone(), self.checked(width, 0)?))
            }
            DataType::List(_) => self.flat_lists(vectors.as_list::<i32>()),
            DataType::LargeList(_) => self.flat_lists(vectors.as_list::<i64>()),
            DataType::ListView(item) | DataType::LargeListView(item) => {
                let to = DataType::LargeList(Field::clone(item).into());
                let lists = cast(vectors, &to).map_err(|error| error.to_string())?;
                self.flat_lists(lists.as_list::<i64>())
            }
            other => Err(format!("is {other}; expected lists of floats")),
        }
    }

    fn flat_lists<O: OffsetSizeTrait>(&self, lists: &GenericListArray<O>) -> Parsed<(ArrayRef, usize)> {
        let offsets = lists.value_offsets();
        let lengths = offsets.windows(2).map(|ends| (ends[1] - ends[0]).as_usize());
        let mut width = self.width.unwrap_or(0);
        for (row, length) in lengths.enumerate() {
            width = self.checked(length, row)?;
            if row > 0 && length != (offsets[1] - offsets[0]).as_usize() {
                let expected = (offsets[1] - offsets[0]).as_usize();
                return Err(format!("row {} has {length} values; expected {expected}", self.rows + row));
            }
        }
        let (start, end) = (offsets.first().map_or(0, |o| o.as_usize()), offsets.last().map_or(0, |o| o.as_usize()));
        Ok((lists.values().slice(start, end - start), width))
    }

    /// The width of a row, if it is like that of the rows before.
    fn checked(&self, width: usize, row: usize) -> Parsed<usize> {
        match self.width {
            _ if width == 0 => Err(format!("row {} has no values", self.rows + row)),
            Some(expected) if expected != width => {
                Err(format!("row {} has {width} values; expected {expected}", self.rows + row))
            }
            _ => Ok(width),
        }
    }

    /// What was read. The bytes of the file may end with an index of the keys.
    ///
    /// # Errors
    /// If the columns hold no rows that tell how long the vectors are, or more keys than there can be.
    pub(super) fn finish(self, schema: &Schema, columns: &Columns, bytes: &Buffer) -> Parsed<Read> {
        let keys = match self.keys.as_slice() {
            [] => arrow::array::new_empty_array(schema.field(columns.key).data_type()),
            [keys] => keys.clone(),
            several => in_one(several)?,
        };
        let of_type = || match schema.field(columns.vector).data_type() {
            DataType::FixedSizeList(_, width) => usize::try_from(*width).ok().filter(|&width| width > 0),
            _ => None,
        };
        let width = self.width.filter(|&width| width > 0).or_else(of_type);
        let width = width.ok_or("has no rows, and does not say how long its vectors are")?;
        let values = match self.values {
            Values::Shared(values) => values,
            Values::Owned(values) => values.into(),
        };
        let keys = Keys::with_stored_index(&keys, bytes).map_err(|error| error.to_string())?;
        Ok((keys, columns.count.map(|_| self.counts), values, width))
    }
}

/// The keys of several batches. The offsets of text may need 64 bits when it is put together.
fn in_one(several: &[ArrayRef]) -> Parsed<ArrayRef> {
    let to = match KeyType::of(several[0].data_type()) {
        Some(KeyType::Text) => DataType::LargeUtf8,
        Some(KeyType::UInt64) => DataType::UInt64,
        _ => DataType::Int64,
    };
    let several = several.iter().map(|keys| cast(keys, &to)).collect::<Result<Vec<_>, _>>();
    let several = several.map_err(|error| error.to_string())?;
    concat(&several.iter().map(AsRef::as_ref).collect::<Vec<_>>()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;
    use std::sync::Arc;

    use arrow::array::{
        DictionaryArray, FixedSizeListArray, Float16Array, Float32Array, Float64Array, Int32Array, LargeListArray,
        ListArray, ListViewArray, StringArray, StringViewArray,
    };
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::Int8Type;

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    /// Words, counts, values and their number in a row.
    type Found = (Vec<String>, Option<Vec<u64>>, Vec<f32>, usize);

    fn read(batches: &[RecordBatch], options: &LoadOptions) -> Parsed<Found> {
        let schema = batches[0].schema();
        let columns = Columns::choose(&schema, options)?;
        let mut reader = TableReader::new(&columns);
        for batch in batches {
            reader.push(&batch.project(&columns.projection()).unwrap())?;
        }
        let (keys, counts, values, width) = reader.finish(&schema, &columns, &Buffer::default())?;
        let counts = counts.map(|counts| counts.to_vec());
        Ok((keys.iter().map(|key| key.to_string()).collect(), counts, values.to_vec(), width))
    }

    fn words() -> ArrayRef {
        Arc::new(StringArray::from(vec!["a", "b"]))
    }

    fn item(values: &ArrayRef) -> Arc<Field> {
        Arc::new(Field::new("item", values.data_type().clone(), true))
    }

    fn lists(values: ArrayRef, lengths: [usize; 2]) -> ArrayRef {
        Arc::new(ListArray::new(item(&values), OffsetBuffer::from_lengths(lengths), values, None))
    }

    #[test]
    fn every_kind_of_list_and_float_is_read() {
        let floats: [ArrayRef; 3] = [
            Arc::new(Float32Array::from(vec![1.0, 2.0, 3.0, 4.0])),
            Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 4.0])),
            Arc::new(Float16Array::from([1.0, 2.0, 3.0, 4.0].map(half::f16::from_f32).to_vec())),
        ];
        for values in floats {
            let large = LargeListArray::new(item(&values), OffsetBuffer::from_lengths([2, 2]), values.clone(), None);
            let view = ListViewArray::new(item(&values), vec![0, 2].into(), vec![2, 2].into(), values.clone(), None);
            let fixed = FixedSizeListArray::new(item(&values), 2, values.clone(), None);
            for vectors in [lists(values, [2, 2]), Arc::new(large), Arc::new(view), Arc::new(fixed) as ArrayRef] {
                let table = batch(vec![("w", words()), ("v", vectors.clone())]);
                let want = (vec!["a".to_owned(), "b".to_owned()], None, vec![1.0, 2.0, 3.0, 4.0], 2);
                assert_eq!(read(from_ref(&table), &LoadOptions::default()), Ok(want));
                let cut = read(&[table.slice(1, 1), table.slice(0, 1)], &LoadOptions::default()).unwrap();
                assert_eq!((cut.0, cut.2), (vec!["b".to_owned(), "a".to_owned()], vec![3.0, 4.0, 1.0, 2.0]));
            }
        }
    }

    #[test]
    fn keys_may_be_strings_of_any_type_a_dictionary_or_integers() {
        let vectors = lists(Arc::new(Float32Array::from(vec![1.0, 2.0])), [1, 1]);
        let dictionary: DictionaryArray<Int8Type> = ["a", "b"].into_iter().collect();
        let text: [ArrayRef; 3] = [words(), Arc::new(StringViewArray::from(vec!["a", "b"])), Arc::new(dictionary)];
        for keys in text {
            let table = batch(vec![("n", keys), ("v", vectors.clone())]);
            assert_eq!(read(&[table.clone(), table], &LoadOptions::default()).unwrap().0, ["a", "b", "a", "b"]);
        }
        let table = batch(vec![("n", Arc::new(Int32Array::from(vec![7, -1]))), ("v", vectors)]);
        assert_eq!(read(&[table.clone(), table], &LoadOptions::default()).unwrap().0, ["7", "-1", "7", "-1"]);
    }

    #[test]
    fn columns_are_chosen_by_name_or_because_they_are_the_only_ones() {
        let vectors = || lists(Arc::new(Float32Array::from(vec![1.0, 2.0])), [1, 1]);
        let numbers = || Arc::new(Int32Array::from(vec![5, 4])) as ArrayRef;
        let choose = |columns: Vec<(&str, ArrayRef)>, options: &LoadOptions| {
            Columns::choose(&batch(columns).schema(), options).map(|c| (c.key, c.vector, c.count))
        };
        let any = LoadOptions::default();
        assert_eq!(choose(vec![("id", numbers()), ("text", words()), ("e", vectors())], &any), Ok((1, 2, None)));
        assert_eq!(choose(vec![("count", numbers()), ("id", numbers()), ("e", vectors())], &any), Ok((1, 2, Some(0))));
        assert_eq!(
            choose(vec![("a", words()), ("token", words()), ("vector", vectors()), ("w", vectors())], &any),
            Ok((1, 2, None))
        );
        let said = choose(vec![("a", words()), ("b", words()), ("e", vectors())], &any).unwrap_err();
        assert!(said.contains(r#"["a", "b"]; name one with key_column="#), "{said}");
        let said = choose(vec![("a", words()), ("d", vectors()), ("e", vectors())], &any).unwrap_err();
        assert!(said.contains(r#"["d", "e"]; name one with vector_column="#), "{said}");
        let named = LoadOptions { key_column: Some("b".into()), vector_column: Some("e".into()), ..any.clone() };
        assert_eq!(
            choose(vec![("a", words()), ("b", words()), ("d", vectors()), ("e", vectors())], &named),
            Ok((1, 3, None))
        );
        let said = choose(vec![("a", words()), ("e", vectors())], &named).unwrap_err();
        assert!(said.contains(r#"key_column: there is no column "b"; it has "a": Utf8"#), "{said}");
        assert!(choose(vec![("a", words())], &any).unwrap_err().contains("no column of lists of floats"));
        assert!(choose(vec![("e", vectors())], &any).unwrap_err().contains("no column of strings or integers"));
    }

    #[test]
    fn rows_that_are_no_vectors_are_named() {
        let refused = |columns| read(&[batch(columns)], &LoadOptions::default()).unwrap_err();
        let ragged = lists(Arc::new(Float32Array::from(vec![1.0, 2.0, 3.0])), [1, 2]);
        assert!(refused(vec![("w", words()), ("v", ragged)]).contains("row 1 has 2 values; expected 1"));
        let null = lists(Arc::new(Float32Array::from(vec![Some(1.0), None])), [1, 1]);
        assert!(refused(vec![("w", words()), ("v", null)]).contains("the vector in row 1 has a null"));
        let empty = lists(Arc::new(Float32Array::from(vec![1.0])), [1, 0]);
        assert!(refused(vec![("w", words()), ("v", empty)]).contains("row 1 has no values"));
        let far = lists(Arc::new(Float64Array::from(vec![1.0, 1e300])), [1, 1]);
        assert!(refused(vec![("w", words()), ("v", far)]).contains("row 1 has a value that is beyond float32"));
        let vectors = || lists(Arc::new(Float32Array::from(vec![1.0, 2.0])), [1, 1]);
        let keys = Arc::new(StringArray::from(vec![Some("a"), None]));
        assert!(refused(vec![("w", keys), ("v", vectors())]).contains("row 1 is null; every row needs a key"));
        let counts = Arc::new(Int32Array::from(vec![3, -1]));
        assert!(
            refused(vec![("w", words()), ("v", vectors()), ("count", counts)]).contains("row 1 is null or negative")
        );
    }
}
