//! Tokens to word ids: done once, so that every epoch reads integers.

mod batch;
mod encoder;
mod in_order;
mod index;
mod sentences;
mod spool;
mod tokens;

pub use batch::Encoded;
pub(crate) use batch::EncodedBatch;
pub use encoder::{Encoder, encode};
pub(crate) use encoder::{measure, waiting_bytes};
pub use spool::{Spool, SpoolOptions};

#[cfg(test)]
mod tests;
