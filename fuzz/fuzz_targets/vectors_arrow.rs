//! Vectors in Arrow IPC, mapped into memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::KeyedVectors;
use polargram_fuzz::{allow_caught_panics, file, use_vectors};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    if let Ok(vectors) = KeyedVectors::load(file("vectors.arrow", data)) {
        use_vectors(&vectors);
    }
});
