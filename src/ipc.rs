//! Arrow IPC files, memory-mapped: the arrays point into the file, nothing is copied.

use std::fs::File;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::{Block, root_as_footer};
use memmap2::Mmap;

use crate::error::{Error, IoContext, Result};

/// The contents of a mapped file.
pub(crate) struct MappedIpc {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
}

/// The 10 bytes at the end: the footer's length and the magic.
const TRAILER: usize = 10;

/// Maps an Arrow IPC file. The arrays keep the mapping alive.
///
/// # Errors
/// [`Error::Io`] if it cannot be opened, [`Error::Format`] if it is no sound IPC file.
pub(crate) fn map(path: &Path) -> Result<MappedIpc> {
    let file = File::open(path).at("read", path)?;
    if file.metadata().at("read", path)?.len() < TRAILER as u64 {
        return Err(Error::format(path, "is too short to be an Arrow IPC file"));
    }
    // SAFETY: files of ours are replaced by rename, never rewritten in place; if another program truncates one while it
    // is mapped, the system stops the process, as it does for every reader of a mapping.
    let mapping = unsafe { Mmap::map(&file) }.at("map", path)?;
    let buffer = buffer_over(mapping);
    decode(&buffer).map_err(|reason| Error::format(path, format!("is no sound Arrow IPC file: {reason}")))
}

fn buffer_over(mapping: Mmap) -> Buffer {
    let (start, length) = (NonNull::from(&mapping[..]).cast(), mapping.len());
    // SAFETY: the mapping is readable for its length and stays in place for as long as the buffer owns it.
    unsafe { Buffer::from_custom_allocation(start, length, Arc::new(mapping)) }
}

fn decode(file: &Buffer) -> std::result::Result<MappedIpc, String> {
    let end = file.len() - TRAILER;
    let trailer: [u8; TRAILER] = file[end..].try_into().map_err(|_| "no trailer")?;
    let footer_length = read_footer_length(trailer).map_err(|e| e.to_string())?;
    let footer_start = end.checked_sub(footer_length).ok_or("its footer is longer than the file")?;
    let footer = root_as_footer(&file[footer_start..end]).map_err(|e| e.to_string())?;
    let schema: SchemaRef = Arc::new(fb_to_schema(footer.schema().ok_or("it has no schema")?));
    let mut decoder = FileDecoder::new(schema.clone(), footer.version());
    for block in footer.dictionaries().iter().flatten() {
        decoder.read_dictionary(block, &slice(file, block)?).map_err(|e| e.to_string())?;
    }
    let mut batches = Vec::new();
    for block in footer.recordBatches().iter().flatten() {
        let batch = decoder.read_record_batch(block, &slice(file, block)?).map_err(|e| e.to_string())?;
        batches.extend(batch);
    }
    Ok(MappedIpc { schema, batches })
}

/// The part of the file that a block names, if it lies within.
fn slice(file: &Buffer, block: &Block) -> std::result::Result<Buffer, String> {
    let bounds = || {
        let start = usize::try_from(block.offset()).ok()?;
        let length =
            usize::try_from(block.metaDataLength()).ok()?.checked_add(usize::try_from(block.bodyLength()).ok()?)?;
        (start.checked_add(length)? <= file.len()).then_some((start, length))
    };
    let (start, length) = bounds().ok_or("a block lies outside the file")?;
    Ok(file.slice_with_length(start, length))
}
