//! A corpus in Arrow IPC: file or stream, by its first bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::corpus::ReadOptions;
use polargram_fuzz::{COLUMN, allow_caught_panics, file, read_corpus};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let _ = read_corpus(&file("corpus.arrow", data), &ReadOptions::column(COLUMN));
});
