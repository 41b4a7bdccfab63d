//! Page headers, looked through before they are decoded.
//!
//! parquet-rs skips what it does not know in a page header, and takes a list's length by its word. The elements of a list
//! of booleans take no bytes, so that a header of ten bytes could keep a core busy for hours.

use std::io::{self, Chain, Cursor, ErrorKind, Read};

use bytes::Bytes;
use parquet::file::reader::{ChunkReader, Length};

/// A file whose page headers are looked through when the decoder asks for them.
pub(super) struct CheckedPages<R>(pub(super) R);

impl<R: Length> Length for CheckedPages<R> {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl<R: ChunkReader> ChunkReader for CheckedPages<R> {
    type T = CheckedHeader<R::T>;

    /// What the decoder reads from this, if anything, is a page's header.
    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(CheckedHeader::Unread(Some(self.0.get_read(start)?)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.0.get_bytes(start, length)
    }
}

/// A page's header and what follows. The header is looked through before the first byte of it is given.
pub(super) enum CheckedHeader<T> {
    Unread(Option<T>),
    Checked(Chain<Cursor<Vec<u8>>, T>),
}

impl<T: Read> Read for CheckedHeader<T> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Self::Unread(input) = self {
            let unreadable = || io::Error::from(ErrorKind::InvalidData);
            let mut header = HeaderReader { input: input.take().ok_or_else(unreadable)?, read: Vec::new() };
            match header.structure(Some(PAGE_HEADER), DEPTH) {
                // The decoder finds the same end.
                Ok(()) | Err(Fault::Io(ErrorKind::UnexpectedEof, _)) => {}
                Err(Fault::Io(_, error)) => return Err(error),
                Err(Fault::Invalid(reason)) => {
                    return Err(io::Error::new(ErrorKind::InvalidData, format!("a page header {reason}")));
                }
            }
            *self = Self::Checked(Cursor::new(header.read).chain(header.input));
        }
        match self {
            Self::Checked(input) => input.read(out),
            Self::Unread(_) => Ok(0),
        }
    }
}

/// Structures within structures that the decoder accepts.
const DEPTH: u8 = 64;
/// Bytes of the longest header: its statistics may have long texts.
const LONGEST: usize = 16 << 20;

/// The types of Thrift's compact protocol.
mod wire {
    pub(super) const STOP: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const MAP: u8 = 11;
    pub(super) const STRUCT: u8 = 12;
    pub(super) const UUID: u8 = 13;
}

/// What the decoder reads a field as, whatever type the file gives it.
#[derive(Clone, Copy)]
enum Expected {
    Int,
    Bool,
    Struct(&'static [(i16, Expected)]),
}
use Expected::{Bool, Int, Struct};

/// The fields that the decoder knows, by number. It skips the others.
const PAGE_HEADER: &[(i16, Expected)] = &[
    (1, Int),
    (2, Int),
    (3, Int),
    (4, Int),
    (5, Struct(&[(1, Int), (2, Int), (3, Int), (4, Int)])),
    (6, Struct(&[])),
    (7, Struct(&[(1, Int), (2, Int), (3, Bool)])),
    (8, Struct(&[(1, Int), (2, Int), (3, Int), (4, Int), (5, Int), (6, Int), (7, Bool)])),
];

enum Fault {
    Io(ErrorKind, io::Error),
    Invalid(&'static str),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind(), error)
    }
}

/// Reads a header, and keeps its bytes for the decoder.
struct HeaderReader<T> {
    input: T,
    read: Vec<u8>,
}

impl<T: Read> HeaderReader<T> {
    fn bytes(&mut self, count: u64) -> Result<(), Fault> {
        let room = (LONGEST - self.read.len()) as u64;
        if count > room {
            return Err(Fault::Invalid("is longer than 16 MiB"));
        }
        match self.input.by_ref().take(count).read_to_end(&mut self.read)? as u64 == count {
            true => Ok(()),
            false => Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
        }
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        self.bytes(1)?;
        Ok(self.read[self.read.len() - 1])
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Fault::Invalid("has an integer of more than 64 bits"))
    }

    /// Reads the fields of a structure, of which some are known.
    fn structure(&mut self, known: Option<&[(i16, Expected)]>, depth: u8) -> Result<(), Fault> {
        let depth = depth.checked_sub(1).ok_or(Fault::Invalid("is nested too deeply"))?;
        let mut id: i16 = 0;
        loop {
            let start = self.byte()?;
            let (delta, of_type) = (start >> 4, start & 0xf);
            if of_type == wire::STOP {
                return Ok(());
            }
            id = match delta {
                // Zigzag: even numbers are positive.
                0 => {
                    let number = self.varint()?;
                    ((number >> 1) as i64 ^ -((number & 1) as i64)) as i16
                }
                _ => id.wrapping_add(i16::from(delta)),
            };
            let expected = known.and_then(|known| known.iter().find(|(number, _)| *number == id)).map(|&(_, it)| it);
            match (expected, of_type) {
                (None, _) => self.value(of_type, depth)?,
                (Some(Int), wire::I16 | wire::I32 | wire::I64) => drop(self.varint()?),
                (Some(Bool), wire::TRUE | wire::FALSE) => {}
                (Some(Struct(fields)), wire::STRUCT) => self.structure(Some(fields), depth)?,
                (Some(_), _) => return Err(Fault::Invalid("has a field of another type than the format says")),
            }
        }
    }

    /// Reads a value whose meaning is not known.
    fn value(&mut self, of_type: u8, depth: u8) -> Result<(), Fault> {
        let depth = depth.checked_sub(1).ok_or(Fault::Invalid("is nested too deeply"))?;
        match of_type {
            wire::TRUE | wire::FALSE => Ok(()),
            wire::BYTE => self.bytes(1),
            wire::I16 | wire::I32 | wire::I64 => self.varint().map(drop),
            wire::DOUBLE => self.bytes(8),
            wire::BINARY => {
                let length = self.varint()?;
                self.bytes(length)
            }
            wire::LIST | wire::SET => {
                let start = self.byte()?;
                let length = if start >> 4 == 15 { self.varint()? } else { u64::from(start >> 4) };
                self.values(length, &[start & 0xf], depth)
            }
            wire::MAP => match self.varint()? {
                0 => Ok(()),
                length => {
                    let types = self.byte()?;
                    self.values(length, &[types >> 4, types & 0xf], depth)
                }
            },
            wire::STRUCT => self.structure(None, depth),
            wire::UUID => self.bytes(16),
            _ => Err(Fault::Invalid("has a field of an unknown type")),
        }
    }

    /// Reads the elements of a list, or the pairs of a map. Each must take at least a byte, which ends every loop.
    fn values(&mut self, count: u64, types: &[u8], depth: u8) -> Result<(), Fault> {
        let is_empty = |of_type: &u8| matches!(*of_type, wire::STOP | wire::TRUE | wire::FALSE);
        if count > 0 && types.iter().any(is_empty) {
            return Err(Fault::Invalid("has a list of booleans, which no page header needs"));
        }
        for _ in 0..count {
            types.iter().try_for_each(|&of_type| self.value(of_type, depth))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8]) -> Result<Vec<u8>, String> {
        let file = CheckedPages(Bytes::copy_from_slice(bytes));
        let mut read = Vec::new();
        file.get_read(0).unwrap().read_to_end(&mut read).map_err(|error| error.to_string())?;
        Ok(read)
    }

    /// A header of a data page, with more before its end.
    fn header(more: &[u8]) -> Vec<u8> {
        [&[0x15, 0, 0x15, 8, 0x15, 8, 0x2c, 0x15, 4, 0x15, 0, 0x15, 6, 0x15, 6, 0][..], more, &[0], b"page"].concat()
    }

    #[test]
    fn the_decoder_gets_the_same_bytes() {
        let text = [0x49, 0x28, 2, b'a', b'b', 0]; // A list of two texts.
        for bytes in [header(&[]), header(&text), header(&[0x41, 0x12]), header(&[])[..7].to_vec(), Vec::new()] {
            assert_eq!(check(&bytes).unwrap(), bytes);
        }
    }

    #[test]
    fn elements_without_bytes_are_refused() {
        let many = [0xff, 0xff, 0xff, 0xff, 7];
        for (start, element) in [(0x49, &[0xf1][..]), (0x4a, &[0xf2])] {
            assert!(check(&header(&[&[start][..], element, &many].concat())).unwrap_err().contains("list of booleans"));
        }
        assert!(check(&header(&[&[0x4b][..], &many, &[0x11]].concat())).unwrap_err().contains("list of booleans"));
        // Within a list of lists.
        assert!(check(&header(&[&[0x49, 0x19, 0xf1][..], &many].concat())).unwrap_err().contains("list of booleans"));
    }

    #[test]
    fn what_the_decoder_would_read_otherwise_is_refused() {
        assert!(check(&[0x18, 3, 1, 2, 3, 0]).unwrap_err().contains("another type"));
        assert!(check(&[0x55, 3, 0]).unwrap_err().contains("another type"));
        assert!(check(&[[0x1c; 200].as_slice(), &[0; 300]].concat()).is_err());
        assert!(check(&header(&[[0xdc].as_slice(), &[0x1c; 200], &[0; 300]].concat())).unwrap_err().contains("deeply"));
        assert!(check(&header(&[&[0x48][..], &[0xff; 8], &[0x7f]].concat())).unwrap_err().contains("16 MiB"));
        assert!(check(&header(&[&[0x46][..], &[0xff; 10], &[1]].concat())).unwrap_err().contains("64 bits"));
    }
}
