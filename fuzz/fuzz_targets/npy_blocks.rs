//! An array read by blocks. The first byte says how many rows a block has.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polargram::npy::Blocks;
use polargram_fuzz::{allow_caught_panics, file};

/// Blocks of rows without values may be any number.
const BLOCKS: usize = 1000;

fuzz_target!(init: allow_caught_panics(), |data: &[u8]| {
    let Some((&rows, data)) = data.split_first() else { return };
    let Ok(blocks) = Blocks::open(file("blocks.npy", data), rows.into()) else { return };
    let (size, length) = (blocks.array().size(), blocks.array().header().shape[0]);
    let read: u64 = blocks.take(BLOCKS).map(|block| block.expect("a block of a checked file").len() as u64).sum();
    assert!(read == size || length > BLOCKS as u64 * u64::from(rows));
});
