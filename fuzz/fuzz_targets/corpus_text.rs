//! A corpus in plain text, in each layout and with each way of treating invalid UTF-8.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::corpus::{ReadOptions, TextLayout, TextOptions, Utf8Errors};
use polargram_fuzz::{COLUMN, allow_caught_panics, file, read_corpus};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let path = file("corpus.txt", data);
    for layout in [TextLayout::Lines, TextLayout::Text8, TextLayout::Brown] {
        for errors in [Utf8Errors::Strict, Utf8Errors::Replace, Utf8Errors::Ignore] {
            let text = TextOptions { layout, errors, max_sentence_length: Some(3), ..TextOptions::default() };
            let _ = read_corpus(&path, &ReadOptions { text, ..ReadOptions::column(COLUMN) });
        }
    }
});
