//! fastText's models, all of their words and the first two, and a word that they do not have.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::formats::LoadOptions;
use polargram::{KeyedVectors, Progress};
use polargram_fuzz::{allow_caught_panics, file, use_vectors};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let path = file("vectors_fasttext.bin", data);
    for limit in [None, Some(2)] {
        let options = LoadOptions { limit, ..LoadOptions::default() };
        if let Ok(vectors) = KeyedVectors::load_with(&path, &options, &Progress::default()) {
            use_vectors(&vectors);
            if let Some(subwords) = vectors.subwords() {
                assert_eq!(subwords.vector("an unknown wörd").len(), vectors.vector_size());
            }
        }
    }
});
