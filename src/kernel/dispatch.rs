//! One function for all instruction sets: the body is written once over [`Lanes`](super::lanes::Lanes) and compiled for
//! each set.

/// Makes `$name` run `$body` with the [`Lanes`](super::lanes::Lanes) of the instruction set `isa`. `$body` takes the
/// same arguments without `isa`.
macro_rules! dispatched {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = $body:ident) => {
        $(#[$doc])*
        #[inline]
        $visibility unsafe fn $name(isa: $crate::kernel::Isa, $($arg: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            unsafe fn avx512($($arg: $type),*) $(-> $result)? {
                // SAFETY: passed on to the caller.
                unsafe { $body::<$crate::kernel::x86::Avx512>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($arg: $type),*) $(-> $result)? {
                // SAFETY: passed on to the caller.
                unsafe { $body::<$crate::kernel::x86::Avx2>($($arg),*) }
            }
            // SAFETY: passed on to the caller.
            unsafe {
                match isa {
                    #[cfg(target_arch = "x86_64")]
                    $crate::kernel::Isa::Avx512 => avx512($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    $crate::kernel::Isa::Avx2 => avx2($($arg),*),
                    #[cfg(target_arch = "aarch64")]
                    $crate::kernel::Isa::Neon => $body::<$crate::kernel::neon::Neon>($($arg),*),
                    _ => $body::<$crate::kernel::portable::Portable>($($arg),*),
                }
            }
        }
    };
}

pub(super) use dispatched;
