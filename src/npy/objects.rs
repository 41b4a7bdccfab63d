//! An array of Python objects, made one at a time.

use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::array::{open_file, read_header};
use super::header::Header;
use crate::error::{Error, IoContext, Result};
use crate::pickle::{Array, Data, Id, ItemType, Node, Pickle, PickleError, read};

/// Lists and dictionaries within each other.
const DEEPEST: usize = 100;
/// Values within one object, those that it shares counted each time.
const LARGEST: usize = 10_000_000;
/// What an object may be, for messages.
const EXPECTED: &str =
    "None, bool, int, float, str, bytes, lists, tuples and dictionaries of these, or arrays of numbers";

/// An object of an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    /// None.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer beyond 64 bits: the bytes of its two's complement, the lowest first.
    BigInt(Vec<u8>),
    /// A float.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Object>),
    /// A tuple.
    Tuple(Vec<Object>),
    /// A dictionary.
    Dict(Vec<(Object, Object)>),
    /// An array, or one of NumPy's numbers, which is an array without axes: its type and shape, and the bytes of its values.
    Array(Header, Vec<u8>),
}

/// The objects of an array, in C order of its elements. Of the file, which is mapped, the structure is in memory; each object
/// is made when it is asked for. Nothing in the file is run: an object of another class is an error that names the class.
pub struct Objects {
    path: PathBuf,
    next: usize,
    items: Vec<Id>,
    // Dropped before what it borrows.
    pickle: Pickle<'static>,
    _mapping: Mmap,
}

impl Objects {
    /// Opens a `.npy` file of Python objects.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] if it is not such a file, or damaged; [`Error::Parameter`] for the URL of a store.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let (path, file) = open_file(path.as_ref())?;
        let header = read_header(&mut &file, &path)?;
        if header.descr != OBJECTS {
            return Err(Error::format(&path, format!("holds {}, not Python objects", header.descr)));
        }
        // SAFETY: as in `ipc::map_file`.
        let mapping = unsafe { Mmap::map(&file) }.at("map", &path)?;
        // SAFETY: the mapping stays where it is when it is moved, and lives as long as what borrows it.
        let bytes: &'static [u8] = unsafe { std::slice::from_raw_parts(mapping.as_ptr(), mapping.len()) };
        let pickled = bytes.get(header.end..).unwrap_or_default();
        let pickle = read(pickled).map_err(|error| in_file(&path, &error))?;
        if pickle.length() != pickled.len() {
            return Err(Error::format(&path, "goes on after its array; save one array in a file"));
        }
        let items = items(&pickle, &header).map_err(|error| in_file(&path, &error))?;
        Ok(Self { path, next: 0, items, pickle, _mapping: mapping })
    }

    /// True if the file's header says that it holds Python objects.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] if it is not a `.npy` file; [`Error::Parameter`] for the URL of a store.
    pub fn are_in(path: impl AsRef<Path>) -> Result<bool> {
        let (path, file) = open_file(path.as_ref())?;
        Ok(read_header(&mut &file, &path)?.descr == OBJECTS)
    }
}

/// NumPy's name of their type.
const OBJECTS: &str = "|O";

fn in_file(path: &Path, error: &PickleError) -> Error {
    Error::format(path, error.to_string())
}

/// The items of the whole array. NumPy pickles them in C order, whatever the order of the array.
fn items(pickle: &Pickle<'_>, header: &Header) -> std::result::Result<Vec<Id>, PickleError> {
    let array = Array::new(pickle, pickle.root())?;
    let Data::Objects(items) = array.data else {
        return Err(PickleError::new("has a pickle of numbers; expected objects"));
    };
    match array.shape.iter().map(|&length| length as u64).eq(header.shape.iter().copied()) {
        true => Ok(items.to_vec()),
        false => Err(PickleError::new("is damaged: its header and its pickle have different shapes")),
    }
}

impl Iterator for Objects {
    type Item = Result<Object>;

    fn next(&mut self) -> Option<Self::Item> {
        let id = *self.items.get(self.next)?;
        self.next += 1;
        let pickle = &self.pickle;
        let made = pickle.ensure_tree(id, DEEPEST, LARGEST).and_then(|()| object(pickle, id));
        if made.is_err() {
            self.next = usize::MAX;
        }
        Some(made.map_err(|error| in_file(&self.path, &error)))
    }
}

fn object(pickle: &Pickle<'_>, id: Id) -> std::result::Result<Object, PickleError> {
    let all = |items: &[Id]| items.iter().map(|&item| object(pickle, item)).collect::<Result<Vec<_>, _>>();
    Ok(match pickle.node(id) {
        Node::None => Object::None,
        Node::Bool(value) => Object::Bool(*value),
        Node::Int(value) => Object::Int(*value),
        Node::BigInt(bytes) => Object::BigInt(bytes.to_vec()),
        Node::Float(value) => Object::Float(*value),
        Node::Bytes(bytes) => Object::Bytes(bytes.to_vec()),
        Node::Text(_) | Node::OldText(_) => Object::Text(pickle.text(id).unwrap_or_default().into_owned()),
        Node::List(items) => Object::List(all(items)?),
        Node::Tuple(items) => Object::Tuple(all(items)?),
        Node::Dict(entries) => {
            let pair = |&(key, value): &(Id, Id)| Ok((object(pickle, key)?, object(pickle, value)?));
            Object::Dict(entries.iter().map(pair).collect::<Result<_, PickleError>>()?)
        }
        Node::Object(_) => {
            if let Some(bytes) = pickle.bytes(id) {
                return Ok(Object::Bytes(bytes.into_owned()));
            }
            let found = Array::scalar(pickle, id).or_else(|_| Array::new(pickle, id));
            array(&found.map_err(|_| pickle.unexpected(id, EXPECTED))?, || pickle.unexpected(id, EXPECTED))?
        }
        Node::Set(_) | Node::Global(_) => return Err(pickle.unexpected(id, EXPECTED)),
    })
}

fn array(array: &Array<'_>, unexpected: impl Fn() -> PickleError) -> std::result::Result<Object, PickleError> {
    let (Data::Bytes(values), ItemType { kind, size, is_big_endian }) = (&array.data, array.item) else {
        return Err(unexpected());
    };
    let order = match (size, kind, is_big_endian) {
        (1, _, _) | (_, 'S', _) => '|',
        (_, _, true) => '>',
        (_, _, false) => '<',
    };
    let width = if kind == 'U' { size / 4 } else { size };
    let shape = array.shape.iter().map(|&length| length as u64).collect();
    let header = Header { descr: format!("{order}{kind}{width}"), is_fortran: array.is_fortran, shape, end: 0 };
    // Text of no width is an array that has no bytes.
    if width == 0 {
        return Err(unexpected());
    }
    Ok(Object::Array(header, values.to_vec()))
}
