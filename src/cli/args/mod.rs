//! The arguments that commands share, and how their values are written.

mod corpus;
mod messages;
mod output;
mod parameters;
mod values;
mod vectors;

pub(super) use corpus::CorpusArgs;
pub(super) use messages::Messages;
pub(super) use output::{OutputArgs, format_parser};
pub(super) use parameters::Parameters;
pub(super) use values::{parse_bytes, parse_connector_words, parse_every, parse_split};
pub(super) use vectors::{StorageArgs, VectorsArgs, load_vectors};
