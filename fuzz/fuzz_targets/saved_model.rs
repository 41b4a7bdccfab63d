//! A saved model, one file of which is not what was written. The first byte says which.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use polargram::{Progress, Word2Vec};
use polargram_fuzz::{allow_caught_panics, place, small_model, use_vectors};

const FILES: [&str; 3] = ["config.json", "vectors.arrow", "output.npy"];
/// The files as they were written.
static SOUND: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    small_model(&Progress::default()).save(place("model"), serde_json::Value::Null).expect("a model that can be saved");
    FILES.map(|name| fs::read(place("model").join(name)).expect("a file of the model"))
});

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let Some((&which, data)) = data.split_first() else { return };
    let which = usize::from(which) % FILES.len();
    let path = place("model").join(FILES[which]);
    let sound = &SOUND[which];
    fs::write(&path, data).expect("a file in the temporary directory");
    if let Ok(saved) = Word2Vec::load(place("model")) {
        use_vectors(&saved.model.vectors().expect("a model with its vectors"));
    }
    fs::write(&path, sound).expect("a file in the temporary directory");
});
