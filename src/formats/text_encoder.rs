//! What encodes raw text: a static model, or a file of vectors with a tokenizer. Opened once per process.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::model2vec::{StaticModel, files_of};
use super::opened::Identity;
use crate::error::{Error, IoContext, Result};
use crate::tokenise::{PieceCache, TextTokenizer};
use crate::vectors::{KeyedVectors, Pooling};
use crate::vocab::Key;

/// Encodes texts as vectors.
#[derive(Clone)]
pub struct TextEncoder(Source);

#[derive(Clone)]
enum Source {
    Model(Arc<Shared<StaticModel>>),
    Words { vectors: Arc<KeyedVectors>, tokenizer: Arc<Shared<TextTokenizer>> },
}

/// What is opened once, with what threads need to use it: one for each that encodes at the same time. They are kept from
/// call to call.
struct Shared<T> {
    opened: T,
    scratch: Mutex<Vec<Scratch>>,
}

#[derive(Default)]
struct Scratch {
    cache: PieceCache,
    ids: Vec<u32>,
}

impl<T> Shared<T> {
    /// Work with a scratch that no other thread uses.
    fn with<R>(&self, work: impl FnOnce(&T, &mut Scratch) -> R) -> R {
        let free = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scratch = free.unwrap_or_default();
        let result = work(&self.opened, &mut scratch);
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        result
    }
}

static MODELS: Cache<StaticModel> = Cache(Mutex::new(Vec::new()));
static TOKENIZERS: Cache<TextTokenizer> = Cache(Mutex::new(Vec::new()));

/// Models or tokenizers that stay open although nobody uses them: those used last.
const KEPT: usize = 8;

/// What is open in this process, the one used last at the end.
struct Cache<T>(Mutex<Vec<CacheEntry<T>>>);

struct CacheEntry<T> {
    name: PathBuf,
    files: Vec<Identity>,
    one: Arc<Shared<T>>,
}

impl<T> Cache<T> {
    /// What is made of these files, opened at the first call and again when one of them has been replaced.
    fn get(&self, name: &Path, files: Vec<Identity>, open: impl FnOnce() -> Result<T>) -> Result<Arc<Shared<T>>> {
        // Held while opening, so that threads that ask at once do not open twice.
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|other| other.files.iter().all(Identity::is_current));
        if let Some(at) = opened.iter().position(|other| other.files == files && other.name == name) {
            let found = opened.remove(at);
            let one = found.one.clone();
            opened.push(found);
            return Ok(one);
        }
        let one = Arc::new(Shared { opened: open()?, scratch: Mutex::default() });
        if opened.len() == KEPT {
            opened.remove(0);
        }
        opened.push(CacheEntry { name: name.to_owned(), files, one: one.clone() });
        Ok(one)
    }

    #[cfg(feature = "python")]
    fn close(&self) -> usize {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).len()
    }
}

/// A static model that is open.
#[cfg(feature = "python")]
pub(crate) struct OpenModel {
    /// Its directory.
    pub(crate) path: PathBuf,
    /// Rows of its matrix.
    pub(crate) len: usize,
    /// Dimensions.
    pub(crate) vector_size: usize,
    /// True if the matrix lies in the mapped file.
    pub(crate) is_mapped: bool,
}

/// The static models that are open, the one used last at the end.
#[cfg(feature = "python")]
pub(crate) fn open_models() -> Vec<OpenModel> {
    let opened = MODELS.0.lock().unwrap_or_else(PoisonError::into_inner);
    let models = opened.iter().map(|model| (model.name.clone(), &model.one.opened));
    let described = |(path, model): (PathBuf, &StaticModel)| OpenModel {
        path,
        len: model.len(),
        vector_size: model.vector_size(),
        is_mapped: model.is_mapped(),
    };
    models.map(described).collect()
}

/// Lets go of the static models and the tokenizers that are open, and says how many models there were.
#[cfg(feature = "python")]
pub(crate) fn close_models() -> usize {
    TOKENIZERS.close();
    MODELS.close()
}

impl TextEncoder {
    /// The static model of a directory, opened at the first call and again when one of its files has been replaced.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be read, [`Error::Format`] if one is damaged or they do not fit together.
    pub fn of_model(directory: &Path) -> Result<Self> {
        let (files, _) = files_of(directory)?;
        let files = files.iter().map(|file| Identity::of(file)).collect::<Result<_>>()?;
        let name = fs::canonicalize(directory).at("read", directory)?;
        Ok(Self(Source::Model(MODELS.get(&name, files, || StaticModel::open(directory))?)))
    }

    /// Vectors of words, and a tokenizer by [name](TextTokenizer): its file is opened as that of a model.
    ///
    /// # Errors
    /// [`Error::Io`] if the tokenizer cannot be read, [`Error::Format`] if it is damaged, [`Error::Parameter`] if it is
    /// unknown, or keys are integers.
    pub fn of_words(vectors: Arc<KeyedVectors>, tokenizer: &str) -> Result<Self> {
        let keys = vectors.keys().key_type();
        if keys.is_integer() {
            return Err(Error::parameter("vectors", format!("their keys are {keys}; text has none of them")));
        }
        let is_file = tokenizer.ends_with(".json") && !tokenizer.starts_with("regex:");
        let files = is_file.then(|| Identity::of(Path::new(tokenizer))).transpose()?.into_iter().collect();
        let tokenizer = TOKENIZERS.get(Path::new(tokenizer), files, || tokenizer.parse())?;
        Ok(Self(Source::Words { vectors, tokenizer }))
    }

    /// The dimensions of the vectors.
    pub fn vector_size(&self) -> usize {
        match &self.0 {
            Source::Model(model) => model.opened.vector_size(),
            Source::Words { vectors, .. } => vectors.vector_size(),
        }
    }

    /// Writes the vectors of texts one after another to `to`, which holds zeros. A text without a known token stays zeros.
    ///
    /// # Panics
    /// If `to` is too short.
    pub fn encode<'t>(&self, texts: impl Iterator<Item = Option<&'t str>>, to: &mut [f32]) {
        let texts = texts.zip(to.chunks_exact_mut(self.vector_size()));
        let texts = texts.filter_map(|(text, to)| Some((text?, to)));
        match &self.0 {
            Source::Model(model) => model.with(|model, scratch| {
                texts.for_each(|(text, to)| model.encode(text, &mut scratch.cache, &mut scratch.ids, to));
            }),
            Source::Words { vectors, tokenizer } => tokenizer.with(|tokenizer, scratch| {
                texts.for_each(|(text, to)| mean_of_words(vectors, tokenizer, text, scratch, to));
            }),
        }
    }
}

/// The mean of the words that have a vector.
fn mean_of_words(vectors: &KeyedVectors, tokenizer: &TextTokenizer, text: &str, scratch: &mut Scratch, to: &mut [f32]) {
    let mut words: Vec<Cow<'_, [f32]>> = Vec::new();
    tokenizer.for_each_token(text, &mut scratch.cache, |token| match vectors.keys().id(Key::Text(token)) {
        Some(id) if (id as usize) < vectors.len() => words.push(Cow::Borrowed(vectors.rows().row(id as usize))),
        _ => words.extend(vectors.subwords().map(|subwords| Cow::Owned(subwords.vector(token)))),
    });
    let words: Vec<&[f32]> = words.iter().map(|word| &**word).collect();
    if !words.is_empty() {
        Pooling::Mean.pool_vectors(&words, to);
    }
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::{Dtype, TensorView, serialize};
    use serde_json::json;

    use super::*;
    use crate::vectors::Rows;
    use crate::vocab::Keys;

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
        let encoder = TextEncoder::of_model(directory).unwrap();
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
            let error = TextEncoder::of_model(directory.path()).err().unwrap().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn words_and_a_tokenizer_encode_and_integers_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let vectors = Arc::new(KeyedVectors::from_rows(["aa", "b"], 1, &[1.0, 3.0]).unwrap());
        let path = directory.path().join("tokenizer.json");
        std::fs::write(&path, tokenizer()).unwrap();
        for (tokenizer, want) in
            [("regex:[a-z]+", [2.0, 0.0, 0.0]), ("whitespace", [0.0; 3]), (path.to_str().unwrap(), [0.0; 3])]
        {
            let mut to = [0.0; 3];
            let encoder = TextEncoder::of_words(vectors.clone(), tokenizer).unwrap();
            encoder.encode([Some("aa,b"), None, Some("z")].into_iter(), &mut to);
            assert_eq!(to, want, "{tokenizer}");
        }
        let numbers = Keys::new(&arrow::array::Int64Array::from(vec![7])).unwrap();
        let numbers = KeyedVectors::new(numbers, vec![1], Rows::from_vec(vec![1.0], 1), None).unwrap();
        let error = |error: Result<TextEncoder>| error.err().unwrap().to_string();
        assert!(error(TextEncoder::of_words(Arc::new(numbers), "whitespace")).contains("text has none of them"));
        assert!(error(TextEncoder::of_words(vectors, "missing.json")).contains("missing.json"));
        assert!(error(TextEncoder::of_model(directory.path())).contains("not a static model"));
    }
}
