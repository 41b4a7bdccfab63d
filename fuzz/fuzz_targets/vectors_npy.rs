//! Vectors in `.npy`, mapped into memory, and the words and counts beside them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::KeyedVectors;
use polargram_fuzz::{allow_caught_panics, file, two_files, use_vectors};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let (words, matrix) = two_files(data);
    file("vectors.vocab.txt", words);
    if let Ok(vectors) = KeyedVectors::load(file("vectors.npy", matrix)) {
        use_vectors(&vectors);
    }
});
