//! Keys and counts in a text file: a line `word count` each.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::options::LoadOptions;
use crate::error::{Error, IoContext, Result};
use crate::output::Out;
use crate::vectors::KeyedVectors;
use crate::vocab::Keys;

/// Why a line cannot hold a word.
pub(super) fn word_fault(word: &str) -> Option<&'static str> {
    word.contains('\n').then_some("has a line break")
}

pub(super) fn write(vectors: &KeyedVectors, out: &mut Out<'_>) -> io::Result<()> {
    for (key, count) in vectors.keys().iter().zip(vectors.counts()) {
        writeln!(out, "{key} {count}")?;
    }
    Ok(())
}

/// Reads as many lines as `options` say.
pub(super) fn read(path: &Path, options: &LoadOptions) -> Result<(Keys, Vec<u64>)> {
    let bytes = fs::read(path).at("read", path)?;
    let text = options.errors.decode(&bytes).map_err(|at| Error::format(path, format!("is not UTF-8 at byte {at}")))?;
    let mut counts = Vec::new();
    let mut words = Vec::new();
    for (number, line) in text.lines().enumerate().take(options.rows_of(usize::MAX)) {
        let parsed = line.rsplit_once(' ').and_then(|(word, count)| Some((word, count.parse().ok()?)));
        let Some((word, count)) = parsed else {
            let start: String = line.chars().take(40).collect();
            return Err(Error::format(path, format!("line {} is not `word count`: {start:?}", number + 1)));
        };
        words.push(word);
        counts.push(count);
    }
    let keys = options.keys(words.into_iter().collect(), |id| format!("line {}", id + 1));
    Ok((keys.map_err(|reason| Error::format(path, reason))?, counts))
}
