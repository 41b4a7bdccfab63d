//! What a `.npy` file holds, by its header.

use std::io::Read;

use super::pickle::{FORTRAN, read_error};
use crate::error::{Error, Result};
use crate::npy::{Header, HeaderError};

/// What a `.npy` file holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Lists of strings, pickled.
    Objects,
    /// Integers.
    Ids,
}

/// Reads the header of a file of either kind.
///
/// # Errors
/// [`Error::Io`]; [`Error::Corpus`] for another array, or a file that is not an array.
pub(super) fn read_header(input: &mut dyn Read, origin: &str) -> Result<(Kind, Header)> {
    let header = Header::read(input).map_err(|error| match error {
        HeaderError::Io(error) => read_error(origin, error),
        HeaderError::Invalid(reason) => {
            Error::corpus(origin, format!("{reason}; expected an array of lists of strings, or of ids"))
        }
    })?;
    let kind = kind_of(&header).map_err(|reason| Error::corpus(origin, reason))?;
    Ok((kind, header))
}

/// Reads the header of a file that was of this kind when it was opened.
///
/// # Errors
/// As for [`read_header`].
pub(super) fn read_header_of(kind: Kind, input: &mut dyn Read, origin: &str) -> Result<Header> {
    match read_header(input, origin)? {
        (found, header) if found == kind => Ok(header),
        (_, header) => Err(Error::corpus(origin, format!("holds {}; it changed since it was opened", header.descr))),
    }
}

fn kind_of(header: &Header) -> Result<Kind, String> {
    let kind = match header.descr.as_bytes() {
        b"|O" => Kind::Objects,
        [_, b'i' | b'u', b'1' | b'2' | b'4' | b'8'] => Kind::Ids,
        _ => {
            return Err(format!(
                "holds {}; expected integer ids, or lists of strings: fill np.empty(len(lists), dtype=object)",
                header.descr
            ));
        }
    };
    match (header.shape.len(), header.is_fortran) {
        (1 | 2, false) => Ok(kind),
        (1 | 2, true) => Err(FORTRAN.into()),
        (axes, _) => Err(format!("has {axes} axes; expected 1 or 2, a sentence a row")),
    }
}
