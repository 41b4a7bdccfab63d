//! gensim's own files and VarEmbed's: pickles, of which nothing is ever run. As vectors, and as a model to train on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::{KeyedVectors, Word2Vec};
use polargram_fuzz::{allow_caught_panics, file, use_vectors};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let path = file("vectors.kv", data);
    if let Ok(vectors) = KeyedVectors::load(&path) {
        use_vectors(&vectors);
    }
    if let Ok(saved) = Word2Vec::load(&path) {
        use_vectors(&saved.model.vectors().expect("a model with its vectors"));
    }
});
