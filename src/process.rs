//! What a forked child may do.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};

/// The process that first started threads; 0 before.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Whether this process may use thread pools. A child that was forked after its parent started them has none of their
/// threads: work given to a pool would wait for ever.
pub(crate) fn has_threads() -> bool {
    let this = process::id();
    OWNER.compare_exchange(0, this, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        || OWNER.load(Ordering::Relaxed) == this
}

/// # Errors
/// [`Error::Forked`] in a child that [has no threads](has_threads).
pub(crate) fn need_threads() -> Result<()> {
    if has_threads() { Ok(()) } else { Err(Error::Forked) }
}
