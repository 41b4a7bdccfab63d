//! Requests to the cache, ahead of use.

use super::matrix::MAX_WIDTH;

/// Asks the cache for a row of `stride` floats that will be trained soon.
#[inline(always)]
pub(crate) fn prefetch_row(row: *const f32, stride: usize) {
    for at in (0..stride).step_by(MAX_WIDTH) {
        // SAFETY: inside the row.
        prefetch(unsafe { row.add(at) });
    }
}

/// Asks the cache for the line that holds a value.
#[inline(always)]
pub(crate) fn prefetch<T>(line: *const T) {
    // SAFETY: a prefetch of any address is harmless.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(line.cast());
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{0}]", in(reg) line.cast::<u8>(), options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = line;
}
