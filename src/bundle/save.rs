//! Writing a bundle.

use std::io::{self, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::manifest::{Content, FILE, FileNames, Manifest, files_of, is_bundle};
use super::value::Value;
use crate::error::{Error, Result};
use crate::npy::Header;
use crate::output::{DirectoryKind, Out, Output};
use crate::progress::Progress;
use crate::store::Location;

/// A directory that a bundle may be saved over.
static BUNDLE: DirectoryKind =
    DirectoryKind { name: "a bundle", files: &[FILE], listed: files_of, description: FILE, is_description: is_bundle };

/// Where the values of an array start in a zip file: at a multiple of so many bytes, and of what follows their header.
const ALIGNMENT: u16 = 64;
/// From so many bytes on, a file within a zip needs the longer form of its numbers.
const LARGE: usize = u32::MAX as usize - (1 << 20);

/// An array that is to be saved.
#[derive(Debug, Clone)]
pub struct Array<'a> {
    /// NumPy's name of the type, as "<f4".
    pub descr: String,
    /// True if the values are in Fortran order.
    pub is_fortran: bool,
    /// The length of each axis.
    pub shape: Vec<u64>,
    /// The bytes of the values.
    pub values: &'a [u8],
}

/// What is to be saved under a name.
#[derive(Debug, Clone)]
pub enum Item<'a> {
    /// An array.
    Array(Array<'a>),
    /// A small value.
    Value(Value),
    /// Arrays and values by name, one level deep.
    Group(Vec<(String, Item<'a>)>),
}

/// Saves a bundle, which appears whole or not at all: a directory, or one file if its name ends in `.zip` or `.npz`. It
/// takes the place of an older bundle; other files in a directory stay.
///
/// # Errors
/// [`Error::Io`] if it cannot be written; [`Error::Format`] if there is something other than a bundle at this place;
/// [`Error::Parameter`] for an array of another type than numbers, booleans, text, dates and times, and for groups within
/// groups; [`Error::Interrupted`].
pub fn save(location: &Location, items: &[(String, Item<'_>)], progress: &Progress) -> Result<()> {
    let mut arrays = Vec::new();
    let entries = plan(None, items, &mut FileNames::default(), &mut arrays)?;
    let description = serde_json::to_vec_pretty(&Manifest::new(entries));
    let description = description.map_err(|error| Error::parameter("values", format!("hold {error}")))?;
    if is_archive(location.path()) {
        let mut output = Output::files(location, progress);
        output.write(location.path(), |out| write_archive(&description, &arrays, out))?;
        return output.commit().map(drop);
    }
    let mut output = Output::new_directory(location, &BUNDLE, progress)?;
    for (file, array) in &arrays {
        output.write(file, |out| write_array(array, out))?;
    }
    // The last one to appear where they appear one by one.
    output.write(FILE, |out| out.write_all(&description))?;
    output.commit().map(drop)
}

/// True if the name says that a bundle is one file.
pub(super) fn is_archive(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    matches!(ending.as_str(), "zip" | "npz")
}

/// The description of the items, and the arrays with the names of their files.
fn plan<'a>(
    group: Option<&str>,
    items: &'a [(String, Item<'a>)],
    names: &mut FileNames,
    arrays: &mut Vec<(String, &'a Array<'a>)>,
) -> Result<Vec<(String, Content)>> {
    let mut entries: Vec<(String, Content)> = Vec::new();
    for (name, item) in items {
        if entries.iter().any(|(known, _)| known == name) {
            return Err(Error::parameter("values", format!("have the name {name:?} twice")));
        }
        let content = match item {
            Item::Array(array) => {
                check(name, array)?;
                let file = names.name(group, name);
                arrays.push((file.clone(), array));
                Content::Array(file)
            }
            Item::Value(value) => Content::Value(value.clone()),
            Item::Group(items) if group.is_none() => Content::Group(plan(Some(name), items, names, arrays)?),
            Item::Group(_) => {
                let reason = format!("{name:?} is a dictionary of arrays within one; only one level is kept");
                return Err(Error::parameter("values", reason));
            }
        };
        entries.push((name.clone(), content));
    }
    Ok(entries)
}

fn header_of(array: &Array<'_>) -> Header {
    let Array { descr, is_fortran, shape, .. } = array;
    let mut header = Header { descr: descr.clone(), is_fortran: *is_fortran, shape: shape.clone(), end: 0 };
    header.end = header.least_end();
    header
}

fn check(name: &str, array: &Array<'_>) -> Result<()> {
    let size = header_of(array).size().map_err(|reason| Error::parameter("values", format!("{name:?} {reason}")))?;
    match size == array.values.len() as u64 {
        true => Ok(()),
        false => Err(Error::parameter("values", format!("{name:?} has {} bytes, not {size}", array.values.len()))),
    }
}

fn write_array(array: &Array<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&header_of(array).bytes())?;
    out.write_all(array.values)
}

fn write_archive(description: &[u8], arrays: &[(String, &Array<'_>)], out: &mut Out<'_>) -> io::Result<()> {
    // Nothing is compressed, so that it can be mapped; and a bundle is the same bytes whenever it is saved.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(out);
    zip.start_file(FILE, options)?;
    zip.write_all(description)?;
    for (file, array) in arrays {
        zip.start_file(file.as_str(), options.with_alignment(ALIGNMENT).large_file(array.values.len() >= LARGE))?;
        write_array(array, &mut zip)?;
    }
    zip.finish()?;
    Ok(())
}
