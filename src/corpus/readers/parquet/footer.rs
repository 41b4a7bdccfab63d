//! Footers of Parquet files and objects.

use std::fmt::Display;
use std::fs::File;
use std::path::Path;

use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::errors::ParquetError;

use crate::error::{Error, IoContext, Result};
use crate::parquet_checks::{TAIL, parse_footer, read_footer};
use crate::store::Object;

/// What it means if a decoder panics.
pub(super) const DAMAGED: &str = "the file is damaged";

pub(super) fn not_parquet(name: &str, error: &dyn Display) -> Error {
    Error::corpus(name, format!("is not a readable Parquet file: {error}"))
}

/// The footer of a file on this machine.
pub(super) fn local_footer(path: &Path) -> Result<ArrowReaderMetadata> {
    let mut file = File::open(path).at("read", path)?;
    read_footer(&mut file).map_err(|error| not_parquet(&path.display().to_string(), &error))
}

/// The footer of an object.
pub(in crate::corpus::readers) async fn remote_footer(object: &Object) -> Result<ArrowReaderMetadata> {
    let size = object.size();
    let mut needed = size.min(TAIL);
    loop {
        let tail = object.get(size - needed..size).await?;
        match parse_footer(&tail, size) {
            Err(ParquetError::NeedMoreData(more)) if more as u64 > needed => needed = more as u64,
            parsed => return parsed.map_err(|error| not_parquet(&object.url(), &error)),
        }
    }
}
