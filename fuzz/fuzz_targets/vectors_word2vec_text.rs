//! Vectors in word2vec's text format, with each way of treating invalid UTF-8.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::formats::{InvalidUtf8, ReadOptions, load_word2vec_format};
use polargram_fuzz::{allow_caught_panics, file, use_vectors};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let path = file("vectors.w2v", data);
    for invalid_utf8 in [InvalidUtf8::Strict, InvalidUtf8::Replace, InvalidUtf8::Ignore] {
        let options = ReadOptions { invalid_utf8, ..ReadOptions::default() };
        if let Ok(vectors) = load_word2vec_format(&path, false, None, &options) {
            use_vectors(&vectors);
        }
    }
});
