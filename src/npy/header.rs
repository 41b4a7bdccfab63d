//! The header of a `.npy` file.

use std::io::{self, Read};

/// What a file starts with.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";
/// Bytes that a header may have; NumPy's own have about 100.
const LONGEST: usize = 1 << 16;
/// NumPy's bound on the axes of an array.
const MOST_AXES: usize = 64;
/// The values start at a multiple of so many bytes, as NumPy writes them.
const ALIGNMENT: usize = 64;

/// What a `.npy` file holds, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// NumPy's name of the type, as "<i8".
    pub descr: String,
    /// True if the first axis is the one whose elements lie next to each other.
    pub is_fortran: bool,
    /// The length of each axis.
    pub shape: Vec<u64>,
    /// Where the values start in the file.
    pub end: usize,
}

/// Why these bytes are not a header.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeaderError {
    /// The file cannot be read, or ends too early.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The file has another content. A message puts this after the file's name.
    #[error("{0}")]
    Invalid(&'static str),
}

impl Header {
    /// Reads the header from the start of a file.
    ///
    /// # Errors
    /// If the file cannot be read or starts otherwise.
    pub(crate) fn read(input: &mut dyn Read) -> Result<Self, HeaderError> {
        let mut start = [0; 8];
        input.read_exact(&mut start)?;
        if !start.starts_with(MAGIC) {
            return Err(HeaderError::Invalid("is not a .npy file; write it with np.save"));
        }
        let mut length = [0; 4];
        let width = match start[6] {
            1 => 2,
            2 | 3 => 4,
            _ => return Err(HeaderError::Invalid("is of an unknown .npy version; save it with an older NumPy")),
        };
        input.read_exact(&mut length[..width])?;
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST {
            return Err(HeaderError::Invalid("has a header longer than 64 KiB"));
        }
        let mut text = vec![0; length];
        input.read_exact(&mut text)?;
        let text = str::from_utf8(&text).map_err(|_| HeaderError::Invalid(NOT_PLAIN))?;
        Literal(text).header(8 + width + length).map_err(HeaderError::Invalid)
    }

    /// The bytes of this header, padded to its [`end`](Self::end), which must be at least what
    /// [`least_end`](Self::least_end) gives.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = self.text();
        let length = self.end - 10;
        text.extend(std::iter::repeat_n(' ', length - 1 - text.len()));
        text.push('\n');
        [MAGIC, &[1, 0], &(length as u16).to_le_bytes(), text.as_bytes()].concat()
    }

    /// Where the values of a file with this header start at least.
    pub(crate) fn least_end(&self) -> usize {
        (10 + self.text().len() + 1).next_multiple_of(ALIGNMENT)
    }

    fn text(&self) -> String {
        let order = if self.is_fortran { "True" } else { "False" };
        let mut shape = self.shape.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        if self.shape.len() == 1 {
            shape.push(',');
        }
        format!("{{'descr': '{}', 'fortran_order': {order}, 'shape': ({shape}), }}", self.descr)
    }

    /// Bytes of the values, if they are not Python objects.
    ///
    /// # Errors
    /// What is wrong, after the name of the file: another type, or a shape that no memory could hold.
    pub(crate) fn size(&self) -> Result<u64, String> {
        let item = item_size(&self.descr)
            .ok_or_else(|| format!("holds {}; expected numbers, text, dates or booleans", self.descr))?;
        // Axes of length 0 hide no overflow of the others, as in NumPy.
        let held =
            self.shape.iter().filter(|&&length| length > 0).try_fold(item, |size, &length| size.checked_mul(length));
        let held = held.filter(|&size| i64::try_from(size).is_ok());
        let held = held.ok_or_else(|| format!("has the shape {:?}, which no memory could hold", self.shape))?;
        Ok(if self.shape.contains(&0) { 0 } else { held })
    }
}

/// Bytes of an element of NumPy's type of this name: of numbers, booleans, text, dates and times.
pub(crate) fn item_size(descr: &str) -> Option<u64> {
    let (order, rest) = descr.split_at_checked(1)?;
    let (kind, rest) = rest.split_at_checked(1)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (size, unit) = rest.split_at(digits);
    let size = size.parse::<u32>().ok().filter(|&size| size > 0 && !rest.starts_with('0'))?;
    let is_unit = |c: char| c.is_ascii_alphanumeric() || c == '/';
    let is_known = match (kind, size) {
        ("b", 1) | ("i" | "u", 1 | 2 | 4 | 8) | ("f", 2 | 4 | 8 | 12 | 16) | ("c", 8 | 16 | 24 | 32) => unit.is_empty(),
        // Of so many characters.
        ("S" | "U", _) => unit.is_empty() && size < 1 << 28,
        ("M" | "m", 8) => {
            let named = unit.strip_prefix('[').and_then(|unit| unit.strip_suffix(']'));
            unit.is_empty() || named.is_some_and(|unit| unit.chars().all(is_unit))
        }
        _ => false,
    };
    let size = u64::from(size) * if kind == "U" { 4 } else { 1 };
    (is_known && matches!(order, "<" | ">" | "|" | "=")).then_some(size)
}

const NOT_PLAIN: &str = "has a header that is not of a plain array";

/// The rest of a text that is parsed as the one dictionary of Python that a header may be. Nothing is evaluated.
struct Literal<'a>(&'a str);

impl<'a> Literal<'a> {
    /// Parses `{'descr': '<i8', 'fortran_order': False, 'shape': (3, 4), }`.
    fn header(mut self, end: usize) -> Result<Header, &'static str> {
        let (mut descr, mut order, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.skips('}') {
            let key = self.text()?;
            self.expect(':')?;
            match key {
                "descr" if descr.is_none() => descr = Some(self.text()?),
                "fortran_order" if order.is_none() => order = Some(self.boolean()?),
                "shape" if shape.is_none() => shape = Some(self.lengths()?),
                _ => return Err(NOT_PLAIN),
            }
            if !self.skips(',') {
                self.expect('}')?;
                break;
            }
        }
        match (descr, order, shape, self.0.trim().is_empty()) {
            (Some(descr), Some(is_fortran), Some(shape), true) => {
                Ok(Header { descr: descr.to_owned(), is_fortran, shape, end })
            }
            _ => Err(NOT_PLAIN),
        }
    }

    fn skips(&mut self, sign: char) -> bool {
        let rest = self.0.trim_start().strip_prefix(sign);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, sign: char) -> Result<(), &'static str> {
        self.skips(sign).then_some(()).ok_or(NOT_PLAIN)
    }

    /// A string without escapes, which no header of a plain array has.
    fn text(&mut self) -> Result<&'a str, &'static str> {
        let quote = if self.skips('"') { '"' } else { self.expect('\'').map(|()| '\'')? };
        let (text, rest) = self.0.split_once(quote).ok_or(NOT_PLAIN)?;
        self.0 = rest;
        (!text.contains(['\\', '\n'])).then_some(text).ok_or(NOT_PLAIN)
    }

    fn boolean(&mut self) -> Result<bool, &'static str> {
        let text = self.0.trim_start();
        let (value, rest) = match (text.strip_prefix("True"), text.strip_prefix("False")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(NOT_PLAIN),
        };
        self.0 = rest;
        Ok(value)
    }

    /// A tuple of lengths.
    fn lengths(&mut self) -> Result<Vec<u64>, &'static str> {
        let mut lengths = Vec::new();
        self.expect('(')?;
        while !self.skips(')') {
            lengths.push(self.length()?);
            if lengths.len() > MOST_AXES {
                return Err("has a shape of more than 64 axes");
            }
            if !self.skips(',') {
                // One number in parentheses is no tuple.
                self.expect(')')?;
                return if lengths.len() > 1 { Ok(lengths) } else { Err(NOT_PLAIN) };
            }
        }
        Ok(lengths)
    }

    fn length(&mut self) -> Result<u64, &'static str> {
        if self.skips('-') {
            return Err("has a negative length in its shape");
        }
        let text = self.0.trim_start();
        let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
        // Python 2 wrote an L after long ones.
        self.0 = rest.strip_prefix('L').unwrap_or(rest);
        match digits {
            "" => Err(NOT_PLAIN),
            _ => digits.parse().map_err(|_| "has a length in its shape that no file has"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(version: u8, text: &str) -> Vec<u8> {
        let mut bytes = [MAGIC, &[version, 0]].concat();
        let length = (text.len() as u32).to_le_bytes();
        bytes.extend(if version == 1 { &length[..2] } else { &length[..] });
        bytes.extend(text.as_bytes());
        bytes
    }

    #[test]
    fn every_version_of_a_header_is_read() {
        for (version, end) in [(1, 10), (2, 12), (3, 12)] {
            let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4), }\n";
            let header = Header::read(&mut bytes(version, text).as_slice()).unwrap();
            let want = Header { descr: "<f4".into(), is_fortran: false, shape: vec![3, 4], end: end + text.len() };
            assert_eq!(header, want);
        }
    }

    #[test]
    fn what_is_no_header_says_why() {
        let refused = |bytes: Vec<u8>| Header::read(&mut bytes.as_slice()).unwrap_err().to_string();
        assert!(refused(b"PK\x03\x04....".to_vec()).contains("np.save"));
        assert!(refused(bytes(9, "{}")).contains("version"));
        assert!(refused(bytes(1, "{'descr': [('a', '<f4')]}")).contains("plain array"));
        assert!(refused([MAGIC, &[2, 0], &[0xFF; 4]].concat()).contains("64 KiB"));
        // Found by fuzzing: a parser of Python literals takes hours for this.
        let nested = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': (3, {}), }}", "[".repeat(100));
        assert!(refused(bytes(1, &nested)).contains("plain array"));
        assert!(matches!(Header::read(&mut &MAGIC[..]), Err(HeaderError::Io(_))));
    }

    #[test]
    fn only_one_dictionary_of_the_three_keys_is_a_header() {
        let read = |text: &str| Header::read(&mut bytes(3, text).as_slice()).map_err(|error| error.to_string());
        let plain = "'fortran_order': True, 'shape': (), 'descr': \">c16\"";
        assert_eq!(read(&format!("{{{plain}}}")).unwrap().descr, ">c16");
        let wrong = [
            format!("{{{plain}}} + 1"),
            format!("{{{plain}, 'more': 1}}"),
            format!("{{{plain}, 'descr': '<f4'}}"),
            format!("dict({plain})"),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3), }".to_owned(),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3 4), }".to_owned(),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),), }".to_owned(),
        ];
        for text in wrong {
            assert_eq!(read(&text).unwrap_err(), NOT_PLAIN, "{text}");
        }
        let shape = |shape: &str| read(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"));
        assert!(shape("(-1, 3)").unwrap_err().contains("negative"));
        assert!(shape("(99999999999999999999, 3)").unwrap_err().contains("no file has"));
        assert!(shape(&format!("({})", "1, ".repeat(65))).unwrap_err().contains("64 axes"));
        for overflowing in ["(4294967296, 4294967296)", "(0, 4294967296, 4294967296)", "(9223372036854775807,)"] {
            assert!(shape(overflowing).unwrap().size().unwrap_err().contains("no memory"), "{overflowing}");
        }
        assert_eq!(shape("(0, 7)").unwrap().size(), Ok(0));
    }

    #[test]
    fn a_type_has_the_size_that_numpy_gives_it() {
        for (descr, size) in
            [("<f2", 2), (">i8", 8), ("|b1", 1), ("<c16", 16), ("|S7", 7), ("<U7", 28), ("<M8[25ns]", 8)]
        {
            assert_eq!(item_size(descr), Some(size), "{descr}");
        }
        for descr in
            ["", "<", "<f", "<f3", "<f04", "|O", "|O8", "|V8", "<S0", "<M8[", "<M8]", "<f4x", "é4", "<U999999999"]
        {
            assert_eq!(item_size(descr), None, "{descr}");
        }
    }

    proptest! {
        #[test]
        fn a_header_that_was_written_is_read_again(shape in prop::collection::vec(any::<u64>(), 0..5), is_fortran: bool) {
            let mut header = Header { descr: "<f4".into(), is_fortran, shape, end: 0 };
            header.end = header.least_end();
            let bytes = header.bytes();
            prop_assert_eq!(bytes.len() % 64, 0);
            prop_assert_eq!(Header::read(&mut bytes.as_slice()).unwrap(), header);
        }

        #[test]
        fn no_bytes_panic(version in 1u8..4, text in "[ -~]{0,80}|\\{'descr': '<i8', 'fortran_order': (True|x), 'shape': \\([0-9,L ]{0,9}\\)?") {
            let _ = Header::read(&mut bytes(version, &text).as_slice());
        }
    }
}
