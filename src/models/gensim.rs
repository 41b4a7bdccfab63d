//! gensim's own word2vec models, to train on. Nothing in them is run.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::saved::Saved;
use super::state::{CorpusSize, State};
use crate::config::{Config, Range, Value};
use crate::error::Result;
use crate::formats::gensim;
use crate::kernel::Matrix;
use crate::progress::Progress;
use crate::vectors::Rows;
use crate::vocab::Vocabulary;

/// gensim's names that differ from ours, in the order of its versions.
const OLDER_NAMES: [(&str, &str); 2] = [("epochs", "iter"), ("vector_size", "layer1_size")];
/// Where gensim 3 keeps what gensim 4 has in the model.
const OLDER_PARTS: [&str; 2] = ["vocabulary", "trainables"];

/// Reads a model that gensim's `Word2Vec.save` wrote, with the arrays beside it. `tables` are the names of that of the rows
/// trained against noise and that of the inner nodes.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if a file cannot be read, [`Error::Format`](crate::Error::Format) if it is damaged or
/// a model of another kind.
pub(super) fn load(path: &Path, tables: [&'static str; 2], progress: &Progress) -> Result<Saved<State>> {
    gensim::with_contents(path, progress, |bytes| {
        let saved = gensim::Saved::read(bytes, path, progress)?;
        let model = saved.root()?;
        Reader { saved: &saved, model }.read(tables)
    })
}

struct Reader<'s> {
    saved: &'s gensim::Saved<'s>,
    model: gensim::Part<'s>,
}

impl Reader<'_> {
    fn read(&self, [output, nodes]: [&'static str; 2]) -> Result<Saved<State>> {
        let class = &self.model.class;
        if !class.ends_with(".Word2Vec") {
            let hint = if class.contains("KeyedVectors") || class.contains("FastText") || class.contains("Doc2Vec") {
                "; KeyedVectors.load reads its word vectors"
            } else {
                ""
            };
            return Err(self.saved.fault(format!("is a pickle of {class}, not a model of Word2Vec{hint}")));
        }
        let vectors = self.model.keyed_vectors()?;
        let config = self.config(vectors.vector_size())?;
        let (keys, counts) = (vectors.keys().clone(), vectors.counts().to_vec());
        let tokens = counts.iter().fold(0_u64, |sum, &count| sum.saturating_add(count));
        let corpus = CorpusSize {
            sentences: self.count("corpus_count").unwrap_or_default(),
            tokens: self.count("corpus_total_words").unwrap_or(tokens),
        };
        let words = keys.len();
        let vocabulary = Vocabulary::from_parts(keys, counts, corpus.tokens.max(tokens), words);
        let vocabulary = Arc::new(vocabulary.map_err(|error| self.saved.fault(error))?);
        let shape = (words, config.vector_size);
        let mut tables = Vec::new();
        if let Some(rows) = self.table("syn1neg", config.negative > 0, shape)? {
            tables.push((output, Arc::new(copied(rows.iter(), shape)?)));
        }
        if let Some(rows) = self.table("syn1", config.hs, shape)? {
            tables.push((nodes, Arc::new(node_rows(&rows, shape)?)));
        }
        let vectors = Arc::new(copied(vectors.rows().iter(), shape)?);
        let effective_min_count = self.count("effective_min_count").unwrap_or(config.min_count);
        let attributes = Json::Object(self.attributes());
        let model = State { config, vocabulary, corpus, effective_min_count, vectors, tables };
        Ok(Saved { model, resume: None, attributes })
    }

    /// The part of the model that has an attribute.
    fn in_part<T>(&self, get: impl Fn(&gensim::Part<'_>) -> Option<T>) -> Option<T> {
        get(&self.model).or_else(|| OLDER_PARTS.iter().find_map(|name| get(&self.model.part(name)?)))
    }

    fn count(&self, name: &str) -> Option<u64> {
        u64::try_from(self.in_part(|part| part.integer(name))?).ok()
    }

    fn config(&self, vector_size: usize) -> Result<Config> {
        let mut config = Config::default();
        for parameter in Config::PARAMETERS {
            let name = parameter.name;
            let older = OLDER_NAMES.iter().find(|(new, _)| *new == name).map(|(_, older)| *older);
            let Some(value) =
                [Some(name), older].into_iter().flatten().find_map(|name| self.value(name, parameter.range))
            else {
                continue;
            };
            config.set(name, value).map_err(|error| self.saved.fault(error))?;
        }
        config.vector_size = vector_size;
        config.validate().map_err(|error| self.saved.fault(error))?;
        Ok(config)
    }

    /// A hyperparameter of this range, unless it is None.
    fn value(&self, name: &str, range: Range) -> Option<Value> {
        let number = self.in_part(|part| part.number(name))?;
        Some(match range {
            Range::Real { .. } => Value::Real(number),
            Range::Switch | Range::ZeroOrOne => Value::Switch(number != 0.0),
            Range::Whole { .. } | Range::Optional => {
                let whole = self.in_part(|part| part.integer(name)).and_then(|value| u64::try_from(value).ok());
                whole.map_or(Value::Real(number), Value::Whole)
            }
        })
    }

    /// A table of the model, which must be there if it is needed.
    fn table(&self, name: &str, is_needed: bool, (rows, columns): (usize, usize)) -> Result<Option<Rows>> {
        let mut table = self.model.matrix(&[name])?;
        for part in OLDER_PARTS {
            if let (None, Some(part)) = (&table, self.model.part(part)) {
                table = part.matrix(&[name])?;
            }
        }
        match table {
            None if is_needed => Err(self.saved.fault(format!(
                "has no {name}: its weights were deleted, so that it cannot be trained; KeyedVectors.load reads its vectors"
            ))),
            Some(table) if (table.len(), table.vector_size()) != (rows, columns) => {
                let (found, width) = (table.len(), table.vector_size());
                Err(self.saved.fault(format!("has {name} of shape {found} × {width}; expected {rows} × {columns}")))
            }
            table => Ok(table),
        }
    }

    /// The account of the training so far, under the names that the Python class keeps it.
    fn attributes(&self) -> Map<String, Json> {
        let mut kept = Map::new();
        for name in ["train_count", "corpus_count", "corpus_total_words"] {
            kept.extend(self.count(name).map(|count| (name.to_owned(), json!(count))));
        }
        for name in ["min_alpha_yet_reached", "running_training_loss", "total_train_time"] {
            let number = self.in_part(|part| part.number(name)).filter(|number| number.is_finite());
            kept.extend(number.map(|number| (name.to_owned(), json!(format!("{number:?}")))));
        }
        kept.extend(self.model.text("comment").map(|comment| ("comment".to_owned(), json!(comment))));
        kept
    }
}

fn copied<'r>(rows: impl Iterator<Item = &'r [f32]>, (len, columns): (usize, usize)) -> Result<Matrix> {
    let mut matrix = Matrix::growing(len, columns)?;
    rows.take(len).enumerate().for_each(|(row, values)| matrix.values(row).copy_from_slice(values));
    Ok(matrix)
}

/// The rows of the inner nodes in our order. gensim numbers a node when it is made, from the rarest; ours come from the
/// root. Where words are equally frequent, their places in the tree may differ from gensim's.
fn node_rows(rows: &Rows, (len, columns): (usize, usize)) -> Result<Matrix> {
    let mut matrix = Matrix::growing(len, columns)?;
    let inner = len.saturating_sub(1);
    (0..inner).for_each(|node| matrix.values(node).copy_from_slice(rows.row(inner - 1 - node)));
    Ok(matrix)
}
