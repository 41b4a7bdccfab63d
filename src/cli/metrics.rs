//! What a training run did, for machines.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::corpus::Input;
use crate::error::{IoContext, Result};
use crate::models::{Moment, Word2Vec, peak_memory};
use crate::store::url_of;
use crate::train::Trained;

/// What a run is told by.
pub(super) struct Run<'a> {
    pub(super) started: SystemTime,
    pub(super) inputs: &'a [Input],
    pub(super) model: &'a Word2Vec,
    pub(super) trained: &'a Trained,
    /// The time for counting the vocabulary, if it was counted.
    pub(super) counting: Option<Duration>,
    pub(super) moments: &'a [Moment],
}

impl Run<'_> {
    /// All but what is known only when the outputs are there.
    pub(super) fn summary(&self) -> Value {
        let (vocabulary, corpus, config) = (self.model.vocabulary(), self.model.corpus(), self.model.config());
        let trained = self.trained;
        let mean = |(loss, examples): &(f64, u64)| config.compute_loss.then(|| loss / (*examples).max(1) as f64);
        let losses: Vec<Option<f64>> = trained.losses.iter().map(mean).collect();
        json!({
            "format": "polargram metrics 1",
            "phase": "done",
            "command": "train",
            "version": env!("CARGO_PKG_VERSION"),
            "versions": { "polargram": env!("CARGO_PKG_VERSION"), "polars": polars::VERSION, "arrow": arrow::ARROW_VERSION },
            "started": timestamp(self.started),
            "machine": {
                "os": std::env::consts::OS,
                "arch": std::env::consts::ARCH,
                "cores": std::thread::available_parallelism().map_or(1, usize::from),
                "isa": trained.isa.to_string(),
            },
            "inputs": self.inputs,
            "corpus": { "sentences": corpus.sentences, "words": corpus.tokens },
            "vocab": {
                "words": vocabulary.len(),
                "distinct": vocabulary.raw_words(),
                "occurrences": vocabulary.tokens(),
                "min_count": self.model.effective_min_count(),
            },
            "parameters": config,
            "training": {
                "words": trained.tokens - trained.tokens_before,
                "words_before": trained.tokens_before,
                "words_kept": trained.kept,
                "words_per_second": trained.tokens_per_second(),
                "workers": config.worker_threads(),
                "rate": trained.learning_rate,
                "losses": losses,
            },
            "timings": {
                "vocabulary": self.counting.map(|time| time.as_secs_f64()),
                "encoding": trained.encoding.as_secs_f64(),
                "training": trained.elapsed.as_secs_f64(),
            },
            "history": self.moments,
        })
    }
}

/// Adds what is known when the outputs are there: their sizes and checksums, the time, the memory.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if an output cannot be read again.
pub(super) fn finish(mut summary: Value, outputs: &[PathBuf], saving: Duration, total: Duration) -> Result<Value> {
    let outputs = outputs.iter().map(|path| described(path)).collect::<Result<Vec<_>>>()?;
    summary["timings"]["saving"] = json!(saving.as_secs_f64());
    summary["seconds"] = json!(total.as_secs_f64());
    summary["peak_memory"] = json!(peak_memory());
    summary["outputs"] = Value::Array(outputs);
    Ok(summary)
}

/// A file with its size and checksum. Of an object in a store only the name is told: it would have to be fetched again.
fn described(path: &Path) -> Result<Value> {
    let name = path.display().to_string();
    if url_of(path).is_some() {
        return Ok(json!({ "name": name }));
    }
    let (mut file, mut digest, mut bytes) = (File::open(path).at("read", path)?, Sha256::new(), 0);
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => {
                digest.update(&block[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).at("read", path),
        }
    }
    let checksum: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(json!({ "name": name, "bytes": bytes, "sha256": checksum }))
}

/// A time in UTC: 2026-11-29T04:30:00Z.
fn timestamp(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_size_and_checksum_and_an_object_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v");
        std::fs::write(&path, "abc").unwrap();
        let described_file = described(&path).unwrap();
        assert_eq!(described_file["bytes"], 3);
        let checksum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(described_file["sha256"], checksum);
        assert_eq!(described("s3://bucket/v".as_ref()).unwrap(), json!({ "name": "s3://bucket/v" }));
    }
}
