//! Forked processes, and code of other crates that may panic.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::process;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};

/// The id of the process that first used thread pools, or 0.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// True if this process may use thread pools. A child that was forked after its parent started a pool has none of the
/// pool's threads: it would wait forever for work that it gives to the pool.
pub(crate) fn can_use_thread_pools() -> bool {
    let this = process::id();
    OWNER.compare_exchange(0, this, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        || OWNER.load(Ordering::Relaxed) == this
}

/// # Errors
/// [`Error::Forked`] in a process that [cannot use thread pools](can_use_thread_pools).
pub(crate) fn ensure_not_forked() -> Result<()> {
    if can_use_thread_pools() { Ok(()) } else { Err(Error::Forked) }
}

thread_local! {
    /// True while [`catch_panic`] catches the panics of this thread, which are not printed then.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Runs a decoder of another crate. Returns `None` if it panics, as some do on damaged files, and prints nothing then.
pub(crate) fn catch_panic<T>(decode: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_CAUGHT.get() {
                report(panic);
            }
        }));
    });
    let before = IS_CAUGHT.replace(true);
    // Unwind safe: after a panic nothing uses what the decoder has touched.
    let decoded = catch_unwind(AssertUnwindSafe(decode)).ok();
    IS_CAUGHT.set(before);
    decoded
}
