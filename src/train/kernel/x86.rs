//! AVX-512 and AVX2 + FMA registers.

use std::arch::x86_64::*;

use super::lanes::Lanes;

/// Sixteen lanes (AVX-512F).
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

// SAFETY: callers have checked for AVX-512F (`Isa::is_available`).
unsafe impl Lanes for Avx512 {
    const WIDTH: usize = 16;
    const INPUTS: usize = 4;
    const CHUNKS: usize = 2;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(_mm512_set1_ps(value)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(_mm512_load_ps(from)) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_store_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(_mm512_add_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        unsafe { Self(_mm512_div_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        unsafe { Self(_mm512_min_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        unsafe { Self(_mm512_max_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        unsafe { Self(_mm512_fmadd_ps(self.0, factor.0, addend.0)) }
    }
    #[inline(always)]
    unsafe fn round(self) -> Self {
        unsafe { Self(_mm512_roundscale_ps::<0>(self.0)) }
    }
    #[inline(always)]
    unsafe fn scale(self, exponent: Self) -> Self {
        unsafe { Self(_mm512_scalef_ps(self.0, exponent.0)) }
    }

    /// Four rounds of pairwise sums, over lanes of 256, 128, 64 and 32 bits. Each brings the halves of a pair together
    /// by one blend and one shuffle, so that 16 registers become one with 15 additions.
    #[inline(always)]
    unsafe fn sum_each(from: *const f32) -> Self {
        unsafe {
            let at = |i: usize| _mm512_load_ps(from.add(i * 16));
            let halves = |a: __m512, b: __m512| {
                let kept = _mm512_mask_blend_ps(0xFF00, a, b);
                _mm512_add_ps(kept, _mm512_shuffle_f32x4::<0b01_00_11_10>(a, b))
            };
            let quarters = |a: __m512, b: __m512| {
                let kept = _mm512_mask_blend_ps(0xF0F0, a, b);
                let (a, b) = (_mm512_castps_pd(a), _mm512_castps_pd(b));
                let moved = _mm512_permutex2var_pd(a, _mm512_set_epi64(13, 12, 7, 6, 9, 8, 3, 2), b);
                _mm512_add_ps(kept, _mm512_castpd_ps(moved))
            };
            let pairs = |a: __m512, b: __m512| {
                let kept = _mm512_mask_blend_ps(0xCCCC, a, b);
                let (a, b) = (_mm512_castps_pd(a), _mm512_castps_pd(b));
                _mm512_add_ps(kept, _mm512_castpd_ps(_mm512_shuffle_pd::<0b0101_0101>(a, b)))
            };
            let mut eight = [_mm512_setzero_ps(); 8];
            for i in 0..8 {
                eight[i] = halves(at(i), at(i + 8));
            }
            let mut four = [_mm512_setzero_ps(); 4];
            for i in 0..4 {
                four[i] = quarters(eight[i], eight[i + 4]);
            }
            let (even, odd) = (pairs(four[0], four[2]), pairs(four[1], four[3]));
            let kept = _mm512_mask_blend_ps(0xAAAA, even, odd);
            let moved = _mm512_mask_blend_ps(0xAAAA, odd, even);
            // `moved` holds (odd0, even1, odd2, even3 …); swapping neighbours brings even1 under even0 and odd0 under
            // odd1.
            Self(_mm512_add_ps(kept, _mm512_permute_ps::<0b10_11_00_01>(moved)))
        }
    }
}

/// Eight lanes (AVX2 and FMA).
#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256);

// SAFETY: callers have checked for AVX2 and FMA (`Isa::is_available`).
unsafe impl Lanes for Avx2 {
    const WIDTH: usize = 8;
    const INPUTS: usize = 2;
    const CHUNKS: usize = 1;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(_mm256_set1_ps(value)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(_mm256_load_ps(from)) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_store_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(_mm256_add_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        unsafe { Self(_mm256_div_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        unsafe { Self(_mm256_min_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        unsafe { Self(_mm256_max_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, addend.0)) }
    }
    #[inline(always)]
    unsafe fn round(self) -> Self {
        unsafe { Self(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)) }
    }
    #[inline(always)]
    unsafe fn scale(self, exponent: Self) -> Self {
        unsafe {
            let bits =
                _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(exponent.0), _mm256_set1_epi32(127)));
            Self(_mm256_mul_ps(self.0, _mm256_castsi256_ps(bits)))
        }
    }

    #[inline(always)]
    unsafe fn sum_each(from: *const f32) -> Self {
        unsafe {
            let at = |i: usize| _mm256_load_ps(from.add(i * 8));
            let four = |i: usize| {
                let (ab, cd) = (_mm256_hadd_ps(at(i), at(i + 1)), _mm256_hadd_ps(at(i + 2), at(i + 3)));
                _mm256_hadd_ps(ab, cd)
            };
            let (low, high) = (four(0), four(4));
            let kept = _mm256_blend_ps::<0b1111_0000>(low, high);
            Self(_mm256_add_ps(kept, _mm256_permute2f128_ps::<0b0010_0001>(low, high)))
        }
    }
}
