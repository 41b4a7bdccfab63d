//! `bundle.json`: the names of a bundle, and the files or values that they stand for.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::value::Value;
use crate::error::{Error, Result};

/// The file that tells what a bundle has.
pub(crate) const FILE: &str = "bundle.json";
const FORMAT: &str = "polargram bundle 1";
/// What the formats of all versions begin with.
const KIND: &str = "polargram bundle";

/// The content of `bundle.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: String,
    /// What else the directory is, as "a model". A bundle does not take its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    pub(super) entries: Vec<(String, Content)>,
}

/// What a name stands for. Files are in the bundle's directory.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Content {
    /// A `.npy` file.
    Array(String),
    /// A value.
    Value(Value),
    /// A JSON file, which is a value.
    Json(String),
    /// A file of vectors.
    Vectors(String),
    /// Names, one level deep.
    Group(Vec<(String, Content)>),
}

impl Content {
    fn file(&self) -> Option<&str> {
        match self {
            Self::Array(file) | Self::Json(file) | Self::Vectors(file) => Some(file),
            Self::Value(_) | Self::Group(_) => None,
        }
    }
}

impl Manifest {
    pub(crate) fn new(entries: Vec<(String, Content)>) -> Self {
        Self { format: FORMAT.to_owned(), kind: None, entries }
    }

    /// Of a directory that is also something else.
    pub(crate) fn of_kind(kind: &str, entries: Vec<(String, Content)>) -> Self {
        Self { kind: Some(kind.to_owned()), ..Self::new(entries) }
    }

    /// Reads and checks it; messages name it by `name`.
    ///
    /// # Errors
    /// [`Error::Format`] for another file, one of a newer version, and one that names a file elsewhere or anything twice.
    pub(super) fn parse(text: &[u8], name: &Path) -> Result<Self> {
        let fault = |reason: String| Error::format(name, reason);
        let manifest: Self = serde_json::from_slice(text)
            .map_err(|error| fault(format!("is not a description of a bundle: {error}")))?;
        if manifest.format != FORMAT {
            return Err(fault(format!("is of format {:?}; this program reads {FORMAT:?}", manifest.format)));
        }
        check_level(&manifest.entries, true).map_err(fault)?;
        Ok(manifest)
    }

    /// The names of its files, once each.
    pub(super) fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = Vec::new();
        each_file(&self.entries, &mut |file| {
            if !files.iter().any(|known| known == file) {
                files.push(file.to_owned());
            }
        });
        files
    }

    /// Drops what is not wanted: a name, or `group.name`.
    pub(super) fn without(mut self, ignored: &[String]) -> Self {
        let is_wanted = |name: &str| !ignored.iter().any(|ignored| ignored == name);
        self.entries.retain(|(name, _)| is_wanted(name));
        for (group, content) in &mut self.entries {
            if let Content::Group(entries) = content {
                entries.retain(|(name, _)| is_wanted(&format!("{group}.{name}")));
            }
        }
        self
    }
}

fn each_file(entries: &[(String, Content)], found: &mut impl FnMut(&str)) {
    for (_, content) in entries {
        match content {
            Content::Group(entries) => each_file(entries, found),
            content => content.file().into_iter().for_each(&mut *found),
        }
    }
}

fn check_level(entries: &[(String, Content)], is_outermost: bool) -> std::result::Result<(), String> {
    let mut names = HashSet::new();
    for (name, content) in entries {
        if !names.insert(name) {
            return Err(format!("has {name:?} twice"));
        }
        match content {
            Content::Group(entries) if is_outermost => check_level(entries, false)?,
            Content::Group(_) => return Err(format!("has a group within a group: {name:?}")),
            content => match content.file() {
                Some(file) if !is_file_name(file) => {
                    return Err(format!("names the file {file:?}, which is not one in its directory"));
                }
                _ => {}
            },
        }
    }
    Ok(())
}

/// True for the description of a bundle of any version that is nothing else.
pub(super) fn is_bundle(description: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        format: String,
        #[serde(default)]
        kind: Option<String>,
    }
    serde_json::from_slice(description).is_ok_and(|kind: Kind| kind.format.starts_with(KIND) && kind.kind.is_none())
}

/// The files that a description names.
pub(super) fn files_of(description: &[u8]) -> Vec<String> {
    Manifest::parse(description, FILE.as_ref()).map(|manifest| manifest.files()).unwrap_or_default()
}

/// True for a name within a directory, on any system.
pub(super) fn is_file_name(name: &str) -> bool {
    let is_visible = !name.is_empty() && !name.starts_with('.');
    is_visible && !name.contains(['/', '\\', ':', '\0']) && name != FILE
}

/// File names for arrays, no two the same, also where case does not count.
#[derive(Default)]
pub(super) struct FileNames(HashSet<String>);

/// Longest name before its ending.
const LONGEST: usize = 120;

impl FileNames {
    /// `name.npy`, or `group.name.npy`. Signs that a file name cannot have everywhere are encoded.
    pub(super) fn name(&mut self, group: Option<&str>, name: &str) -> String {
        let mut stem = group.map(|group| encoded(group) + ".").unwrap_or_default() + &encoded(name);
        stem.truncate(LONGEST);
        let mut file = stem.clone();
        let mut number = 2;
        while !self.0.insert(file.to_lowercase()) {
            file = format!("{stem}~{number}");
            number += 1;
        }
        file + ".npy"
    }
}

fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => text.push(byte.into()),
            _ => text += &format!("%{byte:02X}"),
        }
    }
    if text.is_empty() { "%".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_file_name_of_its_own_that_is_safe() {
        let mut names = FileNames::default();
        let given = ["a", "A", "..", "", "a/b", "a.b", "é", "%", "nul\0", &"x".repeat(999), &"x".repeat(998)];
        let files: Vec<String> = given.iter().map(|name| names.name(None, name)).collect();
        assert_eq!(&files[..7], ["a.npy", "A~2.npy", "%2E%2E.npy", "%.npy", "a%2Fb.npy", "a%2Eb.npy", "%C3%A9.npy"]);
        assert_eq!(names.name(Some("parts"), "a"), "parts.a.npy");
        assert!(files.iter().all(|file| is_file_name(file) && file.len() < 200));
        assert_eq!(files.iter().map(|file| file.to_lowercase()).collect::<HashSet<_>>().len(), given.len());
    }

    #[test]
    fn a_description_that_names_files_elsewhere_or_anything_twice_is_refused() {
        let refused = |entries: &str| {
            let text = format!("{{\"format\": \"{FORMAT}\", \"entries\": [{entries}]}}");
            Manifest::parse(text.as_bytes(), FILE.as_ref()).unwrap_err().to_string()
        };
        for file in ["../x.npy", "/etc/passwd", "a/b.npy", "", "..", "C:x.npy", "a\\\\b.npy", "bundle.json", ".x.npy"] {
            let error = refused(&format!("[\"a\", {{\"array\": \"{file}\"}}]"));
            assert!(error.contains("not one in its directory"), "{error}");
        }
        assert!(refused("[\"a\", {\"value\": 1}], [\"a\", {\"value\": 2}]").contains("twice"));
        assert!(refused("[\"a\", {\"group\": [[\"b\", {\"group\": []}]]}]").contains("within a group"));
        assert!(refused("[\"a\", {\"exec\": \"x\"}]").contains("not a description"));
        assert!(refused(&"[".repeat(100_000)).contains("not a description"));
    }

    #[test]
    fn a_model_is_not_a_bundle_that_may_be_replaced() {
        let text = |manifest: &Manifest| serde_json::to_vec(manifest).unwrap();
        assert!(is_bundle(&text(&Manifest::new(vec![]))));
        assert!(!is_bundle(&text(&Manifest::of_kind("a model", vec![]))));
        assert!(!is_bundle(b"{\"format\": \"another\"}"));
    }
}
