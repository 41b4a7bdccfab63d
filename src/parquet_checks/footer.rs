//! Footers: the schema of a file, and where its row groups are.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::{ParquetError, Result};
use parquet::file::FOOTER_SIZE;
use parquet::file::metadata::{FooterTail, ParquetMetaDataReader};

use super::thrift::Expected::{Binary, Bool, Byte, Children, Double, Int, List, Node, Struct};
use super::thrift::{Expected, Fault, Fields, look_through};
use crate::process::catch_panic;

/// Bytes at the end of a file that are read first: most footers lie within them.
pub(crate) const TAIL: u64 = 64 << 10;

/// Reads the footer of a file.
///
/// # Errors
/// [`ParquetError`] for a file that cannot be read, or is not Parquet.
pub(crate) fn read_footer(file: &mut File) -> Result<ArrowReaderMetadata> {
    let size = file.metadata()?.len();
    let mut needed = size.min(TAIL);
    loop {
        file.seek(SeekFrom::Start(size - needed))?;
        let mut tail = Vec::new();
        file.take(needed).read_to_end(&mut tail)?;
        match parse_footer(&tail.into(), size) {
            // A file that shrinks meanwhile never has enough.
            Err(ParquetError::NeedMoreData(more)) if more as u64 > needed => needed = more as u64,
            parsed => return parsed,
        }
    }
}

/// Reads the footer from the last bytes of a file of `size` bytes.
///
/// # Errors
/// [`ParquetError::NeedMoreData`]: as many bytes are needed, which is more than were given and not more than the file has.
/// [`ParquetError`] for a file that is not Parquet.
pub(crate) fn parse_footer(tail: &Bytes, size: u64) -> Result<ArrowReaderMetadata> {
    if let Some(end) = tail.last_chunk::<FOOTER_SIZE>() {
        let end = FooterTail::try_new(end)?;
        let encoded = tail.len().checked_sub(FOOTER_SIZE + end.metadata_length()).map(|start| &tail[start..]);
        // The decoder asks for what is missing, and refuses what is encrypted.
        if let (Some(mut encoded), false) = (encoded, end.is_encrypted_footer()) {
            match look_through(&mut encoded, FILE_METADATA) {
                Ok(()) => {}
                Err(Fault::Invalid(reason)) => return Err(ParquetError::General(format!("its footer {reason}"))),
                Err(Fault::Io(error)) => return Err(error.into()),
            }
        }
    }
    let decoded = catch_panic(|| {
        let mut reader = ParquetMetaDataReader::new();
        reader.try_parse_sized(tail, size)?;
        ArrowReaderMetadata::try_new(Arc::new(reader.finish()?), ArrowReaderOptions::new())
    });
    decoded.ok_or_else(|| ParquetError::General("the file is damaged".to_owned()))?
}

const FILE_METADATA: Fields = &[
    (1, Int),
    (2, List(&Node(SCHEMA_ELEMENT))),
    (3, Int),
    (4, List(&Struct(ROW_GROUP))),
    (5, List(&KEY_VALUE)),
    (6, Binary),
    (7, List(&Struct(&[(1, EMPTY)]))),
];

const EMPTY: Expected = Struct(&[]);
const KEY_VALUE: Expected = Struct(&[(1, Binary), (2, Binary)]);

const SCHEMA_ELEMENT: Fields = &[
    (1, Int),
    (2, Int),
    (3, Int),
    (4, Binary),
    (5, Children),
    (6, Int),
    (7, Int),
    (8, Int),
    (9, Int),
    (10, Struct(LOGICAL_TYPE)),
];

const LOGICAL_TYPE: Fields = &[
    (1, EMPTY),
    (2, EMPTY),
    (3, EMPTY),
    (4, EMPTY),
    (5, Struct(&[(1, Int), (2, Int)])),
    (6, EMPTY),
    (7, TIME),
    (8, TIME),
    (10, Struct(&[(1, Byte), (2, Bool)])),
    (11, EMPTY),
    (12, EMPTY),
    (13, EMPTY),
    (14, EMPTY),
    (15, EMPTY),
    (16, Struct(&[(1, Byte)])),
    (17, Struct(&[(1, Binary)])),
    (18, Struct(&[(1, Binary), (2, Int)])),
];

const TIME: Expected = Struct(&[(1, Bool), (2, Struct(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)]))]);

const ROW_GROUP: Fields = &[
    (1, List(&Struct(COLUMN_CHUNK))),
    (2, Int),
    (3, Int),
    (4, List(&Struct(&[(1, Int), (2, Bool), (3, Bool)]))),
    (5, Int),
    (6, Int),
    (7, Int),
];

const COLUMN_CHUNK: Fields =
    &[(1, Binary), (2, Int), (3, Struct(COLUMN_METADATA)), (4, Int), (5, Int), (6, Int), (7, Int)];

const COLUMN_METADATA: Fields = &[
    (1, Int),
    (2, List(&Int)),
    (3, List(&Binary)),
    (4, Int),
    (5, Int),
    (6, Int),
    (7, Int),
    (8, List(&KEY_VALUE)),
    (9, Int),
    (10, Int),
    (11, Int),
    (12, Struct(STATISTICS)),
    (13, List(&Struct(&[(1, Int), (2, Int), (3, Int)]))),
    (14, Int),
    (15, Int),
    (16, Struct(&[(1, Int), (2, List(&Int)), (3, List(&Int))])),
    (17, Struct(&[(1, Struct(BOUNDING_BOX)), (2, List(&Int))])),
];

const STATISTICS: Fields =
    &[(1, Binary), (2, Binary), (3, Int), (4, Int), (5, Binary), (6, Binary), (7, Bool), (8, Bool)];

const BOUNDING_BOX: Fields =
    &[(1, Double), (2, Double), (3, Double), (4, Double), (5, Double), (6, Double), (7, Double), (8, Double)];

#[cfg(test)]
mod tests {
    use std::io::Write;

    use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int8Array, StringArray, TimestampMicrosecondArray};
    use arrow::record_batch::RecordBatch;
    use parquet::arrow::ArrowWriter;
    use proptest::prelude::*;

    use super::*;

    /// A file of all kinds of columns that the description of the footer has words for.
    fn whole() -> Vec<u8> {
        let columns: [(&str, ArrayRef); 5] = [
            ("text", Arc::new(StringArray::from(vec!["a", "b"]))),
            ("day", Arc::new(Date32Array::from(vec![1, 2]))),
            ("price", Arc::new(Decimal128Array::from(vec![100, 200]).with_precision_and_scale(10, 2).unwrap())),
            ("small", Arc::new(Int8Array::from(vec![1, 2]))),
            ("time", Arc::new(TimestampMicrosecondArray::from(vec![1, 2]).with_timezone("UTC"))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    /// A file that is nothing but this footer.
    fn file(footer: &[u8]) -> Vec<u8> {
        [b"PAR1", footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat()
    }

    fn parse(file: Vec<u8>) -> Result<ArrowReaderMetadata> {
        let size = file.len() as u64;
        parse_footer(&file.into(), size)
    }

    fn refusal(file: Vec<u8>) -> String {
        parse(file).unwrap_err().to_string()
    }

    #[test]
    fn a_footer_is_as_parquet_reads_it() {
        let bytes = Bytes::from(whole());
        let expected = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new()).unwrap();
        let found = parse(bytes.to_vec()).unwrap();
        assert_eq!(found.metadata(), expected.metadata());
        assert_eq!(found.schema(), expected.schema());
    }

    #[test]
    fn a_long_footer_is_read_in_two_steps() {
        let bytes = whole();
        let size = bytes.len() as u64;
        let needed = match parse_footer(&Bytes::copy_from_slice(&bytes[bytes.len() - 9..]), size) {
            Err(ParquetError::NeedMoreData(needed)) => needed,
            other => panic!("{other:?}"),
        };
        assert!(parse_footer(&Bytes::copy_from_slice(&bytes[bytes.len() - needed..]), size).is_ok());
        // A file whose columns have long names.
        let names: Vec<String> = (0..100).map(|name| format!("{name}").repeat(1000)).collect();
        let column: ArrayRef = Arc::new(Int8Array::from(vec![1]));
        let batch = RecordBatch::try_from_iter(names.iter().map(|name| (name, Arc::clone(&column)))).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        assert!(file.metadata().unwrap().len() > 2 * TAIL);
        assert_eq!(read_footer(&mut file).unwrap().schema().fields().len(), 100);
        file.set_len(0).unwrap();
        file.flush().unwrap();
        assert!(read_footer(&mut file).unwrap_err().to_string().contains("too small"));
    }

    #[test]
    fn less_than_was_asked_for_is_an_error_in_the_end() {
        // As when the file shrank after its size was read: the same number is needed again.
        let asked = parse_footer(&Bytes::new(), 100).unwrap_err();
        assert!(matches!(asked, ParquetError::NeedMoreData(8)), "{asked}");
    }

    #[test]
    fn lists_of_booleans_are_refused() {
        // Lists of 2³¹ - 1 lists of as many booleans: 48 bytes, and the decoder is busy for minutes.
        let many = [0xff, 0xff, 0xff, 0xff, 7];
        let footer = [&[0xf9, 0xf1][..], &many, &[0x19, 0xf1], &many, &[0x19, 0xf1], &many, &[0]].concat();
        assert!(refusal(file(&footer)).contains("list of booleans"));
        // Behind a known field of another type, which the decoder would read as an integer.
        assert!(refusal(file(&[&[0x18, 8][..], &footer[..8], &[0]].concat())).contains("another type"));
    }

    /// A footer with a schema of groups, each with so many children.
    fn schema(children: impl ExactSizeIterator<Item = u8>) -> Vec<u8> {
        let length = children.len() as u32;
        let mut footer = vec![0x15, 2, 0x19, 0xfc];
        footer.extend([length as u8 | 0x80, (length >> 7) as u8 | 0x80, (length >> 14) as u8]);
        for count in children {
            // Repetition, name and, twice as an even zigzag number, the children.
            footer.extend([0x35, 0, 0x18, 1, b'a', 0x15, count << 1, 0]);
        }
        footer.extend([0x16, 0, 0x19, 0x0c, 0]);
        footer
    }

    #[test]
    fn a_deep_schema_is_refused() {
        assert_eq!(parse(file(&schema([1, 1, 0].into_iter()))).unwrap().metadata().num_row_groups(), 0);
        let deep = |depth: usize| file(&schema((0..depth).map(|node| u8::from(node + 1 < depth))));
        assert!(parse(deep(64)).is_ok());
        assert!(refusal(deep(65)).contains("nested too deeply"));
        assert!(refusal(deep(200_000)).contains("nested too deeply"));
    }

    #[test]
    fn children_that_are_not_there_are_refused() {
        assert!(refusal(file(&schema([2, 0].into_iter()))).contains("fewer columns than it says"));
        let mut negative = schema([1, 0].into_iter());
        let at = negative.iter().position(|&byte| byte == b'a').unwrap() + 2;
        assert_eq!(negative[at], 2);
        negative[at] = 1;
        assert!(refusal(file(&negative)).contains("fewer columns than it says"));
    }

    proptest! {
        #[test]
        fn damage_is_refused_or_harmless(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let mut bytes = whole();
            let at = at.index(bytes.len());
            bytes[at] = to;
            if let Ok(found) = parse(bytes.clone()) {
                let expected = ArrowReaderMetadata::load(&Bytes::from(bytes), ArrowReaderOptions::new()).unwrap();
                prop_assert_eq!(found.metadata(), expected.metadata());
            }
        }
    }
}
