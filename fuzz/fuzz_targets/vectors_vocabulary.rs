//! The lines of word and count that give vectors their counts, with each way of treating invalid UTF-8.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::corpus::{StorageOptions, Utf8Errors};
use polargram::formats::{LoadOptions, load_word2vec_format};
use polargram::{Location, Progress};
use polargram_fuzz::{allow_caught_panics, file, two_files, use_vectors};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let (words, text) = two_files(data);
    let vocabulary = file("words.txt", words);
    let location = Location::new(file("vectors.txt", text), StorageOptions::default());
    for errors in [Utf8Errors::Strict, Utf8Errors::Replace, Utf8Errors::Ignore] {
        for integer_keys in [false, true] {
            let options = LoadOptions { errors, integer_keys, ..LoadOptions::default() };
            let vectors =
                load_word2vec_format(&location, false, Some(&vocabulary), &options, &Progress::default());
            if let Ok(vectors) = vectors {
                use_vectors(&vectors);
            }
        }
    }
});
