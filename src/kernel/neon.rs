//! NEON registers.

use std::arch::aarch64::*;

use super::lanes::Lanes;

/// Four lanes (NEON, part of every 64-bit Arm machine).
#[derive(Clone, Copy)]
pub(super) struct Neon(float32x4_t);

// SAFETY: NEON is part of the aarch64 baseline.
unsafe impl Lanes for Neon {
    const WIDTH: usize = 4;
    const REGISTERS: usize = 32;
    const TILE: usize = 6;
    const HELD: usize = 6;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(vdupq_n_f32(value)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        unsafe { Self(vld1q_f32(from)) }
    }
    #[inline(always)]
    unsafe fn load_unaligned(from: *const f32) -> Self {
        unsafe { Self(vld1q_f32(from)) }
    }
    #[inline(always)]
    unsafe fn store_unaligned(self, to: *mut f32) {
        unsafe { vst1q_f32(to, self.0) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { vst1q_f32(to, self.0) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        unsafe { Self(vaddq_f32(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        unsafe { Self(vsubq_f32(self.0, other.0)) }
    }
    #[inline(always)]
    unsafe fn where_within(self, of: Self, limit: Self) -> Self {
        unsafe {
            let is_within = vcltq_f32(vabsq_f32(of.0), limit.0);
            Self(vreinterpretq_f32_u32(vandq_u32(is_within, vreinterpretq_u32_f32(self.0))))
        }
    }
    #[inline(always)]
    unsafe fn above(self, limit: Self) -> u32 {
        unsafe {
            let bits = vld1q_u32([1, 2, 4, 8].as_ptr());
            vaddvq_u32(vandq_u32(vcgtq_f32(self.0, limit.0), bits))
        }
    }
    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        unsafe { Self(vfmaq_f32(addend.0, self.0, factor.0)) }
    }
    #[inline(always)]
    unsafe fn neg_mul_add(self, factor: Self, addend: Self) -> Self {
        unsafe { Self(vfmsq_f32(addend.0, self.0, factor.0)) }
    }
    #[inline(always)]
    unsafe fn scale(self, shifted: Self) -> Self {
        unsafe {
            let exponent = vshlq_n_s32::<23>(vreinterpretq_s32_f32(shifted.0));
            Self(vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(self.0), exponent)))
        }
    }
    #[inline(always)]
    unsafe fn reciprocal(self) -> Self {
        unsafe { Self(vdivq_f32(vdupq_n_f32(1.0), self.0)) }
    }
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        unsafe { vaddvq_f32(self.0) }
    }
    #[inline(always)]
    unsafe fn sum_each(from: *const f32) -> Self {
        unsafe {
            let ab = vpaddq_f32(vld1q_f32(from), vld1q_f32(from.add(4)));
            let cd = vpaddq_f32(vld1q_f32(from.add(8)), vld1q_f32(from.add(12)));
            Self(vpaddq_f32(ab, cd))
        }
    }
}
