//! Tables in files, with a column of vectors added: read, embedded and written batch by batch.

mod read;
mod write;

use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use polars::prelude::{Column, DataFrame, IntoLazy, PlSmallStr, col};
use rayon::prelude::*;

use self::read::Table;
pub use self::read::TableInput;
pub use self::write::TableFormat;
use self::write::Writer;
use super::embed::EmbedOptions;
use super::functions::{embed, embed_weighted};
use crate::arrow::polars::{from_polars, series};
use crate::corpus::{ColumnPath, Split, tokens_of};
use crate::error::{Error, Result, one_line};
use crate::output::Output;
use crate::process::ensure_not_forked;
use crate::progress::{Phase, Progress};
use crate::store::Location;
use crate::vectors::{KeyedVectors, Pooling};

/// The column that is added, and what it is made from.
pub struct AddedColumn {
    /// Its name.
    pub name: String,
    /// The column of tokens, of lists of them, or with `split` of strings; `a.b` is the field b of the struct a.
    pub tokens: String,
    /// How strings are split into tokens.
    pub split: Option<Split>,
    /// True makes lower case of the tokens.
    pub lowercase: bool,
    /// A column with a list of weights for each list of tokens.
    pub weights: Option<String>,
    /// The vectors.
    pub vectors: Arc<KeyedVectors>,
    /// How tokens become vectors.
    pub options: EmbedOptions,
}

/// Writes the rows of Parquet and Arrow files, one after the other, with a column of vectors at the end, to one file, which
/// appears whole or not at all. Returns the number of rows. No more than some batches and a row group are in memory, and of
/// the compressed Arrow files the one that is read.
///
/// ```no_run
/// use polargram::expr::{AddedColumn, EmbedOptions, TableFormat, embed_files};
/// use polargram::vectors::Pooling;
/// use polargram::{KeyedVectors, Progress};
///
/// let column = AddedColumn {
///     name: "embedding".into(),
///     tokens: "tokens".into(),
///     split: None,
///     lowercase: false,
///     weights: None,
///     vectors: KeyedVectors::shared("vectors.arrow")?,
///     options: EmbedOptions { pooling: Some(Pooling::Mean), ..EmbedOptions::default() },
/// };
/// let inputs = ["s3://bucket/part-0.parquet".into(), "s3://bucket/part-1.parquet".into()];
/// let output = "embedded.parquet".into();
/// let rows = embed_files(&inputs, &output, TableFormat::Parquet, &column, &Progress::default())?;
/// # Ok::<(), polargram::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`] for what cannot be read or written; [`Error::Corpus`] for a file that is damaged, lacks the column or has
/// other columns than the first; [`Error::Polars`] for tokens that cannot be looked up; [`Error::Interrupted`].
pub fn embed_files(
    inputs: &[TableInput],
    output: &Location,
    format: TableFormat,
    column: &AddedColumn,
    progress: &Progress,
) -> Result<u64> {
    ensure_not_forked()?;
    progress.enter(Phase::Embedding, 0);
    let first = inputs.first().ok_or_else(|| Error::corpus("input", "no files were given"))?;
    let mut first = Some(Table::open(first, progress)?);
    let schema = first.iter().map(|table| table.schema.clone()).next().unwrap_or_else(|| Arc::new(Schema::empty()));
    let columns = Columns::new(&schema, column, inputs[0].location.path())?;
    let (mut fault, mut rows) = (None, 0);
    let mut written = Output::files(output, progress);
    let done = written.write(output.path(), |out| {
        let mut writer = Writer::new(out, &columns.schema, format, &column.name, column.vectors.vector_size())?;
        let mut all = || -> Result<io::Result<()>> {
            for input in inputs {
                let table = match first.take() {
                    Some(table) => table,
                    None => Table::open(input, progress)?,
                };
                table.ensure_same(&schema, inputs[0].location.path())?;
                match columns.add_to(table, &mut writer, progress)? {
                    Ok(more) => rows += more,
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(()))
        };
        match all() {
            Ok(written) => written.and_then(|()| writer.close()),
            Err(error) => {
                fault = Some(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    });
    match fault {
        Some(error) => return Err(error),
        None => done?,
    }
    progress.enter(Phase::Saving, 0);
    written.commit().map(|_| rows)
}

/// The columns of the result.
struct Columns<'a> {
    tokens: ColumnPath,
    weights: Option<ColumnPath>,
    schema: SchemaRef,
    added: &'a AddedColumn,
}

impl<'a> Columns<'a> {
    fn new(schema: &Schema, added: &'a AddedColumn, origin: &Path) -> Result<Self> {
        let origin = origin.display().to_string();
        if schema.index_of(&added.name).is_ok() {
            let reason = format!("{origin} has a column {:?} already; choose another name", added.name);
            return Err(Error::parameter("as", reason));
        }
        let tokens = ColumnPath::find(&added.tokens, schema.fields(), &origin)?;
        let weights =
            added.weights.as_ref().map(|name| ColumnPath::find(name, schema.fields(), &origin)).transpose()?;
        let is_weighted = added.options.weights.is_some() || added.weights.is_some();
        if is_weighted && !matches!(added.options.pooling, Some(Pooling::Mean | Pooling::Sum)) {
            return Err(Error::parameter("weights", "are for a pooling by mean or sum"));
        }
        let mut columns = Self { tokens, weights, schema: Arc::new(schema.clone()), added };
        // The type of the column follows from the types of the others.
        let vectors = columns.vectors_of(&RecordBatch::new_empty(columns.schema.clone()), &origin)?;
        let field = Field::new(&added.name, vectors.data_type().clone(), true);
        let fields: Vec<Arc<Field>> = schema.fields().iter().cloned().chain([Arc::new(field)]).collect();
        columns.schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        Ok(columns)
    }

    /// Writes the rows of a table with the vectors, as many batches at once as there are threads. Returns how many rows.
    fn add_to(&self, mut table: Table, writer: &mut Writer<'_, '_>, progress: &Progress) -> Result<io::Result<u64>> {
        let mut rows = 0;
        loop {
            progress.check()?;
            let mut batches = Vec::new();
            while batches.len() < 2 * rayon::current_num_threads()
                && let Some(batch) = table.next()?
            {
                batches.push(batch);
            }
            if batches.is_empty() {
                return Ok(Ok(rows));
            }
            let vectors = batches.par_iter().map(|batch| self.vectors_of(batch, &table.name));
            let vectors = vectors.collect::<Result<Vec<_>>>()?;
            for (batch, vectors) in batches.into_iter().zip(vectors) {
                let columns = batch.columns().iter().cloned().chain([vectors]).collect();
                let more = batch.num_rows() as u64;
                let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(io::Error::other);
                if let Err(error) = batch.and_then(|batch| writer.write(batch)) {
                    return Ok(Err(error));
                }
                rows += more;
                progress.advance(more);
            }
        }
    }

    fn vectors_of(&self, batch: &RecordBatch, origin: &str) -> Result<ArrayRef> {
        // A name that Polars does not take for a pattern.
        const TOKENS: &str = "tokens";
        const WEIGHTS: &str = "weights";
        let AddedColumn { vectors, options, split, lowercase, .. } = self.added;
        let values = |path: &ColumnPath, name: &str| {
            let failed = |error| Error::corpus(origin, format!("column {name:?}: {error}"));
            path.values(batch.columns()).map_err(failed)
        };
        let tokens = values(&self.tokens, &self.added.tokens)?;
        let tokens = tokens_of(&tokens, split.as_ref(), *lowercase, &self.added.tokens, origin)?;
        let weights_name = self.added.weights.as_deref().unwrap_or_default();
        let mut columns = vec![Column::from(series(TOKENS, &tokens)?)];
        let expression = match &self.weights {
            None => embed(col(TOKENS), vectors.clone(), options.clone()),
            Some(path) => {
                let weights = values(path, weights_name)?;
                columns.push(Column::from(series(WEIGHTS, &weights)?));
                embed_weighted(col(TOKENS), col(WEIGHTS), vectors.clone(), options.clone())
            }
        };
        let frame = DataFrame::new(batch.num_rows(), columns)?;
        let result = frame.lazy().select([expression.alias(PlSmallStr::from_static("vectors"))]).collect();
        let result = result.map_err(|error| {
            let reason = one_line(&error).replace("embed: ", "");
            let reason = reason.replace(&format!("column {TOKENS:?}"), &format!("column {:?}", self.added.tokens));
            let reason = reason.replace(&format!("column {WEIGHTS:?}"), &format!("column {weights_name:?}"));
            let hint = if reason.ends_with("nothing to pool") { "; pass pooling none, or split text" } else { "" };
            Error::corpus(origin, format!("{reason}{hint}"))
        })?;
        from_polars(result.column("vectors")?.as_materialized_series())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use arrow::array::{AsArray, ListBuilder, StringBuilder, UInt32Array};
    use arrow::datatypes::Float32Type;
    use arrow::ipc::writer::FileWriter;
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn vectors() -> Arc<KeyedVectors> {
        Arc::new(KeyedVectors::from_rows(["a", "b"], 2, &[1.0, 0.0, 0.0, 3.0]).unwrap())
    }

    fn column(split: Option<Split>) -> AddedColumn {
        AddedColumn {
            name: "e".into(),
            tokens: "tokens".into(),
            split,
            lowercase: true,
            weights: None,
            vectors: vectors(),
            options: EmbedOptions { pooling: Some(Pooling::Sum), ..EmbedOptions::default() },
        }
    }

    fn table(rows: usize) -> RecordBatch {
        let mut tokens = ListBuilder::new(StringBuilder::new());
        for row in 0..rows {
            tokens.append_value([Some("A"), Some(if row % 2 == 0 { "b" } else { "unknown" })]);
        }
        let ids: ArrayRef = Arc::new(UInt32Array::from_iter_values(0..rows as u32));
        RecordBatch::try_from_iter([("id", ids), ("tokens", Arc::new(tokens.finish()) as ArrayRef)]).unwrap()
    }

    fn write(path: &Path, batch: &RecordBatch) {
        let file = File::create(path).unwrap();
        if path.extension().unwrap() == "parquet" {
            let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
            writer.write(batch).unwrap();
            writer.close().unwrap();
        } else {
            let mut writer = FileWriter::try_new(file, &batch.schema()).unwrap();
            writer.write(batch).unwrap();
            writer.finish().unwrap();
        }
    }

    fn run(inputs: &[&Path], output: &Path) -> Result<u64> {
        let inputs: Vec<TableInput> = inputs.iter().map(|path| TableInput::from(*path)).collect();
        let format = TableFormat::of_name(output).unwrap();
        embed_files(&inputs, &output.into(), format, &column(None), &Progress::default())
    }

    #[test]
    fn rows_keep_their_order_and_get_their_vectors_whatever_the_formats_are() {
        let directory = tempfile::tempdir().unwrap();
        let [parquet, arrow] = ["a.parquet", "b.arrow"].map(|name| directory.path().join(name));
        write(&parquet, &table(20_001));
        write(&arrow, &table(20_001));
        for name in ["out.parquet", "out.arrow"] {
            let output = directory.path().join(name);
            assert_eq!(run(&[&parquet, &arrow], &output).unwrap(), 40_002);
            let mut read = Table::open(&output.as_path().into(), &Progress::default()).unwrap();
            let mut row = 0;
            while let Some(batch) = read.next().unwrap() {
                assert_eq!(
                    batch.schema().fields().iter().map(|field| field.name()).collect::<Vec<_>>(),
                    ["id", "tokens", "e"]
                );
                let values = batch.column(2).as_fixed_size_list().values().as_primitive::<Float32Type>().clone();
                for (i, id) in
                    batch.column(0).as_primitive::<arrow::datatypes::UInt32Type>().values().iter().enumerate()
                {
                    assert_eq!(*id, row % 20_001);
                    let want = [1.0, if id % 2 == 0 { 3.0 } else { 0.0 }];
                    assert_eq!(values.values()[2 * i..2 * i + 2], want);
                    row += 1;
                }
            }
            assert_eq!(row, 40_002);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name_and_nothing_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let [good, other, text] = ["a.parquet", "b.parquet", "c.parquet"].map(|name| directory.path().join(name));
        write(&good, &table(3));
        write(&other, &table(3).project(&[1]).unwrap());
        std::fs::write(&text, "text").unwrap();
        let output = directory.path().join("out.parquet");
        for (inputs, reason) in [
            (&[good.as_path(), &other][..], "b.parquet: is of other columns than"),
            (&[good.as_path(), &text], "c.parquet: is neither Parquet nor Arrow IPC"),
            (&[directory.path().join("none.parquet").as_path()], "none.parquet"),
            (&[], "no files were given"),
        ] {
            let error = run(inputs, &output).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let named = AddedColumn { name: "id".into(), ..column(None) };
        let error = embed_files(&[good.into()], &(&output).into(), TableFormat::Parquet, &named, &Progress::default());
        assert!(error.unwrap_err().to_string().contains("has a column \"id\" already"));
        assert!(!output.exists());
    }
}
