//! Memory for rows that grow where they lie, so that views of them stay views.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use mapping::Mapping;

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
        Self { mapping, used: Mutex::new(bytes), version: AtomicU64::new(0) }
    }

    /// Appends zeros to the first `bytes`, up to `grown` in all. False if they are not the only ones in use, or if there
    /// is no room behind them.
    pub(super) fn grow(&self, bytes: usize, grown: usize) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let has_grown = *used == bytes && self.mapping.commit(grown).is_ok();
        if has_grown {
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

/// Address space is reserved without access, which takes no memory and counts towards no limit on memory. Access is
/// given to what is used.
#[cfg(all(any(target_os = "linux", target_os = "macos"), not(miri)))]
mod mapping {
    use std::ffi::c_void;
    use std::io;
    use std::ptr::{self, NonNull};

    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

    pub(super) struct Mapping {
        start: NonNull<c_void>,
        reserved: usize,
    }

    // SAFETY: the mapping owns its memory, on whatever thread it is.
    unsafe impl Send for Mapping {}
    // SAFETY: it gives out a pointer, and has no other state that changes.
    unsafe impl Sync for Mapping {}

    impl Mapping {
        /// `reserved` bytes, of which the first `bytes` can be accessed.
        pub(super) fn new(bytes: usize, reserved: usize) -> io::Result<Self> {
            let reserved = reserved.max(bytes).max(1);
            // SAFETY: the system chooses where, so nothing else is there.
            let start = unsafe { mmap_anonymous(ptr::null_mut(), reserved, ProtFlags::empty(), MapFlags::PRIVATE) }?;
            let start = NonNull::new(start).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
            let mapping = Self { start, reserved };
            mapping.commit(bytes)?;
            Ok(mapping)
        }

        /// Gives access to the first `bytes`, of which those that had none are zero.
        pub(super) fn commit(&self, bytes: usize) -> io::Result<()> {
            if bytes > self.reserved {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            let start = self.start.as_ptr();
            // SAFETY: within the mapping, which nobody relies on to be inaccessible.
            unsafe { mprotect(start, bytes.max(1), MprotectFlags::READ | MprotectFlags::WRITE) }?;
            super::prefer_huge_pages(start.cast(), bytes.max(1));
            Ok(())
        }

        pub(super) fn start(&self) -> NonNull<u8> {
            self.start.cast()
        }
    }

    impl Drop for Mapping {
        fn drop(&mut self) {
            // SAFETY: whoever has a pointer into the mapping keeps the mapping.
            let _ = unsafe { munmap(self.start.as_ptr(), self.reserved) };
        }
    }

    /// False if address space is limited, which other things need then.
    pub(super) fn may_reserve() -> bool {
        rustix::process::getrlimit(rustix::process::Resource::As).current.is_none()
    }
}

/// Elsewhere memory cannot grow where it lies. Miri knows only mappings that can be accessed as a whole.
#[cfg(not(all(any(target_os = "linux", target_os = "macos"), not(miri))))]
mod mapping {
    use std::io;
    use std::ptr::NonNull;

    use memmap2::MmapMut;

    pub(super) struct Mapping {
        /// Only accessed through `start`.
        _memory: MmapMut,
        start: NonNull<u8>,
        reserved: usize,
    }

    // SAFETY: the mapping owns its memory, on whatever thread it is.
    unsafe impl Send for Mapping {}
    // SAFETY: it gives out a pointer, and has no other state that changes.
    unsafe impl Sync for Mapping {}

    impl Mapping {
        pub(super) fn new(bytes: usize, reserved: usize) -> io::Result<Self> {
            let reserved = if cfg!(miri) { reserved.min(1 << 16).max(bytes).max(1) } else { bytes.max(1) };
            let mut memory = MmapMut::map_anon(reserved)?;
            let start = NonNull::from(memory.as_mut()).cast();
            Ok(Self { _memory: memory, start, reserved })
        }

        pub(super) fn commit(&self, bytes: usize) -> io::Result<()> {
            if bytes <= self.reserved { Ok(()) } else { Err(io::ErrorKind::OutOfMemory.into()) }
        }

        pub(super) fn start(&self) -> NonNull<u8> {
            self.start
        }
    }

    pub(super) fn may_reserve() -> bool {
        cfg!(miri)
    }
}
