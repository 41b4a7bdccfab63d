//! Models of phrases: our own files, and gensim's pickles, of which nothing is ever run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::phrases::PhraseModel;
use polargram_fuzz::{SENTENCES, allow_caught_panics, file, place};

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let Ok(model) = PhraseModel::load(file("phrases", data)) else { return };
    // A model without its scoring function may have no phrases to give.
    let Ok(detectors) = model.detectors() else { return };
    for sentence in SENTENCES {
        let words: Vec<&str> = sentence.split(' ').collect();
        let tokens = detectors.analyze(&words).expect("phrases of a sentence");
        assert!(tokens.len() <= words.len());
    }
    model.save(place("again")).expect("a saved model");
    let again = PhraseModel::load(place("again")).expect("the model that was saved");
    assert_eq!(again.passes().len(), model.passes().len());
});
