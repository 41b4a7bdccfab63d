//! Which vectors are looked at.

use std::path::Path;

use clap::Args;

use super::values::parse_storage_option;
use crate::cli::settings::is_standard_stream;
use crate::cli::streams;
use crate::error::Result;
use crate::formats::{Format, LoadOptions};
use crate::progress::Progress;
use crate::store::{Location, StorageOptions};
use crate::vectors::KeyedVectors;

#[derive(Args)]
pub(in crate::cli) struct VectorsArgs {
    #[arg(long, value_name = "FILE", help = format!("A file of vectors ({}), its URL, a directory with vectors.arrow, or - for standard input", Format::endings()))]
    vectors: String,
    #[command(flatten)]
    storage: StorageArgs,
}

impl VectorsArgs {
    pub(in crate::cli) fn load(&self, progress: &Progress) -> Result<KeyedVectors> {
        load_vectors(&self.vectors, self.storage.options(), progress)
    }

    /// True if the vectors come from standard input.
    pub(in crate::cli) fn is_standard_stream(&self) -> bool {
        is_standard_stream(&self.vectors)
    }

    pub(in crate::cli) fn storage(&self) -> StorageOptions {
        self.storage.options()
    }
}

/// Loads a file of vectors, or that in a directory, such as a saved model or what `train` has written.
pub(in crate::cli) fn load_vectors(path: &str, storage: StorageOptions, progress: &Progress) -> Result<KeyedVectors> {
    let location = match Path::new(path).is_dir() {
        true => Location::from(Path::new(path).join("vectors.arrow")),
        false => streams::input(path, storage),
    };
    KeyedVectors::load_with(location, &LoadOptions::default(), progress)
}

#[derive(Args)]
pub(in crate::cli) struct StorageArgs {
    /// A setting of the object store, as in Polars' storage_options; may be given several times. Keys and secrets are
    /// better left to the environment, where other users of the machine do not see them.
    #[arg(long = "storage-option", value_name = "NAME=VALUE", value_parser = parse_storage_option)]
    storage_options: Vec<(String, String)>,
}

impl StorageArgs {
    pub(in crate::cli) fn options(&self) -> StorageOptions {
        self.storage_options.iter().cloned().collect()
    }
}
