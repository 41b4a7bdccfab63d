//! What stands at the start of a `.npy` file.

use std::io::Read;

use super::pickle::read_error;
use crate::error::{Error, Result};

/// Bytes of a header; NumPy's own are some 100.
pub(super) const HEADER_BYTES: usize = 1 << 16;

pub(super) const FORTRAN: &str = "is in Fortran order; save np.ascontiguousarray(array)";

/// What a `.npy` file holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Npy {
    /// Lists of strings, pickled: [`object_lists`](super::object_lists) reads them.
    Objects,
    /// Integers: [`IdsFile`](super::ids::IdsFile) reads them.
    Ids,
}

impl Npy {
    /// Decides by the header.
    pub(super) fn of(input: &mut dyn Read, origin: &str) -> Result<Self> {
        Header::read(input, origin)?.kind(origin)
    }
}

/// The header of a `.npy` file.
pub(super) struct Header {
    /// NumPy's name of the type, as "<i8".
    pub(super) descr: String,
    is_fortran: bool,
    pub(super) shape: Vec<u64>,
    /// Where the values start.
    pub(super) end: usize,
}

impl Header {
    pub(super) fn read(input: &mut dyn Read, origin: &str) -> Result<Self> {
        let wrong = |reason: &str| Error::corpus(origin, reason);
        let mut fill = |bytes: &mut [u8]| input.read_exact(bytes).map_err(|error| read_error(origin, error));
        let mut start = [0; 8];
        fill(&mut start)?;
        if start[..6] != *b"\x93NUMPY" {
            return Err(wrong("is no .npy file; write it with np.save"));
        }
        let mut length = [0; 4];
        let width = match start[6] {
            1 => 2,
            2 | 3 => 4,
            _ => return Err(wrong("is of an unknown .npy version; save it with an older NumPy")),
        };
        fill(&mut length[..width])?;
        let length = u32::from_le_bytes(length) as usize;
        if length > HEADER_BYTES {
            return Err(wrong("has a longer header than any array of lists or ids"));
        }
        let mut text = vec![0; length];
        fill(&mut text)?;
        let header = str::from_utf8(&text).ok().and_then(|text| Self::parse(text, 8 + width + length));
        header.ok_or_else(|| wrong("has a header that is not of a plain array; expected lists of strings, or ids"))
    }

    /// Parses `{'descr': '<i8', 'fortran_order': False, 'shape': (3, 4), }`.
    fn parse(text: &str, end: usize) -> Option<Self> {
        let value = |key: &str| text.split_once(key).map(|(_, value)| value.trim_start());
        let (descr, _) = value("'descr':")?.strip_prefix('\'')?.split_once('\'')?;
        let order = value("'fortran_order':")?;
        let is_fortran = order.starts_with("True");
        let (shape, _) = value("'shape':")?.strip_prefix('(')?.split_once(')')?;
        let lengths = shape.split(',').map(str::trim).filter(|length| !length.is_empty());
        // Python 2 wrote an L after long ones.
        let shape = lengths.map(|length| length.trim_end_matches('L').parse().ok()).collect::<Option<_>>()?;
        (is_fortran || order.starts_with("False")).then(|| Self { descr: descr.to_owned(), is_fortran, shape, end })
    }

    fn kind(&self, origin: &str) -> Result<Npy> {
        let kind = match self.descr.as_bytes() {
            b"|O" => Npy::Objects,
            [_, b'i' | b'u', b'1' | b'2' | b'4' | b'8'] => Npy::Ids,
            _ => {
                let reason = format!(
                    "holds {}; expected integer ids, or lists of strings: fill np.empty(len(lists), dtype=object)",
                    self.descr
                );
                return Err(Error::corpus(origin, reason));
            }
        };
        match (self.shape.len(), self.is_fortran) {
            (1 | 2, false) => Ok(kind),
            (1 | 2, true) => Err(Error::corpus(origin, FORTRAN)),
            (axes, _) => Err(Error::corpus(origin, format!("has {axes} axes; expected 1 or 2, a sentence a row"))),
        }
    }

    pub(super) fn of_kind(self, expected: Npy, origin: &str) -> Result<Self> {
        match self.kind(origin)? == expected {
            true => Ok(self),
            false => Err(Error::corpus(origin, format!("holds {}; it changed since it was opened", self.descr))),
        }
    }
}
