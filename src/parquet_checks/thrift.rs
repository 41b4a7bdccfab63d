//! Thrift's compact protocol, looked through against a description of the structures.

use std::io::{self, ErrorKind};

/// Structures within structures that are accepted; parquet-rs skips as many.
const DEPTH: u8 = 64;

/// The types of values.
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

/// What the decoder reads a value as, whatever type the file gives it.
#[derive(Clone, Copy)]
pub(super) enum Expected {
    /// An integer of a varying number of bytes.
    Int,
    Byte,
    Bool,
    Double,
    Binary,
    List(&'static Expected),
    Struct(Fields),
    /// A structure of a list that is a tree in depth-first order.
    Node(Fields),
    /// An integer: the number of a node's children.
    Children,
}

/// The fields that the decoder knows, by number. It skips the others.
pub(super) type Fields = &'static [(i16, Expected)];

/// Why the bytes are not decoded.
pub(super) enum Fault {
    Io(io::Error),
    Invalid(&'static str),
}

impl Fault {
    /// The end of the bytes. The decoder finds it at the same place.
    pub(super) fn end() -> Self {
        Self::Io(ErrorKind::UnexpectedEof.into())
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Bytes that are looked through.
pub(super) trait Input {
    fn byte(&mut self) -> Result<u8, Fault>;
    fn skip(&mut self, count: u64) -> Result<(), Fault>;
}

impl Input for &[u8] {
    fn byte(&mut self) -> Result<u8, Fault> {
        self.split_off_first().copied().ok_or_else(Fault::end)
    }

    fn skip(&mut self, count: u64) -> Result<(), Fault> {
        let count = usize::try_from(count).map_err(|_| Fault::end())?;
        self.split_off(..count).map(drop).ok_or_else(Fault::end)
    }
}

/// Looks through one structure.
///
/// # Errors
/// [`Fault::Io`] where the bytes end early or cannot be read; [`Fault::Invalid`] for what the decoder would read as
/// something else, or for ever.
pub(super) fn look_through(input: &mut impl Input, fields: Fields) -> Result<(), Fault> {
    let mut reader = Reader { input, children: Vec::new() };
    reader.structure(Some(fields), DEPTH)?;
    check_tree(&reader.children)
}

/// Checks the numbers of children of the nodes of trees in depth-first order.
fn check_tree(children: &[i64]) -> Result<(), Fault> {
    // The children that are still to come of each node that is not complete.
    let mut open: Vec<usize> = Vec::new();
    for (node, &count) in children.iter().enumerate() {
        while open.pop_if(|left| *left == 0).is_some() {}
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        let after = children.len() - node - 1;
        match usize::try_from(count) {
            Ok(count) if count <= after => open.push(count),
            _ => return Err(Fault::Invalid("has fewer columns than it says")),
        }
        if open.len() > usize::from(DEPTH) {
            return Err(Fault::Invalid("has a schema that is nested too deeply"));
        }
    }
    Ok(())
}

struct Reader<'a, I> {
    input: &'a mut I,
    /// The number of children of each node.
    children: Vec<i64>,
}

impl<I: Input> Reader<'_, I> {
    fn varint(&mut self) -> Result<u64, Fault> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.input.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Fault::Invalid("has an integer of more than 64 bits"))
    }

    /// An integer whose even forms are positive.
    fn zigzag(&mut self) -> Result<i64, Fault> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn binary(&mut self) -> Result<(), Fault> {
        let length = self.varint()?;
        self.input.skip(length)
    }

    /// Reads the start of a list or set: how many elements, of which type.
    fn list(&mut self) -> Result<(u64, u8), Fault> {
        let start = self.input.byte()?;
        let length = if start >> 4 == 15 { self.varint()? } else { u64::from(start >> 4) };
        Ok((length, start & 0xf))
    }

    /// Reads the fields of a structure, of which some are known.
    fn structure(&mut self, known: Option<Fields>, depth: u8) -> Result<(), Fault> {
        let depth = depth.checked_sub(1).ok_or(Fault::Invalid("is nested too deeply"))?;
        let mut id: i16 = 0;
        loop {
            let start = self.input.byte()?;
            let (delta, of_type) = (start >> 4, start & 0xf);
            if of_type == wire::STOP {
                return Ok(());
            }
            id = match delta {
                0 => self.zigzag()? as i16,
                _ => id.wrapping_add(i16::from(delta)),
            };
            match known.and_then(|known| known.iter().find(|(number, _)| *number == id)) {
                // The type of the field is the value.
                Some((_, Expected::Bool)) if matches!(of_type, wire::TRUE | wire::FALSE) => {}
                Some((_, expected)) => self.known(expected, of_type, depth)?,
                None => self.value(of_type, depth)?,
            }
        }
    }

    /// Reads a value that the decoder knows.
    fn known(&mut self, expected: &Expected, of_type: u8, depth: u8) -> Result<(), Fault> {
        match (expected, of_type) {
            (Expected::Int, wire::I16 | wire::I32 | wire::I64) => self.varint().map(drop),
            (Expected::Children, wire::I32) => {
                let count = self.zigzag()?;
                if let Some(children) = self.children.last_mut() {
                    *children = count;
                }
                Ok(())
            }
            (Expected::Byte, wire::BYTE) => self.input.skip(1),
            (Expected::Double, wire::DOUBLE) => self.input.skip(8),
            (Expected::Binary, wire::BINARY) => self.binary(),
            (Expected::List(element), wire::LIST) => {
                let depth = depth.checked_sub(1).ok_or(Fault::Invalid("is nested too deeply"))?;
                let (count, of_type) = self.list()?;
                (0..count).try_for_each(|_| self.known(element, of_type, depth))
            }
            (Expected::Struct(fields), wire::STRUCT) => self.structure(Some(fields), depth),
            (Expected::Node(fields), wire::STRUCT) => {
                self.children.push(0);
                self.structure(Some(fields), depth)
            }
            _ => Err(Fault::Invalid("has a field of another type than the format says")),
        }
    }

    /// Reads a value whose meaning is not known.
    fn value(&mut self, of_type: u8, depth: u8) -> Result<(), Fault> {
        let depth = depth.checked_sub(1).ok_or(Fault::Invalid("is nested too deeply"))?;
        match of_type {
            wire::TRUE | wire::FALSE => Ok(()),
            wire::BYTE => self.input.skip(1),
            wire::I16 | wire::I32 | wire::I64 => self.varint().map(drop),
            wire::DOUBLE => self.input.skip(8),
            wire::BINARY => self.binary(),
            wire::LIST | wire::SET => {
                let (count, of_type) = self.list()?;
                self.values(count, &[of_type], depth)
            }
            wire::MAP => match self.varint()? {
                0 => Ok(()),
                count => {
                    let types = self.input.byte()?;
                    self.values(count, &[types >> 4, types & 0xf], depth)
                }
            },
            wire::STRUCT => self.structure(None, depth),
            wire::UUID => self.input.skip(16),
            _ => Err(Fault::Invalid("has a field of an unknown type")),
        }
    }

    /// Reads the elements of a list, or the pairs of a map. Each must take at least a byte, which ends every loop.
    fn values(&mut self, count: u64, types: &[u8], depth: u8) -> Result<(), Fault> {
        let is_empty = |of_type: &u8| matches!(*of_type, wire::STOP | wire::TRUE | wire::FALSE);
        if count > 0 && types.iter().any(is_empty) {
            return Err(Fault::Invalid("has a list of booleans, which the format does not have"));
        }
        for _ in 0..count {
            types.iter().try_for_each(|&of_type| self.value(of_type, depth))?;
        }
        Ok(())
    }
}
