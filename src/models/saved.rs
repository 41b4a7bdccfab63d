//! A model as a directory: `config.json`, `vectors.arrow`, and the other weights as `.npy`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{CorpusSize, Resume, Word2Vec};
use crate::config::Config;
use crate::error::{Error, IoContext, Result};
use crate::formats::npy;
use crate::kernel::Matrix;
use crate::output::{DirectoryKind, Output};
use crate::progress::Progress;
use crate::store::{LocalCopy, Location};
use crate::train::Weights;
use crate::vectors::KeyedVectors;
use crate::vocab::Vocabulary;

const FORMAT: &str = "polargram model 1";
/// What the formats of all versions begin with.
const KIND: &str = "polargram model";
const DESCRIPTION: &str = "config.json";
const VECTORS: &str = "vectors.arrow";
const OUTPUT: &str = "output.npy";
const NODES: &str = "nodes.npy";
/// Everything that a saved model may consist of.
const FILES: [&str; 4] = [DESCRIPTION, VECTORS, OUTPUT, NODES];
/// A directory that a model may be saved over.
pub(super) static MODEL: DirectoryKind =
    DirectoryKind { name: "a model", files: &FILES, description: DESCRIPTION, is_description: is_model };

/// What stands in `config.json`.
#[derive(Serialize, Deserialize)]
struct Description {
    format: String,
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

/// A model read from a directory.
pub struct Saved {
    /// The model.
    pub model: Word2Vec,
    /// Where its training was, if this is a checkpoint.
    pub resume: Option<Resume>,
    /// What the program that saved it added.
    pub attributes: serde_json::Value,
}

impl Word2Vec {
    /// Saves the model to a directory, which appears whole or not at all: an older model there is replaced when the new
    /// one is complete. Other files in it stay, and so does a link to it. `attributes` are for the caller to keep.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; [`Error::Format`] if there is something other than a model at this place.
    pub fn save(&self, location: impl Into<Location>, attributes: serde_json::Value) -> Result<()> {
        self.save_with(location, attributes, &Progress::default())
    }

    /// [`save`](Self::save), interrupted if `progress` is cancelled.
    ///
    /// # Errors
    /// As for [`save`](Self::save); [`Error::Interrupted`].
    pub fn save_with(
        &self,
        location: impl Into<Location>,
        attributes: serde_json::Value,
        progress: &Progress,
    ) -> Result<()> {
        self.save_as(&location.into(), None, attributes, progress)
    }

    pub(super) fn save_as(
        &self,
        location: &Location,
        resume: Option<Resume>,
        attributes: serde_json::Value,
        progress: &Progress,
    ) -> Result<()> {
        self.weights.check(&self.config)?;
        let description = Description {
            format: FORMAT.to_owned(),
            config: self.config.clone(),
            corpus: self.corpus,
            effective_min_count: self.effective_min_count,
            raw_tokens: self.vocabulary.raw_tokens(),
            raw_words: self.vocabulary.raw_words(),
            resume,
            attributes,
        };
        let mut output = Output::new_directory(location, &MODEL, progress)?;
        self.vectors()?.write_to(&mut output, VECTORS.as_ref())?;
        for (name, rows) in [(OUTPUT, self.output_rows()), (NODES, self.node_rows())] {
            if let Some(rows) = rows {
                output.write(name, |out| npy::write_rows(&rows, out))?;
            }
        }
        // The last one to appear where they appear one by one.
        output.write(DESCRIPTION, |out| serde_json::to_writer_pretty(out, &description).map_err(Into::into))?;
        output.commit().map(drop)
    }

    /// Loads what [`save`](Self::save) wrote, to train on. Nothing in it can run code.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Format`] if it is damaged.
    pub fn load(location: impl Into<Location>) -> Result<Saved> {
        Self::load_with(location, &Progress::default())
    }

    /// [`load`](Self::load); a model in a store is copied to this machine first, and cancelling `progress` interrupts
    /// that.
    ///
    /// # Errors
    /// As for [`load`](Self::load); [`Error::Interrupted`].
    pub fn load_with(location: impl Into<Location>, progress: &Progress) -> Result<Saved> {
        let copy = LocalCopy::of_directory(&location.into(), &[DESCRIPTION, VECTORS], &[OUTPUT, NODES], progress)?;
        Self::read(copy.path()).map_err(|error| copy.named(error))
    }

    fn read(directory: &Path) -> Result<Saved> {
        let path = directory.join(DESCRIPTION);
        let text = fs::read_to_string(&path).at("read", &path)?;
        let fault = |reason: String| Error::format(&path, reason);
        let description: Description =
            serde_json::from_str(&text).map_err(|error| fault(format!("is not a description of a model: {error}")))?;
        if description.format != FORMAT {
            return Err(fault(format!("is of format {:?}; this program reads {FORMAT:?}", description.format)));
        }
        let config = description.config;
        config.validate().map_err(|error| fault(error.to_string()))?;
        if let Some(Resume { position, encoded }) = &description.resume {
            let damaged = |reason| fault(format!("was changed: its training {reason}; remove it to start anew"));
            position.check(&config, *encoded).map_err(damaged)?;
        }
        let vectors = KeyedVectors::load(directory.join(VECTORS))?;
        let shape = (vectors.len(), config.vector_size);
        if vectors.vector_size() != config.vector_size {
            return Err(Error::format(&directory.join(VECTORS), "has vectors of another size than config.json says"));
        }
        let mut input = Matrix::zeros(shape.0, shape.1)?;
        vectors.rows().iter().enumerate().for_each(|(row, values)| input.values(row).copy_from_slice(values));
        let matrix = |name: &str, wanted: bool| -> Result<Option<Arc<Matrix>>> {
            let path = directory.join(name);
            match wanted || path.exists() {
                true => npy::read_matrix(&path, shape).map(|matrix| Some(Arc::new(matrix))),
                false => Ok(None),
            }
        };
        let weights = Weights {
            input: Arc::new(input),
            output: matrix(OUTPUT, config.negative > 0)?,
            nodes: matrix(NODES, config.hs)?,
        };
        let (keys, counts) = (vectors.keys().clone(), vectors.counts().to_vec());
        let vocabulary = Vocabulary::from_parts(keys, counts, description.raw_tokens, description.raw_words)?;
        let model = Self {
            config,
            vocabulary: Arc::new(vocabulary),
            weights,
            corpus: description.corpus,
            effective_min_count: description.effective_min_count,
        };
        Ok(Saved { model, resume: description.resume, attributes: description.attributes })
    }
}

/// True of the description of a model of any version. Other programs write a `config.json` too.
fn is_model(description: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        format: String,
    }
    serde_json::from_slice(description).is_ok_and(|kind: Kind| kind.format.starts_with(KIND))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::{Trim, WordCounts};

    fn model() -> Word2Vec {
        let frequencies = [("a", 9), ("b", 8), ("c", 7)];
        let counts = WordCounts::from_frequencies(frequencies, 5, true).unwrap();
        let config = Config { vector_size: 5, hs: true, max_final_vocab: Some(2), ..Config::default() };
        let trim = Trim { max_final_vocab: config.max_final_vocab, ..Trim::default() };
        Word2Vec::new(config, &counts, &trim).unwrap().0
    }

    #[test]
    fn a_saved_model_is_the_same_when_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model");
        let attributes = serde_json::json!({ "comment": "x" });
        model().save(&path, attributes.clone()).unwrap();
        let saved = Word2Vec::load(&path).unwrap();
        assert_eq!(saved.attributes, attributes);
        assert_eq!(saved.model.config(), model().config());
        assert_eq!(saved.model.corpus(), model().corpus());
        assert_eq!((saved.model.effective_min_count(), model().effective_min_count()), (8, 8));
        assert_eq!(
            saved.model.vectors().unwrap().vector("b").unwrap(),
            model().vectors().unwrap().vector("b").unwrap()
        );
        assert!(saved.model.node_rows().is_some() && saved.resume.is_none());
    }

    #[test]
    fn an_older_model_is_replaced_and_other_files_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model");
        model().save(&path, serde_json::Value::Null).unwrap();
        fs::write(path.join("notes.txt"), "mine").unwrap();
        let other = model().with_config(Config { alpha: 0.5, ..model().config().clone() });
        other.save(&path, serde_json::Value::Null).unwrap();
        assert_eq!(Word2Vec::load(&path).unwrap().model.config().alpha, 0.5);
        assert_eq!(fs::read_to_string(path.join("notes.txt")).unwrap(), "mine");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn nothing_else_is_replaced_by_a_model() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("thesis.txt"), "years").unwrap();
        let error = model().save(directory.path(), serde_json::Value::Null).unwrap_err();
        assert!(error.to_string().contains("not a model"), "{error}");
        assert!(directory.path().join("thesis.txt").exists());
    }

    #[test]
    fn a_config_of_another_program_is_no_model_to_replace() {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join(DESCRIPTION);
        for foreign in [r#"{"architectures": ["BertModel"]}"#, r#"{"format": "pt"}"#, r#"{"format": 1}"#, "[", ""] {
            fs::write(&config, foreign).unwrap();
            let error = model().save(directory.path(), serde_json::Value::Null).unwrap_err();
            assert!(error.to_string().contains("not a model"), "{foreign:?}: {error}");
            assert_eq!(fs::read_to_string(&config).unwrap(), foreign);
        }
    }

    #[test]
    fn a_model_of_another_version_may_be_replaced() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(DESCRIPTION), r#"{"format": "polargram model 2"}"#).unwrap();
        model().save(directory.path(), serde_json::Value::Null).unwrap();
        assert!(Word2Vec::load(directory.path()).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("model"), directory.path().join("links").join("latest"));
        fs::create_dir(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let error = model().save(&link, serde_json::Value::Null).unwrap_err();
        assert!(error.to_string().contains("latest"), "a link to nothing: {error}");
        model().save(&path, serde_json::Value::Null).unwrap();
        for (target, alpha) in [(link.clone(), 0.5), (link.join(""), 0.25)] {
            let other = model().with_config(Config { alpha, ..model().config().clone() });
            other.save(&target, serde_json::Value::Null).unwrap();
            assert_eq!(Word2Vec::load(&path).unwrap().model.config().alpha, alpha);
            assert_eq!(fs::read_link(&link).unwrap(), path);
            let listed = |path: &Path| fs::read_dir(path).unwrap().count();
            assert_eq!((listed(directory.path()), listed(link.parent().unwrap())), (2, 1));
        }
    }

    #[test]
    fn damaged_models_are_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        for name in FILES {
            let path = directory.path().join(name).with_extension("model");
            model().save(&path, serde_json::Value::Null).unwrap();
            let file = path.join(name);
            let whole = fs::read(&file).unwrap();
            for cut in [0, whole.len() / 2, whole.len() - 1] {
                fs::write(&file, &whole[..cut]).unwrap();
                let error = Word2Vec::load(&path).err().map(|error| error.to_string());
                assert!(error.as_ref().is_some_and(|error| error.contains(name)), "{name} cut at {cut}: {error:?}");
            }
        }
    }
}
