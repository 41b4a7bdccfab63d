//! safetensors: the tensors `vectors` (F32, or F16), `counts` (U64), and the keys.
//!
//! Integer keys are the tensor `keys` (I64 or U64). Words are one run of UTF-8, the tensor `words_utf8` (U8), and element i
//! of `words_offsets` (I64) is where word i starts in it; a last element is the end. Vectors of float32 are memory-mapped.
//!
//! Of other programs' files, the vectors are the tensor `vectors`, or else the only matrix of floats. The keys may also be a
//! JSON list of text in the metadata, under `words`, `keys` or `vocab`.
//!
//! ```
//! use polargram::KeyedVectors;
//!
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = directory.path().join("vectors.safetensors");
//! KeyedVectors::from_rows(["a", "b"], 2, &[1.0, 0.0, 0.0, 1.0])?.save(&path)?;
//! assert_eq!(KeyedVectors::load(&path)?.vector("b")?, [0.0, 1.0]);
//! # Ok::<(), polargram::Error>(())
//! ```

use std::fs::File;
use std::io::Write;
use std::path::Path;

use arrow::array::{Int64Array, LargeStringArray, UInt64Array};
use arrow::buffer::{Buffer, ScalarBuffer};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use safetensors::{SafeTensorError, SafeTensors};
use serde_json::{Map, Value, json};

use super::arrow::description;
use super::contents::Contents;
use super::options::{FloatType, LoadOptions, SaveOptions};
use super::parts::{KeyBytes, Parsed, Parts, counts_of, words_of};
use super::values::{self, Float};
use crate::arrow::ipc::map_bytes;
use crate::config::Config;
use crate::error::{Error, IoContext, Result};
use crate::output::Output;
use crate::progress::Progress;
use crate::vectors::{KeyedVectors, Rows};
use crate::vocab::Keys;

const METADATA: &str = "__metadata__";
/// Where the metadata has the configuration.
const DESCRIPTION: &str = "polargram";
/// Where the metadata may have the words.
const WORDS: [&str; 3] = ["words", "keys", "vocab"];
/// The values start at a multiple of this; other programs pad to 8.
const ALIGNMENT: usize = 64;

/// True if a file starts with the length of a header and a brace.
pub(super) fn resembles(bytes: &[u8], _is_named: bool) -> bool {
    let length = bytes.first_chunk().map(|length| u64::from_le_bytes(*length));
    bytes.get(8) == Some(&b'{') && length.is_some_and(|length| (2..bytes.len() as u64).contains(&length))
}

/// A tensor that is written: its name, type, shape and bytes.
pub(super) type Tensor<'a> = (&'a str, &'a str, Vec<usize>, usize);

pub(super) fn write(vectors: &KeyedVectors, options: &SaveOptions, path: &Path, output: &mut Output) -> Result<()> {
    values::ensure_in_range(vectors, options, &output.target(path))?;
    let (rows, float) = (vectors.rows(), options.float);
    let (keys, number) = (KeyBytes::of(vectors.keys()), rows.len());
    let dtype = if float == FloatType::Float16 { "F16" } else { "F32" };
    let size = number * rows.vector_size() * values::width_of(float);
    let mut tensors: Vec<Tensor<'_>> =
        vec![("vectors", dtype, vec![number, rows.vector_size()], size), ("counts", "U64", vec![number], number * 8)];
    match &keys {
        KeyBytes::Int64(_) => tensors.push(("keys", "I64", vec![number], number * 8)),
        KeyBytes::UInt64(_) => tensors.push(("keys", "U64", vec![number], number * 8)),
        KeyBytes::Text { bytes, offsets } => {
            tensors.push(("words_offsets", "I64", vec![offsets.len()], offsets.len() * 8));
            tensors.push(("words_utf8", "U8", vec![bytes.len()], bytes.len()));
        }
    }
    output.write(path, |out| {
        out.write_all(&header(Some(description(vectors)?), &tensors))?;
        let mut bytes = Vec::new();
        for row in rows.iter() {
            values::row_bytes(row, float, &mut bytes);
            out.write_all(&bytes)?;
        }
        vectors.counts().iter().try_for_each(|count| out.write_all(&count.to_le_bytes()))?;
        match &keys {
            KeyBytes::Int64(keys) => keys.iter().try_for_each(|key| out.write_all(&key.to_le_bytes())),
            KeyBytes::UInt64(keys) => keys.iter().try_for_each(|key| out.write_all(&key.to_le_bytes())),
            KeyBytes::Text { bytes, offsets } => {
                offsets.iter().try_for_each(|offset| out.write_all(&offset.to_le_bytes()))?;
                out.write_all(bytes)
            }
        }
    })
}

/// The length of the description of the tensors, and the description, padded with spaces.
pub(super) fn header(described: Option<String>, tensors: &[Tensor<'_>]) -> Vec<u8> {
    let mut header = Map::new();
    if let Some(described) = described {
        header.insert(METADATA.to_owned(), json!({ DESCRIPTION: described }));
    }
    let mut start = 0;
    for (name, dtype, shape, bytes) in tensors {
        let end = start + bytes;
        header.insert((*name).to_owned(), json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, end] }));
        start = end;
    }
    let text = Value::Object(header).to_string();
    let length = (8 + text.len()).next_multiple_of(ALIGNMENT) - 8;
    let mut bytes = (length as u64).to_le_bytes().to_vec();
    bytes.extend(format!("{text:length$}").bytes());
    bytes
}

pub(super) fn read(contents: &Contents<'_>, options: &LoadOptions, _: &Progress) -> Result<KeyedVectors> {
    let path = contents.path_to_map()?;
    let bytes = map_bytes(&File::open(path).at("read", path)?, path)?;
    let fault = |reason: String| Error::format(path, reason);
    parts(&bytes, options).map_err(fault)?.into_vectors(options, path)
}

/// The tensors of a file.
pub(super) struct Tensors<'b> {
    bytes: &'b Buffer,
    pub(super) metadata: Metadata,
    /// Where the values start.
    start: usize,
}

fn parts(bytes: &Buffer, options: &LoadOptions) -> Parsed<Parts> {
    let tensors = Tensors::of(bytes)?;
    let rows = tensors.rows(options.vector_column.as_deref())?;
    let number = options.rows_of(rows.len());
    let keys = tensors.keys(options.key_column.as_deref(), rows.len(), number)?;
    let counts = tensors.integers("counts", rows.len(), number)?;
    let counts = match counts {
        None => None,
        Some(Integers::Unsigned(counts)) => Some(counts),
        Some(Integers::Signed(counts)) => Some(counts_of(&counts)?),
    };
    let described = tensors.metadata.metadata().as_ref().and_then(|metadata| metadata.get(DESCRIPTION));
    let config: Option<Config> = described.and_then(|json| serde_json::from_str(json).ok());
    Ok(Parts { keys, counts: counts.map(Into::into), rows: rows.first(number), config })
}

pub(super) fn float_of(dtype: Dtype) -> Option<Float> {
    match dtype {
        Dtype::F16 => Some(Float::F16),
        Dtype::BF16 => Some(Float::Bf16),
        Dtype::F32 => Some(Float::F32),
        Dtype::F64 => Some(Float::F64),
        _ => None,
    }
}

pub(super) enum Integers {
    Signed(Vec<i64>),
    Unsigned(Vec<u64>),
}

impl<'b> Tensors<'b> {
    /// The tensors of a file's bytes, each of which the library has found to fill its part of the file.
    pub(super) fn of(bytes: &'b Buffer) -> Parsed<Self> {
        let damaged = |error: SafeTensorError| format!("is not a readable safetensors file: {error}");
        let (length, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        Ok(Self { bytes, metadata, start: 8 + length })
    }

    /// The names with types and shapes.
    pub(super) fn listed(&self) -> String {
        let mut names = self.metadata.offset_keys();
        names.truncate(20);
        let described = names.iter().filter_map(|name| {
            let TensorInfo { dtype, shape, .. } = self.metadata.info(name)?;
            Some(format!("{name:?} ({dtype:?} of shape {shape:?})"))
        });
        let described: Vec<String> = described.collect();
        if described.is_empty() { "no tensors".to_owned() } else { described.join(", ") }
    }

    /// The bytes of a tensor, which the library has found to lie in the file.
    pub(super) fn data(&self, info: &TensorInfo) -> Parsed<Buffer> {
        let (start, end) = (self.start + info.data_offsets.0, self.start + info.data_offsets.1);
        match start <= end && end <= self.bytes.len() {
            true => Ok(self.bytes.slice_with_length(start, end - start)),
            false => Err("has a tensor that lies outside the file".into()),
        }
    }

    pub(super) fn rows(&self, name: Option<&str>) -> Parsed<Rows> {
        let is_matrix = |info: &TensorInfo| info.shape.len() == 2 && float_of(info.dtype).is_some();
        let only = || {
            let mut found = self.metadata.tensors().into_iter().filter(|(_, info)| is_matrix(info));
            found.next().map(|(name, _)| name).filter(|_| found.next().is_none())
        };
        let name = match name {
            Some(name) if self.metadata.info(name).is_none() => {
                return Err(format!("vector_column: there is no tensor {name:?}; it has {}", self.listed()));
            }
            Some(name) => Some(name.to_owned()),
            None if self.metadata.info("vectors").is_some() => Some("vectors".to_owned()),
            None => only(),
        };
        let info = name.as_deref().and_then(|name| self.metadata.info(name)).ok_or_else(|| {
            format!(
                "has no tensor \"vectors\", and not just one matrix of floats; name one with vector_column=; it has {}",
                self.listed()
            )
        })?;
        let (&[_, width], Some(float)) = (info.shape.as_slice(), float_of(info.dtype)) else {
            return Err(format!(
                "its vectors are {:?} of shape {:?}; expected a matrix of floats",
                info.dtype, info.shape
            ));
        };
        if width == 0 {
            return Err("has vectors of no length".into());
        }
        let data = self.data(info)?;
        // Other programs' tensors may lie anywhere.
        if float == Float::F32 && data.as_ptr().cast::<f32>().is_aligned() {
            let values = data.len() / size_of::<f32>();
            return Ok(Rows::from_mapped(ScalarBuffer::new(data, 0, values), width));
        }
        let values = float
            .widen(&data, false)
            .map_err(|at| format!("the vector in row {} has a value that is beyond float32", at / width))?;
        Ok(Rows::from_vec(values, width))
    }

    fn keys(&self, name: Option<&str>, rows: usize, wanted: usize) -> Parsed<Keys> {
        if let Some(name) = name {
            let keys = self.integers(name, rows, wanted)?;
            return match (keys, self.words_in_metadata(name, wanted)) {
                (Some(keys), _) => integer_keys(keys),
                (None, Some(words)) => words,
                (None, None) => Err(format!("key_column: there are no integers {name:?}; it has {}", self.listed())),
            };
        }
        if let Some(keys) = self.integers("keys", rows, wanted)? {
            return integer_keys(keys);
        }
        if let (Some(text), Some(offsets)) = (self.metadata.info("words_utf8"), self.metadata.info("words_offsets")) {
            if text.dtype != Dtype::U8 {
                return Err(format!("its words_utf8 are {:?}; expected U8", text.dtype));
            }
            let Some(Integers::Signed(offsets)) =
                self.integers("words_offsets", offsets.shape.iter().product(), wanted + 1)?
            else {
                return Err(format!("its words_offsets are {:?}; expected I64", offsets.dtype));
            };
            return words_of(&self.data(text)?, &offsets);
        }
        let words = WORDS.iter().find_map(|name| self.words_in_metadata(name, wanted));
        words.unwrap_or_else(|| {
            let advice = "put them into the metadata as a JSON list \"words\", or into a tensor \"words_utf8\" of UTF-8 with \
                          their starts in \"words_offsets\"";
            Err(format!("has vectors, but no words; {advice}; it has {}", self.listed()))
        })
    }

    fn words_in_metadata(&self, name: &str, wanted: usize) -> Option<Parsed<Keys>> {
        let json = self.metadata.metadata().as_ref()?.get(name)?;
        let words = serde_json::from_str::<Vec<String>>(json);
        let words = words.map_err(|error| format!("its metadata {name:?} is no JSON list of text: {error}"));
        Some(words.and_then(|words| {
            let words = LargeStringArray::from_iter_values(words.iter().take(wanted));
            Keys::new(&words).map_err(|error| error.to_string())
        }))
    }

    /// The first values of a list of integers of this length, if there is one of this name.
    pub(super) fn integers(&self, name: &str, length: usize, wanted: usize) -> Parsed<Option<Integers>> {
        let Some(info) = self.metadata.info(name) else { return Ok(None) };
        if info.shape != [length] || length < wanted {
            return Err(format!("its tensor {name:?} has the shape {:?}; expected [{length}]", info.shape));
        }
        let data = self.data(info)?;
        fn each<const N: usize, T>(data: &[u8], wanted: usize, value: impl Fn([u8; N]) -> T) -> Vec<T> {
            data.as_chunks::<N>().0.iter().take(wanted).map(|&bytes| value(bytes)).collect()
        }
        Ok(Some(match info.dtype {
            Dtype::I64 => Integers::Signed(each(&data, wanted, i64::from_le_bytes)),
            Dtype::U64 => Integers::Unsigned(each(&data, wanted, u64::from_le_bytes)),
            Dtype::I32 => Integers::Signed(each(&data, wanted, |bytes| i32::from_le_bytes(bytes).into())),
            Dtype::U32 => Integers::Signed(each(&data, wanted, |bytes| u32::from_le_bytes(bytes).into())),
            other => return Err(format!("its tensor {name:?} is {other:?}; expected integers")),
        }))
    }
}

fn integer_keys(keys: Integers) -> Parsed<Keys> {
    let keys = match keys {
        Integers::Signed(keys) => Keys::new(&Int64Array::from(keys)),
        Integers::Unsigned(keys) => Keys::new(&UInt64Array::from(keys)),
    };
    keys.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &Value, data: &[u8]) -> Vec<u8> {
        let header = header.to_string();
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
    }

    fn load(bytes: &[u8]) -> Result<KeyedVectors> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("v.safetensors");
        std::fs::write(&path, bytes).unwrap();
        KeyedVectors::load(&path)
    }

    #[test]
    fn one_matrix_of_any_float_and_words_in_the_metadata_are_vectors() {
        let widths: [(&str, Vec<u8>); 4] = [
            ("F16", vec![0x00, 0x3c, 0x00, 0xc0]),
            ("BF16", vec![0x80, 0x3f, 0x00, 0xc0]),
            ("F32", [1.0f32.to_le_bytes(), (-2.0f32).to_le_bytes()].concat()),
            ("F64", [1.0f64.to_le_bytes(), (-2.0f64).to_le_bytes()].concat()),
        ];
        for (dtype, data) in widths {
            for words in WORDS {
                let header = json!({
                    METADATA: { words: r#"["a", "é"]"# },
                    "emb.weight": { "dtype": dtype, "shape": [2, 1], "data_offsets": [0, data.len()] },
                });
                let read = load(&file(&header, &data)).unwrap();
                assert_eq!(read.vector("é").unwrap(), [-2.0], "{dtype}");
                assert_eq!(read.counts(), [2, 1]);
            }
        }
    }

    #[test]
    fn vectors_without_words_and_lists_that_do_not_fit_are_refused() {
        let tensor = |dtype: &str, shape: Value, from: usize, to: usize| json!({ "dtype": dtype, "shape": shape, "data_offsets": [from, to] });
        for (header, bytes, reason) in [
            (json!({ "v": tensor("F32", json!([1, 1]), 0, 4) }), 4, "has vectors, but no words"),
            (json!({ "v": tensor("I32", json!([1, 1]), 0, 4) }), 4, "has no tensor \"vectors\""),
            (json!({ "vectors": tensor("F32", json!([1]), 0, 4) }), 4, "expected a matrix of floats"),
            (
                json!({ "vectors": tensor("F32", json!([1_000_000_000_000_000_000u64, 300]), 0, 4) }),
                4,
                "not a readable",
            ),
            (
                json!({ "vectors": tensor("F32", json!([2, 1]), 0, 8), "keys": tensor("I64", json!([1]), 8, 16) }),
                16,
                "expected [2]",
            ),
            (
                json!({
                    "vectors": tensor("F32", json!([1, 1]), 0, 4),
                    "words_offsets": tensor("I64", json!([2]), 4, 20),
                    "words_utf8": tensor("U8", json!([0]), 20, 20),
                }),
                20,
                "do not fit",
            ),
        ] {
            let error = load(&file(&header, &vec![0xff; bytes])).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
