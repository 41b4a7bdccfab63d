//! Footers of Parquet files and objects.

use std::fmt::Display;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaDataReader;

use crate::error::{Error, IoContext, Result};
use crate::process::catch_panic;
use crate::store::Object;

/// What it means if a decoder panics.
pub(super) const DAMAGED: &str = "the file is damaged";

pub(super) fn not_parquet(name: &str, error: &dyn Display) -> Error {
    Error::corpus(name, format!("is not a readable Parquet file: {error}"))
}

/// The footer of a file on this machine.
pub(super) fn local_footer(path: &Path) -> Result<ArrowReaderMetadata> {
    let refused = |error: &dyn Display| not_parquet(&path.display().to_string(), error);
    let file = File::open(path).at("read", path)?;
    let footer = catch_panic(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()));
    footer.ok_or_else(|| refused(&DAMAGED))?.map_err(|error| refused(&error))
}

/// Bytes at the end of an object that are read first: most footers lie within them.
const TAIL: u64 = 64 << 10;

/// The footer of an object.
pub(in crate::corpus::readers) async fn remote_footer(object: &Object) -> Result<ArrowReaderMetadata> {
    let refused = |error: &dyn Display| not_parquet(&object.url(), error);
    let size = object.size();
    let mut bytes = object.get(size - size.min(TAIL)..size).await?;
    let mut reader = ParquetMetaDataReader::new();
    loop {
        let parsed = catch_panic(|| reader.try_parse_sized(&bytes, size)).ok_or_else(|| refused(&DAMAGED))?;
        match parsed {
            Ok(()) => break,
            Err(ParquetError::NeedMoreData(needed)) if needed as u64 <= size && needed > bytes.len() => {
                bytes = object.get(size - needed as u64..size).await?;
            }
            Err(error) => return Err(refused(&error)),
        }
    }
    let metadata = reader.finish().map_err(|error| refused(&error))?;
    let metadata = catch_panic(|| ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new()));
    metadata.ok_or_else(|| refused(&DAMAGED))?.map_err(|error| refused(&error))
}
