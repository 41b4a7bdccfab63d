//! A corpus in compressed text: each decompressor reads the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::corpus::ReadOptions;
use polargram_fuzz::{COLUMN, allow_caught_panics, file, read_corpus};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    for ending in ["gz", "bz2", "zst", "xz"] {
        let _ = read_corpus(&file(&format!("corpus.txt.{ending}"), data), &ReadOptions::column(COLUMN));
    }
});
