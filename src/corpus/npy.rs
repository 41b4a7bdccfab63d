//! NumPy's `.npy` as corpora: arrays of token lists, and of ids.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayData, ArrayRef, LargeListArray, LargeListBuilder, LargeStringBuilder, make_array};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field};
use memmap2::Mmap;

use super::files::{Place, Spans, TokenFile};
use super::pickle::{Fetched, Sentence, Sentences, read_error};
use super::query::Query;
use super::{Batches, ListsOf};
use crate::error::{Error, IoContext, Result};
use crate::ipc::buffer_over;
use crate::progress::Progress;
use crate::store::Span;

/// Opens the bytes again from the start.
pub(super) type Open<'a> = Box<dyn Fn() -> Result<Box<dyn Read + Send>> + Send + Sync + 'a>;

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
        Ok(Self { place, query: query.clone(), ids })
    }
}

impl TokenFile for NpyFile {
    fn spans(&self) -> Vec<Span> {
        self.place.whole()
    }

    fn read(&self, _part: usize, spans: Spans<'_>) -> Result<Batches<'_>> {
        let lists = match &self.ids {
            Some(ids) => ids.batches(),
            None => ObjectLists::scan(Box::new(|| self.place.bytes(spans)), &self.place.name())?.batches()?,
        };
        Ok(self.query.of_lists(lists))
    }

    fn origin(&self, _part: usize) -> String {
        self.place.name()
    }
}

/// What a `.npy` file holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Npy {
    /// Lists of strings, pickled: [`ObjectLists`] reads them.
    Objects,
    /// Integers: [`IdsFile`] reads them.
    Ids,
}

impl Npy {
    /// Decides by the header.
    pub(super) fn of(input: &mut dyn Read, origin: &str) -> Result<Self> {
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

    fn expect(self, expected: Npy, origin: &str) -> Result<Self> {
        match self.kind(origin)? == expected {
            true => Ok(self),
            false => Err(Error::corpus(origin, format!("holds {}; it changed since it was opened", self.descr))),
        }
    }
}

/// An array of token lists, or a matrix of tokens, pickled by `np.save(…, allow_pickle=True)`. It is read a sentence
/// at a time; only values that the pickle refers to again are kept.
pub(super) struct ObjectLists<'a> {
    open: Open<'a>,
    origin: String,
    fetched: Arc<Fetched>,
}

impl<'a> ObjectLists<'a> {
    /// Reads all of it once, to learn which values are referred to again.
    pub(super) fn scan(open: Open<'a>, origin: &str) -> Result<Self> {
        let mut input = BufReader::new(open()?);
        Header::read(&mut input, origin)?.expect(Npy::Objects, origin)?;
        let fetched = Arc::new(Fetched::scan(input, origin)?);
        Ok(Self { open, origin: origin.to_owned(), fetched })
    }

    /// Reads the sentences.
    pub(super) fn batches(&self) -> Result<ListsOf<'static>> {
        let mut input = BufReader::new((self.open)()?);
        let header = Header::read(&mut input, &self.origin)?.expect(Npy::Objects, &self.origin)?;
        let mut sentences = Sentences::new(input, &self.origin, &header.shape, self.fetched.clone())?;
        let origin = self.origin.clone();
        Ok(until_error(move || next_batch(&origin, || sentences.next()).transpose()))
    }
}

/// ListsOf up to and with the first error.
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
pub(super) struct IdsFile {
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
    pub(super) fn map(path: &Path) -> Result<Self> {
        let origin = path.display().to_string();
        let file = File::open(path).at("read", path)?;
        if file.metadata().at("read", path)?.len() == 0 {
            return Err(Error::corpus(origin, "is empty; write it with np.save"));
        }
        // SAFETY: as in `ipc::map`; any bytes are ids, so values that are changed meanwhile are wrong, not unsound.
        let mapping = unsafe { Mmap::map(&file) }.at("map", path)?;
        let header = Header::read(&mut &mapping[..], &origin)?.expect(Npy::Ids, &origin)?;
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
        let buffer = buffer_over(mapping);
        // Without ids there may be any number of rows, and nothing to read.
        let rows = if width == 0 { 0 } else { rows as usize };
        Ok(Self { values: buffer.slice(header.end), rows, width: width as usize, ids, origin })
    }

    /// Reads the rows, as lists of unsigned integers.
    pub(super) fn batches(&self) -> ListsOf<'_> {
        let rows_per_batch = (IDS_PER_BATCH / self.width.max(1)).clamp(1, SENTENCES_PER_BATCH);
        let mut next = 0;
        until_error(move || {
            let rows = next..self.rows.min(next + rows_per_batch);
            next = rows.end;
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
mod tests {
    use std::collections::HashMap;

    use arrow::array::{Array, AsArray};
    use arrow::datatypes::UInt64Type;
    use proptest::prelude::*;

    use super::*;

    type Text = Vec<Option<Vec<Option<String>>>>;

    fn header(descr: &str, order: &str, shape: &str) -> Vec<u8> {
        let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}\n");
        [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat()
    }

    /// Writes as Python does: memoises all strings and lists, and fetches those it has written before.
    #[derive(Default)]
    struct Pickler {
        bytes: Vec<u8>,
        is_old: bool,
        memoised: u32,
        memo: HashMap<String, u32>,
    }

    impl Pickler {
        /// Up to the first item of an array; protocol 2 as of NumPy 1, or 4 as of NumPy 2.
        fn new(is_old: bool, shape: &[i32]) -> Self {
            let mut pickler = Self { is_old, ..Self::default() };
            pickler.bytes = if is_old { b"\x80\x02".to_vec() } else { b"\x80\x04\x95\0\0\0\0\0\0\0\0".to_vec() };
            pickler
                .global("numpy.core.multiarray", "_reconstruct")
                .global("numpy", "ndarray")
                .raw(b"K\0\x85")
                .memoise();
            if is_old {
                pickler.global("_codecs", "encode").text("b").text("latin1").raw(b"\x86").memoise().raw(b"R");
            } else {
                pickler.raw(b"C\x01b");
            }
            pickler.memoise().raw(b"\x87").memoise().raw(b"R").memoise().raw(b"(K\x01");
            for n in shape {
                pickler.raw(b"J").raw(&n.to_le_bytes());
            }
            pickler.raw(if shape.len() == 1 { b"\x85" } else { b"\x86" }).memoise().global("numpy", "dtype");
            pickler.text("O8").raw(b"\x89\x88\x87").memoise().raw(b"R").memoise().raw(b"(K\x03").text("|");
            pickler.raw(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?t").memoise().raw(b"b\x89]").memoise();
            pickler
        }

        fn raw(&mut self, bytes: &[u8]) -> &mut Self {
            self.bytes.extend(bytes);
            self
        }

        fn memoise(&mut self) -> &mut Self {
            let index = self.memoised;
            self.memoised += 1;
            match self.is_old {
                true => self.raw(b"r").raw(&index.to_le_bytes()),
                false => self.raw(b"\x94"),
            }
        }

        fn text(&mut self, text: &str) -> &mut Self {
            if let Some(index) = self.memo.get(text).copied() {
                return self.raw(b"j").raw(&index.to_le_bytes());
            }
            self.memo.insert(text.to_owned(), self.memoised);
            self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes()).memoise()
        }

        fn global(&mut self, module: &str, name: &str) -> &mut Self {
            match self.is_old {
                true => self.raw(format!("c{module}\n{name}\n").as_bytes()).memoise(),
                false => self.text(module).text(name).raw(b"\x93").memoise(),
            }
        }

        fn token(&mut self, token: Option<&String>) {
            match token {
                Some(text) => self.text(text),
                None => self.raw(b"N"),
            };
        }

        fn array(mut self, lists: &Text, is_tuple: bool) -> Vec<u8> {
            for batch in lists.chunks(1000) {
                self.raw(b"(");
                for list in batch {
                    let Some(tokens) = list else {
                        self.raw(b"N");
                        continue;
                    };
                    match is_tuple {
                        true => self.raw(b"("),
                        false => self.raw(b"]").memoise().raw(b"("),
                    };
                    tokens.iter().for_each(|token| self.token(token.as_ref()));
                    self.raw(if is_tuple { b"t" } else { b"e" });
                }
                self.raw(b"e");
            }
            self.end(&format!("{},", lists.len()))
        }

        /// The file.
        fn end(&mut self, shape: &str) -> Vec<u8> {
            self.raw(b"t").memoise().raw(b"b.");
            [header("|O", "False", shape), std::mem::take(&mut self.bytes)].concat()
        }
    }

    fn read(file: &[u8]) -> Result<Text> {
        let open = || -> Result<Box<dyn Read + Send>> { Ok(Box::new(std::io::Cursor::new(file.to_vec()))) };
        let mut text = Text::new();
        for lists in ObjectLists::scan(Box::new(open), "corpus.npy")?.batches()? {
            let tokens = |list: ArrayRef| list.as_string::<i64>().iter().map(|t| t.map(str::to_owned)).collect();
            text.extend(lists?.as_list::<i64>().iter().map(|list| list.map(tokens)));
        }
        Ok(text)
    }

    fn error(file: &[u8]) -> String {
        read(file).unwrap_err().to_string()
    }

    fn lists(texts: &[&str]) -> Text {
        texts.iter().map(|text| Some(text.split(' ').map(|token| Some(token.to_owned())).collect())).collect()
    }

    #[test]
    fn a_list_that_is_fetched_again_is_a_sentence_again() {
        let mut pickler = Pickler::new(false, &[4]);
        let index = pickler.memoised as u8;
        // Before and after its batch has been appended.
        pickler.raw(b"(]").memoise().raw(b"(").text("a").text("b").raw(&[b'e', b'h', index, b'e']);
        pickler.raw(&[b'h', index, b'a', b'h', index, b'a']);
        assert_eq!(read(&pickler.end("4,")).unwrap(), lists(&["a b"; 4]));
    }

    #[test]
    fn a_matrix_of_strings_is_a_sentence_a_row() {
        let mut pickler = Pickler::new(true, &[2, 2]);
        pickler.raw(b"(").text("a").text("b").text("a").raw(b"Ne");
        let text = read(&pickler.end("2, 2")).unwrap();
        assert_eq!(text[0], lists(&["a b"])[0]);
        assert_eq!(text[1].as_ref().unwrap()[1], None);
    }

    #[test]
    fn one_long_tuple_is_one_sentence() {
        let mut pickler = Pickler::new(false, &[1]);
        pickler.raw(b"(").raw(&[b'N'; 5000]).raw(b"ta");
        assert_eq!(read(&pickler.end("1,")).unwrap(), [Some(vec![None; 5000])]);
    }

    #[test]
    fn nothing_is_called() {
        let evil: [(&[u8], &str); 14] = [
            (b"cposix\nsystem\n\x8c\x02ls\x85R", "it calls posix.system"),
            (b"\x8c\x08builtins\x8c\x04eval\x93", "it calls builtins.eval"),
            (b"(iposix\nsystem\n", "the opcode INST"),
            (b"(\x8c\x01ao", "the opcode OBJ"),
            (b"h\x02)\x81", "the opcode NEWOBJ"),
            (b"\x82\x01", "the opcode EXT1"),
            (b"Pid\n", "the opcode PERSID"),
            (b"]}b", "the opcode EMPTY_DICT"),
            (b"](NtNb", "BUILD has no state"),
            (b"])b", "BUILD changes what is no array"),
            (b"h\x02)R", "an item is an array"),
            (b"\xff", "0xff is no opcode"),
            (b"((((", "lists of lists"),
            (b")\x85\x85\x85\x85", "tuples of tuples"),
        ];
        for (item, named) in evil {
            let mut pickler = Pickler::new(false, &[1]);
            let error = error(&pickler.raw(item).raw(b"a").end("1,"));
            let is_named = error.starts_with("corpus.npy: the pickle in it is refused: ") && error.contains(named);
            assert!(is_named, "{error}");
            let alone = [header("|O", "False", "1,").as_slice(), b"\x80\x04", item, b"."].concat();
            read(&alone).unwrap_err();
        }
    }

    #[test]
    fn what_is_no_array_of_lists_says_what_to_do() {
        let items: [(&[u8], &str); 6] = [
            (b"X\x01\0\0\0aa", "holds strings; expected lists of strings"),
            (b"]K\x01aa", "item 0 is a list that holds a number"),
            (b"K\x01a", "item 0 is a number"),
            (b"(NNe", "holds more items than the 1 of its shape"),
            (b"", "holds 0 items, not the 1 of its shape"),
            (b"X\x02\0\0\0\xff\xffa", "not UTF-8"),
        ];
        for (item, expected) in items {
            let error = error(Pickler::new(false, &[1]).raw(item).end("1,").as_slice());
            assert!(error.contains(expected), "{error}");
        }
        assert!(error(&Pickler::new(false, &[1]).raw(b"Na").end("2,")).contains("disagree about the shape"));
        assert!(error(&header("|O", "True", "2, 2")).contains("np.ascontiguousarray"));
        assert!(error(&header("<f4", "False", "2, 2")).contains("holds <f4; expected integer ids"));
        assert!(error(&header("|O", "False", "")).contains("has 0 axes"));
    }

    #[test]
    fn lengths_that_no_file_holds_are_not_believed() {
        let mut pickler = Pickler::new(false, &[1]);
        let file = pickler.raw(b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f").end("1,");
        assert!(error(&file).contains("ends too early"));
        assert!(error(&Pickler::new(false, &[1]).raw(b"j\xff\xff\xff\xff").end("1,")).contains("damaged"));
        assert!(error(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").contains("longer header"));
        assert!(ids("<i8", "4294967296, 4294967296", &[]).unwrap_err().to_string().contains("not as long"));
    }

    fn ids(descr: &str, shape: &str, values: &[u8]) -> Result<Vec<Vec<u64>>> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ids.npy");
        std::fs::write(&path, [&header(descr, "False", shape), values].concat()).unwrap();
        let mut rows = Vec::new();
        for lists in IdsFile::map(&path)?.batches() {
            for row in lists?.as_list::<i64>().iter().flatten() {
                assert!(row.data_type().is_unsigned_integer());
                let row = arrow::compute::cast(&row, &DataType::UInt64).unwrap();
                rows.push(row.as_primitive::<UInt64Type>().values().to_vec());
            }
        }
        Ok(rows)
    }

    #[test]
    fn ids_of_any_width_and_byte_order_are_read() {
        for bytes in [1, 2, 4, 8] {
            for (kind, order) in [('i', '<'), ('i', '>'), ('u', '<'), ('u', '>')] {
                let mut values: Vec<[u8; 8]> = (0..6_u64).map(u64::to_le_bytes).collect();
                values.iter_mut().filter(|_| order == '>').for_each(|value| value[..bytes].reverse());
                let values = values.iter().flat_map(|value| value[..bytes].to_vec()).collect::<Vec<u8>>();
                let descr = format!("{order}{kind}{bytes}");
                assert_eq!(ids(&descr, "3, 2", &values).unwrap(), [[0, 1], [2, 3], [4, 5]], "{descr}");
                assert_eq!(ids(&descr, "6,", &values).unwrap(), [[0, 1, 2, 3, 4, 5]], "{descr}");
            }
        }
        assert_eq!(ids("|u1", "10000, 1", &[200; 10000]).unwrap(), vec![[200]; 10000]);
        assert!(ids("|u1", "18446744073709551615, 0", &[]).unwrap().is_empty());
    }

    #[test]
    fn ids_below_zero_and_files_of_another_length_are_refused() {
        let error = |values: &[u8]| ids(">i2", "2, 1", values).unwrap_err().to_string();
        assert!(error(b"\0\x05\xff\xfe").contains("ids.npy, row 1: holds the id -2"));
        assert!(error(b"\0\x05\xff").contains("truncated"));
        assert!(error(b"\0\x05\0\x05\0").contains("truncated"));
    }

    fn sentences() -> impl Strategy<Value = Text> {
        let token = prop_oneof![4 => "[a-c]", 2 => "\\PC{0,9}"].prop_map(Some);
        let token = prop_oneof![9 => token, 1 => Just(None)];
        let sentence = proptest::option::weighted(0.9, proptest::collection::vec(token, 0..9));
        prop_oneof![9 => proptest::collection::vec(sentence, 0..20), 1 => Just(lists(&["a b a"; 5000]))]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn what_python_writes_is_read_back(text in sentences(), is_old: bool, is_tuple: bool) {
            let file = Pickler::new(is_old, &[text.len() as i32]).array(&text, is_tuple);
            prop_assert_eq!(read(&file).unwrap(), text);
        }

        #[test]
        fn damaged_files_never_panic(
            text in sentences(), is_old: bool, at: prop::sample::Index, byte: u8, noise: Vec<u8>
        ) {
            let mut file = Pickler::new(is_old, &[text.len() as i32]).array(&text, false);
            let at = at.index(file.len());
            prop_assert!(read(&file[..at]).is_err());
            let _ = read(&[&file[..at], &noise].concat());
            let _ = read(&[&header("|O", "False", "1,"), noise.as_slice()].concat());
            let _ = read(&[&file[..at], &noise, &file[at..]].concat());
            file[at] = byte;
            let _ = read(&file);
        }
    }
}
