//! A checkpoint whose `config.json` is not what was written: resumed, and trained to the end if it can be.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use polargram::corpus::FileCorpus;
use polargram::models::{Checkpoint, Every, TrainOptions};
use polargram::{Progress, Word2Vec};
use polargram_fuzz::{allow_caught_panics, config, place, small_checkpoint, small_corpus};

static CHECKPOINT: LazyLock<(Checkpoint, FileCorpus)> = LazyLock::new(|| {
    let checkpoint = Checkpoint::new(place("checkpoint"), Every::Epoch);
    small_checkpoint(&checkpoint, &Progress::default());
    (checkpoint, small_corpus(&Progress::default()))
});

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let (checkpoint, corpus) = &*CHECKPOINT;
    fs::write(checkpoint.directory().join("config.json"), data).expect("a file in the temporary directory");
    if let Ok(Some((model, resume))) = checkpoint.resume::<Word2Vec>(&config()) {
        let options = TrainOptions { resume: Some(&resume), is_vocabulary_corpus: true, ..TrainOptions::default() };
        let _ = model.train(corpus, &options, &mut (), &Progress::default());
    }
});
