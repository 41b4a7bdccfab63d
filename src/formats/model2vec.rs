//! Static embedding models in the directories that model2vec writes: `tokenizer.json`, `model.safetensors` (mapped) and
//! `config.json`; also in the layouts of sentence-transformers.

use std::fs::{self, File};
#[cfg(feature = "python")]
use std::io::Write;
use std::path::{Path, PathBuf};

use safetensors::tensor::Dtype;
use serde_json::Value;

use super::parts::Parsed;
#[cfg(feature = "python")]
use super::safetensors::header;
use super::safetensors::{Integers, Tensors};
use crate::arrow::ipc::map_bytes;
use crate::error::{Error, IoContext, Result};
use crate::kernel::prefetch;
#[cfg(feature = "python")]
use crate::output::Output;
#[cfg(feature = "python")]
use crate::progress::Progress;
#[cfg(feature = "python")]
use crate::store::Location;
use crate::tokenise::{PieceCache, TrainedTokenizer};
use crate::vectors::{Divisor, Pooling, Rows};

/// Config, matrix and tokenizer of each layout, and the name of the matrix.
const LAYOUTS: [([&str; 3], &str); 3] = [
    (["config.json", "model.safetensors", "tokenizer.json"], "embeddings"),
    (["config_sentence_transformers.json", "model.safetensors", "tokenizer.json"], "embedding.weight"),
    (
        [
            "config_sentence_transformers.json",
            "0_StaticEmbedding/model.safetensors",
            "0_StaticEmbedding/tokenizer.json",
        ],
        "embedding.weight",
    ),
];

/// Where the tokens of a text end, unless the configuration says it.
const MAX_LENGTH: usize = 512;

/// A tokenizer, and a vector for each of its tokens.
pub struct StaticModel {
    tokenizer: TrainedTokenizer,
    table: TokenTable,
    normalize: bool,
    /// Tokens of a text that are read.
    max_length: usize,
    /// Characters of a text that are read.
    max_characters: usize,
}

/// The vectors of token ids.
struct TokenTable {
    rows: Rows,
    /// The row of each id, if it is not the id.
    mapping: Option<Vec<u64>>,
    weights: Option<Vec<f32>>,
}

/// The files of a model directory: configuration, matrix, tokenizer.
pub(super) fn files_of(directory: &Path) -> Result<([PathBuf; 3], &'static str)> {
    for (names, matrix) in LAYOUTS {
        let files = names.map(|name| directory.join(name));
        if files.iter().all(|file| file.exists()) {
            return Ok((files, matrix));
        }
    }
    let reason = "is a directory, but not a static model: it must have config.json, model.safetensors and tokenizer.json, \
                  as model2vec writes them";
    Err(Error::format(directory, reason))
}

/// Writes a directory in the first of the layouts: `rows` of `size` floats, and texts under their names. All files are
/// written before the first appears.
///
/// # Errors
/// [`Error::Io`] if the directory cannot be written to; [`Error::Interrupted`].
#[cfg(feature = "python")]
pub(crate) fn save_static_model(
    location: &Location,
    rows: &[f32],
    size: usize,
    texts: &[(String, String)],
    progress: &Progress,
) -> Result<()> {
    let ([_, file, _], matrix) = LAYOUTS[0];
    let tensor = (matrix, "F32", vec![rows.len().checked_div(size).unwrap_or(0), size], size_of_val(rows));
    let mut output = Output::in_directory(location, progress)?;
    output.write(file, |out| {
        out.write_all(&header(None, &[tensor]))?;
        rows.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
    })?;
    for (name, text) in texts {
        output.write(name, |out| out.write_all(text.as_bytes()))?;
    }
    output.commit().map(drop)
}

impl StaticModel {
    /// Opens a directory that model2vec or [`KeyedVectors.to_model2vec`](crate::KeyedVectors) wrote.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read, [`Error::Format`] if one is damaged or they do not fit together.
    pub fn open(directory: &Path) -> Result<Self> {
        let ([config, matrix, tokenizer], name) = files_of(directory)?;
        let tokenizer = TrainedTokenizer::open(&tokenizer)?;
        let (max_length, normalize) = read_config(&config)?;
        let bytes = map_bytes(&File::open(&matrix).at("read", &matrix)?, &matrix)?;
        let fault = |reason: String| Error::format(&matrix, reason);
        let table = Tensors::of(&bytes).and_then(|tensors| TokenTable::read(&tensors, name)).map_err(fault)?;
        table.check(&tokenizer).map_err(fault)?;
        let max_characters = max_length.map_or(usize::MAX, |length| length.saturating_mul(median_length(&tokenizer)));
        Ok(Self { tokenizer, table, normalize, max_length: max_length.unwrap_or(usize::MAX), max_characters })
    }

    /// The number of rows of its matrix.
    pub fn len(&self) -> usize {
        self.table.rows.len()
    }

    /// True if it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if the matrix lies in the mapped file.
    pub fn is_mapped(&self) -> bool {
        self.table.rows.is_mapped()
    }

    /// The dimensions of the vectors.
    pub fn vector_size(&self) -> usize {
        self.table.rows.vector_size()
    }

    /// Writes the vector of a text to `to`, which holds [`vector_size`](Self::vector_size) zeros: the weighted mean of its
    /// tokens' vectors, as `model2vec.StaticModel.encode` does; zeros if it has no known tokens.
    pub fn encode(&self, text: &str, cache: &mut PieceCache, ids: &mut Vec<u32>, to: &mut [f32]) {
        ids.clear();
        self.tokenizer.ids(self.start_of(text), self.max_length, cache, ids);
        ids.retain(|&id| Some(id) != self.tokenizer.unknown());
        if !ids.is_empty() {
            self.table.mean(ids, to);
        }
        if self.normalize {
            let norm = to.iter().map(|value| value * value).sum::<f32>().sqrt() + 1e-32;
            to.iter_mut().for_each(|value| *value /= norm);
        }
    }

    /// What of a text is tokenised at all: model2vec cuts texts by characters first, then by tokens.
    fn start_of<'t>(&self, text: &'t str) -> &'t str {
        if text.len() <= self.max_characters {
            return text;
        }
        text.char_indices().nth(self.max_characters).map_or(text, |(end, _)| &text[..end])
    }
}

/// The most tokens of a text, if there is a most, and whether vectors are scaled to length 1.
fn read_config(path: &Path) -> Result<(Option<usize>, bool)> {
    let fault = |reason: String| Error::format(path, reason);
    let text = fs::read(path).at("read", path)?;
    let config: Value = serde_json::from_slice(&text).map_err(|error| fault(format!("is not JSON: {error}")))?;
    let config = config.as_object().ok_or_else(|| fault("is not a JSON object".to_owned()))?;
    let max_length = match config.get("max_length") {
        None => Some(MAX_LENGTH),
        Some(Value::Null) => None,
        Some(length) => Some(
            length
                .as_u64()
                .and_then(|length| usize::try_from(length).ok())
                .ok_or_else(|| fault(format!("max_length: {length} is not a number of tokens")))?,
        ),
    };
    let normalize = match config.get("normalize") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(normalize)) => *normalize,
        Some(other) => return Err(fault(format!("normalize: {other} is neither true nor false"))),
    };
    Ok((max_length, normalize))
}

/// The median of the tokens' lengths in characters, rounded down.
fn median_length(tokenizer: &TrainedTokenizer) -> usize {
    let mut lengths: Vec<usize> = tokenizer.tokens().map(|(token, _)| token.chars().count()).collect();
    lengths.sort_unstable();
    match lengths.len() {
        0 => 0,
        count => (lengths[(count - 1) / 2] + lengths[count / 2]) / 2,
    }
}

impl TokenTable {
    fn read(tensors: &Tensors<'_>, name: &str) -> Parsed<Self> {
        if !tensors.has(name) {
            return Err(format!("has no tensor {name:?}; it has {}", tensors.listed()));
        }
        Ok(Self { rows: tensors.matrix(name)?, mapping: mapping(tensors)?, weights: tensors.floats("weights")? })
    }

    /// # Errors
    /// If a token of the tokenizer has no row, or no weight.
    fn check(&self, tokenizer: &TrainedTokenizer) -> Parsed<()> {
        let Some((token, id)) = tokenizer.tokens().max_by_key(|(_, id)| *id) else { return Ok(()) };
        let ensure = |what: &str, length: usize| match (id as usize) < length {
            true => Ok(()),
            false => Err(format!(
                "has {length} {what}, but the tokenizer's token {token:?} has the id {id}; the files are not of one model"
            )),
        };
        let rows = self.rows.len();
        ensure("weights", self.weights.as_ref().map_or(usize::MAX, Vec::len))?;
        let Some(mapping) = &self.mapping else { return ensure("rows of embeddings", rows) };
        ensure("ids in its mapping", mapping.len())?;
        match mapping.iter().find(|&&row| row >= rows as u64) {
            Some(row) => Err(format!("its mapping has the row {row}, but there are {rows} rows of embeddings")),
            None => Ok(()),
        }
    }

    /// Writes the weighted mean of the vectors of tokens.
    fn mean(&self, ids: &[u32], to: &mut [f32]) {
        let row = |&id: &u32| {
            let row = self.rows.row(self.mapping.as_ref().map_or(id as usize, |mapping| mapping[id as usize] as usize));
            row.iter().step_by(16).for_each(|value| prefetch(value));
            row
        };
        let rows: Vec<&[f32]> = ids.iter().map(row).collect();
        match &self.weights {
            None => Pooling::Mean.pool_vectors(&rows, to),
            Some(weights) => {
                let weights: Vec<f32> = ids.iter().map(|&id| weights[id as usize]).collect();
                Pooling::Mean.pool_weighted(&rows, &weights, Divisor::Count, to);
            }
        }
    }
}

fn mapping(tensors: &Tensors<'_>) -> Parsed<Option<Vec<u64>>> {
    let Some(length) = tensors.length("mapping") else { return Ok(None) };
    Ok(match tensors.integers("mapping", length, length)? {
        None => None,
        Some(Integers::Unsigned(rows)) => Some(rows),
        Some(Integers::Signed(rows)) => {
            let rows = rows.into_iter().map(|row| u64::try_from(row).map_err(|_| row));
            Some(rows.collect::<std::result::Result<_, _>>().map_err(|row| format!("its mapping has the row {row}"))?)
        }
    })
}

/// The extra reading that static models need.
impl Tensors<'_> {
    fn has(&self, name: &str) -> bool {
        self.metadata.info(name).is_some()
    }

    /// The number of values of a tensor.
    fn length(&self, name: &str) -> Option<usize> {
        self.metadata.info(name).map(|info| info.shape.iter().product())
    }

    /// A matrix of floats, or of whole numbers of 8 bits.
    fn matrix(&self, name: &str) -> Parsed<Rows> {
        match self.metadata.info(name) {
            Some(info) if info.dtype == Dtype::I8 => {
                let Some(&width) = info.shape.get(1).filter(|&&width| width > 0 && info.shape.len() == 2) else {
                    return Err(format!("its {name} have the shape {:?}; expected a matrix", info.shape));
                };
                let values = self.data(info)?.iter().map(|&value| f32::from(value.cast_signed())).collect();
                Ok(Rows::from_vec(values, width))
            }
            _ => self.rows(Some(name)),
        }
    }

    fn floats(&self, name: &str) -> Parsed<Option<Vec<f32>>> {
        let Some(info) = self.metadata.info(name) else { return Ok(None) };
        let float = super::safetensors::float_of(info.dtype).filter(|_| info.shape.len() == 1).ok_or_else(|| {
            format!("its {name} are {:?} of shape {:?}; expected a list of floats", info.dtype, info.shape)
        })?;
        float.widen(&self.data(info)?, false).map(Some).map_err(|at| format!("{name}: value {at} is beyond float32"))
    }
}
