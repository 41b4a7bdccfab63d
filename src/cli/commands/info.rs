//! `polargram info`.

use std::fs;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::bundle::{Bundle, Content};
use crate::cli::args::StorageArgs;
use crate::cli::display::{on_interrupt, print_lines};
use crate::cli::streams;
use crate::config::Config;
use crate::error::Result;
use crate::formats::{LoadOptions, format_of};
use crate::models::describe;
use crate::progress::Progress;
use crate::store::Location;
use crate::vectors::KeyedVectors;

/// Tell what is in files of vectors, saved models, checkpoints and bundles, and whether it is sound.
#[derive(Args)]
pub(in crate::cli) struct Info {
    /// Files, directories or URLs.
    #[arg(required = true)]
    files: Vec<String>,
    /// Print an object for each, a line each.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    storage: StorageArgs,
}

impl Info {
    pub(in crate::cli) fn run(&self) -> Result<()> {
        let progress = Progress::default();
        on_interrupt(&progress);
        for (number, file) in self.files.iter().enumerate() {
            let found = self.describe(file, &progress)?;
            if self.json {
                print_lines([Value::Object(found)])?;
            } else {
                let between = (number > 0).then(String::new);
                print_lines(between.into_iter().chain(lines("", &found)))?;
            }
        }
        Ok(())
    }

    fn describe(&self, file: &str, progress: &Progress) -> Result<Map<String, Value>> {
        let location = streams::input(file, self.storage.options());
        let mut found = Map::from_iter([("file".to_owned(), json!(file))]);
        let path = location.path().to_owned();
        if (path.is_dir() || location.url().is_some())
            && let Some((model, vectors)) = describe(&location, progress)?
        {
            describe_model(&model, &mut found);
            describe_vectors(&vectors, &mut found, progress)?;
            return Ok(found);
        }
        if path.is_dir() && path.join(crate::bundle::FILE).exists() {
            describe_bundle(&location, &mut found, progress)?;
            return Ok(found);
        }
        let location = match path.is_dir() {
            true => Location::from(path.join("vectors.arrow")),
            false => location,
        };
        if let Ok(metadata) = fs::metadata(location.path()) {
            found.insert("bytes".to_owned(), json!(metadata.len()));
        }
        found.insert("kind".to_owned(), json!("vectors"));
        found.insert("format".to_owned(), json!(format_of(&location, progress)?.name));
        describe_vectors(&location, &mut found, progress)?;
        Ok(found)
    }
}

fn describe_model(model: &Value, found: &mut Map<String, Value>) {
    let is_checkpoint = model.get("resume").is_some_and(|resume| !resume.is_null());
    found.insert("kind".to_owned(), json!(if is_checkpoint { "checkpoint" } else { "model" }));
    let family = model.get("family").cloned().unwrap_or_else(|| json!("word2vec"));
    found.insert("family".to_owned(), family);
    for name in ["format", "corpus", "effective_min_count", "raw_tokens", "raw_words"] {
        if let Some(value) = model.get(name) {
            found.insert(name.to_owned(), value.clone());
        }
    }
    if is_checkpoint && let Some(position) = model["resume"].get("position") {
        found.insert("position".to_owned(), json!({ "epoch": position["epoch"], "batch": position["batch"] }));
    }
}

fn describe_bundle(location: &Location, found: &mut Map<String, Value>, progress: &Progress) -> Result<()> {
    fn entry(content: &Content) -> Value {
        match content {
            Content::Array(array) => json!(format!("array {} {:?}", array.header().descr, array.header().shape)),
            Content::Value(_) => json!("value"),
            Content::Vectors(_) => json!("vectors"),
            Content::Group(entries) => {
                entries.iter().map(|(name, content)| (name.clone(), entry(content))).collect::<Map<_, _>>().into()
            }
        }
    }
    let bundle = Bundle::open(location, &[], progress)?;
    let entries: Map<_, _> = bundle.entries.iter().map(|(name, content)| (name.clone(), entry(content))).collect();
    found.insert("kind".to_owned(), json!("bundle"));
    found.insert("entries".to_owned(), entries.into());
    Ok(())
}

/// The shape, the counts, the parameters and the checks of vectors.
fn describe_vectors(location: &Location, found: &mut Map<String, Value>, progress: &Progress) -> Result<()> {
    let vectors = KeyedVectors::load_with(location.clone(), &LoadOptions::default(), progress)?;
    let mut insert = |name: &str, value: Value| found.insert(name.to_owned(), value);
    insert("words", json!(vectors.len()));
    insert("vector_size", json!(vectors.vector_size()));
    insert("keys", json!(format!("{:?}", vectors.keys().key_type()).to_lowercase()));
    insert("mapped", json!(vectors.rows().is_mapped()));
    let counts = vectors.counts();
    let total = counts.iter().fold(0u64, |sum, &count| sum.saturating_add(count));
    insert("occurrences", json!(total));
    insert("most_frequent", json!(first_words(&vectors)));
    if let Some(config) = vectors.config() {
        insert("parameters", json!(config));
    }
    insert("checks", checks(&vectors, progress)?);
    Ok(())
}

fn first_words(vectors: &KeyedVectors) -> Vec<String> {
    const SHOWN: usize = 5;
    vectors.keys().iter().take(SHOWN).map(|key| key.to_string()).collect()
}

/// What may be wrong with vectors: rows that hold NaN or infinity, rows of zeros, counts that are not sorted.
fn checks(vectors: &KeyedVectors, progress: &Progress) -> Result<Value> {
    let (mut not_finite, mut zeros, mut shortest, mut longest, mut sum) = (0u64, 0u64, f64::INFINITY, 0f64, 0f64);
    for (number, row) in vectors.rows().iter().enumerate() {
        if number.is_multiple_of(1 << 16) {
            progress.check()?;
        }
        let length = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        match length {
            _ if !length.is_finite() => not_finite += 1,
            0.0 => zeros += 1,
            _ => {
                (shortest, longest) = (shortest.min(length), longest.max(length));
                sum += length;
            }
        }
    }
    let sound = (vectors.len() as u64).saturating_sub(not_finite + zeros);
    let rounded = |value: f64| (value * 1e4).round() / 1e4;
    let lengths = (sound > 0).then(
        || json!({ "shortest": rounded(shortest), "mean": rounded(sum / sound as f64), "longest": rounded(longest) }),
    );
    Ok(json!({
        "not_finite": not_finite,
        "zeros": zeros,
        "lengths": lengths,
        "sorted_by_count": vectors.counts().is_sorted_by(|a, b| a >= b),
    }))
}

/// An object as lines of a name and a value. Parameters that have their defaults are left out.
fn lines(prefix: &str, object: &Map<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, value) in object {
        match value {
            Value::Object(inner) if name == "parameters" => lines.push(line(prefix, name, &changed(inner))),
            Value::Object(inner) => lines.extend(lines_of(prefix, name, inner)),
            Value::Array(values) => {
                let texts: Vec<String> = values.iter().map(text).collect();
                lines.push(line(prefix, name, &texts.join(" ")));
            }
            value => lines.push(line(prefix, name, &text(value))),
        }
    }
    lines
}

fn lines_of(prefix: &str, name: &str, inner: &Map<String, Value>) -> Vec<String> {
    lines(&format!("{prefix}{name}."), inner)
}

fn line(prefix: &str, name: &str, text: &str) -> String {
    let name = format!("{prefix}{name}").replace('_', " ");
    format!("{name:<26}{text}")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

/// The parameters that differ from their defaults: `sg=1 window=3`.
fn changed(parameters: &Map<String, Value>) -> String {
    let default = serde_json::to_value(Config::default()).unwrap_or_default();
    let changed = parameters.iter().filter(|(name, value)| default.get(name) != Some(value));
    let changed: Vec<String> = changed.map(|(name, value)| format!("{name}={}", text(value))).collect();
    if changed.is_empty() { "all as by default".to_owned() } else { changed.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_count_what_is_wrong() {
        let values = [3.0, 4.0, f32::NAN, 0.0, 0.0, 0.0, 0.6, 0.8];
        let vectors = KeyedVectors::from_rows(["a", "b", "c", "d"], 2, &values).unwrap();
        let found = checks(&vectors, &Progress::default()).unwrap();
        assert_eq!((&found["not_finite"], &found["zeros"]), (&json!(1), &json!(1)));
        assert_eq!(found["lengths"], json!({ "shortest": 1.0, "mean": 3.0, "longest": 5.0 }));
    }

    #[test]
    fn only_parameters_that_differ_are_listed() {
        let config = serde_json::to_value(Config { window: 3, sg: true, ..Config::default() }).unwrap();
        assert_eq!(changed(config.as_object().unwrap()), "sg=true window=3");
        assert_eq!(changed(json!(Config::default()).as_object().unwrap()), "all as by default");
    }
}
