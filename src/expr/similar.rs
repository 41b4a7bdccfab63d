//! What is near: `similarity`, `most_similar`, `analogy`, `doesnt_match`.

use polars::prelude::*;
use polars_arrow::array::{Array, FixedSizeListArray, PrimitiveArray};
use rayon::prelude::*;
use serde::Deserialize;

use super::column::{bounds, common_length, fill_rows, list_chunk, lists_of, map_rows, repeated, series_of, validity};
use super::embed::{EmbedOptions, Embedding, parsed};
use super::error::compute_error;
use super::handle::Handle;
use super::lookup::{key_type, keys_of};
use super::tokens::{TokenType, Tokens, has_vector, row_of};
use crate::process::can_use_thread_pools;
use crate::progress::Progress;
use crate::vectors::{KeyedVectors, Pooling, Query, SearchOptions, exact_cosine};

/// Queries that are searched together: what they find is kept until then.
const QUERIES: usize = 8192;

/// How two columns are compared.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct SimilarityOptions {
    /// How a list of tokens becomes a vector: by the mean, if nothing else is said.
    #[serde(deserialize_with = "parsed")]
    pub pooling: Option<Pooling>,
}

/// How many neighbours are given.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct NeighbourOptions {
    /// At most so many.
    pub topn: usize,
}

impl Default for NeighbourOptions {
    fn default() -> Self {
        Self { topn: 10 }
    }
}

/// True for a column whose rows are vectors, not tokens.
///
/// # Errors
/// If they are of other dimensions.
fn is_of_vectors(function: &str, column: &Field, vectors: &KeyedVectors) -> PolarsResult<bool> {
    match &column.dtype {
        DataType::Array(value, size) if value.is_float() && *size != vectors.vector_size() => {
            polars_bail!(InvalidOperation: "{function}: column {:?} has vectors of {size} dimensions; the others have {}", column.name, vectors.vector_size())
        }
        DataType::Array(value, _) | DataType::List(value) => Ok(value.is_float()),
        _ => Ok(false),
    }
}

/// # Errors
/// If a column has neither tokens nor vectors.
fn check(function: &str, column: &Field, vectors: &KeyedVectors, origin: &str) -> PolarsResult<()> {
    if !is_of_vectors(function, column, vectors)? {
        TokenType::of(function, column, vectors, origin)?;
    }
    Ok(())
}

/// The vector of each row: of a token, pooled from a list of tokens, or as it is given.
fn vectors_of(
    function: &str,
    column: &Series,
    handle: &Handle,
    pooling: Pooling,
) -> PolarsResult<(Vec<f32>, Vec<bool>)> {
    let (field, table) = (column.field(), handle.open()?);
    if is_of_vectors(function, &field, &table)? {
        return given_vectors(function, column, table.vector_size());
    }
    let is_list = matches!(field.dtype, DataType::List(_) | DataType::Array(..));
    let options = EmbedOptions { pooling: Some(pooling).filter(|_| is_list), ..EmbedOptions::default() };
    let fields = [field.into_owned()];
    Embedding::new(function, &fields, &table, handle.to_string(), &options)?.rows_of(column)
}

/// Vectors of a column of `Array` or `List`; a null among the values makes the vector null.
fn given_vectors(function: &str, column: &Series, size: usize) -> PolarsResult<(Vec<f32>, Vec<bool>)> {
    let column = column.rechunk().cast(&match column.dtype() {
        DataType::Array(..) => DataType::Array(Box::new(DataType::Float32), size),
        _ => DataType::List(Box::new(DataType::Float32)),
    })?;
    let chunk = &column.chunks()[0];
    let array = chunk.as_any().downcast_ref::<FixedSizeListArray>();
    let lists = if array.is_none() { Some(lists_of(chunk.as_ref())?) } else { None };
    let values = array.map_or_else(|| lists.map(|lists| lists.values()), |array| Some(array.values()));
    let values = values.and_then(|values| values.as_any().downcast_ref::<PrimitiveArray<f32>>());
    let Some(values) = values else { polars_bail!(InvalidOperation: "{function}: expected vectors of numbers") };
    fill_rows(
        chunk.len(),
        size,
        || (),
        |(), row, to| {
            let own = lists.map_or(row * size..(row + 1) * size, |lists| bounds(lists, row));
            if !chunk.is_valid(row) {
                return Ok(false);
            }
            if own.len() != size {
                polars_bail!(ShapeMismatch: "{function}: a vector of {} values; the others have {size}", own.len())
            }
            for (to, value) in to.iter_mut().zip(own) {
                let Some(value) = values.get(value) else { return Ok(false) };
                *to = value;
            }
            Ok(true)
        },
    )
}

pub(super) fn similarity_field(fields: &[Field], vectors: &Handle, _: &SimilarityOptions) -> PolarsResult<Field> {
    let table = vectors.open()?;
    fields.iter().try_for_each(|column| check("similarity", column, &table, &vectors.to_string()))?;
    Ok(Field::new(fields[0].name.clone(), DataType::Float32))
}

/// The cosine of the vectors of two columns, row by row.
pub(super) fn similarity_column(
    inputs: &[Series],
    vectors: &Handle,
    options: &SimilarityOptions,
) -> PolarsResult<Series> {
    let pooling = options.pooling.unwrap_or(Pooling::Mean);
    let rows = common_length("similarity", inputs)?;
    let size = vectors.open()?.vector_size();
    let sides = inputs.iter().map(|column| vectors_of("similarity", column, vectors, pooling));
    let sides = sides.collect::<PolarsResult<Vec<_>>>()?;
    let cosines = map_rows(rows, |row| {
        let side = |side: usize| {
            let (values, is_valid) = &sides[side];
            // A column of one row is compared with every row.
            let row = if is_valid.len() == 1 { 0 } else { row };
            is_valid[row].then(|| &values[row * size..(row + 1) * size])
        };
        Some(exact_cosine(side(0)?, side(1)?))
    });
    Ok(Float32Chunked::from_iter_options(inputs[0].name().clone(), cosines.into_iter()).into_series())
}

fn neighbour_type(vectors: &KeyedVectors) -> DataType {
    let word = Field::new(PlSmallStr::from_static("word"), key_type(vectors));
    let score = Field::new(PlSmallStr::from_static("score"), DataType::Float32);
    DataType::List(Box::new(DataType::Struct(vec![word, score])))
}

/// What is searched for in a row: a direction, and the rows that are left out; None for null.
type Asked = Option<(Vec<f32>, Vec<usize>)>;

/// A column of the neighbours of each row.
fn neighbours(
    name: &PlSmallStr,
    rows: usize,
    vectors: &KeyedVectors,
    topn: usize,
    ask: impl Fn(usize) -> PolarsResult<Asked> + Sync,
) -> PolarsResult<Series> {
    let (mut words, mut scores, mut offsets) = (Vec::new(), Vec::new(), vec![0i64]);
    let mut is_valid = Vec::with_capacity(rows);
    for start in (0..rows).step_by(QUERIES) {
        let end = rows.min(start + QUERIES);
        let asked: Vec<Asked> = match can_use_thread_pools() {
            true => (start..end).into_par_iter().map(&ask).collect::<PolarsResult<_>>()?,
            false => (start..end).map(&ask).collect::<PolarsResult<_>>()?,
        };
        let is_asked: Vec<bool> = asked.iter().map(Option::is_some).collect();
        let (mut directions, mut excluded) = (Vec::new(), Vec::new());
        for (direction, rows) in asked.into_iter().flatten() {
            directions.extend(direction);
            excluded.push(rows);
        }
        let options = SearchOptions { topn, rows: 0..vectors.len(), excluded: &excluded };
        let found = vectors.search_directions(directions, &options, &Progress::default()).map_err(compute_error)?;
        let mut found = found.into_iter();
        for is_asked in is_asked {
            for (row, score) in is_asked.then(|| found.next()).flatten().unwrap_or_default() {
                words.push(Some(row));
                scores.push(score);
            }
            offsets.push(words.len() as i64);
            is_valid.push(is_asked);
        }
    }
    let words = keys_of(PlSmallStr::from_static("word"), &words, vectors);
    let scores = Series::from_vec(PlSmallStr::from_static("score"), scores);
    let pairs = StructChunked::from_series(PlSmallStr::EMPTY, words.len(), [words, scores].iter())?;
    let pairs = pairs.into_series().rechunk();
    let lists = list_chunk(pairs.chunks()[0].clone(), offsets, validity(&is_valid))?;
    Ok(series_of(name, vec![lists], &neighbour_type(vectors)))
}

pub(super) fn most_similar_field(fields: &[Field], vectors: &Handle, _: &NeighbourOptions) -> PolarsResult<Field> {
    let table = vectors.open()?;
    ensure_dimensions("most_similar", &table, vectors)?;
    check("most_similar", &fields[0], &table, &vectors.to_string())?;
    Ok(Field::new(fields[0].name.clone(), neighbour_type(&table)))
}

fn ensure_dimensions(function: &str, vectors: &KeyedVectors, handle: &Handle) -> PolarsResult<()> {
    if vectors.vector_size() == 0 {
        polars_bail!(InvalidOperation: "{function}: the vectors of {handle} have no dimensions")
    }
    Ok(())
}

/// What is near to a word, to the words of a list together, or to a vector. The words that are asked with are left out.
pub(super) fn most_similar_column(
    inputs: &[Series],
    handle: &Handle,
    options: &NeighbourOptions,
) -> PolarsResult<Series> {
    let (column, vectors) = (&inputs[0], handle.open()?);
    let (name, topn, field) = (column.name(), options.topn, column.field());
    ensure_dimensions("most_similar", &vectors, handle)?;
    if is_of_vectors("most_similar", &field, &vectors)? {
        let size = vectors.vector_size();
        let (values, is_valid) = given_vectors("most_similar", column, size)?;
        return neighbours(name, column.len(), &vectors, topn, |row| {
            let mut query = Query::new(&vectors);
            let values: Vec<f64> = values[row * size..][..size].iter().copied().map(f64::from).collect();
            query.add_vector(&values, 1.0).map_err(compute_error)?;
            Ok(is_valid[row].then(|| (query.direction(), Vec::new())))
        });
    }
    let tokens = TokenType::of("most_similar", &field, &vectors, &handle.to_string())?;
    let cast = tokens.cast(column)?.rechunk();
    let chunk = cast.chunks()[0].as_ref();
    let lists = if tokens.is_list { Some(lists_of(chunk)?) } else { None };
    let keys = Tokens::of(lists.map_or(chunk, |lists| lists.values().as_ref()))?;
    neighbours(name, column.len(), &vectors, topn, |row| {
        if !chunk.is_valid(row) {
            return Ok(None);
        }
        let own = lists.map_or(row..row + 1, |lists| bounds(lists, row));
        Ok(direction_of(&vectors, own.filter_map(|token| Some((keys.key(token)?, 1.0)))))
    })
}

/// The direction of the known keys with their weights, and their rows; None if none is known.
fn direction_of<'k>(vectors: &KeyedVectors, keys: impl Iterator<Item = (crate::vocab::Key<'k>, f64)>) -> Asked {
    let (mut query, mut rows, mut terms) = (Query::new(vectors), Vec::new(), 0);
    for (key, weight) in keys {
        // A number may be a row, where keys are text.
        match row_of(key, vectors) {
            Some(row) => {
                query.add_row(row, weight);
                rows.push(row);
            }
            None if has_vector(key, vectors) => query.add_key(key, weight).ok()?,
            None => continue,
        }
        terms += 1;
    }
    (terms > 0).then(|| (query.direction(), rows))
}

pub(super) fn analogy_field(fields: &[Field], vectors: &Handle, _: &NeighbourOptions) -> PolarsResult<Field> {
    let table = vectors.open()?;
    ensure_dimensions("analogy", &table, vectors)?;
    fields.iter().try_for_each(|column| word_type("analogy", column, &table, vectors).map(drop))?;
    Ok(Field::new(fields[0].name.clone(), neighbour_type(&table)))
}

fn word_type(function: &str, column: &Field, vectors: &KeyedVectors, handle: &Handle) -> PolarsResult<TokenType> {
    let tokens = TokenType::of(function, column, vectors, &handle.to_string())?;
    if tokens.is_list {
        polars_bail!(InvalidOperation: "{function}: column {:?} is {}; expected words, one a row", column.name, column.dtype)
    }
    Ok(tokens)
}

/// What is to c as b is to a, from three columns of words.
pub(super) fn analogy_column(inputs: &[Series], handle: &Handle, options: &NeighbourOptions) -> PolarsResult<Series> {
    let (vectors, rows) = (handle.open()?, common_length("analogy", inputs)?);
    ensure_dimensions("analogy", &vectors, handle)?;
    let cast = |column: &Series| -> PolarsResult<Series> {
        let tokens = word_type("analogy", &column.field(), &vectors, handle)?;
        Ok(repeated(&tokens.cast(column)?, rows))
    };
    let columns = inputs.iter().map(cast).collect::<PolarsResult<Vec<_>>>()?;
    let tokens = columns.iter().map(|column| Tokens::of(column.chunks()[0].as_ref()));
    let tokens = tokens.collect::<PolarsResult<Vec<_>>>()?;
    neighbours(inputs[0].name(), rows, &vectors, options.topn, |row| {
        let keys: Option<Vec<_>> = tokens.iter().map(|tokens| tokens.key(row)).collect();
        let Some(keys) = keys.filter(|keys| keys.iter().all(|&key| has_vector(key, &vectors))) else {
            return Ok(None);
        };
        Ok(direction_of(&vectors, keys.into_iter().zip([-1.0, 1.0, 1.0])))
    })
}

fn check_lists(column: &Field, vectors: &KeyedVectors, handle: &Handle) -> PolarsResult<TokenType> {
    let tokens = TokenType::of("doesnt_match", column, vectors, &handle.to_string())?;
    if !tokens.is_list && column.dtype != DataType::Null {
        polars_bail!(InvalidOperation: "doesnt_match: column {:?} is {}; expected lists of words", column.name, column.dtype)
    }
    Ok(tokens)
}

pub(super) fn doesnt_match_field(fields: &[Field], vectors: &Handle) -> PolarsResult<Field> {
    let table = vectors.open()?;
    check_lists(&fields[0], &table, vectors)?;
    Ok(Field::new(fields[0].name.clone(), key_type(&table)))
}

/// The word of each list that is farthest from the mean of all.
pub(super) fn doesnt_match_column(inputs: &[Series], handle: &Handle) -> PolarsResult<Series> {
    let (column, vectors) = (&inputs[0], handle.open()?);
    let tokens = check_lists(&column.field(), &vectors, handle)?;
    if *column.dtype() == DataType::Null {
        return Ok(Series::full_null(column.name().clone(), column.len(), &key_type(&vectors)));
    }
    let cast = tokens.cast(column)?.rechunk();
    let lists = lists_of(cast.chunks()[0].as_ref())?;
    let keys = Tokens::of(lists.values().as_ref())?;
    let farthest = map_rows(column.len(), |row| {
        let own = lists.is_valid(row).then(|| bounds(lists, row))?;
        let rows: Vec<usize> = own.filter_map(|token| row_of(keys.key(token)?, &vectors)).collect();
        let products = vectors.centralities(&rows, true);
        let word = |row: usize| vectors.keys().key(row as u32);
        // As in gensim: of words that are equally far, the first by its letters.
        let order = |a: &(f32, usize), b: &(f32, usize)| {
            a.0.total_cmp(&b.0).then_with(|| match (word(a.1).as_text(), word(b.1).as_text()) {
                (Some(a), Some(b)) => a.cmp(b),
                _ => word(a.1).as_i64().cmp(&word(b.1).as_i64()),
            })
        };
        products.into_iter().zip(rows).min_by(order).map(|(_, row)| row)
    });
    Ok(keys_of(column.name().clone(), &farthest, &vectors))
}
