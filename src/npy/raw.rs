//! Arrays of bare buffers.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::array::{on_this_machine, open_file};
use super::header::{Header, item_size};
use crate::error::{Error, IoContext, Result};
use crate::output::StagedFile;
use crate::progress::Progress;

/// Bytes that are copied between two looks at whether the user has stopped.
const COPIED_AT_ONCE: u64 = 64 << 20;

/// Makes a `.npy` of a file that holds the values and nothing else, in C order, as a memory map without a header does. The
/// values are copied by the system where it can, so memory does not grow with them. `out` appears whole or not at all,
/// and may be the same file. A length that is `None` follows from the size of the file.
///
/// # Errors
/// [`Error::Parameter`] for a type or shape that cannot be, or the URL of a store; [`Error::Format`] if the file has another
/// size than the shape; [`Error::Io`], [`Error::Interrupted`].
pub fn from_raw(
    raw: impl AsRef<Path>,
    out: impl AsRef<Path>,
    descr: &str,
    shape: &[Option<u64>],
    progress: &Progress,
) -> Result<()> {
    let (raw, file) = open_file(raw.as_ref())?;
    let metadata = file.metadata().at("read", &raw)?;
    if !metadata.is_file() {
        return Err(Error::format(&raw, "is not a regular file, so its size is not known; copy it to one first"));
    }
    let mut header = header_of(&raw, metadata.len(), descr, shape)?;
    header.end = header.least_end();
    let staged = StagedFile::create(on_this_machine(out.as_ref())?)?;
    let mut content = staged.content();
    content.write_all(&header.bytes()).at("write", staged.target())?;
    copy(&raw, &file, metadata.len(), &staged, progress)?;
    staged.sync()?;
    staged.appear().map(drop)
}

fn copy(raw: &Path, file: &File, size: u64, staged: &StagedFile, progress: &Progress) -> Result<()> {
    let mut copied = 0;
    while copied < size {
        progress.check()?;
        let mut piece = file.take(COPIED_AT_ONCE.min(size - copied));
        match io::copy(&mut piece, &mut staged.content()).at("write", staged.target())? {
            0 => return Err(Error::format(raw, "was cut while it was read; try again")),
            bytes => copied += bytes,
        }
    }
    Ok(())
}

/// The header of the whole array, without its end.
fn header_of(raw: &Path, size: u64, descr: &str, shape: &[Option<u64>]) -> Result<Header> {
    let Some(item) = item_size(descr) else {
        let reason = format!("is {descr}; expected numbers, booleans, text, dates or times");
        return Err(Error::parameter("dtype", reason));
    };
    if shape.len() > 32 {
        return Err(Error::parameter("shape", format!("has {} axes; expected at most 32", shape.len())));
    }
    let known = shape.iter().flatten().try_fold(item, |size, &length| size.checked_mul(length));
    let length = match shape.iter().filter(|length| length.is_none()).count() {
        0 => 0,
        1 => known.and_then(|known| size.checked_div(known)).unwrap_or(0),
        _ => return Err(Error::parameter("shape", "has more than one unknown length")),
    };
    let shape = shape.iter().map(|known| known.unwrap_or(length)).collect();
    let header = Header { descr: descr.to_owned(), is_fortran: false, shape, end: 0 };
    let needed = header.size().map_err(|reason| Error::parameter("shape", reason))?;
    if needed != size {
        let reason = format!("has {size} bytes, but the shape {:?} of {descr} has {needed}", header.shape);
        return Err(Error::format(raw, reason));
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npy::ArrayFile;

    #[test]
    fn a_buffer_becomes_an_array_also_in_its_own_place() {
        let directory = tempfile::tempdir().unwrap();
        let (raw, out) = (directory.path().join("x.mm"), directory.path().join("x.npy"));
        std::fs::write(&raw, [7; 60]).unwrap();
        for (out, shape) in [(&out, [Some(5), Some(3)]), (&out, [None, Some(3)]), (&raw, [Some(5), None])] {
            from_raw(&raw, out, "<f4", &shape, &Progress::default()).unwrap();
            let array = ArrayFile::open(out).unwrap();
            assert_eq!(array.header().shape, [5, 3]);
            assert_eq!(array.read().unwrap(), [7; 60]);
        }
    }

    #[test]
    fn a_size_that_does_not_fit_is_refused_before_anything_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let (raw, out) = (directory.path().join("x.mm"), directory.path().join("x.npy"));
        std::fs::write(&raw, [7; 61]).unwrap();
        let refused = |descr: &str, shape: &[Option<u64>]| {
            from_raw(&raw, &out, descr, shape, &Progress::default()).unwrap_err().to_string()
        };
        assert!(refused("<f4", &[Some(5), Some(3)]).contains("x.mm: has 61 bytes"));
        assert!(refused("<f4", &[None, Some(3)]).contains("has 61 bytes"));
        assert!(refused("<f4", &[Some(1 << 62), Some(1 << 62)]).contains("no memory"));
        assert!(refused("|O", &[None]).contains("dtype"));
        assert!(refused("|u1", &[None, None]).contains("unknown"));
        let stopped = Progress::default();
        stopped.cancel();
        assert!(matches!(from_raw(&raw, &out, "|u1", &[None], &stopped), Err(Error::Interrupted)));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
