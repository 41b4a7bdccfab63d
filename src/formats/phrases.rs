//! Models of phrases: an Arrow file that any program reads as a table of `phrase`, `score` and `count`.
//!
//! A model that can learn more has a row for each word and each pair of words that it has counted; its phrases come first,
//! and have a score. A frozen model has its phrases alone. The passes of a model stand one below the other. What else
//! there is to know is JSON in the schema's metadata, under `polargram`. Models that gensim saved are read too: see
//! [`super::gensim_phrases`].
//!
//! ```
//! use polargram::phrases::{Pass, Phrase, PhraseModel, PhraseOptions, FrozenPhrases};
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("phrases.arrow");
//! let phrases = vec![Phrase { phrase: "new_york".into(), score: 12.5, count: Some(9) }];
//! let frozen = FrozenPhrases::new(PhraseOptions::default(), phrases.clone())?;
//! PhraseModel::new(vec![Pass::Frozen(frozen)])?.save(&path)?;
//! assert_eq!(PhraseModel::load(&path)?.export()?, phrases);
//! # Ok::<(), polargram::Error>(())
//! ```

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, AsArray, Float64Array, Float64Builder, RecordBatch, StringArray, StringBuilder,
    UInt64Array, UInt64Builder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, UInt64Type};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use serde::{Deserialize, Serialize};

use super::contents::Contents;
use super::gensim::resembles;
use super::gensim_phrases;
use super::opened::Identity;
use crate::arrow::footer::MAGIC;
use crate::arrow::ipc;
use crate::error::{Error, IoContext, Result};
use crate::output::{Out, Output};
use crate::phrases::{Detectors, FrozenPhrases, Pass, Phrase, PhraseModel, PhraseOptions, Phrases, Scoring, Totals};
use crate::progress::Progress;
use crate::store::{LocalCopy, Location, url_of};

const METADATA_KEY: &str = "polargram";
/// Rows of a record batch, and bytes of their text.
const BATCH_ROWS: usize = 1 << 20;
const BATCH_BYTES: usize = 1 << 28;

/// What the metadata says.
#[derive(Serialize, Deserialize)]
struct Description {
    phrases: Vec<PassDescription>,
}

/// What it says of a pass.
#[derive(Serialize, Deserialize)]
struct PassDescription {
    rows: usize,
    #[serde(with = "crate::exact")]
    min_count: f64,
    #[serde(with = "crate::exact")]
    threshold: f64,
    max_vocab_size: u64,
    delimiter: String,
    /// A name or SQL; nothing for a function of the user's own.
    scoring: Option<String>,
    connector_words: BTreeSet<String>,
    /// Of a model that can learn more.
    totals: Option<Totals>,
}

impl PassDescription {
    fn new(options: &PhraseOptions, totals: Option<Totals>) -> Self {
        let scoring = match &options.scoring {
            Scoring::Custom(_) | Scoring::Forgotten => None,
            known => Some(known.name().to_owned()),
        };
        Self {
            rows: 0,
            min_count: options.min_count,
            threshold: options.threshold,
            max_vocab_size: options.max_vocab_size,
            delimiter: options.delimiter.clone(),
            scoring,
            connector_words: options.connector_words.clone(),
            totals,
        }
    }

    fn options(&self) -> Result<PhraseOptions> {
        let options = PhraseOptions {
            min_count: self.min_count,
            threshold: self.threshold,
            max_vocab_size: self.max_vocab_size,
            delimiter: self.delimiter.clone(),
            scoring: self.scoring.as_deref().map_or(Ok(Scoring::Forgotten), Scoring::parse)?,
            connector_words: self.connector_words.clone(),
        };
        options.check()?;
        Ok(options)
    }
}

impl PhraseModel {
    /// Saves the model. The file appears whole or not at all, on this machine or in a store. A scoring function of the
    /// caller's own is not kept.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be written; what a scoring function fails with.
    pub fn save(&self, location: impl Into<Location>) -> Result<()> {
        self.save_with(location, &Progress::default())
    }

    /// [`save`](Self::save), interrupted if `progress` is cancelled.
    ///
    /// # Errors
    /// As for [`save`](Self::save); [`Error::Interrupted`].
    pub fn save_with(&self, location: impl Into<Location>, progress: &Progress) -> Result<()> {
        let location = location.into();
        let mut output = Output::files(&location, progress);
        self.write_to(&mut output, location.path())?;
        output.commit().map(drop)
    }

    /// Writes the file of this name.
    pub(crate) fn write_to(&self, output: &mut Output, name: &Path) -> Result<()> {
        // Scored before anything is written.
        let phrases = self.passes().iter().map(phrases_of).collect::<Result<Vec<_>>>()?;
        let describe = |(pass, phrases): (&Pass, &Vec<Phrase>)| match pass {
            Pass::Learning(learning) => PassDescription {
                rows: learning.len(),
                ..PassDescription::new(pass.options(), Some(learning.totals()))
            },
            Pass::Frozen(_) => PassDescription { rows: phrases.len(), ..PassDescription::new(pass.options(), None) },
        };
        let description = Description { phrases: self.passes().iter().zip(&phrases).map(describe).collect() };
        output.write(name, |out| {
            let json = serde_json::to_string(&description).map_err(io::Error::other)?;
            let mut writer = TableWriter::new(out, json)?;
            for (pass, phrases) in self.passes().iter().zip(&phrases) {
                for Phrase { phrase, score, count } in phrases {
                    writer.push(phrase, Some(*score), *count)?;
                }
                if let Pass::Learning(learning) = pass {
                    let written: HashSet<&str> = phrases.iter().map(|phrase| phrase.phrase.as_str()).collect();
                    learning.each(|text, count| match written.contains(text) {
                        true => Ok(()),
                        false => writer.push(text, None, Some(count)),
                    })?;
                }
            }
            writer.finish()
        })
    }

    /// Loads a model that [`save`](Self::save) or gensim wrote. Nothing in the file is run.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Format`] if it is damaged, or no model of phrases.
    pub fn load(location: impl Into<Location>) -> Result<Self> {
        Self::load_with(location, &Progress::default())
    }

    /// [`load`](Self::load). Cancelling `progress` interrupts it.
    ///
    /// # Errors
    /// As for [`load`](Self::load); [`Error::Interrupted`].
    pub fn load_with(location: impl Into<Location>, progress: &Progress) -> Result<Self> {
        let copy = LocalCopy::of_file(&location.into(), progress)?;
        let path = copy.path().to_owned();
        read(&path, progress).map_err(|error| copy.named(error))
    }
}

/// The phrases of a pass; of one whose scoring function is forgotten those that are known, if there are any.
fn phrases_of(pass: &Pass) -> Result<Vec<Phrase>> {
    match pass {
        Pass::Frozen(frozen) => Ok(frozen.phrases().to_vec()),
        Pass::Learning(learning) if learning.is_unscored() => Ok(Vec::new()),
        Pass::Learning(learning) => learning.export(),
    }
}

fn schema(json: String) -> SchemaRef {
    let fields = vec![
        Field::new("phrase", DataType::Utf8, false),
        Field::new("score", DataType::Float64, true),
        Field::new("count", DataType::UInt64, true),
    ];
    Arc::new(Schema::new_with_metadata(fields, HashMap::from([(METADATA_KEY.to_owned(), json)])))
}

/// The rows of a table of phrases.
struct TableWriter<'a, 'f> {
    writer: FileWriter<&'a mut Out<'f>>,
    schema: SchemaRef,
    texts: StringBuilder,
    scores: Float64Builder,
    counts: UInt64Builder,
}

impl<'a, 'f> TableWriter<'a, 'f> {
    fn new(out: &'a mut Out<'f>, json: String) -> io::Result<Self> {
        let schema = schema(json);
        let writer = FileWriter::try_new(out, &schema).map_err(io_error)?;
        Ok(Self {
            writer,
            schema,
            texts: StringBuilder::new(),
            scores: Float64Builder::new(),
            counts: UInt64Builder::new(),
        })
    }

    fn push(&mut self, text: &str, score: Option<f64>, count: Option<u64>) -> io::Result<()> {
        if self.texts.values_slice().len().saturating_add(text.len()) > BATCH_BYTES {
            self.write()?;
        }
        if i32::try_from(text.len()).is_err() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "has a phrase of more than 2 GiB"));
        }
        self.texts.append_value(text);
        self.scores.append_option(score);
        self.counts.append_option(count);
        if self.scores.len() < BATCH_ROWS { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> io::Result<()> {
        let columns: Vec<ArrayRef> =
            vec![Arc::new(self.texts.finish()), Arc::new(self.scores.finish()), Arc::new(self.counts.finish())];
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(io_error)?;
        if batch.num_rows() == 0 { Ok(()) } else { self.writer.write(&batch).map_err(io_error) }
    }

    fn finish(mut self) -> io::Result<()> {
        self.write()?;
        self.writer.finish().map_err(io_error)
    }
}

/// The system's own error, if there is one inside.
fn io_error(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, source) => source,
        other => io::Error::other(other),
    }
}

fn read(path: &Path, progress: &Progress) -> Result<PhraseModel> {
    let contents = Contents::open(path, progress, |_| false)?.ensure_not_empty()?;
    if resembles(contents.bytes(), false) {
        return gensim_phrases::read(contents.bytes(), path, progress);
    }
    if !contents.bytes().starts_with(MAGIC) {
        return Err(Error::format(path, "is neither a model of phrases that polargram saved nor one that gensim did"));
    }
    let path = contents.path_to_map()?;
    let file = ipc::map_bytes(&File::open(path).at("read", path)?, path)?;
    ipc::ensure_has_end(&file, path)?;
    Rows::read(file, path)?.model(path, progress)
}

/// The columns of a table of phrases, batch by batch.
struct Rows {
    description: Description,
    batches: Vec<(StringArray, Float64Array, UInt64Array)>,
}

impl Rows {
    fn read(file: arrow::buffer::Buffer, path: &Path) -> Result<Self> {
        let fault = |reason: String| Error::format(path, reason);
        let table = ipc::table(file, |schema| {
            let missing = |name: &str| format!("has no column {name:?}; expected phrase, score and count");
            ["phrase", "score", "count"].iter().map(|name| schema.index_of(name).map_err(|_| missing(name))).collect()
        });
        let table = table.map_err(fault)?;
        let json = table.schema.metadata().get(METADATA_KEY);
        let json = json.ok_or_else(|| {
            fault("has no metadata of polargram, which says how its phrases are found; save the model again".into())
        })?;
        let description = serde_json::from_str(json);
        let description = description.map_err(|error| fault(format!("has damaged metadata: {error}")))?;
        let columns = |batch: &RecordBatch| {
            let column = |name: &str, to: &DataType| {
                let column = batch.column_by_name(name).ok_or_else(|| fault(format!("has no column {name:?}")))?;
                cast(column, to).map_err(|error| fault(format!("column {name:?}: {error}")))
            };
            let texts = column("phrase", &DataType::Utf8)?.as_string::<i32>().clone();
            if texts.null_count() > 0 {
                return Err(fault("has a phrase that is null".into()));
            }
            let scores = column("score", &DataType::Float64)?.as_primitive::<Float64Type>().clone();
            Ok((texts, scores, column("count", &DataType::UInt64)?.as_primitive::<UInt64Type>().clone()))
        };
        Ok(Self { description, batches: table.batches.iter().map(columns).collect::<Result<_>>()? })
    }

    /// Text, score and count of some rows.
    fn rows(&self, from: usize, rows: usize) -> impl Iterator<Item = (&str, Option<f64>, Option<u64>)> + Clone {
        let all = self.batches.iter().flat_map(|(texts, scores, counts)| {
            (0..texts.len()).map(move |row| {
                let score = scores.is_valid(row).then(|| scores.value(row));
                (texts.value(row), score, counts.is_valid(row).then(|| counts.value(row)))
            })
        });
        all.skip(from).take(rows)
    }

    fn model(&self, path: &Path, progress: &Progress) -> Result<PhraseModel> {
        let fault = |reason: String| Error::format(path, reason);
        let total: usize = self.batches.iter().map(|(texts, ..)| texts.len()).sum();
        let described = self.description.phrases.iter().try_fold(0usize, |sum, pass| sum.checked_add(pass.rows));
        if described != Some(total) {
            return Err(fault(format!("has {total} rows, which is not what its metadata says")));
        }
        let (mut passes, mut from) = (Vec::new(), 0);
        for pass in &self.description.phrases {
            progress.check()?;
            let options = pass.options().map_err(|error| fault(format!("was changed: {error}")))?;
            let rows = self.rows(from, pass.rows);
            from += pass.rows;
            let phrases = rows
                .clone()
                .filter_map(|(text, score, count)| Some(Phrase { phrase: text.to_owned(), score: score?, count }));
            passes.push(match pass.totals {
                None => Pass::Frozen(FrozenPhrases::new(options, phrases.collect())?),
                Some(totals) => {
                    if rows.clone().any(|(.., count)| count.is_none()) {
                        return Err(fault("has a count that is null".into()));
                    }
                    let known =
                        if matches!(options.scoring, Scoring::Forgotten) { phrases.collect() } else { Vec::new() };
                    let counts = rows.map(|(text, _, count)| (text, count.unwrap_or_default()));
                    Pass::Learning(Phrases::restored(options, counts, totals, known)?)
                }
            });
        }
        PhraseModel::new(passes).map_err(|error| fault(error.to_string()))
    }
}

/// Models that stay open although nobody uses them.
const KEPT: usize = 4;

static OPENED: Mutex<Vec<(Identity, Arc<Detectors>)>> = Mutex::new(Vec::new());

impl Detectors {
    /// The phrases of a file, which is loaded at the first call and then shared by the whole process. If the file has been
    /// replaced since, it is loaded again. The four files used last stay loaded.
    ///
    /// # Errors
    /// As for [`PhraseModel::load`]; [`Error::Format`] for a file in a store or a pipe.
    pub fn shared(path: impl AsRef<Path>) -> Result<Arc<Self>> {
        let path = path.as_ref();
        if url_of(path).is_some() {
            return Err(Error::format(
                path,
                "is in a store; load the phrases, and give the model in place of the path",
            ));
        }
        let identity = Identity::of(path);
        // Held while loading, so that threads that ask at once do not load twice.
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|(identity, _)| identity.is_current());
        let identity = identity?;
        let found = opened.iter().position(|(known, _)| *known == identity).map(|at| opened.remove(at).1);
        let detectors = match found {
            Some(detectors) => detectors,
            None => Arc::new(PhraseModel::load(path)?.detectors()?),
        };
        opened.push((identity, detectors.clone()));
        let surplus = opened.len().saturating_sub(KEPT);
        opened.drain(..surplus);
        Ok(detectors)
    }
}
