//! AVX-512 and AVX2 + FMA registers.

use std::arch::x86_64::*;

use super::lanes::Lanes;

/// Sixteen lanes (AVX-512F).
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

// SAFETY: callers have checked for AVX-512F (`Isa::is_available`).
unsafe impl Lanes for Avx512 {
    const WIDTH: usize = 16;
    const REGISTERS: usize = 32;
    const TILE: usize = 12;
    const HELD: usize = 12;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(_mm512_set1_ps(value)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(_mm512_load_ps(from)) }
    }
    #[inline(always)]
    unsafe fn load_unaligned(from: *const f32) -> Self {
        unsafe { Self(_mm512_loadu_ps(from)) }
    }
    #[inline(always)]
    unsafe fn store_unaligned(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
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
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { Self(_mm512_sub_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn where_within(self, of: Self, limit: Self) -> Self {
        unsafe {
            let is_within = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_abs_ps(of.0), limit.0);
            Self(_mm512_maskz_mov_ps(is_within, self.0))
        }
    }
    #[inline(always)]
    unsafe fn above(self, limit: Self) -> u32 {
        unsafe { u32::from(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, limit.0)) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        unsafe { Self(_mm512_fmadd_ps(self.0, factor.0, addend.0)) }
    }
    #[inline(always)]
    unsafe fn neg_mul_add(self, factor: Self, addend: Self) -> Self {
        unsafe { Self(_mm512_fnmadd_ps(self.0, factor.0, addend.0)) }
    }
    #[inline(always)]
    unsafe fn scale(self, shifted: Self) -> Self {
        unsafe {
            let bits =
                _mm512_add_epi32(_mm512_castps_si512(self.0), _mm512_slli_epi32::<23>(_mm512_castps_si512(shifted.0)));
            Self(_mm512_castsi512_ps(bits))
        }
    }
    #[inline(always)]
    unsafe fn reciprocal(self) -> Self {
        unsafe {
            // One step of Newton's method doubles the 14 bits of the estimate, and takes less time than a division.
            let estimate = _mm512_rcp14_ps(self.0);
            let error = _mm512_fnmadd_ps(self.0, estimate, _mm512_set1_ps(1.0));
            Self(_mm512_fmadd_ps(error, estimate, estimate))
        }
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        unsafe { _mm512_reduce_add_ps(self.0) }
    }
    #[inline(always)]
    unsafe fn sum_each(from: *const f32) -> Self {
        unsafe {
            let (q0, q1) = (sum_quarter(from, 0), sum_quarter(from, 1));
            let (q2, q3) = (sum_quarter(from, 2), sum_quarter(from, 3));
            let (even, odd) = (sum_pairs(q0, q2), sum_pairs(q1, q3));
            let kept = _mm512_mask_blend_ps(0xAAAA, even, odd);
            let moved = _mm512_mask_blend_ps(0xAAAA, odd, even);
            // `moved` holds (odd0, even1, odd2, even3 …). Swapping neighbours puts even1 under even0 and odd0 under
            // odd1.
            Self(_mm512_add_ps(kept, _mm512_permute_ps::<0b10_11_00_01>(moved)))
        }
    }
}

// The rounds of `Avx512::sum_each`, over lanes of 256, 128 and 64 bits. They turn 16 registers into one with few
// shuffles, which compete with multiply-adds for the same units. They are functions because closures may not be
// inlined.

/// Registers i, i + 4, i + 8 and i + 12, summed to 128 bits each, in this order.
#[inline(always)]
unsafe fn sum_quarter(from: *const f32, i: usize) -> __m512 {
    unsafe {
        let (a, b) = (sum_halves(from, i), sum_halves(from, i + 4));
        let kept = _mm512_mask_blend_ps(0xF0F0, a, b);
        let (a, b) = (_mm512_castps_pd(a), _mm512_castps_pd(b));
        let moved = _mm512_permutex2var_pd(a, _mm512_set_epi64(13, 12, 7, 6, 9, 8, 3, 2), b);
        _mm512_add_ps(kept, _mm512_castpd_ps(moved))
    }
}

/// Registers i and i + 8, summed to 256 bits each.
#[inline(always)]
unsafe fn sum_halves(from: *const f32, i: usize) -> __m512 {
    unsafe {
        let (a, b) = (sum_half(from.add(i * 16)), sum_half(from.add((i + 8) * 16)));
        let a = _mm512_castps_pd(_mm512_castps256_ps512(a));
        _mm512_castpd_ps(_mm512_insertf64x4::<1>(a, _mm256_castps_pd(b)))
    }
}

/// A register, summed to 256 bits. Both halves come from memory, which costs no shuffle.
#[inline(always)]
unsafe fn sum_half(from: *const f32) -> __m256 {
    unsafe { _mm256_add_ps(_mm256_load_ps(from), _mm256_load_ps(from.add(8))) }
}

/// In each 128 bits, the sum of a's halves, then that of b's.
#[inline(always)]
unsafe fn sum_pairs(a: __m512, b: __m512) -> __m512 {
    unsafe {
        let kept = _mm512_mask_blend_ps(0xCCCC, a, b);
        let (a, b) = (_mm512_castps_pd(a), _mm512_castps_pd(b));
        _mm512_add_ps(kept, _mm512_castpd_ps(_mm512_shuffle_pd::<0b0101_0101>(a, b)))
    }
}

/// Eight lanes (AVX2 and FMA).
#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256);

// SAFETY: callers have checked for AVX2 and FMA (`Isa::is_available`).
unsafe impl Lanes for Avx2 {
    const WIDTH: usize = 8;
    const REGISTERS: usize = 16;
    const TILE: usize = 6;
    const HELD: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(_mm256_set1_ps(value)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(_mm256_load_ps(from)) }
    }
    #[inline(always)]
    unsafe fn load_unaligned(from: *const f32) -> Self {
        unsafe { Self(_mm256_loadu_ps(from)) }
    }
    #[inline(always)]
    unsafe fn store_unaligned(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self.0) }
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
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { Self(_mm256_sub_ps(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn where_within(self, of: Self, limit: Self) -> Self {
        unsafe {
            let size = _mm256_andnot_ps(_mm256_set1_ps(-0.0), of.0);
            Self(_mm256_and_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(size, limit.0), self.0))
        }
    }
    #[inline(always)]
    unsafe fn above(self, limit: Self) -> u32 {
        unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(self.0, limit.0)).cast_unsigned() }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, addend.0)) }
    }
    #[inline(always)]
    unsafe fn neg_mul_add(self, factor: Self, addend: Self) -> Self {
        unsafe { Self(_mm256_fnmadd_ps(self.0, factor.0, addend.0)) }
    }
    #[inline(always)]
    unsafe fn scale(self, shifted: Self) -> Self {
        unsafe {
            let bits =
                _mm256_add_epi32(_mm256_castps_si256(self.0), _mm256_slli_epi32::<23>(_mm256_castps_si256(shifted.0)));
            Self(_mm256_castsi256_ps(bits))
        }
    }
    #[inline(always)]
    unsafe fn reciprocal(self) -> Self {
        unsafe { Self(_mm256_div_ps(_mm256_set1_ps(1.0), self.0)) }
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        unsafe {
            let halves = _mm_add_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
            let pairs = _mm_add_ps(halves, _mm_movehl_ps(halves, halves));
            _mm_cvtss_f32(_mm_add_ss(pairs, _mm_movehdup_ps(pairs)))
        }
    }
    #[inline(always)]
    unsafe fn sum_each(from: *const f32) -> Self {
        unsafe {
            let (low, high) = (sum_four(from), sum_four(from.add(32)));
            let kept = _mm256_blend_ps::<0b1111_0000>(low, high);
            Self(_mm256_add_ps(kept, _mm256_permute2f128_ps::<0b0010_0001>(low, high)))
        }
    }
}

/// In each 128 bits, the sums of four registers' 128 bits.
#[inline(always)]
unsafe fn sum_four(from: *const f32) -> __m256 {
    unsafe {
        let ab = _mm256_hadd_ps(_mm256_load_ps(from), _mm256_load_ps(from.add(8)));
        let cd = _mm256_hadd_ps(_mm256_load_ps(from.add(16)), _mm256_load_ps(from.add(24)));
        _mm256_hadd_ps(ab, cd)
    }
}
