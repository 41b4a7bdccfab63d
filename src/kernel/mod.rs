//! The one computation that every model of the family shares.
//!
//! For `n` input rows X, `t` target rows Y, and for each pair how often the target stands there as the right one, A,
//! and how often at all, B (mostly 1 and 1, or 0 and 1), with learning rate `lr`:
//!
//! ```text
//! G = (A − B·σ(X·Yᵀ)) · lr      (n × t)
//! X += G·Y        Y += Gᵀ·X_old
//! ```
//!
//! (Mikolov et al. 2013, equation 4 and its gradient; for a batch of inputs as in Ji et al. 2016, "Parallelizing
//! Word2Vec in Shared and Distributed Memory".) A model family says which rows are inputs and which are targets; this
//! module knows nothing of words.

// Indexed loops over arrays of known length unroll into registers. Iterators and `array::map` may not be inlined, and
// then leave the instruction set that the caller enabled.
#[allow(clippy::needless_range_loop, reason = "see above")]
mod block;
mod buffer;
#[allow(clippy::undocumented_unsafe_blocks, reason = "every method's contract is that of the trait")]
mod lanes;
mod matrix;
#[cfg(target_arch = "aarch64")]
#[allow(clippy::undocumented_unsafe_blocks, reason = "every method's contract is that of the trait")]
mod neon;
#[cfg(target_arch = "x86_64")]
#[allow(clippy::undocumented_unsafe_blocks, reason = "every method's contract is that of the trait")]
mod x86;

use std::fmt;
use std::str::FromStr;

pub use block::Scratch;
pub(crate) use buffer::AlignedBuffer;
pub use matrix::Matrix;
pub(crate) use matrix::{load_relaxed, store_relaxed};

use crate::error::{Error, Result};

/// The most floats in a register on any path: rows are padded to a multiple of it, so that no path needs a tail.
pub const MAX_WIDTH: usize = 16;

/// An instruction set that the kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// AVX-512F, 16 lanes.
    Avx512,
    /// AVX2 and FMA, 8 lanes.
    Avx2,
    /// NEON, 4 lanes.
    Neon,
    /// Plain Rust over relaxed atomics.
    Portable,
}

impl Isa {
    /// All of them, the fastest first.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::Neon, Self::Portable];

    /// The fastest one that this machine has. `POLARGRAM_ISA` (avx512, avx2, neon, portable) overrides the choice.
    pub fn detect() -> Result<Self> {
        let Ok(name) = std::env::var("POLARGRAM_ISA") else {
            return Ok(Self::ALL.into_iter().find(|isa| isa.is_available()).unwrap_or(Self::Portable));
        };
        let isa: Self = name.parse()?;
        if isa.is_available() {
            Ok(isa)
        } else {
            Err(Error::parameter("POLARGRAM_ISA", format!("this machine has no {isa}")))
        }
    }

    /// Whether this machine can run it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            Self::Portable => true,
            #[allow(unreachable_patterns, reason = "each architecture lacks some")]
            _ => false,
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Portable => "portable",
        })
    }
}

impl FromStr for Isa {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|isa| isa.to_string() == name).ok_or_else(|| {
            Error::parameter("POLARGRAM_ISA", format!("{name:?} is none of avx512, avx2, neon, portable"))
        })
    }
}

/// One block. Rows have `stride` floats and are aligned to 64 bytes, as [`Matrix`](crate::kernel::Matrix) gives them.
pub struct Block<'a> {
    /// X, n rows, all different.
    pub inputs: &'a [*mut f32],
    /// Y, t rows, all different.
    pub targets: &'a [*mut f32],
    /// A, n × t, and room for whole registers behind it: at least `(n · t)` rounded up to [`MAX_WIDTH`] floats.
    pub positive: &'a [f32],
    /// B, as A.
    pub total: &'a [f32],
    /// Rows of the next block, in two parts: the cache is asked for them a line at a time between the multiply-adds,
    /// since it takes only so many requests at once, and others would wait.
    pub next: [&'a [*mut f32]; 2],
    /// Floats in a row, a multiple of [`MAX_WIDTH`].
    pub stride: usize,
    /// The learning rate.
    pub rate: f32,
}

/// A row that others were pooled in.
#[derive(Clone, Copy)]
pub(crate) struct Pooled {
    pub(crate) row: *mut f32,
    /// Where a copy of it is kept from before its update.
    pub(crate) before: *mut f32,
}

/// Makes `$name` run `$body` with `$L` as the best [`Lanes`](lanes::Lanes) of an instruction set, compiled for it.
macro_rules! dispatched {
    ($(#[$doc:meta])* $visibility:vis $name:ident($($arg:ident: $type:ty),*) = $body:ident) => {
        $(#[$doc])*
        #[inline]
        $visibility unsafe fn $name(isa: Isa, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            unsafe fn avx512($($arg: $type),*) {
                // SAFETY: passed on to the caller.
                unsafe { block::$body::<x86::Avx512>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($arg: $type),*) {
                // SAFETY: passed on to the caller.
                unsafe { block::$body::<x86::Avx2>($($arg),*) }
            }
            // SAFETY: passed on to the caller.
            unsafe {
                match isa {
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 => avx512($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx2 => avx2($($arg),*),
                    #[cfg(target_arch = "aarch64")]
                    Isa::Neon => block::$body::<neon::Neon>($($arg),*),
                    _ => block::$body::<lanes::Portable>($($arg),*),
                }
            }
        }
    };
}

dispatched! {
    /// Trains one block in place.
    ///
    /// # Safety
    /// `isa` is available; every row pointer is valid for `stride` floats and 64-byte aligned; `stride` is a multiple
    /// of [`MAX_WIDTH`]; A and B are as long as [`Block`] says. Other threads may update the same rows meanwhile: see
    /// [`Matrix`](crate::kernel::Matrix) for why that is accepted.
    pub train_block(block: &Block<'_>, scratch: &mut Scratch) = train
}

dispatched! {
    /// `share · Σ rows`, written to both rows of `to`.
    ///
    /// # Safety
    /// As for [`train_block`].
    pub(crate) pool_rows(rows: &[*mut f32], share: f32, to: Pooled, stride: usize) = pool
}

dispatched! {
    /// Adds to each row `share` times what has changed in `from` since [`pool_rows`] wrote it.
    ///
    /// # Safety
    /// As for [`train_block`].
    pub(crate) spread_change(from: Pooled, rows: &[*mut f32], share: f32, stride: usize) = spread
}

dispatched! {
    /// # Safety
    /// `isa` is available.
    run_chains(rounds: u64, flops: &mut u64) = chains
}

/// Keeps the multiply-add units of one core as busy as can be, and returns the floating-point operations done: time it
/// to learn the machine's peak. 0 if `isa` is not available.
pub fn fma_peak(isa: Isa, rounds: u64) -> u64 {
    let mut flops = 0;
    if isa.is_available() {
        // SAFETY: just checked.
        unsafe { run_chains(isa, rounds, &mut flops) };
    }
    flops
}

/// Asks the cache for a row that will be trained soon.
#[inline(always)]
pub(crate) fn prefetch_row(row: *const f32, stride: usize) {
    for at in (0..stride).step_by(MAX_WIDTH) {
        // SAFETY: within the row.
        prefetch(unsafe { row.add(at) });
    }
}

/// Asks the cache for the line that something lies in.
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

#[cfg(test)]
mod tests;
