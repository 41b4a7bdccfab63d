//! A corpus in Parquet: whole, and filtered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::corpus::ReadOptions;
use polargram_fuzz::{COLUMN, allow_caught_panics, file, read_corpus};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let path = file("corpus.parquet", data);
    for filter in [None, Some("n > 1".to_owned())] {
        let _ = read_corpus(&path, &ReadOptions { filter, ..ReadOptions::column(COLUMN) });
    }
});
