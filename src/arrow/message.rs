//! Messages of Arrow IPC: what a decoder would believe is checked before it decodes.

use arrow::error::ArrowError;
use arrow::ipc::{Block, Message, RecordBatch, root_as_message};

use crate::error::one_line;
use crate::process::catch_panic;

/// The bytes before each message.
pub(crate) const CONTINUATION: [u8; 4] = [0xFF; 4];

/// Err says why a message is not valid.
pub(crate) type Checked<T> = Result<T, String>;

/// Decodes an encapsulated message, after checking that all its buffers lie within it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn decoded<T>(bytes: &[u8], block: &Block, decode: impl FnOnce() -> Result<T, ArrowError>) -> Checked<T> {
    let prefix = if bytes.starts_with(&CONTINUATION) { 8 } else { 4 };
    let start = usize::try_from(block.metaDataLength()).unwrap_or(usize::MAX);
    let (metadata, body) = bytes.get(prefix..start).zip(bytes.get(start..)).ok_or("it ends too early")?;
    if body_length(metadata)? > body.len() as u64 {
        return Err("it ends too early".into());
    }
    check_lengths(metadata, body)?;
    decode_checked(decode)
}

/// The length of a message's body, after checking that all its buffers lie within it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn body_length(metadata: &[u8]) -> Checked<u64> {
    let message = root_as_message(metadata).map_err(|error| one_line(&error))?;
    let body = message.bodyLength();
    let is_within = batch_in(&message).and_then(|batch| batch.buffers()).into_iter().flatten().all(|buffer| {
        buffer.offset() >= 0
            && buffer.length() >= 0
            && buffer.offset().checked_add(buffer.length()).is_some_and(|end| end <= body)
    });
    match u64::try_from(body) {
        Ok(body) if is_within => Ok(body),
        _ => Err("a buffer lies outside its message".into()),
    }
}

/// Refuses compressed buffers that claim to be longer than the memory: the decoder would believe them.
///
/// # Errors
/// Which length that is.
pub(crate) fn check_lengths(metadata: &[u8], body: &[u8]) -> Checked<()> {
    let message = root_as_message(metadata).map_err(|error| one_line(&error))?;
    let Some(batch) = batch_in(&message).filter(|batch| batch.compression().is_some()) else { return Ok(()) };
    for buffer in batch.buffers().into_iter().flatten() {
        let start = buffer.offset() as usize;
        let length =
            body.get(start..start + 8).filter(|_| buffer.length() >= 8).and_then(|bytes| bytes.try_into().ok());
        // -1 means that the buffer is not compressed.
        let length = length.map_or(0, i64::from_le_bytes).max(0) as usize;
        if Vec::<u8>::new().try_reserve_exact(length).is_err() {
            return Err(format!("a buffer of {length} bytes does not fit into memory"));
        }
    }
    Ok(())
}

/// The result of `decode`. The decoder checks what it decodes, but panics on some types and lengths that no writer
/// gives.
///
/// # Errors
/// What the decoder says.
pub(crate) fn decode_checked<T>(decode: impl FnOnce() -> Result<T, ArrowError>) -> Checked<T> {
    catch_panic(decode).ok_or("it contradicts itself")?.map_err(|error| error.to_string())
}

/// The record batch of a message, or of its dictionary.
fn batch_in<'a>(message: &Message<'a>) -> Option<RecordBatch<'a>> {
    let dictionary = || message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    message.header_as_record_batch().or_else(dictionary)
}
