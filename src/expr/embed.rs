//! From tokens to vectors: `embed`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use polars::prelude::*;
use polars_arrow::array::{Array, ArrayRef, ListArray, PrimitiveArray};
use serde::{Deserialize, Deserializer};

use super::column::{
    VectorType, bounds, common_length, fill_blocks, fill_rows, list_chunk, lists_of, parts, repeated, series_of,
    validity,
};
use super::handle::Handle;
use super::kept::Kept;
use super::tokens::{Finder, TokenType, Tokens};
use crate::vectors::{Divisor, KeyedVectors, Pooling, TokenWeights, Weighting, unit};
use crate::vocab::{Key, WordId};

/// Rows whose vectors are made in single precision before they are rounded to half.
const ROWS_OF_HALVES: usize = 16_384;

/// Lists whose tokens are looked for at the same time: their vectors stay in a core's second cache.
const LISTS_AHEAD: usize = 32;

/// How tokens become vectors.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct EmbedOptions {
    /// How the vectors of a list become one. Without, a list of tokens becomes a list of vectors.
    #[serde(deserialize_with = "parsed")]
    pub pooling: Option<Pooling>,
    /// Weights by frequency, for a mean or a sum.
    #[serde(deserialize_with = "parsed")]
    pub weights: Option<Weighting>,
    /// Scales each result to length 1; zeros stay.
    #[serde(rename = "normalize")]
    pub normalise: bool,
    /// What stands for a token that has no vector.
    pub oov: Unknown,
    /// Half precision: the results are `List(Float16)`.
    pub half: bool,
    /// What all results have in common, which is taken out of each.
    pub remove_common: Option<CommonComponents>,
}

/// What stands for a token that has no vector. Nulls have none whatever is chosen.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Unknown {
    /// Nothing: it is left out of a pooled list, and alone it is null.
    #[default]
    Null,
    /// A vector of zeros, which counts in a pooled list.
    Zero,
    /// An error that names the token.
    Error,
    /// This vector, which counts in a pooled list.
    Vector(Vec<f32>),
}

/// Directions that all vectors have in common.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CommonComponents {
    /// Vectors of length 1, orthogonal to each other.
    pub directions: Vec<Vec<f32>>,
    /// How much of each is taken out, from 0 to 1.
    pub shares: Vec<f32>,
}

/// An option that is given by its name.
pub(super) fn parsed<'de, D: Deserializer<'de>, T: std::str::FromStr<Err = crate::Error>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let name: Option<String> = Option::deserialize(from)?;
    name.map(|name| name.parse()).transpose().map_err(serde::de::Error::custom)
}

impl<'de> Deserialize<'de> for Unknown {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value {
            Name(String),
            Vector(Vec<f32>),
        }
        match Value::deserialize(from)? {
            Value::Vector(vector) => Ok(Self::Vector(vector)),
            Value::Name(name) => match name.as_str() {
                "null" => Ok(Self::Null),
                "zero" => Ok(Self::Zero),
                "error" => Ok(Self::Error),
                _ => Err(serde::de::Error::custom(format!(
                    "oov: {name:?} is unknown; expected \"null\", \"zero\", \"error\" or a vector"
                ))),
            },
        }
    }
}

/// What an expression has when it is checked.
pub(super) struct Embedding<'a> {
    vectors: &'a Arc<KeyedVectors>,
    options: &'a EmbedOptions,
    pub(super) tokens: TokenType,
    stand_in: Option<Cow<'a, [f32]>>,
    /// By row.
    weights: Option<Arc<TokenWeights>>,
    origin: String,
}

impl<'a> Embedding<'a> {
    /// Of a column of tokens, with weights if `fields` has two.
    ///
    /// # Errors
    /// If the columns or the options do not fit.
    pub(super) fn new(
        function: &str,
        fields: &[Field],
        vectors: &'a Arc<KeyedVectors>,
        origin: String,
        options: &'a EmbedOptions,
    ) -> PolarsResult<Self> {
        let (column, size) = (&fields[0], vectors.vector_size());
        let tokens = TokenType::of(function, column, vectors, &origin)?;
        if size == 0 {
            polars_bail!(InvalidOperation: "{function}: the vectors of {origin} have no dimensions")
        }
        check_pooling(function, column, tokens.is_list, options, fields.get(1))?;
        let stand_in = match &options.oov {
            Unknown::Vector(vector) if vector.len() != size => {
                polars_bail!(InvalidOperation: "{function}: oov: a vector of {} values; those of {origin} have {size}", vector.len())
            }
            Unknown::Vector(vector) => Some(Cow::Borrowed(vector.as_slice())),
            Unknown::Zero => Some(Cow::Owned(vec![0.0; size])),
            Unknown::Null | Unknown::Error => None,
        };
        if let Some(common) = &options.remove_common
            && (common.directions.iter().any(|direction| direction.len() != size)
                || common.shares.len() != common.directions.len())
        {
            polars_bail!(InvalidOperation: "{function}: remove_common: these components were not learnt from vectors of {size} dimensions, as those of {origin} are")
        }
        let weights = options.weights.and_then(|weighting| weights_of(vectors, weighting));
        Ok(Self { vectors, options, tokens, stand_in, weights, origin })
    }

    fn vector_type(&self) -> VectorType {
        VectorType { size: self.vectors.vector_size(), is_half: self.options.half }
    }

    /// The type of the results.
    pub(super) fn dtype(&self) -> DataType {
        let vector = self.vector_type().dtype();
        match self.tokens.is_list && self.options.pooling.is_none() {
            true => DataType::List(Box::new(vector)),
            false => vector,
        }
    }

    fn part(&self) -> usize {
        if self.options.half { ROWS_OF_HALVES } else { usize::MAX }
    }

    /// What has the place of a token's vector, where it has no row: the vector of its n-grams, or what stands for it.
    ///
    /// # Errors
    /// If there is nothing, and that is an error.
    fn without_row(&self, key: Key<'_>) -> PolarsResult<Option<Cow<'_, [f32]>>> {
        if let (Some(subwords), Some(word)) = (self.vectors.subwords(), key.as_text()) {
            return Ok(Some(Cow::Owned(subwords.vector(word))));
        }
        if self.options.oov == Unknown::Error {
            polars_bail!(
                ComputeError: "embed: the key {key:?} is not in {}; choose another oov, or train with it", self.origin
            )
        }
        Ok(self.stand_in.as_deref().map(Cow::Borrowed))
    }

    /// What is done with each result.
    fn finish(&self, to: &mut [f32]) {
        if let Some(common) = &self.options.remove_common {
            for (direction, &share) in common.directions.iter().zip(&common.shares) {
                let product: f64 = direction.iter().zip(&*to).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                let product = (product * f64::from(share)) as f32;
                to.iter_mut().zip(direction).for_each(|(value, &part)| *value -= product * part);
            }
        }
        if self.options.normalise {
            to.copy_from_slice(&unit(to));
        }
    }

    /// The vector of each token of a chunk, one after another.
    fn embed_tokens(&self, tokens: &Tokens<'_>, range: Range<usize>) -> PolarsResult<(Vec<f32>, Vec<bool>)> {
        let (size, table) = (self.vectors.vector_size(), self.vectors.rows());
        let finder = Finder::new(tokens, self.vectors);
        fill_blocks(range.len(), size, Vec::new, |rows, first, values, is_valid| {
            let block = range.start + first..range.start + first + is_valid.len();
            finder.rows(block.clone(), rows);
            let each = values.chunks_exact_mut(size).zip(is_valid).zip(block.zip(&*rows));
            for ((to, is_valid), (token, row)) in each {
                let vector = match (row, tokens.key(token)) {
                    (Some(row), _) => Some(Cow::Borrowed(table.row(*row as usize))),
                    (None, Some(key)) => self.without_row(key)?,
                    (None, None) => None,
                };
                if let Some(vector) = &vector {
                    to.copy_from_slice(vector);
                    self.finish(to);
                }
                *is_valid = vector.is_some();
            }
            Ok(())
        })
    }

    /// The pooled vector of each list of a chunk, one after another.
    fn pool_lists(
        &self,
        lists: &ListArray<i64>,
        pooling: Pooling,
        weights: Option<&ListArray<i64>>,
    ) -> PolarsResult<(Vec<f32>, Vec<bool>)> {
        let tokens = Tokens::of(lists.values().as_ref())?;
        let finder = Finder::new(&tokens, self.vectors);
        let weights = weights.map(ListWeights::of).transpose()?;
        let size = self.vectors.vector_size();
        fill_rows(lists.len(), size, Gathered::default, |gathered: &mut Gathered<'_>, row, to| {
            if !lists.is_valid(row) {
                return Ok(false);
            }
            let list = bounds(lists, row);
            if !gathered.has(&list) {
                gathered.first = list.start;
                let last = bounds(lists, lists.len().min(row + LISTS_AHEAD) - 1).end;
                finder.rows(list.start..last, &mut gathered.rows);
            }
            let own = match &weights {
                None => None,
                Some(weights) => match weights.of_row(row, list.len())? {
                    Some(own) => Some((weights.values, own.start)),
                    None => return Ok(false),
                },
            };
            self.gather(gathered, &tokens, list, own)?;
            let composed;
            let vectors = match gathered.composed.is_empty() {
                true => &gathered.vectors,
                false => {
                    composed = gathered.with_composed();
                    &composed
                }
            };
            let shares = gathered.shares.as_slice();
            match (vectors.is_empty(), shares.is_empty(), own) {
                (true, ..) => return Ok(false),
                (_, true, _) => pooling.pool_vectors(vectors, to),
                (_, _, None) => pooling.pool_weighted(vectors, shares, Divisor::Count, to),
                // There is no mean with weights that add up to nothing.
                (_, _, Some(_)) if pooling == Pooling::Mean && shares.iter().sum::<f32>() == 0.0 => return Ok(false),
                (_, _, Some(_)) => pooling.pool_weighted(vectors, shares, Divisor::Weights, to),
            }
            self.finish(to);
            Ok(true)
        })
    }

    /// Finds the vectors of a list's tokens, and their weights if there are any.
    ///
    /// # Errors
    /// If a token has none, and that is an error.
    fn gather<'s>(
        &'s self,
        gathered: &mut Gathered<'s>,
        tokens: &Tokens<'_>,
        list: Range<usize>,
        own: Option<(&PrimitiveArray<f32>, usize)>,
    ) -> PolarsResult<()> {
        gathered.vectors.clear();
        gathered.composed.clear();
        gathered.shares.clear();
        let is_every_row = own.is_none() && self.weights.is_none();
        for (place, token) in list.enumerate() {
            // A token without a weight is left out.
            if tokens.is_null(token) || own.is_some_and(|(own, start)| !own.is_valid(start + place)) {
                continue;
            }
            let row = gathered.rows[token - gathered.first].map(|row| row as usize);
            match row {
                Some(row) => gathered.vectors.push(self.vectors.rows().row(row)),
                None => {
                    let Some(key) = tokens.key(token) else { continue };
                    match self.without_row(key)? {
                        Some(Cow::Borrowed(vector)) => gathered.vectors.push(vector),
                        Some(Cow::Owned(vector)) => {
                            gathered.vectors.push(&[]);
                            gathered.composed.push(vector);
                        }
                        None => continue,
                    }
                }
            }
            if is_every_row {
                continue;
            }
            let by_row = |weights: &Arc<TokenWeights>| row.map_or(weights.unknown, |row| weights.rows[row]);
            gathered
                .shares
                .extend(own.map(|(own, start)| own.value(start + place)).or_else(|| self.weights.as_ref().map(by_row)));
        }
        Ok(())
    }

    /// The vectors of a column that has one for each row, with nulls where it is not valid.
    pub(super) fn rows_of(&self, column: &Series) -> PolarsResult<(Vec<f32>, Vec<bool>)> {
        let column = self.tokens.cast(column)?.rechunk();
        let chunk = &column.chunks()[0];
        match self.options.pooling {
            Some(pooling) if self.tokens.is_list => self.pool_lists(lists_of(chunk.as_ref())?, pooling, None),
            _ => {
                let tokens = Tokens::of(chunk.as_ref())?;
                self.embed_tokens(&tokens, 0..tokens.len())
            }
        }
    }

    fn chunk(&self, chunk: &dyn Array, weights: Option<&dyn Array>) -> PolarsResult<ArrayRef> {
        let vector = self.vector_type();
        let (values, is_valid) = match (self.tokens.is_list, self.options.pooling) {
            (false, _) => {
                let tokens = Tokens::of(chunk)?;
                self.embed_tokens(&tokens, 0..tokens.len())?
            }
            (true, Some(pooling)) => self.pool_lists(lists_of(chunk)?, pooling, weights.map(lists_of).transpose()?)?,
            (true, None) => {
                let lists = lists_of(chunk)?;
                let (first, last) = (*lists.offsets().first(), *lists.offsets().last());
                let tokens = Tokens::of(lists.values().as_ref())?;
                let (values, is_valid) = self.embed_tokens(&tokens, first as usize..last as usize)?;
                let offsets = lists.offsets().iter().map(|offset| offset - first).collect();
                let vectors = vector.chunk(values, is_valid.len(), validity(&is_valid))?;
                return list_chunk(vectors, offsets, lists.validity().cloned());
            }
        };
        vector.chunk(values, is_valid.len(), validity(&is_valid))
    }

    fn embed(&self, inputs: &[Series]) -> PolarsResult<Series> {
        let (name, dtype) = (inputs[0].name(), self.dtype());
        if *inputs[0].dtype() == DataType::Null {
            return Ok(Series::full_null(name.clone(), inputs[0].len(), &dtype));
        }
        let tokens = self.tokens.cast(&inputs[0])?;
        let chunks: PolarsResult<Vec<_>> = match inputs.get(1) {
            None => parts(&tokens, self.part()).map(|part| self.chunk(part.as_ref(), None)).collect(),
            Some(weights) => {
                let weights = weights.rechunk();
                let weights = match weights.dtype() {
                    DataType::Array(item, _) => weights.cast(&DataType::List(item.clone()))?,
                    _ => weights,
                };
                let weights = weights.cast(&DataType::List(Box::new(DataType::Float32)))?;
                let rows = common_length("embed", &[tokens.clone(), weights.clone()])?;
                let (tokens, weights) = (repeated(&tokens, rows), repeated(&weights, rows));
                let pairs = parts(&tokens, self.part()).zip(parts(&weights, self.part()));
                pairs.map(|(part, weights)| self.chunk(part.as_ref(), Some(weights.as_ref()))).collect()
            }
        };
        Ok(series_of(name, chunks?, &dtype))
    }
}

/// # Errors
/// If the pooling and the weights do not fit the column.
fn check_pooling(
    function: &str,
    column: &Field,
    is_list: bool,
    options: &EmbedOptions,
    weights: Option<&Field>,
) -> PolarsResult<()> {
    let name = &column.name;
    if options.pooling.is_some() && !is_list && column.dtype != DataType::Null {
        polars_bail!(InvalidOperation: "{function}: column {name:?} has one word a row: there is nothing to pool")
    }
    if weights.is_none() && options.weights.is_none() {
        return Ok(());
    }
    if !options.pooling.is_some_and(Pooling::takes_weights) {
        polars_bail!(InvalidOperation: "{function}: weights: they need pooling=\"mean\" or pooling=\"sum\"")
    }
    let Some(Field { name, dtype }) = weights else { return Ok(()) };
    match dtype {
        DataType::Null => Ok(()),
        DataType::List(item) | DataType::Array(item, _) if item.is_primitive_numeric() || item.is_null() => Ok(()),
        _ => {
            polars_bail!(InvalidOperation: "{function}: weights: column {name:?} is {dtype}; expected lists of numbers, one for each token")
        }
    }
}

/// A column of weights.
struct ListWeights<'a> {
    lists: &'a ListArray<i64>,
    values: &'a PrimitiveArray<f32>,
}

impl<'a> ListWeights<'a> {
    fn of(lists: &'a ListArray<i64>) -> PolarsResult<Self> {
        let values = lists.values().as_any().downcast_ref();
        let values =
            values.ok_or_else(|| polars_err!(InvalidOperation: "embed: weights: expected lists of numbers"))?;
        Ok(Self { lists, values })
    }

    /// Where the weights of a list of so many tokens are, or None if they are null.
    ///
    /// # Errors
    /// If there are more or fewer of them.
    fn of_row(&self, row: usize, tokens: usize) -> PolarsResult<Option<Range<usize>>> {
        if !self.lists.is_valid(row) {
            return Ok(None);
        }
        let own = bounds(self.lists, row);
        if own.len() != tokens {
            polars_bail!(ShapeMismatch: "embed: weights: a list of {tokens} tokens has {} weights; expected one for each token", own.len())
        }
        Ok(Some(own))
    }
}

/// What a thread holds while it pools lists.
#[derive(Default)]
struct Gathered<'v> {
    /// Of the tokens from the first on.
    rows: Vec<Option<WordId>>,
    first: usize,
    /// Of a list's tokens; of those whose vector is composed of n-grams, nothing.
    vectors: Vec<&'v [f32]>,
    composed: Vec<Vec<f32>>,
    /// A weight for each, or none at all.
    shares: Vec<f32>,
}

impl Gathered<'_> {
    /// True if it has the rows of these tokens.
    fn has(&self, tokens: &Range<usize>) -> bool {
        self.first <= tokens.start && tokens.end <= self.first + self.rows.len()
    }

    /// The vectors, with those that are composed in their places.
    fn with_composed(&self) -> Vec<&[f32]> {
        let mut composed = self.composed.iter().map(Vec::as_slice);
        let vectors = self.vectors.iter();
        vectors.map(|vector| if vector.is_empty() { composed.next().unwrap_or_default() } else { vector }).collect()
    }
}

/// The weights of a table.
fn weights_of(vectors: &Arc<KeyedVectors>, weighting: Weighting) -> Option<Arc<TokenWeights>> {
    static KEPT: Kept<Weighting, TokenWeights> = Kept::new();
    KEPT.get(vectors, weighting, || Some(TokenWeights::new(vectors, weighting)))
}

/// The field of the results.
///
/// # Errors
/// If the vectors cannot be opened, or the columns or the options do not fit.
pub(super) fn embed_field(fields: &[Field], vectors: &Handle, options: &EmbedOptions) -> PolarsResult<Field> {
    let table = vectors.open()?;
    let embedding = Embedding::new("embed", fields, &table, vectors.to_string(), options)?;
    Ok(Field::new(fields[0].name.clone(), embedding.dtype()))
}

/// The vectors of columns of tokens, and of weights.
///
/// # Errors
/// As for [`embed_field`]; if a list does not have as many weights as tokens, or a token has no vector and that is an error.
pub(super) fn embed_columns(inputs: &[Series], vectors: &Handle, options: &EmbedOptions) -> PolarsResult<Series> {
    let table = vectors.open()?;
    let fields: Vec<Field> = inputs.iter().map(|column| column.field().into_owned()).collect();
    Embedding::new("embed", &fields, &table, vectors.to_string(), options)?.embed(inputs)
}
