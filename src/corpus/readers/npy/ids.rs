//! Arrays of ids, memory-mapped.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayData, ArrayRef, LargeListArray, make_array};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field};
use memmap2::Mmap;

use super::batches::{SENTENCES_PER_BATCH, until_error};
use super::kind::{Kind, read_header_of};
use crate::arrow::ipc::{buffer_over, release};
use crate::corpus::query::ListsOf;
use crate::error::{Error, IoContext, Result};

/// Ids of a batch, unless a sentence is longer.
const IDS_PER_BATCH: usize = 1 << 20;

/// A matrix of ids, a sentence a row, or one sentence of ids; memory-mapped.
pub(super) struct IdsFile {
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
    pub(super) fn map(path: &Path) -> Result<Self> {
        let origin = path.display().to_string();
        let file = File::open(path).at("read", path)?;
        if file.metadata().at("read", path)?.len() == 0 {
            return Err(Error::corpus(origin, "is empty; write it with np.save"));
        }
        // SAFETY: as in `ipc::map`; any bytes are ids, so values that are changed meanwhile are wrong, not unsound.
        let mapping = unsafe { Mmap::map(&file) }.at("map", path)?;
        let header = read_header_of(Kind::Ids, &mut &mapping[..], &origin)?;
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

    /// Reads the rows, as lists of integers.
    pub(super) fn batches(&self) -> ListsOf<'_> {
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
        match (self.bytes, self.is_signed) {
            (1, false) => DataType::UInt8,
            (2, false) => DataType::UInt16,
            (4, false) => DataType::UInt32,
            (_, false) => DataType::UInt64,
            (1, true) => DataType::Int8,
            (2, true) => DataType::Int16,
            (4, true) => DataType::Int32,
            (_, true) => DataType::Int64,
        }
    }
}
