//! Vectors under a name with any ending, or none: their format is told from their content. They may be compressed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::corpus::StorageOptions;
use polargram::formats::{LoadOptions, load_word2vec_format};
use polargram::{KeyedVectors, Location, Progress};
use polargram_fuzz::{VECTOR_NAMES, allow_caught_panics, file, use_vectors};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let Some((&which, data)) = data.split_first() else { return };
    let path = file(VECTOR_NAMES[usize::from(which) % VECTOR_NAMES.len()], data);
    let progress = Progress::default();
    for limit in [None, Some(2)] {
        let options = LoadOptions { limit, ..LoadOptions::default() };
        if let Ok(vectors) = KeyedVectors::load_with(&path, &options, &progress) {
            use_vectors(&vectors);
        }
        let location = Location::new(&path, StorageOptions::default());
        for binary in [false, true] {
            let _ = load_word2vec_format(&location, binary, None, &options, &progress);
        }
    }
});
