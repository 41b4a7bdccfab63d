//! A bundle. The first byte says what the rest is: the description in a directory, an array of it, or a zip file.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use polargram::bundle::{Bundle, Content};
use polargram::{Location, Progress};
use polargram_fuzz::{allow_caught_panics, file, place, small_bundle};

const FILES: [&str; 2] = ["bundle.json", "v.npy"];
/// The files as they were written.
static SOUND: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    small_bundle("bundle");
    FILES.map(|name| fs::read(place("bundle").join(name)).expect("a file of the bundle"))
});

fn read_all(entries: &[(String, Content)]) {
    for (_, content) in entries {
        match content {
            Content::Array(array) => drop(array.read().expect("an array of a checked bundle")),
            Content::Group(entries) => read_all(entries),
            Content::Value(_) | Content::Vectors(_) => {}
        }
    }
}

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let Some((&which, data)) = data.split_first() else { return };
    let sound = &*SOUND;
    let location = match usize::from(which) % 3 {
        2 => Location::from(file("bundle.zip", data)),
        which => {
            for (at, name) in FILES.into_iter().enumerate() {
                let content = if at == which { data } else { &sound[at] };
                fs::write(place("bundle").join(name), content).expect("a file in the temporary directory");
            }
            Location::from(place("bundle"))
        }
    };
    if let Ok(bundle) = Bundle::open(&location, &["ignored".to_owned()], &Progress::default()) {
        read_all(&bundle.entries);
    }
});
