//! Memory from the system, with address space behind it.

pub(super) use system::{Mapping, may_reserve};

// SAFETY: the mapping owns its memory, on whatever thread it is.
unsafe impl Send for Mapping {}
// SAFETY: it gives out a pointer, and has no other state that changes.
unsafe impl Sync for Mapping {}

/// Address space is reserved without access, which takes no memory and counts towards no limit on memory. Access is
/// given to what is used.
#[cfg(all(any(target_os = "linux", target_os = "macos"), not(miri)))]
mod system {
    use std::ffi::c_void;
    use std::io;
    use std::ptr::{self, NonNull};

    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

    #[derive(Debug)]
    pub(in crate::kernel) struct Mapping {
        start: NonNull<c_void>,
        reserved: usize,
    }

    impl Mapping {
        /// `reserved` bytes, of which the first `bytes` can be accessed.
        pub(in crate::kernel) fn new(bytes: usize, reserved: usize) -> io::Result<Self> {
            let reserved = reserved.max(bytes).max(1);
            // SAFETY: the system chooses where, so nothing else is there.
            let start = unsafe { mmap_anonymous(ptr::null_mut(), reserved, ProtFlags::empty(), MapFlags::PRIVATE) }?;
            let start = NonNull::new(start).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
            let mapping = Self { start, reserved };
            mapping.commit(bytes)?;
            Ok(mapping)
        }

        /// Gives access to the first `bytes`, of which those that had none are zero.
        pub(in crate::kernel) fn commit(&self, bytes: usize) -> io::Result<()> {
            if bytes > self.reserved {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            let start = self.start.as_ptr();
            // SAFETY: within the mapping, which nobody relies on to be inaccessible.
            unsafe { mprotect(start, bytes.max(1), MprotectFlags::READ | MprotectFlags::WRITE) }?;
            Ok(())
        }

        /// Of memory that is touched piece by piece, huge pages would be backed long before they are full.
        pub(in crate::kernel) fn avoid_huge_pages(&self) {
            #[cfg(target_os = "linux")]
            // SAFETY: the advice changes no values.
            let _ =
                unsafe { rustix::mm::madvise(self.start.as_ptr(), self.reserved, rustix::mm::Advice::LinuxNoHugepage) };
        }

        pub(in crate::kernel) fn start(&self) -> NonNull<u8> {
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
    pub(in crate::kernel) fn may_reserve() -> bool {
        rustix::process::getrlimit(rustix::process::Resource::As).current.is_none()
    }
}

/// Elsewhere memory cannot grow where it lies. Miri knows only mappings that can be accessed as a whole.
#[cfg(not(all(any(target_os = "linux", target_os = "macos"), not(miri))))]
mod system {
    use std::io;
    use std::ptr::NonNull;

    use memmap2::MmapMut;

    #[derive(Debug)]
    pub(in crate::kernel) struct Mapping {
        /// Only accessed through `start`.
        _memory: MmapMut,
        start: NonNull<u8>,
        reserved: usize,
    }

    impl Mapping {
        pub(in crate::kernel) fn new(bytes: usize, reserved: usize) -> io::Result<Self> {
            let reserved = if cfg!(miri) { reserved.min(1 << 16).max(bytes).max(1) } else { bytes.max(1) };
            let mut memory = MmapMut::map_anon(reserved)?;
            let start = NonNull::from(memory.as_mut()).cast();
            Ok(Self { _memory: memory, start, reserved })
        }

        pub(in crate::kernel) fn commit(&self, bytes: usize) -> io::Result<()> {
            if bytes <= self.reserved { Ok(()) } else { Err(io::ErrorKind::OutOfMemory.into()) }
        }

        pub(in crate::kernel) fn avoid_huge_pages(&self) {}

        pub(in crate::kernel) fn start(&self) -> NonNull<u8> {
            self.start
        }
    }

    pub(in crate::kernel) fn may_reserve() -> bool {
        cfg!(miri)
    }
}
