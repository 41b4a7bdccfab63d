//! A corpus in `.npy`: ids, or lists of strings in a pickle, of which nothing is ever run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::corpus::ReadOptions;
use polargram_fuzz::{COLUMN, allow_caught_panics, file, read_corpus};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let _ = read_corpus(&file("corpus.npy", data), &ReadOptions::column(COLUMN));
});
