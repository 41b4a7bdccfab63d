//! Arrow IPC files, memory-mapped: the arrays point into the file, nothing is copied.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::{Buffer, MutableBuffer};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::ipc::reader::{FileDecoder, StreamDecoder};
use arrow::ipc::{Block, FieldNode, root_as_message};
use memmap2::Mmap;

use super::footer::{Footer, MAGIC, range};
use super::message::{CONTINUATION, Checked, body_length, check_lengths, decode_checked, decoded};
use crate::error::{Error, IoContext, Result, one_line};

/// The contents of a mapped file.
pub(crate) struct MappedIpc {
    file: Buffer,
    pub(crate) batches: Vec<RecordBatch>,
}

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
    let damaged = |reason: &str| Error::format(path, format!("is not valid Arrow IPC: {reason}"));
    if file.metadata().at("read", path)?.len() == 0 {
        return Err(damaged("it is empty"));
    }
    let bytes = map_bytes(file, path)?;
    ensure_has_end(&bytes, path)?;
    decode(&bytes, damaged)
}

/// Maps a file that is not empty; messages name it by `path`.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn map_bytes(file: &File, path: &Path) -> Result<Buffer> {
    // SAFETY: files of ours are replaced by rename, never rewritten in place; if another program truncates one while it
    // is mapped, the system stops the process, as it does for every reader of a mapping.
    Ok(buffer_over(unsafe { Mmap::map(file) }.at("map", path)?))
}

/// A copy of bytes, aligned as Arrow needs them.
pub(crate) fn aligned(bytes: &[u8]) -> Buffer {
    // Aligned to 64 bytes.
    let mut buffer = MutableBuffer::new(bytes.len());
    buffer.extend_from_slice(bytes);
    buffer.into()
}

/// The schema of a file or stream of any program, and some columns of its record batches.
pub(crate) struct Table {
    file: Buffer,
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
}

/// What reads a table of any program, in a file or stream in memory or mapped. `choose` says which columns of the schema
/// are wanted. Arrays that are not compressed point into the bytes; others are copied.
///
/// # Errors
/// What `choose` says, or why the bytes are not valid Arrow IPC.
pub(crate) fn table(file: Buffer, choose: impl FnOnce(&Schema) -> Checked<Vec<usize>>) -> Checked<Table> {
    let damaged = |reason: String| format!("is not valid Arrow IPC: {reason}");
    if !file.starts_with(MAGIC) {
        let (schema, batches) = stream(&file).map_err(damaged)?;
        let columns = choose(&schema)?;
        let projected = batches.iter().map(|batch| batch.project(&columns)).collect::<Result<_, _>>();
        return Ok(Table { file, schema, batches: projected.map_err(|error| error.to_string())? });
    }
    let read = |range: Range<u64>| Ok(&file[range.start as usize..range.end as usize]);
    let footer = Footer::read(file.len() as u64, read, |reason| Error::parameter("", reason));
    let Footer { schema, version, dictionaries, batches: blocks, .. } = footer.map_err(|error| match error {
        Error::Parameter { reason, .. } => damaged(reason),
        other => other.to_string(),
    })?;
    let mut decoder = FileDecoder::new(schema.clone(), version).with_projection(choose(&schema)?);
    for block in &dictionaries {
        let bytes = slice(&file, block).ok_or_else(|| damaged("a block lies outside the file".into()))?;
        decoded(&bytes, block, || decoder.read_dictionary(block, &bytes)).map_err(damaged)?;
    }
    let mut batches = Vec::new();
    for block in &blocks {
        let bytes = slice(&file, block).ok_or_else(|| damaged("a block lies outside the file".into()))?;
        let batch = decoded(&bytes, block, || decoder.read_record_batch(block, &bytes)).map_err(damaged)?;
        batches.extend(batch);
    }
    Ok(Table { file, schema, batches })
}

impl Table {
    /// True if a value lies in the bytes of the file, not in memory of its own.
    pub(crate) fn holds<T>(&self, value: *const T) -> bool {
        let within = self.file.as_slice().as_ptr_range();
        within.contains(&value.cast())
    }
}

/// The schema and the batches of a stream.
fn stream(file: &Buffer) -> Checked<(SchemaRef, Vec<RecordBatch>)> {
    let (mut decoder, mut batches, mut at) = (StreamDecoder::new(), Vec::new(), 0);
    while at < file.len() {
        let start = &file[at..];
        let length = start.strip_prefix(&CONTINUATION).and_then(|rest| rest.first_chunk().copied());
        let length = u32::from_le_bytes(length.ok_or("no message starts where one should")?) as usize;
        let mut end = 8;
        if length > 0 {
            let metadata = start.get(8..8 + length).ok_or("it ends too early")?;
            let body =
                usize::try_from(body_length(metadata)?).ok().and_then(|body| start.get(8 + length..)?.get(..body));
            let body = body.ok_or("it ends too early")?;
            check_lengths(metadata, body)?;
            end = 8 + length + body.len();
        }
        let mut message = file.slice_with_length(at, end);
        at += end;
        decode_checked(|| {
            // A message without a body is decoded when the next one arrives, so there may be two.
            while !message.is_empty() {
                batches.extend(decoder.decode(&mut message)?);
            }
            Ok(())
        })?;
        if length == 0 {
            break;
        }
    }
    match decoder.schema() {
        Some(schema) if at == file.len() => Ok((schema, batches)),
        Some(_) => Err("bytes follow its end".into()),
        None => Err("it has no schema".into()),
    }
}

/// Such a file ends as it starts.
///
/// # Errors
/// [`Error::Truncated`].
pub(crate) fn ensure_has_end(bytes: &[u8], name: &Path) -> Result<()> {
    match bytes.starts_with(MAGIC) && !bytes.ends_with(MAGIC) {
        true => Err(Error::truncated(name, "is not valid Arrow IPC: it ends early; fetch or make it again")),
        false => Ok(()),
    }
}

/// Where the footer of these bytes starts, which end as a file does.
pub(crate) fn footer_start(bytes: &[u8]) -> Option<usize> {
    let (rest, length) = bytes.strip_suffix(MAGIC)?.split_last_chunk()?;
    rest.len().checked_sub(usize::try_from(i32::from_le_bytes(*length)).ok()?)
}

impl MappedIpc {
    /// Lets the memory of the file go until it is read again.
    pub(crate) fn release(&self) {
        release(&self.file);
    }
}

/// Lets the memory of a mapping go; what is read again comes from the file. Otherwise a process that reads a large file
/// from end to end seems to hold all of it.
pub(crate) fn release(_mapping: &Buffer) {
    #[cfg(target_os = "linux")]
    // SAFETY: the buffer is a mapping of a file, and was not written to: only copies of the file's bytes are lost.
    // A failure changes nothing.
    let _ = unsafe {
        let start = _mapping.as_ptr().cast_mut().cast();
        rustix::mm::madvise(start, _mapping.len(), rustix::mm::Advice::LinuxDontNeed)
    };
}

/// Batches between two releases of the mapping: to read a header, the system maps the pages around it.
const BATCHES_PER_RELEASE: usize = 64;

/// A mapping as a buffer of Arrow.
pub(crate) fn buffer_over(mapping: Mmap) -> Buffer {
    let (start, length) = (NonNull::from(&mapping[..]).cast(), mapping.len());
    // SAFETY: the mapping is readable for its length and stays in place for as long as the buffer owns it.
    unsafe { Buffer::from_custom_allocation(start, length, Arc::new(mapping)) }
}

fn decode(file: &Buffer, damaged: impl Fn(&str) -> Error) -> Result<MappedIpc> {
    let read = |range: Range<u64>| Ok(&file[range.start as usize..range.end as usize]);
    let Footer { schema, version, batches: blocks, .. } = Footer::read(file.len() as u64, read, &damaged)?;
    for field in schema.fields() {
        check_type(field.data_type()).map_err(|reason| damaged(&format!("column {:?} {reason}", field.name())))?;
    }
    let decoder = FileDecoder::new(schema.clone(), version);
    let mut batches = Vec::new();
    for block in &blocks {
        let bytes = slice(file, block).ok_or_else(|| damaged("a block lies outside the file"))?;
        check_columns(&bytes, block, &schema).map_err(|reason| damaged(&reason))?;
        let batch = decoder.read_record_batch(block, &bytes).map_err(|error| damaged(&error.to_string()))?;
        batches.extend(batch);
        if batches.len().is_multiple_of(BATCHES_PER_RELEASE) {
            release(file);
        }
    }
    Ok(MappedIpc { file: file.clone(), batches })
}

/// Refuses types that our files do not have; on some of them the decoder would panic.
fn check_type(data_type: &DataType) -> Checked<()> {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(()),
        DataType::List(item) | DataType::FixedSizeList(item, _) => check_type(item.data_type()),
        number if number.is_integer() || number.is_floating() => Ok(()),
        other => Err(format!("is {other}, which no file of ours has")),
    }
}

/// Refuses what the decoder would panic on: lengths and offsets that the file cannot hold, in any column; and nulls,
/// which our files do not have.
fn check_columns(bytes: &[u8], block: &Block, schema: &SchemaRef) -> Checked<()> {
    let message = if bytes.starts_with(&[0xFF; 4]) { bytes.get(8..) } else { bytes.get(4..) };
    let message = root_as_message(message.ok_or("a block is too short")?).map_err(|error| one_line(&error))?;
    let batch = message.header_as_record_batch().ok_or("a block is not a record batch")?;
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
    /// The number of text buffers of each column of string views.
    view_buffers: V,
    body: usize,
}

impl<'a, N, B, V> Columns<N, B, V>
where
    N: Iterator<Item = &'a FieldNode>,
    B: Iterator<Item = &'a arrow::ipc::Buffer>,
    V: Iterator<Item = i64>,
{
    fn check(&mut self, data_type: &DataType) -> Checked<()> {
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

    /// Checks that the next buffer holds at least this many values.
    fn values(&mut self, values: usize, width: usize) -> Checked<()> {
        let (offset, length) = self.buffer()?;
        let is_enough = values.checked_mul(width).is_some_and(|least| least <= length);
        match is_enough && length.is_multiple_of(width) && offset.is_multiple_of(width.min(8)) {
            true => Ok(()),
            false => Err("is shorter than its length, or not aligned".into()),
        }
    }

    fn buffer(&mut self) -> Checked<(usize, usize)> {
        let buffer = self.buffers.next().ok_or("lacks a buffer")?;
        let (offset, length) = (usize::try_from(buffer.offset()).ok(), usize::try_from(buffer.length()).ok());
        let place = offset
            .zip(length)
            .filter(|(offset, length)| offset.checked_add(*length).is_some_and(|end| end <= self.body));
        place.ok_or_else(|| "lies outside its block".into())
    }
}

/// The part of the file that a block names, if it lies within.
fn slice(file: &Buffer, block: &Block) -> Option<Buffer> {
    let range = range(block).filter(|range| range.end <= file.len() as u64)?;
    Some(file.slice_with_length(range.start as usize, (range.end - range.start) as usize))
}
