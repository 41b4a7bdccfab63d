//! The opcodes of a pickle.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use super::value::Value;
use crate::corpus::token_file::unwrapped;
use crate::error::{Error, Result};

/// Strings up to this length are read at once; longer ones as they come, as the length may be a lie.
const SHORT: u64 = 4096;
/// Bytes of a global's module or name in a message, and in the file.
pub(super) const NAME: usize = 128;

/// What an opcode says; lengths are of bytes that follow.
pub(super) enum Op {
    Nothing,
    Stop,
    Mark,
    Value(Value),
    Text(u64),
    Bytes(u64),
    Global(String, String),
    StackGlobal,
    EmptyList,
    Append,
    Appends,
    /// Of so many values, or of those since the mark.
    Tuple(Option<usize>),
    /// At this index, or the next.
    Put(Option<u64>),
    Get(u64),
    Reduce,
    Build,
}

/// Opcodes that no array of token lists has: each code, in hex, and its name.
const REFUSED: &str = "\
    30 POP 31 POP_MARK 32 DUP 42 BINBYTES 46 FLOAT 49 INT 4c LONG 50 PERSID 51 BINPERSID 53 STRING 54 BINSTRING 55 \
    SHORT_BINSTRING 56 UNICODE 64 DICT 67 GET 69 INST 6c LIST 6f OBJ 70 PUT 73 SETITEM 75 SETITEMS 7d EMPTY_DICT 81 \
    NEWOBJ 82 EXT1 83 EXT2 84 EXT4 8b LONG4 8e BINBYTES8 8f EMPTY_SET 90 ADDITEMS 91 FROZENSET 92 NEWOBJ_EX 96 \
    BYTEARRAY8 97 NEXT_BUFFER 98 READONLY_BUFFER";

/// The opcodes of a pickle, one after the other.
pub(super) struct Ops<R> {
    pub(super) input: R,
    pub(super) origin: String,
    text: Vec<u8>,
}

impl<R: BufRead> Ops<R> {
    pub(super) fn new(input: R, origin: &str) -> Self {
        Self { input, origin: origin.to_owned(), text: Vec::new() }
    }

    pub(super) fn next(&mut self) -> Result<Op> {
        let [code] = self.bytes()?;
        Ok(match code {
            0x80 => self.protocol()?,
            // A frame's length only helps to read ahead.
            0x95 => self.bytes::<8>().map(|_| Op::Nothing)?,
            b'.' => Op::Stop,
            b'(' => Op::Mark,
            b'N' => Op::Value(Value::None),
            0x88 | 0x89 => Op::Value(Value::Bool(code == 0x88)),
            b'K' | b'M' => Op::Value(Value::Int(self.unsigned(if code == b'K' { 1 } else { 2 })? as i64)),
            b'J' => Op::Value(Value::Int(i32::from_le_bytes(self.bytes()?).into())),
            b'G' => self.bytes::<8>().map(|_| Op::Value(Value::Float))?,
            0x8A => Op::Value(Value::Int(self.long()?)),
            0x8C => Op::Text(self.unsigned(1)?),
            b'X' => Op::Text(self.unsigned(4)?),
            0x8D => Op::Text(self.unsigned(8)?),
            b'C' => Op::Bytes(self.unsigned(1)?),
            b'c' => Op::Global(self.line()?, self.line()?),
            0x93 => Op::StackGlobal,
            b']' => Op::EmptyList,
            b'a' => Op::Append,
            b'e' => Op::Appends,
            b')' => Op::Tuple(Some(0)),
            b't' => Op::Tuple(None),
            0x85..=0x87 => Op::Tuple(Some(usize::from(code - 0x84))),
            b'q' => Op::Put(Some(self.unsigned(1)?)),
            b'r' => Op::Put(Some(self.unsigned(4)?)),
            0x94 => Op::Put(None),
            b'h' => Op::Get(self.unsigned(1)?),
            b'j' => Op::Get(self.unsigned(4)?),
            b'R' => Op::Reduce,
            b'b' => Op::Build,
            other => return Err(self.refused_opcode(other)),
        })
    }

    fn protocol(&mut self) -> Result<Op> {
        match self.bytes()? {
            [2..=5] => Ok(Op::Nothing),
            [other] => Err(self.refused(format!("it is of protocol {other}"))),
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes).map_err(|error| read_error(&self.origin, error))?;
        Ok(bytes)
    }

    /// An unsigned number of up to 8 bytes, the lowest first.
    fn unsigned(&mut self, width: usize) -> Result<u64> {
        let mut bytes = [0; 8];
        self.input.read_exact(&mut bytes[..width]).map_err(|error| read_error(&self.origin, error))?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn long(&mut self) -> Result<i64> {
        let width = self.unsigned(1)? as usize;
        if !(1..=8).contains(&width) {
            return Err(self.refused(format!("it has a number of {width} bytes")));
        }
        let unused = 64 - 8 * width as u32;
        Ok((self.unsigned(width)? as i64) << unused >> unused)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        let read = (&mut self.input).take(NAME as u64).read_until(b'\n', &mut line);
        read.map_err(|error| read_error(&self.origin, error))?;
        match line.pop() {
            Some(b'\n') => Ok(String::from_utf8_lossy(&line).into_owned()),
            Some(_) if line.len() + 1 == NAME => Err(self.refused("it calls something of a very long name")),
            _ => Err(read_error(&self.origin, io::ErrorKind::UnexpectedEof.into())),
        }
    }

    pub(super) fn text(&mut self, length: u64) -> Result<Arc<str>> {
        self.text.clear();
        let read = if length <= SHORT {
            self.text.resize(length as usize, 0);
            self.input.read_exact(&mut self.text)
        } else {
            (&mut self.input).take(length).read_to_end(&mut self.text).map(drop)
        };
        read.map_err(|error| read_error(&self.origin, error))?;
        if (self.text.len() as u64) < length {
            return Err(read_error(&self.origin, io::ErrorKind::UnexpectedEof.into()));
        }
        let text = str::from_utf8(&self.text).map_err(|error| {
            Error::corpus(&self.origin, format!("holds a string that is not UTF-8: {error}; clean it and save again"))
        });
        text.map(Arc::from)
    }

    pub(super) fn skip(&mut self, mut length: u64) -> Result<()> {
        while length > 0 {
            let buffered = self.input.fill_buf().map_err(|error| read_error(&self.origin, error))?.len();
            if buffered == 0 {
                return Err(read_error(&self.origin, io::ErrorKind::UnexpectedEof.into()));
            }
            let skipped = length.min(buffered as u64);
            self.input.consume(skipped as usize);
            length -= skipped;
        }
        Ok(())
    }

    fn refused_opcode(&self, code: u8) -> Error {
        let code = format!("{code:02x}");
        match REFUSED.split(' ').skip_while(|word| *word != code).nth(1) {
            Some(name) => self.refused(format!("it uses the opcode {name}")),
            None => self.refused(format!("0x{code} is not an opcode")),
        }
    }

    pub(super) fn refused(&self, what: impl AsRef<str>) -> Error {
        let what = what.as_ref();
        let reason =
            format!("the pickle in it is refused: {what}; only lists of strings are read, and nothing is ever run");
        Error::corpus(&self.origin, reason)
    }

    pub(super) fn damaged(&self, what: impl AsRef<str>) -> Error {
        Error::corpus(&self.origin, format!("is truncated or damaged: {}; save it again", what.as_ref()))
    }
}

/// Says that a file ends too early, or why else it cannot be read.
pub(in super::super) fn read_error(origin: &str, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::UnexpectedEof => Error::corpus(origin, "ends too early: it is truncated; save it again"),
        _ => unwrapped(source, origin),
    }
}
