//! What encodes raw text: a static model, or a file of vectors with a tokenizer. Opened once per process.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::model2vec::{StaticModel, files_of};
use super::opened::Identity;
use crate::error::{Error, Result};
use crate::tokenise::{PieceCache, TextTokenizer};
use crate::vectors::KeyedVectors;
use crate::vocab::Key;

/// Encodes texts as vectors.
pub struct TextEncoder {
    source: Source,
    /// One for each thread that encodes at the same time; they are kept from call to call.
    scratch: Mutex<Vec<Scratch>>,
}

enum Source {
    Model(Box<StaticModel>),
    Words { vectors: Arc<KeyedVectors>, tokenizer: TextTokenizer },
}

/// What a thread needs to encode.
#[derive(Default)]
struct Scratch {
    cache: PieceCache,
    ids: Vec<u32>,
}

static OPENED: Mutex<Vec<OpenedEncoder>> = Mutex::new(Vec::new());

/// Encoders that stay open although nobody uses them: those used last.
const KEPT: usize = 8;

struct OpenedEncoder {
    files: Vec<Identity>,
    tokenizer: Option<String>,
    encoder: Arc<TextEncoder>,
}

impl TextEncoder {
    /// Opens the directory of a static model, or a file of vectors and a tokenizer by name.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read, [`Error::Format`] if one is damaged, [`Error::Parameter`] if there is a
    /// tokenizer too many or too few, or an unknown one.
    pub fn open(path: &Path, tokenizer: Option<&str>) -> Result<Self> {
        let source = match (path.is_dir(), tokenizer) {
            (true, None) => Source::Model(Box::new(StaticModel::open(path)?)),
            (false, Some(tokenizer)) => {
                let tokenizer = tokenizer.parse()?;
                Source::Words { vectors: text_vectors(path)?, tokenizer }
            }
            (true, Some(_)) => {
                return Err(Error::parameter("tokenizer", "a model's directory has its own; leave it out"));
            }
            (false, None) => {
                // A file that is missing is reported as such.
                text_vectors(path)?;
                let reason = format!(
                    "{} is a file of vectors; name a tokenizer: \"whitespace\", \"regex:PATTERN\" or the path of a \
                     tokenizer.json",
                    path.display()
                );
                return Err(Error::parameter("tokenizer", reason));
            }
        };
        Ok(Self { source, scratch: Mutex::default() })
    }

    /// The encoder of these files, opened at the first call and again when one of them has been replaced.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn shared(path: &Path, tokenizer: Option<&str>) -> Result<Arc<Self>> {
        let files = files(path, tokenizer)?;
        // Held while opening, so that threads that ask at once do not open twice.
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|encoder| encoder.files.iter().all(Identity::is_current));
        let is_asked = |encoder: &OpenedEncoder| encoder.files == files && encoder.tokenizer.as_deref() == tokenizer;
        if let Some(at) = opened.iter().position(is_asked) {
            let found = opened.remove(at);
            let encoder = found.encoder.clone();
            opened.push(found);
            return Ok(encoder);
        }
        let encoder = Arc::new(Self::open(path, tokenizer)?);
        if opened.len() == KEPT {
            opened.remove(0);
        }
        opened.push(OpenedEncoder { files, tokenizer: tokenizer.map(str::to_owned), encoder: encoder.clone() });
        Ok(encoder)
    }

    /// The dimensions of the vectors.
    pub fn vector_size(&self) -> usize {
        match &self.source {
            Source::Model(model) => model.vector_size(),
            Source::Words { vectors, .. } => vectors.vector_size(),
        }
    }

    /// Writes the vectors of texts one after another to `to`, which holds zeros. A text without a known token stays zeros.
    ///
    /// # Panics
    /// If `to` is too short.
    pub fn encode<'t>(&self, texts: impl Iterator<Item = Option<&'t str>>, to: &mut [f32]) {
        let free = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = free.unwrap_or_default();
        for (text, to) in texts.zip(to.chunks_exact_mut(self.vector_size())) {
            match (text, &self.source) {
                (None, _) => {}
                (Some(text), Source::Model(model)) => model.encode(text, &mut scratch.cache, &mut scratch.ids, to),
                (Some(text), Source::Words { vectors, tokenizer }) => mean_of_words(vectors, tokenizer, text, to),
            }
        }
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
    }
}

fn text_vectors(path: &Path) -> Result<Arc<KeyedVectors>> {
    let vectors = KeyedVectors::shared(path)?;
    match vectors.keys().key_type() {
        keys if keys.is_integer() => Err(Error::format(path, format!("its keys are {keys}; text has none of them"))),
        _ => Ok(vectors),
    }
}

/// The files that an encoder is made of.
fn files(path: &Path, tokenizer: Option<&str>) -> Result<Vec<Identity>> {
    if path.is_dir() {
        return files_of(path)?.0.iter().map(|file| Identity::of(file)).collect();
    }
    let tokenizer = tokenizer.filter(|name| name.ends_with(".json") && !name.starts_with("regex:"));
    [Some(path), tokenizer.map(Path::new)].into_iter().flatten().map(Identity::of).collect()
}

/// The mean of the words that have a vector.
fn mean_of_words(vectors: &KeyedVectors, tokenizer: &TextTokenizer, text: &str, to: &mut [f32]) {
    let mut known = 0;
    let mut add = |vector: &[f32]| {
        known += 1;
        to.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
    };
    tokenizer.for_each_token(text, |token| match vectors.keys().id(Key::Text(token)) {
        Some(id) if (id as usize) < vectors.len() => add(vectors.rows().row(id as usize)),
        _ => vectors.subwords().iter().for_each(|subwords| add(&subwords.vector(token))),
    });
    let share = 1.0 / known.max(1) as f32;
    to.iter_mut().for_each(|sum| *sum *= share);
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::{Dtype, TensorView, serialize};
    use serde_json::json;

    use super::*;

    fn tokenizer() -> String {
        json!({
            "version": "1.0", "truncation": null, "padding": null, "post_processor": null, "decoder": null,
            "added_tokens": [], "normalizer": null, "pre_tokenizer": { "type": "WhitespaceSplit" },
            "model": { "type": "WordLevel", "unk_token": "[UNK]", "vocab": { "[UNK]": 0, "aa": 1, "bb": 2 } },
        })
        .to_string()
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn model(directory: &Path, tensors: &[(&str, Dtype, Vec<usize>, Vec<u8>)], config: &str) {
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
        std::fs::write(directory.join("model.safetensors"), serialize(views, None).unwrap()).unwrap();
        std::fs::write(directory.join("tokenizer.json"), tokenizer()).unwrap();
        std::fs::write(directory.join("config.json"), config).unwrap();
    }

    fn encoded(directory: &Path, text: &str) -> Vec<f32> {
        let encoder = TextEncoder::shared(directory, None).unwrap();
        let mut to = vec![0.0; encoder.vector_size()];
        encoder.encode([Some(text)].into_iter(), &mut to);
        to
    }

    fn embeddings(rows: usize) -> (&'static str, Dtype, Vec<usize>, Vec<u8>) {
        let values: Vec<f32> = (0..rows * 2).map(|value| value as f32).collect();
        ("embeddings", Dtype::F32, vec![rows, 2], floats(&values))
    }

    #[test]
    fn a_text_is_the_mean_of_its_known_tokens() {
        let directory = tempfile::tempdir().unwrap();
        model(directory.path(), &[embeddings(3)], "{}");
        assert_eq!(encoded(directory.path(), "aa zz bb"), [3.0, 4.0]);
        assert_eq!(encoded(directory.path(), "zz"), [0.0, 0.0]);
        assert_eq!(encoded(directory.path(), ""), [0.0, 0.0]);
    }

    #[test]
    fn the_limit_counts_unknown_tokens_and_a_replaced_model_is_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        model(directory.path(), &[embeddings(3)], "{}");
        assert_eq!(encoded(directory.path(), "zz aa bb"), [3.0, 4.0]);
        // The median of the tokens' lengths is 2, so that 3 tokens are at most 6 characters.
        model(directory.path(), &[embeddings(3)], r#"{"max_length": 3, "normalize": false}"#);
        assert_eq!(encoded(directory.path(), "zz aa bb"), [2.0, 3.0]);
        model(directory.path(), &[embeddings(3)], r#"{"max_length": null, "normalize": true}"#);
        assert_eq!(encoded(directory.path(), "zz aa bb"), [0.6, 0.8]);
    }

    #[test]
    fn tokens_have_weights_and_may_share_rows() {
        let directory = tempfile::tempdir().unwrap();
        let mapping = [0i64, 1, 1].iter().flat_map(|row| row.to_le_bytes()).collect();
        let weights = ("weights", Dtype::F32, vec![3], floats(&[1.0, 2.0, 4.0]));
        model(directory.path(), &[embeddings(2), weights, ("mapping", Dtype::I64, vec![3], mapping)], "{}");
        assert_eq!(encoded(directory.path(), "aa bb"), [6.0, 9.0]);
    }

    #[test]
    fn files_that_do_not_fit_together_are_refused_by_name() {
        let bad_mapping = |rows: [i64; 3]| {
            let rows = rows.iter().flat_map(|row| row.to_le_bytes()).collect();
            vec![embeddings(2), ("mapping", Dtype::I64, vec![3], rows)]
        };
        let cases = [
            (vec![embeddings(2)], "{}", "has 2 rows of embeddings, but the tokenizer's token \"bb\" has the id 2"),
            (bad_mapping([0, 1, 2]), "{}", "its mapping has the row 2, but there are 2 rows"),
            (bad_mapping([0, 1, -1]), "{}", "its mapping has the row -1"),
            (vec![("other", Dtype::F32, vec![3, 1], floats(&[0.0; 3]))], "{}", "has no tensor \"embeddings\""),
            (vec![("embeddings", Dtype::F32, vec![3], floats(&[0.0; 3]))], "{}", "expected a matrix"),
            (vec![("embeddings", Dtype::F32, vec![3, 0], vec![])], "{}", "vectors of no length"),
            (vec![embeddings(3), ("weights", Dtype::F32, vec![2], floats(&[0.0; 2]))], "{}", "has 2 weights"),
            (vec![embeddings(3)], "{", "config.json: is not JSON"),
            (vec![embeddings(3)], "[]", "config.json: is not a JSON object"),
            (vec![embeddings(3)], r#"{"max_length": -1}"#, "max_length: -1"),
        ];
        for (tensors, config, part) in cases {
            let directory = tempfile::tempdir().unwrap();
            model(directory.path(), &tensors, config);
            let error = TextEncoder::open(directory.path(), None).err().unwrap().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_file_of_vectors_needs_a_tokenizer_and_a_directory_has_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.arrow");
        KeyedVectors::from_rows(["a", "b"], 1, &[1.0, 3.0]).unwrap().save(&path).unwrap();
        let encoder = TextEncoder::shared(&path, Some("regex:[a-z]")).unwrap();
        let mut to = [0.0; 3];
        encoder.encode([Some("a,b"), None, Some("z")].into_iter(), &mut to);
        assert_eq!(to, [2.0, 0.0, 0.0]);
        let error = |path: &Path, tokenizer| TextEncoder::shared(path, tokenizer).err().unwrap().to_string();
        assert!(error(&path, None).contains("name a tokenizer"));
        assert!(error(directory.path(), None).contains("not a static model"));
        assert!(error(&directory.path().join("missing"), None).contains("missing"));
    }
}
