//! Floats of other widths than float32: widened or narrowed when they are loaded, rounded to half precision when they
//! are saved.

use std::path::Path;

use half::{bf16, f16};

use super::options::{FloatType, SaveOptions};
use crate::error::{Error, Result};
use crate::vectors::KeyedVectors;

/// A type of floats in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

impl Float {
    /// Bytes of a value.
    pub(super) fn width(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The values as float32.
    ///
    /// # Errors
    /// The index of the first value that is beyond float32.
    pub(super) fn widen(self, bytes: &[u8], is_big_endian: bool) -> std::result::Result<Vec<f32>, usize> {
        fn each<const N: usize>(bytes: &[u8], is_big_endian: bool, value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            let chunks = bytes.as_chunks::<N>().0.iter().copied();
            match is_big_endian {
                false => chunks.map(value).collect(),
                true => chunks.map(|mut chunk| (chunk.reverse(), value(chunk)).1).collect(),
            }
        }
        Ok(match self {
            Self::F16 => each(bytes, is_big_endian, |value| f16::from_le_bytes(value).to_f32()),
            Self::Bf16 => each(bytes, is_big_endian, |value| bf16::from_le_bytes(value).to_f32()),
            Self::F32 => each(bytes, is_big_endian, f32::from_le_bytes),
            Self::F64 => {
                let values = each(bytes, is_big_endian, |value| f64::from_le_bytes(value) as f32);
                let is_finite = |at: usize| {
                    let mut value = [0; 8];
                    value.copy_from_slice(&bytes[at * 8..][..8]);
                    if is_big_endian {
                        value.reverse();
                    }
                    f64::from_le_bytes(value).is_finite()
                };
                match values.iter().enumerate().find(|(at, value)| value.is_infinite() && is_finite(*at)) {
                    Some((at, _)) => return Err(at),
                    None => values,
                }
            }
        })
    }
}

/// Float64 as float32.
///
/// # Errors
/// The index of the first value that is beyond float32.
pub(super) fn narrow(values: &[f64]) -> std::result::Result<Vec<f32>, usize> {
    match values.iter().position(|value| value.is_finite() && (*value as f32).is_infinite()) {
        Some(at) => Err(at),
        None => Ok(values.iter().map(|&value| value as f32).collect()),
    }
}

/// Checks that the values are in the range of the type that they are saved in.
///
/// # Errors
/// [`Error::Format`] naming the first word with a finite value that half precision cannot hold.
pub(super) fn ensure_in_range(vectors: &KeyedVectors, options: &SaveOptions, path: &Path) -> Result<()> {
    if options.float == FloatType::Float32 {
        return Ok(());
    }
    let too_large = |value: &f32| value.is_finite() && f16::from_f32(*value).is_infinite();
    for (key, row) in vectors.keys().iter().zip(vectors.rows().iter()) {
        if let Some(value) = row.iter().copied().find(too_large) {
            let reason = format!(
                "the vector of {key:?} has the value {value}, and half precision ends at ±65504; save without dtype=float16"
            );
            return Err(Error::format(path, reason));
        }
    }
    Ok(())
}

/// The bytes of a row in the type that it is saved in, little-endian; `bytes` is overwritten.
pub(super) fn row_bytes(row: &[f32], float: FloatType, bytes: &mut Vec<u8>) {
    bytes.clear();
    match float {
        FloatType::Float32 => row.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes())),
        FloatType::Float16 => {
            row.iter().for_each(|&value| bytes.extend_from_slice(&f16::from_f32(value).to_le_bytes()));
        }
    }
}

/// The bytes of a value.
pub(super) fn width_of(float: FloatType) -> usize {
    match float {
        FloatType::Float32 => 4,
        FloatType::Float16 => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_width_and_order_of_bytes_becomes_float32() {
        let both = |float: Float, little: &[u8]| {
            let big: Vec<u8> = little.rchunks(float.width()).rev().flat_map(|v| v.iter().rev().copied()).collect();
            let wide = float.widen(little, false).unwrap();
            assert_eq!(float.widen(&big, true).unwrap(), wide);
            wide
        };
        assert_eq!(both(Float::F16, &[0x00, 0x3c, 0xff, 0x7b]), [1.0, 65504.0]);
        assert_eq!(both(Float::Bf16, &[0x80, 0x3f, 0x00, 0xc0]), [1.0, -2.0]);
        assert_eq!(both(Float::F32, &1.5f32.to_le_bytes()), [1.5]);
        assert_eq!(
            both(Float::F64, &[0.1f64.to_le_bytes(), f64::INFINITY.to_le_bytes()].concat()),
            [0.1, f32::INFINITY]
        );
        assert_eq!(Float::F64.widen(&[1.0f64.to_le_bytes(), 1e39f64.to_le_bytes()].concat(), false), Err(1));
        assert_eq!(narrow(&[1.0, f64::NEG_INFINITY, -1e39]), Err(2));
    }
}
