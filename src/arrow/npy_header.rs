//! The header of a `.npy` file.

use std::io::{self, Read};

/// What a file starts with.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";
/// Bytes that a header may have; NumPy's own have about 100.
const LONGEST: usize = 1 << 16;

/// What a `.npy` file holds, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NpyHeader {
    /// NumPy's name of the type, as "<i8".
    pub(crate) descr: String,
    pub(crate) is_fortran: bool,
    pub(crate) shape: Vec<u64>,
    /// Where the values start in the file.
    pub(crate) end: usize,
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

impl NpyHeader {
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
        let header = str::from_utf8(&text).ok().and_then(|text| Self::parse(text, 8 + width + length));
        header.ok_or(HeaderError::Invalid("has a header that is not of a plain array"))
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
            let header = NpyHeader::read(&mut bytes(version, text).as_slice()).unwrap();
            let want = NpyHeader { descr: "<f4".into(), is_fortran: false, shape: vec![3, 4], end: end + text.len() };
            assert_eq!(header, want);
        }
    }

    #[test]
    fn what_is_no_header_says_why() {
        let refused = |bytes: Vec<u8>| NpyHeader::read(&mut bytes.as_slice()).unwrap_err().to_string();
        assert!(refused(b"PK\x03\x04....".to_vec()).contains("np.save"));
        assert!(refused(bytes(9, "{}")).contains("version"));
        assert!(refused(bytes(1, "{'descr': [('a', '<f4')]}")).contains("plain array"));
        assert!(refused([MAGIC, &[2, 0], &[0xFF; 4]].concat()).contains("64 KiB"));
        // Found by fuzzing: a parser of Python literals takes hours for this.
        let nested = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': (3, {}), }}", "[".repeat(100));
        assert!(refused(bytes(1, &nested)).contains("plain array"));
        assert!(matches!(NpyHeader::read(&mut &MAGIC[..]), Err(HeaderError::Io(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(version in 1u8..4, text in "[ -~]{0,80}|\\{'descr': '<i8', 'fortran_order': (True|x), 'shape': \\([0-9,L ]{0,9}\\)?") {
            let _ = NpyHeader::read(&mut bytes(version, &text).as_slice());
        }
    }
}
