//! Page headers: looked through when the decoder reads them.

use std::io::{self, Chain, Cursor, ErrorKind, Read};

use bytes::Bytes;
use parquet::file::reader::{ChunkReader, Length};

use super::thrift::Expected::{Bool, Int, Struct};
use super::thrift::{Fault, Fields, Input, look_through};

/// A file whose page headers are looked through when the decoder asks for them.
pub(crate) struct CheckedPages<R>(pub(crate) R);

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
pub(crate) enum CheckedHeader<T> {
    Unread(Option<T>),
    Checked(Chain<Cursor<Vec<u8>>, T>),
}

impl<T: Read> Read for CheckedHeader<T> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Self::Unread(input) = self {
            let unreadable = || io::Error::from(ErrorKind::InvalidData);
            let mut header = Header { input: input.take().ok_or_else(unreadable)?, read: Vec::new() };
            match look_through(&mut header, PAGE_HEADER) {
                Ok(()) => {}
                // The decoder finds the same end.
                Err(Fault::Io(error)) if error.kind() == ErrorKind::UnexpectedEof => {}
                Err(Fault::Io(error)) => return Err(error),
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

/// Bytes of the longest header: its statistics may have long texts.
const LONGEST: usize = 16 << 20;

const PAGE_HEADER: Fields = &[
    (1, Int),
    (2, Int),
    (3, Int),
    (4, Int),
    (5, Struct(&[(1, Int), (2, Int), (3, Int), (4, Int)])),
    (6, Struct(&[])),
    (7, Struct(&[(1, Int), (2, Int), (3, Bool)])),
    (8, Struct(&[(1, Int), (2, Int), (3, Int), (4, Int), (5, Int), (6, Int), (7, Bool)])),
];

/// A header that keeps its bytes for the decoder.
struct Header<T> {
    input: T,
    read: Vec<u8>,
}

impl<T: Read> Input for Header<T> {
    fn byte(&mut self) -> Result<u8, Fault> {
        self.skip(1)?;
        Ok(self.read[self.read.len() - 1])
    }

    fn skip(&mut self, count: u64) -> Result<(), Fault> {
        let room = (LONGEST - self.read.len()) as u64;
        if count > room {
            return Err(Fault::Invalid("is longer than 16 MiB"));
        }
        match self.input.by_ref().take(count).read_to_end(&mut self.read)? as u64 == count {
            true => Ok(()),
            false => Err(Fault::end()),
        }
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
