//! The footer of an Arrow IPC file: its schema, and the positions of its record batches.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::read_footer_length;
use arrow::ipc::{Block, MetadataVersion, root_as_footer};

use crate::error::{Error, Result, one_line};
use crate::process::catch_panic;

/// What a file starts and ends with.
pub(crate) const MAGIC: &[u8] = b"ARROW1";
/// Bytes at the end: the footer's length and the magic.
const TRAILER: u64 = 10;

/// A checked footer: every block lies before it.
pub(crate) struct Footer {
    pub(crate) schema: SchemaRef,
    pub(crate) version: MetadataVersion,
    pub(crate) dictionaries: Vec<Block>,
    pub(crate) batches: Vec<Block>,
    /// The bytes of the file that the footer is.
    pub(crate) bytes: Range<u64>,
}

impl Footer {
    /// Reads the footer of a file of `size` bytes. `read` returns a range of the file, which lies within.
    ///
    /// # Errors
    /// What `read` fails with; for a damaged footer the error that `damaged` makes of the reason.
    pub(crate) fn read<B: AsRef<[u8]>>(
        size: u64,
        read: impl Fn(Range<u64>) -> Result<B>,
        damaged: impl Fn(&str) -> Error,
    ) -> Result<Self> {
        let end = size.checked_sub(TRAILER).ok_or_else(|| damaged("it is too short"))?;
        let trailer = read(end..size)?;
        let trailer = trailer.as_ref().try_into().map_err(|_| damaged("it has no trailer"))?;
        let length = read_footer_length(trailer).map_err(|error| damaged(&error.to_string()))? as u64;
        let start = end.checked_sub(length).ok_or_else(|| damaged("its footer is longer than the file"))?;
        let footer = read(start..end)?;
        let footer = root_as_footer(footer.as_ref()).map_err(|error| damaged(&one_line(&error)))?;
        let schema = footer.schema().ok_or_else(|| damaged("it has no schema"))?;
        // It panics on some types that no writer uses.
        let schema = catch_panic(|| fb_to_schema(schema)).ok_or_else(|| damaged("its schema has unknown types"))?;
        let [dictionaries, batches] = [footer.dictionaries(), footer.recordBatches()]
            .map(|blocks| blocks.into_iter().flatten().copied().collect::<Vec<_>>());
        for block in dictionaries.iter().chain(&batches) {
            let is_within = range(block).is_some_and(|range| range.end <= start);
            is_within.then_some(()).ok_or_else(|| damaged("a block lies outside the file"))?;
        }
        Ok(Self { schema: Arc::new(schema), version: footer.version(), dictionaries, batches, bytes: start..end })
    }
}

/// The range of a block in its file, if its numbers are valid.
pub(crate) fn range(block: &Block) -> Option<Range<u64>> {
    let start = u64::try_from(block.offset()).ok()?;
    let length = u64::try_from(block.metaDataLength()).ok()?.checked_add(u64::try_from(block.bodyLength()).ok()?)?;
    Some(start..start.checked_add(length)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{RecordBatch, UInt64Array};
    use arrow::ipc::writer::FileWriter;

    use super::*;

    fn file() -> Vec<u8> {
        let batch = RecordBatch::try_from_iter([("n", Arc::new(UInt64Array::from(vec![1, 2])) as _)]).unwrap();
        let mut bytes = Vec::new();
        let mut writer = FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
        writer.write(&batch).and_then(|()| writer.write(&batch)).and_then(|()| writer.finish()).unwrap();
        drop(writer);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Footer> {
        let range = |range: Range<u64>| Ok(&bytes[range.start as usize..range.end as usize]);
        Footer::read(bytes.len() as u64, range, |reason| Error::corpus("bytes", reason))
    }

    #[test]
    fn a_footer_has_the_blocks_of_its_file() {
        let bytes = file();
        let footer = read(&bytes).unwrap();
        assert_eq!(footer.batches.len(), 2);
        assert_eq!(footer.schema.field(0).name(), "n");
        assert!(footer.batches.iter().all(|block| range(block).unwrap().end < bytes.len() as u64));
    }

    #[test]
    fn cut_and_flipped_footers_are_errors_or_have_blocks_within_the_file() {
        let bytes = file();
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for (at, bit) in (0..bytes.len()).flat_map(|at| [(at, 1u8), (at, 0x80)]) {
            let mut flipped = bytes.clone();
            flipped[at] ^= bit;
            if let Ok(footer) = read(&flipped) {
                assert!(footer.batches.iter().all(|block| range(block).unwrap().end <= bytes.len() as u64));
            }
        }
    }
}
