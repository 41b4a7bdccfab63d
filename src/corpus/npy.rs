//! NumPy's `.npy` as corpora: arrays of token lists, and of ids.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayData, ArrayRef, LargeListArray, LargeListBuilder, LargeStringBuilder, make_array};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field};
use memmap2::Mmap;

use super::files::{Place, Spans, TokenFile};
use super::pickle::{Fetched, Sentence, Sentences, read_error};
use super::query::Query;
use super::{Batches, ListsOf};
use crate::error::{Error, IoContext, Result};
use crate::ipc::{buffer_over, release};
use crate::progress::Progress;
use crate::store::Span;

/// Sentences that are passed on at a time.
const SENTENCES_PER_BATCH: usize = 4096;
/// Bytes of text and offsets of a batch, about.
const BATCH_BYTES: usize = 8 << 20;
/// Ids of a batch, unless a sentence is longer.
const IDS_PER_BATCH: usize = 1 << 20;
/// Bytes of a sentence's text and offsets. A few bytes of pickle can stand for any number of them.
const SENTENCE_BYTES: usize = 1 << 30;
/// Bytes of a header; NumPy's own are some 100.
const HEADER_BYTES: usize = 1 << 16;

pub(super) const FORTRAN: &str = "is in Fortran order; save np.ascontiguousarray(array)";

/// A `.npy` file, in one part.
pub(super) struct NpyFile {
    place: Place,
    query: Query,
    /// If it holds ids.
    ids: Option<IdsFile>,
    /// If not, what the first reading learnt.
    fetched: OnceLock<Arc<Fetched>>,
}

impl NpyFile {
    /// # Errors
    /// [`Error::Io`], or [`Error::Corpus`] for what is no array of token lists or ids.
    pub(super) fn open(place: Place, query: &Query, progress: &Progress) -> Result<Self> {
        let name = place.name();
        query.refuse_columns(&name, "a NumPy array")?;
        let ids = match (Npy::of(&mut &*place.head(HEADER_BYTES as u64, progress)?, &name)?, &place) {
            (Npy::Objects, _) => None,
            (Npy::Ids, Place::Local(path)) => Some(IdsFile::map(path)?),
            (Npy::Ids, Place::Remote(_)) => {
                return Err(Error::corpus(
                    name,
                    "holds ids, which are read from a mapped file; copy it to this machine",
                ));
            }
        };
        Ok(Self { place, query: query.clone(), ids, fetched: OnceLock::new() })
    }
}

impl TokenFile for NpyFile {
    fn spans(&self) -> Vec<Span> {
        self.place.whole()
    }

    fn read(&self, _part: usize, spans: Spans<'_>) -> Result<Batches<'_>> {
        let lists = match &self.ids {
            Some(ids) => ids.batches(),
            None => {
                let name = self.place.name();
                let fetched = match self.fetched.get() {
                    Some(fetched) => fetched.clone(),
                    None => {
                        let scanned = Arc::new(scan(self.place.bytes(spans)?, &name)?);
                        self.fetched.get_or_init(|| scanned).clone()
                    }
                };
                object_lists(self.place.bytes(spans)?, name, fetched)?
            }
        };
        Ok(self.query.of_lists(lists))
    }

    fn origin(&self, _part: usize) -> String {
        self.place.name()
    }
}

/// What a `.npy` file holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Npy {
    /// Lists of strings, pickled: [`object_lists`] reads them.
    Objects,
    /// Integers: [`IdsFile`] reads them.
    Ids,
}

impl Npy {
    /// Decides by the header.
    fn of(input: &mut dyn Read, origin: &str) -> Result<Self> {
        Header::read(input, origin)?.kind(origin)
    }
}

/// The header of a `.npy` file.
struct Header {
    /// NumPy's name of the type, as "<i8".
    descr: String,
    is_fortran: bool,
    shape: Vec<u64>,
    /// Where the values start.
    end: usize,
}

impl Header {
    fn read(input: &mut dyn Read, origin: &str) -> Result<Self> {
        let wrong = |reason: &str| Error::corpus(origin, reason);
        let mut fill = |bytes: &mut [u8]| input.read_exact(bytes).map_err(|error| read_error(origin, error));
        let mut start = [0; 8];
        fill(&mut start)?;
        if start[..6] != *b"\x93NUMPY" {
            return Err(wrong("is no .npy file; write it with np.save"));
        }
        let mut length = [0; 4];
        let width = match start[6] {
            1 => 2,
            2 | 3 => 4,
            _ => return Err(wrong("is of an unknown .npy version; save it with an older NumPy")),
        };
        fill(&mut length[..width])?;
        let length = u32::from_le_bytes(length) as usize;
        if length > HEADER_BYTES {
            return Err(wrong("has a longer header than any array of lists or ids"));
        }
        let mut text = vec![0; length];
        fill(&mut text)?;
        let header = str::from_utf8(&text).ok().and_then(|text| Self::parse(text, 8 + width + length));
        header.ok_or_else(|| wrong("has a header that is not of a plain array; expected lists of strings, or ids"))
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

    fn kind(&self, origin: &str) -> Result<Npy> {
        let kind = match self.descr.as_bytes() {
            b"|O" => Npy::Objects,
            [_, b'i' | b'u', b'1' | b'2' | b'4' | b'8'] => Npy::Ids,
            _ => {
                let reason = format!(
                    "holds {}; expected integer ids, or lists of strings: fill np.empty(len(lists), dtype=object)",
                    self.descr
                );
                return Err(Error::corpus(origin, reason));
            }
        };
        match (self.shape.len(), self.is_fortran) {
            (1 | 2, false) => Ok(kind),
            (1 | 2, true) => Err(Error::corpus(origin, FORTRAN)),
            (axes, _) => Err(Error::corpus(origin, format!("has {axes} axes; expected 1 or 2, a sentence a row"))),
        }
    }

    fn of_kind(self, expected: Npy, origin: &str) -> Result<Self> {
        match self.kind(origin)? == expected {
            true => Ok(self),
            false => Err(Error::corpus(origin, format!("holds {}; it changed since it was opened", self.descr))),
        }
    }
}

/// Learns which values of the pickle are referred to again.
fn scan(input: Box<dyn Read + Send>, origin: &str) -> Result<Fetched> {
    let mut input = BufReader::new(input);
    Header::read(&mut input, origin)?.of_kind(Npy::Objects, origin)?;
    Fetched::scan(input, origin)
}

/// The sentences of an array of token lists, or of a matrix of tokens, pickled by `np.save(…, allow_pickle=True)`. They
/// are read one at a time; only values that the pickle refers to again are kept.
fn object_lists(input: Box<dyn Read + Send>, origin: String, fetched: Arc<Fetched>) -> Result<ListsOf<'static>> {
    let mut input = BufReader::new(input);
    let header = Header::read(&mut input, &origin)?.of_kind(Npy::Objects, &origin)?;
    let mut sentences = Sentences::new(input, &origin, &header.shape, fetched)?;
    Ok(until_error(move || next_batch(&origin, || sentences.next()).transpose()))
}

/// Batches up to and with the first error.
fn until_error<'a>(mut next: impl FnMut() -> Option<Result<ArrayRef>> + Send + 'a) -> ListsOf<'a> {
    let mut has_failed = false;
    Box::new(std::iter::from_fn(move || {
        let batch = if has_failed { None } else { next() };
        has_failed = matches!(batch, Some(Err(_)));
        batch
    }))
}

fn next_batch(origin: &str, mut next: impl FnMut() -> Result<Option<Sentence>>) -> Result<Option<ArrayRef>> {
    let mut lists = LargeListBuilder::new(LargeStringBuilder::new());
    let (mut sentences, mut held) = (0, 0);
    while sentences < SENTENCES_PER_BATCH && held < BATCH_BYTES {
        let Some(sentence) = next()? else { break };
        let tokens = sentence.as_deref().unwrap_or_default();
        let bytes: usize = tokens.iter().map(|token| size_of::<i64>() + token.as_deref().map_or(0, str::len)).sum();
        if bytes > SENTENCE_BYTES {
            return Err(Error::corpus(origin, "has a sentence of more than 1 GiB; split it into shorter ones"));
        }
        tokens.iter().for_each(|token| lists.values().append_option(token.as_deref()));
        lists.append(sentence.is_some());
        (sentences, held) = (sentences + 1, held + bytes);
    }
    Ok((sentences > 0).then(|| Arc::new(lists.finish()) as ArrayRef))
}

/// A matrix of ids, a sentence a row, or one sentence of ids; memory-mapped.
struct IdsFile {
    file: Buffer,
    /// The values, without the header.
    values: Buffer,
    rows: usize,
    width: usize,
    ids: Ids,
    origin: String,
}

/// How an id is stored.
#[derive(Clone, Copy)]
struct Ids {
    bytes: usize,
    is_signed: bool,
    is_big_endian: bool,
}

impl IdsFile {
    /// Maps a file, which must not change while it is read.
    fn map(path: &Path) -> Result<Self> {
        let origin = path.display().to_string();
        let file = File::open(path).at("read", path)?;
        if file.metadata().at("read", path)?.len() == 0 {
            return Err(Error::corpus(origin, "is empty; write it with np.save"));
        }
        // SAFETY: as in `ipc::map`; any bytes are ids, so values that are changed meanwhile are wrong, not unsound.
        let mapping = unsafe { Mmap::map(&file) }.at("map", path)?;
        let header = Header::read(&mut &mapping[..], &origin)?.of_kind(Npy::Ids, &origin)?;
        let ids = Ids::of(&header.descr);
        let (rows, width) = match *header.shape.as_slice() {
            [rows, width] => (rows, width),
            _ => (1, header.shape.iter().sum()),
        };
        let size = rows.checked_mul(width).and_then(|ids_held| ids_held.checked_mul(ids.bytes as u64));
        if size != Some((mapping.len() - header.end) as u64) {
            let reason = format!("is not as long as its shape {:?} says: truncated or damaged", header.shape);
            return Err(Error::corpus(origin, reason + "; save it again"));
        }
        let file = buffer_over(mapping);
        // Without ids there may be any number of rows, and nothing to read.
        let rows = if width == 0 { 0 } else { rows as usize };
        Ok(Self { values: file.slice(header.end), file, rows, width: width as usize, ids, origin })
    }

    /// Reads the rows, as lists of unsigned integers.
    fn batches(&self) -> ListsOf<'_> {
        let rows_per_batch = (IDS_PER_BATCH / self.width.max(1)).clamp(1, SENTENCES_PER_BATCH);
        let mut next = 0;
        until_error(move || {
            let rows = next..self.rows.min(next + rows_per_batch);
            next = rows.end;
            release(&self.file);
            (!rows.is_empty()).then(|| self.batch(rows))
        })
    }

    fn batch(&self, rows: Range<usize>) -> Result<ArrayRef> {
        let row = self.width * self.ids.bytes;
        let values = self.values.slice_with_length(rows.start * row, rows.len() * row);
        if let Some((place, id)) = self.ids.find_negative(&values) {
            let row = rows.start + place / self.width;
            let reason = format!("holds the id {id}; expected ids from 0. Give padding an id that no word has.");
            return Err(Error::corpus(format!("{}, row {row}", self.origin), reason));
        }
        let values = if self.ids.is_big_endian == cfg!(target_endian = "big") || self.ids.bytes == 1 {
            values
        } else {
            let mut swapped = values.to_vec();
            swapped.chunks_exact_mut(self.ids.bytes).for_each(<[u8]>::reverse);
            Buffer::from_vec(swapped)
        };
        let data = ArrayData::builder(self.ids.data_type()).len(rows.len() * self.width).add_buffer(values);
        let item = Arc::new(Field::new_list_field(self.ids.data_type(), true));
        let offsets = OffsetBuffer::<i64>::from_repeated_length(self.width, rows.len());
        let lists = data
            .align_buffers(true)
            .build()
            .and_then(|ids| LargeListArray::try_new(item, offsets, make_array(ids), None))
            .map_err(|error| Error::corpus(&self.origin, error.to_string()))?;
        Ok(Arc::new(lists))
    }
}

impl Ids {
    /// Of NumPy's name of the type.
    fn of(descr: &str) -> Self {
        let bytes = descr.bytes().next_back().map_or(1, |digit| usize::from(digit - b'0'));
        Self { bytes, is_signed: descr.contains('i'), is_big_endian: descr.starts_with('>') }
    }

    fn data_type(self) -> DataType {
        match self.bytes {
            1 => DataType::UInt8,
            2 => DataType::UInt16,
            4 => DataType::UInt32,
            _ => DataType::UInt64,
        }
    }

    /// The first negative id, and its place.
    fn find_negative(self, values: &[u8]) -> Option<(usize, i64)> {
        let highest = if self.is_big_endian { 0 } else { self.bytes - 1 };
        let mut ids = values.chunks_exact(self.bytes);
        let place = self.is_signed.then(|| ids.position(|id| id[highest] > 0x7F)).flatten()?;
        let id = &values[place * self.bytes..][..self.bytes];
        let byte = |id: i64, byte: &u8| id << 8 | i64::from(*byte);
        let id = if self.is_big_endian { id.iter().fold(-1, byte) } else { id.iter().rev().fold(-1, byte) };
        Some((place, id))
    }
}

#[cfg(test)]
mod tests;
