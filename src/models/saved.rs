//! A model as a directory: `config.json`, `vectors.arrow`, and the other weights as `.npy`. Its `bundle.json` makes it a
//! bundle too.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::state::{CorpusSize, Family, State};
use crate::bundle::{self, Manifest, Named};
use crate::config::Config;
use crate::encode::Encoded;
use crate::error::{Error, IoContext, Result};
use crate::formats::{SaveOptions, npy};
use crate::kernel::Matrix;
use crate::output::{DirectoryKind, Output};
use crate::progress::Progress;
use crate::store::{LocalCopy, Location, file_in, is_absent, local};
use crate::train::Position;
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::Vocabulary;

const FORMAT: &str = "polargram model 1";
/// What the formats of all versions begin with.
const KIND: &str = "polargram model";
pub(super) const DESCRIPTION: &str = "config.json";
const VECTORS: &str = "vectors.arrow";
/// Everything that a saved model of any family may consist of: a model may replace one of another family. It has all
/// [`TABLES`](Family::TABLES).
const FILES: [&str; 5] = [DESCRIPTION, bundle::FILE, VECTORS, "output.npy", "nodes.npy"];
/// A directory that a model may be saved over.
pub(super) static MODEL: DirectoryKind = DirectoryKind {
    name: "a model",
    files: &FILES,
    listed: |_| Vec::new(),
    description: DESCRIPTION,
    is_description: is_model,
};

/// The content of `config.json`.
#[derive(Serialize, Deserialize)]
struct Description {
    format: String,
    /// Older versions knew one family, and did not name it.
    #[serde(default = "oldest_family")]
    family: String,
    config: Config,
    corpus: CorpusSize,
    effective_min_count: u64,
    raw_tokens: u64,
    raw_words: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resume: Option<Resume>,
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    attributes: serde_json::Value,
}

fn oldest_family() -> String {
    "word2vec".to_owned()
}

/// A position in a training run, and the corpus of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    /// The position.
    pub position: Position,
    /// The corpus.
    pub encoded: Encoded,
}

/// A model read from a directory.
pub struct Saved<M> {
    /// The model.
    pub model: M,
    /// Where its training was, if this is a checkpoint.
    pub resume: Option<Resume>,
    /// What the program that saved it added.
    pub attributes: serde_json::Value,
}

/// Saves a model to a directory, which appears whole or not at all: an older model there is replaced when the new one is
/// complete. Other files in it stay, and so does a link to it.
///
/// # Errors
/// [`Error::Io`] if it cannot be written; [`Error::Format`] if there is something other than a model at this place;
/// [`Error::Interrupted`].
pub(super) fn save<F: Family>(
    model: &F,
    location: &Location,
    resume: Option<Resume>,
    attributes: serde_json::Value,
    progress: &Progress,
) -> Result<()> {
    let state = model.state();
    model.weights().check(&state.config)?;
    let vectors = state.keyed_vectors()?;
    let description = Description {
        format: FORMAT.to_owned(),
        family: F::NAME.to_owned(),
        config: state.config,
        corpus: state.corpus,
        effective_min_count: state.effective_min_count,
        raw_tokens: state.vocabulary.raw_tokens(),
        raw_words: state.vocabulary.raw_words(),
        resume,
        attributes,
    };
    let mut output = Output::new_directory(location, &MODEL, progress)?;
    vectors.write_to(&mut output, VECTORS.as_ref(), &SaveOptions::default())?;
    let manifest = manifest(state.tables.iter().map(|(name, _)| *name));
    output.write(bundle::FILE, |out| serde_json::to_writer_pretty(out, &manifest).map_err(Into::into))?;
    for (name, rows) in state.tables {
        let rows = Rows::from_matrix(rows);
        output.write(name, |out| npy::write_rows(&rows, out))?;
    }
    // The last one to appear where they appear one by one.
    output.write(DESCRIPTION, |out| serde_json::to_writer_pretty(out, &description).map_err(Into::into))?;
    output.commit().map(drop)
}

/// The names under which a bundle gives the model's files.
fn manifest(tables: impl Iterator<Item = &'static str>) -> Manifest {
    let own = [("config", Named::Json(DESCRIPTION.to_owned())), ("vectors", Named::Vectors(VECTORS.to_owned()))];
    let tables = tables.map(|file| (file.trim_end_matches(".npy"), Named::Array(file.to_owned())));
    let entries = own.into_iter().chain(tables).map(|(name, content)| (name.to_owned(), content));
    Manifest::of_kind(MODEL.name, entries.collect())
}

/// Loads what [`save`] wrote. A model in a store is copied to this machine first, and cancelling `progress` interrupts
/// that.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Format`] if it is damaged or of another family, [`Error::Interrupted`].
pub(super) fn load<F: Family>(location: &Location, progress: &Progress) -> Result<Saved<F>> {
    let copy = LocalCopy::of_directory(location, &[DESCRIPTION, VECTORS], F::TABLES, progress)?;
    read(copy.path()).map_err(|error| copy.named(error))
}

fn read<F: Family>(directory: &Path) -> Result<Saved<F>> {
    let Description { config, resume, attributes, corpus, effective_min_count, raw_tokens, raw_words, .. } =
        read_description::<F>(&directory.join(DESCRIPTION))?;
    let vectors = KeyedVectors::load(directory.join(VECTORS))?;
    if vectors.vector_size() != config.vector_size {
        return Err(Error::format(&directory.join(VECTORS), "has vectors of another size than config.json says"));
    }
    let mut input = Matrix::growing(vectors.len(), config.vector_size)?;
    vectors.rows().iter().enumerate().for_each(|(row, values)| input.values(row).copy_from_slice(values));
    let mut tables = Vec::new();
    for &name in F::TABLES {
        let path = directory.join(name);
        let shape = F::table_shape(name, &config, vectors.len());
        if shape.is_needed || path.exists() {
            tables.push((name, Arc::new(npy::read_matrix(&path, (shape.rows, shape.columns))?)));
        }
    }
    let (keys, counts) = (vectors.keys().clone(), vectors.counts().to_vec());
    let vocabulary = Arc::new(Vocabulary::from_parts(keys, counts, raw_tokens, raw_words)?);
    let state = State { config, vocabulary, corpus, effective_min_count, vectors: Arc::new(input), tables };
    Ok(Saved { model: F::from_state(state), resume, attributes })
}

fn read_description<F: Family>(path: &Path) -> Result<Description> {
    let text = fs::read_to_string(path).at("read", path)?;
    let fault = |reason: String| Error::format(path, reason);
    let description: Description =
        serde_json::from_str(&text).map_err(|error| fault(format!("is not a description of a model: {error}")))?;
    if description.format != FORMAT {
        return Err(fault(format!("is of format {:?}; this program reads {FORMAT:?}", description.format)));
    }
    if description.family != F::NAME {
        return Err(fault(format!("is of a model of the family {:?}, not {:?}", description.family, F::NAME)));
    }
    description.config.validate().map_err(|error| fault(error.to_string()))?;
    if let Some(Resume { position, encoded }) = &description.resume {
        let damaged = |reason| fault(format!("was changed: its training {reason}; remove it to start again"));
        position.check(&description.config, *encoded).map_err(damaged)?;
    }
    Ok(description)
}

/// What the `config.json` of a saved model of any family says, and the place of its vectors; `None` if there is no such
/// directory.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Format`] if it is not the description of a model, [`Error::Interrupted`].
pub(crate) fn describe(location: &Location, progress: &Progress) -> Result<Option<(serde_json::Value, Location)>> {
    let within = |name: &str| Location::new(file_in(location.path(), name.as_ref()), location.storage().clone());
    if location.url().is_none() && !local(location.path())?.join(DESCRIPTION).exists() {
        return Ok(None);
    }
    let description = within(DESCRIPTION);
    let copy = match LocalCopy::of_file(&description, progress) {
        Ok(copy) => copy,
        Err(error) if location.url().is_some() && is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = fs::read(copy.path()).at("read", description.path())?;
    if !is_model(&text) {
        return Err(Error::format(description.path(), "is not the description of a model"));
    }
    let value = serde_json::from_slice(&text).map_err(|error| Error::format(description.path(), error.to_string()))?;
    Ok(Some((value, within(VECTORS))))
}

/// True of the description of a model of any version. Other programs write a `config.json` too.
fn is_model(description: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        format: String,
    }
    serde_json::from_slice(description).is_ok_and(|kind: Kind| kind.format.starts_with(KIND))
}
