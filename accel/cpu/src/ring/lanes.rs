//! Residues modulo q = 64513 side by side, 16 bits each: one trait, one module per instruction set.

use super::MODULUS;
use super::transform::{MODULUS_INVERSE, Twiddle};

/// Residues side by side.
///
/// # Safety
/// All functions need the processor's instructions for the type. `load` and `store` need `WIDTH` residues at their pointer.
#[allow(unsafe_code)]
pub(super) trait Lanes16: Copy {
    /// A power of two, at most 32.
    const WIDTH: usize;

    unsafe fn load(from: *const u16) -> Self;
    unsafe fn store(self, to: *mut u16);
    /// `self` · w.
    unsafe fn twist(self, w: Twiddle) -> Self;
    /// `self` · `other` / 2^16.
    unsafe fn multiply(self, other: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn subtract(self, other: Self) -> Self;
}

/// Sixteen residues in an array, which the compiler makes vectors of as it can.
#[derive(Clone, Copy)]
pub(super) struct Portable([u16; 16]);

const fn high(a: u16, b: u16) -> u16 {
    ((a as u32 * b as u32) >> 16) as u16
}

const fn difference(a: u16, b: u16) -> u16 {
    let d = a.wrapping_sub(b);
    if a < b { d.wrapping_add(MODULUS) } else { d }
}

impl Portable {
    #[inline(always)]
    fn map(self, other: Self, f: impl Fn(u16, u16) -> u16) -> Self {
        let mut result = [0; 16];
        for (i, r) in result.iter_mut().enumerate() {
            *r = f(self.0[i], other.0[i]);
        }
        Self(result)
    }
}

#[allow(unsafe_code)]
impl Lanes16 for Portable {
    const WIDTH: usize = 16;

    #[inline(always)]
    unsafe fn load(from: *const u16) -> Self {
        // SAFETY: the caller's.
        Self(unsafe { from.cast::<[u16; 16]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut u16) {
        // SAFETY: the caller's.
        unsafe { to.cast::<[u16; 16]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn twist(self, w: Twiddle) -> Self {
        let [w, wq] = w.residues();
        self.map(self, |x, _| difference(high(x, w), high(x.wrapping_mul(wq), MODULUS)))
    }
    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        self.map(other, |x, y| {
            let low = x.wrapping_mul(y).wrapping_mul(MODULUS_INVERSE);
            difference(high(x, y), high(low, MODULUS))
        })
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.map(other, |x, y| difference(x, MODULUS - y))
    }
    #[inline(always)]
    unsafe fn subtract(self, other: Self) -> Self {
        self.map(other, difference)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi16, _mm256_andnot_si256, _mm256_cmpeq_epi16, _mm256_loadu_si256,
        _mm256_max_epu16, _mm256_mulhi_epu16, _mm256_mullo_epi16, _mm256_set1_epi16, _mm256_set1_epi32,
        _mm256_storeu_si256, _mm256_sub_epi16,
    };

    use super::{Lanes16, MODULUS, MODULUS_INVERSE, Twiddle};
    use crate::ring::Kernel16;

    #[derive(Clone, Copy)]
    pub(in crate::ring) struct Avx2(__m256i);

    /// # Safety
    /// The processor must have AVX2.
    #[target_feature(enable = "avx2")]
    #[allow(unsafe_code)]
    pub(in crate::ring) fn run<K: Kernel16>(kernel: K) -> K::Output {
        // SAFETY: the function's own features are those of the lanes.
        unsafe { kernel.run::<Avx2>() }
    }

    #[allow(unsafe_code)]
    impl Lanes16 for Avx2 {
        const WIDTH: usize = 16;

        #[inline(always)]
        unsafe fn load(from: *const u16) -> Self {
            // SAFETY: the caller's.
            Self(unsafe { _mm256_loadu_si256(from.cast()) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut u16) {
            // SAFETY: the caller's.
            unsafe { _mm256_storeu_si256(to.cast(), self.0) }
        }
        #[inline(always)]
        unsafe fn twist(self, w: Twiddle) -> Self {
            // SAFETY: the caller's.
            unsafe {
                let high = _mm256_mulhi_epu16(self.0, _mm256_set1_epi32(w.pair));
                let low = _mm256_mullo_epi16(self.0, _mm256_set1_epi32(w.reducing_pair));
                let multiple = _mm256_mulhi_epu16(low, _mm256_set1_epi16(MODULUS as i16));
                Self(high).subtract(Self(multiple))
            }
        }
        #[inline(always)]
        unsafe fn multiply(self, other: Self) -> Self {
            // SAFETY: the caller's.
            unsafe {
                let high = _mm256_mulhi_epu16(self.0, other.0);
                let low = _mm256_mullo_epi16(self.0, other.0);
                let low = _mm256_mullo_epi16(low, _mm256_set1_epi16(MODULUS_INVERSE as i16));
                let multiple = _mm256_mulhi_epu16(low, _mm256_set1_epi16(MODULUS as i16));
                Self(high).subtract(Self(multiple))
            }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: the caller's.
            unsafe { self.subtract(Self(_mm256_sub_epi16(_mm256_set1_epi16(MODULUS as i16), other.0))) }
        }
        #[inline(always)]
        unsafe fn subtract(self, other: Self) -> Self {
            // SAFETY: the caller's.
            unsafe {
                let is_no_less = _mm256_cmpeq_epi16(_mm256_max_epu16(self.0, other.0), self.0);
                let correction = _mm256_andnot_si256(is_no_less, _mm256_set1_epi16(MODULUS as i16));
                Self(_mm256_add_epi16(_mm256_sub_epi16(self.0, other.0), correction))
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod avx512 {
    use std::arch::x86_64::{
        __m512i, _mm512_cmplt_epu16_mask, _mm512_loadu_si512, _mm512_mask_add_epi16, _mm512_mulhi_epu16,
        _mm512_mullo_epi16, _mm512_set1_epi16, _mm512_set1_epi32, _mm512_storeu_si512, _mm512_sub_epi16,
    };

    use super::{Lanes16, MODULUS, MODULUS_INVERSE, Twiddle};
    use crate::ring::Kernel16;

    #[derive(Clone, Copy)]
    pub(in crate::ring) struct Avx512(__m512i);

    /// # Safety
    /// The processor must have AVX-512 F, BW and VL.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[allow(unsafe_code)]
    pub(in crate::ring) fn run<K: Kernel16>(kernel: K) -> K::Output {
        // SAFETY: the function's own features are those of the lanes.
        unsafe { kernel.run::<Avx512>() }
    }

    #[allow(unsafe_code)]
    impl Lanes16 for Avx512 {
        const WIDTH: usize = 32;

        #[inline(always)]
        unsafe fn load(from: *const u16) -> Self {
            // SAFETY: the caller's.
            Self(unsafe { _mm512_loadu_si512(from.cast()) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut u16) {
            // SAFETY: the caller's.
            unsafe { _mm512_storeu_si512(to.cast(), self.0) }
        }
        #[inline(always)]
        unsafe fn twist(self, w: Twiddle) -> Self {
            // SAFETY: the caller's.
            unsafe {
                let high = _mm512_mulhi_epu16(self.0, _mm512_set1_epi32(w.pair));
                let low = _mm512_mullo_epi16(self.0, _mm512_set1_epi32(w.reducing_pair));
                let multiple = _mm512_mulhi_epu16(low, _mm512_set1_epi16(MODULUS as i16));
                Self(high).subtract(Self(multiple))
            }
        }
        #[inline(always)]
        unsafe fn multiply(self, other: Self) -> Self {
            // SAFETY: the caller's.
            unsafe {
                let high = _mm512_mulhi_epu16(self.0, other.0);
                let low = _mm512_mullo_epi16(self.0, other.0);
                let low = _mm512_mullo_epi16(low, _mm512_set1_epi16(MODULUS_INVERSE as i16));
                let multiple = _mm512_mulhi_epu16(low, _mm512_set1_epi16(MODULUS as i16));
                Self(high).subtract(Self(multiple))
            }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: the caller's.
            unsafe { self.subtract(Self(_mm512_sub_epi16(_mm512_set1_epi16(MODULUS as i16), other.0))) }
        }
        #[inline(always)]
        unsafe fn subtract(self, other: Self) -> Self {
            // SAFETY: the caller's.
            unsafe {
                let is_less = _mm512_cmplt_epu16_mask(self.0, other.0);
                let d = _mm512_sub_epi16(self.0, other.0);
                Self(_mm512_mask_add_epi16(d, is_less, d, _mm512_set1_epi16(MODULUS as i16)))
            }
        }
    }
}
