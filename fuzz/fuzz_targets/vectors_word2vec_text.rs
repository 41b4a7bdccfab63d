//! Vectors in word2vec's text format, with each way of treating invalid UTF-8, and without a header as integers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::corpus::Utf8Errors;
use polargram::formats::LoadOptions;
use polargram::{KeyedVectors, Progress};
use polargram_fuzz::{allow_caught_panics, file, use_vectors};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let path = file("vectors.txt", data);
    let of_text = [Utf8Errors::Strict, Utf8Errors::Replace, Utf8Errors::Ignore]
        .map(|errors| LoadOptions { errors, ..LoadOptions::default() });
    let of_integers = LoadOptions { integer_keys: true, no_header: true, ..LoadOptions::default() };
    for options in of_text.into_iter().chain([of_integers]) {
        if let Ok(vectors) = KeyedVectors::load_with(&path, &options, &Progress::default()) {
            use_vectors(&vectors);
        }
    }
});
