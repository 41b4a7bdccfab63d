//! Arrow IPC files, memory-mapped: the arrays point into the file, nothing is copied.

use std::fs::File;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::{Block, FieldNode, Type, root_as_footer, root_as_message};
use memmap2::Mmap;

use crate::error::{Error, IoContext, Result};

/// The contents of a mapped file.
pub(crate) struct MappedIpc {
    file: Buffer,
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
}

/// The 10 bytes at the end: the footer's length and the magic.
const TRAILER: usize = 10;

/// Maps an Arrow IPC file. The arrays keep the mapping alive.
///
/// # Errors
/// [`Error::Io`] if it cannot be opened, [`Error::Format`] if it is not valid Arrow IPC.
pub(crate) fn map(path: &Path) -> Result<MappedIpc> {
    map_file(&File::open(path).at("read", path)?, path)
}

/// Maps an Arrow IPC file that is open; messages name it by `path`.
///
/// # Errors
/// As for [`map`].
pub(crate) fn map_file(file: &File, path: &Path) -> Result<MappedIpc> {
    if file.metadata().at("read", path)?.len() < TRAILER as u64 {
        return Err(Error::format(path, "is too short to be an Arrow IPC file"));
    }
    // SAFETY: files of ours are replaced by rename, never rewritten in place; if another program truncates one while it
    // is mapped, the system stops the process, as it does for every reader of a mapping.
    let mapping = unsafe { Mmap::map(file) }.at("map", path)?;
    let buffer = buffer_over(mapping);
    decode(&buffer).map_err(|reason| Error::format(path, format!("is not valid Arrow IPC: {reason}")))
}

impl MappedIpc {
    /// Lets the memory of the file go until it is read again.
    pub(crate) fn release(&self) {
        release(&self.file);
    }
}

/// Lets the memory of a mapping go; what is read again comes from the file. Else a process that reads a large file from
/// end to end seems to hold all of it.
pub(crate) fn release(_mapping: &Buffer) {
    #[cfg(target_os = "linux")]
    // SAFETY: the buffer is a mapping of a file, and was not written to: nothing but copies of the file's bytes is lost.
    // What fails leaves all as it was.
    let _ = unsafe {
        let start = _mapping.as_ptr().cast_mut().cast();
        rustix::mm::madvise(start, _mapping.len(), rustix::mm::Advice::LinuxDontNeed)
    };
}

/// Batches after whose headers the mapping is let go: with each the system maps its neighbourhood.
const BATCHES_PER_RELEASE: usize = 64;

/// A mapping as a buffer of Arrow.
pub(crate) fn buffer_over(mapping: Mmap) -> Buffer {
    let (start, length) = (NonNull::from(&mapping[..]).cast(), mapping.len());
    // SAFETY: the mapping is readable for its length and stays in place for as long as the buffer owns it.
    unsafe { Buffer::from_custom_allocation(start, length, Arc::new(mapping)) }
}

/// A file that is not says why.
type Sound<T> = std::result::Result<T, String>;

fn decode(file: &Buffer) -> Sound<MappedIpc> {
    let end = file.len() - TRAILER;
    let trailer: [u8; TRAILER] = file[end..].try_into().map_err(|_| "no trailer")?;
    let footer_length = read_footer_length(trailer).map_err(|e| e.to_string())?;
    let footer_start = end.checked_sub(footer_length).ok_or("its footer is longer than the file")?;
    let footer = root_as_footer(&file[footer_start..end]).map_err(|e| e.to_string())?;
    let schema = footer.schema().ok_or("it has no schema")?;
    schema.fields().ok_or("its schema has no fields")?.iter().try_for_each(check_field)?;
    let schema: SchemaRef = Arc::new(fb_to_schema(schema));
    let decoder = FileDecoder::new(schema.clone(), footer.version());
    let mut batches = Vec::new();
    for block in footer.recordBatches().iter().flatten() {
        check_columns(file, block, &schema)?;
        let batch = decoder.read_record_batch(block, &slice(file, block)?).map_err(|e| e.to_string())?;
        batches.extend(batch);
        if batches.len().is_multiple_of(BATCHES_PER_RELEASE) {
            release(file);
        }
    }
    Ok(MappedIpc { file: file.clone(), schema, batches })
}

/// Refuses types that our files do not have, on some of which the decoder would panic.
fn check_field(field: arrow::ipc::Field<'_>) -> Sound<()> {
    let is_known = match field.type_type() {
        Type::Utf8 | Type::LargeUtf8 | Type::Utf8View | Type::List | Type::FixedSizeList => true,
        Type::Int => field.type_as_int().is_some_and(|int| matches!(int.bitWidth(), 8 | 16 | 32 | 64)),
        Type::FloatingPoint => {
            field.type_as_floating_point().is_some_and(|float| float.precision().variant_name().is_some())
        }
        _ => false,
    };
    if !is_known || field.dictionary().is_some() {
        return Err(format!("column {:?} is of a type that no file of ours has", field.name().unwrap_or_default()));
    }
    let items = field.children().into_iter().flatten().count();
    if items != usize::from(matches!(field.type_type(), Type::List | Type::FixedSizeList)) {
        return Err("a column has no item type".into());
    }
    field.children().into_iter().flatten().try_for_each(check_field)
}

/// Refuses what the decoder would panic on: in every column, lengths and places that the file cannot hold, and nulls,
/// which our files have none of.
fn check_columns(file: &Buffer, block: &Block, schema: &SchemaRef) -> Sound<()> {
    let bytes = slice(file, block)?;
    let message = if bytes.starts_with(&[0xFF; 4]) { bytes.get(8..) } else { bytes.get(4..) };
    let message = root_as_message(message.ok_or("a block is too short")?).map_err(|e| e.to_string())?;
    let batch = message.header_as_record_batch().ok_or("a block is no record batch")?;
    let (nodes, buffers) =
        (batch.nodes().ok_or("a batch has no columns")?, batch.buffers().ok_or("a batch has no buffers")?);
    let body = usize::try_from(block.bodyLength()).map_err(|_| "a block has no length")?;
    let start = bytes.len() - body;
    if batch.compression().is_some() || !(block.offset() as usize + start).is_multiple_of(8) {
        return Err("it is compressed or not aligned, so it cannot be mapped; write it uncompressed".into());
    }
    let view_buffers = batch.variadicBufferCounts().into_iter().flatten();
    let mut columns = Columns { nodes: nodes.iter(), buffers: buffers.iter(), view_buffers, body };
    schema.fields().iter().try_for_each(|field| {
        columns.check(field.data_type()).map_err(|reason| format!("column {:?} {reason}", field.name()))
    })
}

/// The nodes and buffers of a batch's columns, depth first.
struct Columns<N, B, V> {
    nodes: N,
    buffers: B,
    /// How many buffers of text each column of string views has.
    view_buffers: V,
    body: usize,
}

impl<'a, N, B, V> Columns<N, B, V>
where
    N: Iterator<Item = &'a FieldNode>,
    B: Iterator<Item = &'a arrow::ipc::Buffer>,
    V: Iterator<Item = i64>,
{
    fn check(&mut self, data_type: &DataType) -> Sound<()> {
        let node = self.nodes.next().ok_or("is missing")?;
        let rows = usize::try_from(node.length()).map_err(|_| "has a negative length")?;
        if node.null_count() != 0 {
            return Err("has nulls".into());
        }
        let _validity = self.buffer()?;
        match data_type {
            DataType::Utf8 => self.values(rows.saturating_add(1), 4).and_then(|()| self.buffer()).map(drop),
            DataType::LargeUtf8 => self.values(rows.saturating_add(1), 8).and_then(|()| self.buffer()).map(drop),
            DataType::Utf8View => {
                self.values(rows, 16)?;
                let buffers = self.view_buffers.next().ok_or("has no buffers of text")?;
                (0..buffers).try_for_each(|_| self.buffer().map(drop))
            }
            DataType::List(item) => self.values(rows.saturating_add(1), 4).and_then(|()| self.check(item.data_type())),
            DataType::FixedSizeList(item, width) => {
                let items = usize::try_from(*width).ok().and_then(|width| rows.checked_mul(width));
                items.filter(|&items| items <= self.body).ok_or("is longer than its block")?;
                self.check(item.data_type())
            }
            other => match other.primitive_width() {
                Some(width) => self.values(rows, width),
                None => Err(format!("is {other}")),
            },
        }
    }

    /// The next buffer, of at least so many values.
    fn values(&mut self, values: usize, width: usize) -> Sound<()> {
        let (offset, length) = self.buffer()?;
        let is_enough = values.checked_mul(width).is_some_and(|least| least <= length);
        match is_enough && length.is_multiple_of(width) && offset.is_multiple_of(width.min(8)) {
            true => Ok(()),
            false => Err("is shorter than it says, or not aligned".into()),
        }
    }

    fn buffer(&mut self) -> Sound<(usize, usize)> {
        let buffer = self.buffers.next().ok_or("lacks a buffer")?;
        let (offset, length) = (usize::try_from(buffer.offset()).ok(), usize::try_from(buffer.length()).ok());
        let place = offset
            .zip(length)
            .filter(|(offset, length)| offset.checked_add(*length).is_some_and(|end| end <= self.body));
        place.ok_or_else(|| "lies outside its block".into())
    }
}

/// The part of the file that a block names, if it lies within.
fn slice(file: &Buffer, block: &Block) -> Sound<Buffer> {
    let bounds = || {
        let start = usize::try_from(block.offset()).ok()?;
        let length =
            usize::try_from(block.metaDataLength()).ok()?.checked_add(usize::try_from(block.bodyLength()).ok()?)?;
        (start.checked_add(length)? <= file.len()).then_some((start, length))
    };
    let (start, length) = bounds().ok_or("a block lies outside the file")?;
    Ok(file.slice_with_length(start, length))
}
