//! The files of TensorBoard's projector: a line of tab-separated values for each vector, and `NAME.metadata.tsv` beside it
//! with the words and counts. They are only written.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use super::contents::Contents;
use super::options::{LoadOptions, SaveOptions};
use super::word2vec::Content;
use crate::error::{Error, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::vectors::KeyedVectors;

/// `v.tsv` → `v.metadata.tsv`.
const METADATA_ENDING: &str = "metadata.tsv";

/// Why a field cannot hold a word.
pub(super) fn word_fault(word: &str) -> Option<&'static str> {
    match word.contains(['\n', '\r']) {
        true => Some("has a line break"),
        false => word.contains('\t').then_some("has a tab"),
    }
}

pub(super) fn write(vectors: &KeyedVectors, options: &SaveOptions, path: &Path, output: &mut Output) -> Result<()> {
    options.ensure_float32("tsv").map_err(|reason| Error::format(&output.target(path), reason))?;
    output.write(path, |out| {
        let mut line = String::new();
        vectors.rows().iter().try_for_each(|row| {
            line.clear();
            for (at, value) in row.iter().enumerate() {
                write!(line, "{}{value}", if at > 0 { "\t" } else { "" }).map_err(io::Error::other)?;
            }
            line.push('\n');
            out.write_all(line.as_bytes())
        })
    })?;
    output.write(path.with_extension(METADATA_ENDING), |out| {
        // Of several columns, the projector takes the first line as their names.
        writeln!(out, "word\tcount")?;
        let mut lines = vectors.keys().iter().zip(vectors.counts());
        lines.try_for_each(|(key, count)| writeln!(out, "{key}\t{count}"))
    })
}

/// True of lines of numbers without words, under the name of such files.
pub(super) fn resembles(bytes: &[u8], is_named: bool) -> bool {
    let is_number = |field: &[u8]| str::from_utf8(field).is_ok_and(|field| field.parse::<f32>().is_ok());
    let mut lines = bytes.split(|&byte| byte == b'\n').take(100).filter(|line| !line.is_empty());
    is_named
        && Content::of(bytes, Some(false)) != Some(Content::Text)
        && lines.all(|line| line.trim_ascii_end().split(|&byte| byte == b'\t').all(is_number))
}

pub(super) fn read(contents: &Contents<'_>, _: &LoadOptions, _: &Progress) -> Result<KeyedVectors> {
    Err(contents.fault(
        "has vectors without their words, as TensorBoard's projector reads them; such files are only written: load the file \
         that they were made from",
    ))
}
