//! What a forked child may do, and code of others that may panic.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::process;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};

/// The process that first started threads; 0 before.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Whether this process may use thread pools. A child that was forked after its parent started them has none of their
/// threads: work given to a pool would wait for ever.
pub(crate) fn can_use_thread_pools() -> bool {
    let this = process::id();
    OWNER.compare_exchange(0, this, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        || OWNER.load(Ordering::Relaxed) == this
}

/// # Errors
/// [`Error::Forked`] in a child that [has no threads](can_use_thread_pools).
pub(crate) fn ensure_not_forked() -> Result<()> {
    if can_use_thread_pools() { Ok(()) } else { Err(Error::Forked) }
}

thread_local! {
    /// Whether this thread's panics are caught, and so not worth a report.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What a decoder of somebody else's gives, or `None` if it panics, as some do on damaged files. Nothing is printed
/// then.
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
    // What was being decoded is not used any more.
    let decoded = catch_unwind(AssertUnwindSafe(decode)).ok();
    IS_CAUGHT.set(before);
    decoded
}
