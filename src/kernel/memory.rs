//! Memory for rows that grow where they lie, so that views of them stay views.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::mapping::{self, Mapping};

/// How many times its size memory may grow to where it lies.
const GROWTH: usize = 8;
/// What small memory may grow to, in bytes.
const LEAST_RESERVED: usize = 64 << 20;
/// The same where address space is not reserved.
const LEAST_ROOM: usize = 64 << 10;

/// Zeros at the start of a page, and address space behind them.
pub(super) struct Memory {
    mapping: Mapping,
    /// Bytes that matrices have. Only the matrix that has all of them may append to them.
    used: Mutex<usize>,
    /// Raised when values have changed from which something else was computed.
    version: AtomicU64,
}

impl Memory {
    /// `bytes` that cannot grow.
    pub(super) fn fixed(bytes: usize) -> io::Result<Self> {
        Ok(Self::over(Mapping::new(bytes, bytes)?, bytes))
    }

    /// `bytes` that can grow, where the system has the address space for it.
    pub(super) fn growing(bytes: usize) -> io::Result<Self> {
        let reserved = bytes.saturating_mul(GROWTH).max(LEAST_RESERVED);
        if let Some(mapping) = mapping::may_reserve().then(|| Mapping::new(bytes, reserved).ok()).flatten() {
            return Ok(Self::over(mapping, bytes));
        }
        Self::fixed(bytes)
    }

    /// [`growing`](Self::growing), but where address space is not reserved, `bytes` more are there from the start. The
    /// system backs them when they are touched.
    pub(super) fn with_room(bytes: usize) -> io::Result<Self> {
        if mapping::may_reserve() {
            return Self::growing(bytes);
        }
        let room = bytes.saturating_mul(2).max(LEAST_ROOM);
        Mapping::new(room, room).map_or_else(|_| Self::fixed(bytes), |mapping| Ok(Self::over(mapping, bytes)))
    }

    fn over(mapping: Mapping, bytes: usize) -> Self {
        prefer_huge_pages(mapping.start().as_ptr(), bytes.max(1));
        Self { mapping, used: Mutex::new(bytes), version: AtomicU64::new(0) }
    }

    /// Appends zeros to the first `bytes`, up to `grown` in all. False if they are not the only ones in use, or if there
    /// is no room behind them.
    pub(super) fn grow(&self, bytes: usize, grown: usize) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let has_grown = *used == bytes && self.mapping.commit(grown).is_ok();
        if has_grown {
            prefer_huge_pages(self.mapping.start().as_ptr(), grown.max(1));
            *used = grown;
        }
        has_grown
    }

    pub(super) fn start(&self) -> NonNull<u8> {
        self.mapping.start()
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(super) fn change(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// Zeros, on huge pages where the system gives them.
pub(crate) fn zeros(len: usize) -> Vec<f32> {
    let zeros = vec![0.0f32; len];
    // Whole pages of 4 KiB, which no other memory shares.
    let (start, end) = (zeros.as_ptr().addr().next_multiple_of(4096), zeros.as_ptr().addr() + size_of_val(&zeros[..]));
    if end > start + LEAST_HUGE {
        prefer_huge_pages(zeros.as_ptr().cast::<u8>().cast_mut().with_addr(start), (end - start) / 4096 * 4096);
    }
    zeros
}

/// Less memory than this is not worth the call.
const LEAST_HUGE: usize = 4 << 20;

/// Rows are accessed at random: with pages of 4 KiB nearly every access would miss the TLB. A refusal costs only speed.
/// The memory is the caller's own, and starts at a page; it keeps its values.
fn prefer_huge_pages(_start: *mut u8, _bytes: usize) {
    #[cfg(all(target_os = "linux", not(miri)))]
    // SAFETY: the advice changes no values.
    let _ = unsafe { rustix::mm::madvise(_start.cast(), _bytes, rustix::mm::Advice::LinuxHugepage) };
}
