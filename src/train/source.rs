//! Where the batches of an epoch come from.

use crate::encode::{Encoded, Encoder, Spool};
use crate::error::Error;

/// Where the batches of an epoch come from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// A corpus that was encoded before.
    Spool(&'a Spool),
    /// A corpus that is encoded again in every epoch, while the workers train: slower, but nothing of the corpus is
    /// kept.
    Stream {
        /// Encodes the corpus.
        encoder: Encoder<'a>,
        /// What the encoder found in the corpus the first time.
        encoded: Encoded,
    },
}

impl Source<'_> {
    /// What the corpus holds.
    pub fn encoded(&self) -> Encoded {
        match self {
            Self::Spool(spool) => spool.encoded(),
            Self::Stream { encoded, .. } => *encoded,
        }
    }
}

/// The error for a corpus that gives something else when it is read again.
pub(crate) fn corpus_changed(first: Encoded, second: Encoded) -> Error {
    let reason = match first.raw_tokens == second.raw_tokens {
        true => "gave other tokens when read again".to_owned(),
        false => format!("gave {} tokens when read first and {} when read again", first.raw_tokens, second.raw_tokens),
    };
    Error::corpus(
        "corpus",
        format!(
            "{reason}. A corpus must give the same each time: pass a list, or an object whose __iter__ starts again."
        ),
    )
}
