//! Vectors in Arrow IPC, mapped into memory and from bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::KeyedVectors;
use polargram_fuzz::{allow_caught_panics, file, use_vectors};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let _ = polargram::formats::from_bytes(data, "bytes".as_ref());
    if let Ok(vectors) = KeyedVectors::load(file("vectors.arrow", data)) {
        use_vectors(&vectors);
    }
});
