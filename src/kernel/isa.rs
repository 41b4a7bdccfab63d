//! The instruction sets that the kernel is compiled for, and the choice of one.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use crate::error::{Error, Result};

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
    /// All instruction sets, the fastest first.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::Neon, Self::Portable];

    /// The fastest instruction set of this machine, or the one that the environment variable `POLARGRAM_ISA` names
    /// (avx512, avx2, neon, portable).
    ///
    /// # Errors
    /// [`Error::Parameter`] if the variable names no instruction set, or one that this machine lacks.
    pub fn detect() -> Result<Self> {
        let Ok(name) = std::env::var("POLARGRAM_ISA") else { return Ok(Self::fastest()) };
        let isa: Self = name.parse()?;
        if isa.is_available() {
            Ok(isa)
        } else {
            Err(Error::parameter("POLARGRAM_ISA", format!("this machine does not have {isa}")))
        }
    }

    /// The instruction set that searches use. Only training reports a bad POLARGRAM_ISA: a search cannot fail because of
    /// it.
    pub(super) fn of_search() -> Self {
        static ISA: LazyLock<Isa> = LazyLock::new(|| Isa::detect().unwrap_or_else(|_| Isa::fastest()));
        *ISA
    }

    /// The fastest instruction set of this machine.
    pub(super) fn fastest() -> Self {
        Self::ALL.into_iter().find(|isa| isa.is_available()).unwrap_or(Self::Portable)
    }

    /// True if this machine has the instruction set.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            Self::Portable => true,
            #[allow(unreachable_patterns, reason = "each architecture lacks some of them")]
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
            Error::parameter("POLARGRAM_ISA", format!("{name:?} is not one of avx512, avx2, neon, portable"))
        })
    }
}
