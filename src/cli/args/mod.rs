//! The arguments that commands share, and how their values are written.

mod corpus;
mod output;
mod parameters;
mod values;

pub(super) use corpus::CorpusArgs;
pub(super) use output::OutputArgs;
pub(super) use parameters::Parameters;
pub(super) use values::{parse_bytes, parse_connector_words, parse_every};
