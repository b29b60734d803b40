//! Four lanes: AVX2.
//!
//! There is no unsigned comparison, so carries are found with the signs flipped: x + 2^63 as a signed number
//! keeps the order of x.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::{EPSILON, Feature, Lanes, MAX_WIDTH, P};
use crate::backend::Kernel;

/// What the processor must have.
pub const FEATURES: &[Feature] = &[("avx2", || is_x86_feature_detected!("avx2"))];

/// Runs `kernel` compiled for AVX2.
///
/// # Safety
/// The processor must have every one of [`FEATURES`].
#[target_feature(enable = "avx2")]
pub unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

/// Four elements. The type is private to this crate's backends: its values exist only inside of [`run`].
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Avx2(__m256i);

/// SAFETY of every use: lanes of this type exist only inside of [`run`], whose caller answers for the processor;
/// the operations touch no memory.
macro_rules! simd {
    ($($body:tt)*) => {
        unsafe { $($body)* }
    };
}

// SAFETY: a transparent wrapper of 256 bits, any of them valid.
unsafe impl Lanes for Avx2 {
    const WIDTH: usize = 4;

    #[inline(always)]
    fn splat(x: u64) -> Self {
        simd!(Self(_mm256_set1_epi64x(x as i64)))
    }

    #[inline(always)]
    fn from_fn(mut f: impl FnMut(usize) -> u64) -> Self {
        let mut words = [0; 4];
        for (i, word) in words.iter_mut().enumerate() {
            *word = f(i);
        }
        // SAFETY: the load reads the 32 bytes of `words`, at any alignment.
        unsafe { Self(_mm256_loadu_si256(words.as_ptr().cast())) }
    }

    #[inline(always)]
    fn to_array(self) -> [u64; MAX_WIDTH] {
        let mut words = [0; MAX_WIDTH];
        // SAFETY: the store writes the first 32 of the 64 bytes of `words`, at any alignment.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), self.0) };
        words
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.add_canonical(other.canonical())
    }

    #[inline(always)]
    fn add_canonical(self, other: Self) -> Self {
        simd!(Self(flip(add_fold(flip(self.0), other.0))))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        simd!(Self(flip(sub_fold(flip(self.0), other.canonical().0))))
    }

    #[inline(always)]
    fn butterfly(self, other: Self) -> (Self, Self) {
        simd! {
            let (x, y) = (flip(self.0), other.canonical().0);
            (Self(flip(add_fold(x, y))), Self(flip(sub_fold(x, y))))
        }
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        simd! {
            let (x, y) = (self.0, other.0);
            let (x_high, y_high) = (high32(x), high32(y));
            let ll = _mm256_mul_epu32(x, y);
            let lh = _mm256_mul_epu32(x, y_high);
            let hl = _mm256_mul_epu32(x_high, y);
            let hh = _mm256_mul_epu32(x_high, y_high);
            // (2^32 - 1)^2 + 2^32 - 1 stays below 2^64, twice.
            let middle = _mm256_add_epi64(hl, _mm256_srli_epi64::<32>(ll));
            let middle_low = _mm256_add_epi64(lh, low32(middle));
            let high = _mm256_add_epi64(hh, _mm256_srli_epi64::<32>(middle));
            let high = _mm256_add_epi64(high, _mm256_srli_epi64::<32>(middle_low));
            let low = _mm256_blend_epi32::<0b1010_1010>(ll, _mm256_slli_epi64::<32>(middle_low));
            Self(reduce(low, high))
        }
    }

    #[inline(always)]
    fn square(self) -> Self {
        simd! {
            let x = self.0;
            let x_high = high32(x);
            let ll = _mm256_mul_epu32(x, x);
            let lh = _mm256_mul_epu32(x, x_high);
            let hh = _mm256_mul_epu32(x_high, x_high);
            // ll + 2^33 lh + 2^64 hh, the sum of the first two modulo 2^64 and its carry.
            let middle = _mm256_add_epi64(lh, _mm256_srli_epi64::<33>(ll));
            let high = _mm256_add_epi64(hh, _mm256_srli_epi64::<31>(middle));
            let low = _mm256_add_epi64(ll, _mm256_slli_epi64::<33>(lh));
            Self(reduce(low, high))
        }
    }

    #[inline(always)]
    fn reduce_wide(low: Self, high: Self) -> Self {
        simd!(Self(reduce(low.0, high.0)))
    }

    #[inline(always)]
    fn reduce_halves(low: Self, high: Self) -> Self {
        simd! {
            // As in the portable lanes: low + h1 · EPSILON stays below 2^61.
            let folded = _mm256_mul_epu32(_mm256_srli_epi64::<32>(high.0), epsilon());
            let low = _mm256_add_epi64(low.0, folded);
            Self(flip(add_fold(flip(_mm256_slli_epi64::<32>(high.0)), low)))
        }
    }

    #[inline(always)]
    fn canonical(self) -> Self {
        simd! {
            let p = _mm256_set1_epi64x(P as i64);
            let below = _mm256_cmpgt_epi64(flip(p), flip(self.0));
            Self(_mm256_sub_epi64(self.0, _mm256_andnot_si256(below, p)))
        }
    }

    #[inline(always)]
    fn raw_add(self, other: Self) -> Self {
        simd!(Self(_mm256_add_epi64(self.0, other.0)))
    }

    #[inline(always)]
    fn raw_sub(self, other: Self) -> Self {
        simd!(Self(_mm256_sub_epi64(self.0, other.0)))
    }

    #[inline(always)]
    fn raw_and(self, other: Self) -> Self {
        simd!(Self(_mm256_and_si256(self.0, other.0)))
    }

    #[inline(always)]
    fn raw_mul(self, other: Self) -> Self {
        simd!(Self(_mm256_mul_epu32(self.0, other.0)))
    }

    #[inline(always)]
    fn raw_shl<const N: u32>(self) -> Self {
        // The intrinsic's count is an `i32` constant; the one that takes a register folds to the same.
        simd!(Self(_mm256_sll_epi64(self.0, _mm_cvtsi32_si128(N as i32))))
    }

    #[inline(always)]
    fn raw_shr<const N: u32>(self) -> Self {
        simd!(Self(_mm256_srl_epi64(self.0, _mm_cvtsi32_si128(N as i32))))
    }

    #[inline(always)]
    fn low_half(self) -> Self {
        simd!(Self(low32(self.0)))
    }

    #[inline(always)]
    fn transpose(square: &mut [Self]) {
        let square: &mut [Self; 4] = square.try_into().expect("a square of four vectors");
        let [Self(a), Self(b), Self(c), Self(d)] = *square;
        simd! {
            let (ab_even, ab_odd) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
            let (cd_even, cd_odd) = (_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
            *square = [
                Self(_mm256_permute2x128_si256::<0x20>(ab_even, cd_even)),
                Self(_mm256_permute2x128_si256::<0x20>(ab_odd, cd_odd)),
                Self(_mm256_permute2x128_si256::<0x31>(ab_even, cd_even)),
                Self(_mm256_permute2x128_si256::<0x31>(ab_odd, cd_odd)),
            ];
        }
    }
}

#[inline(always)]
unsafe fn epsilon() -> __m256i {
    simd!(_mm256_set1_epi64x(EPSILON as i64))
}

#[inline(always)]
unsafe fn low32(x: __m256i) -> __m256i {
    simd!(_mm256_and_si256(x, epsilon()))
}

#[inline(always)]
unsafe fn high32(x: __m256i) -> __m256i {
    simd!(_mm256_srli_epi64::<32>(x))
}

/// x + 2^63: from unsigned to signed order and back.
#[inline(always)]
unsafe fn flip(x: __m256i) -> __m256i {
    simd!(_mm256_xor_si256(x, _mm256_set1_epi64x(i64::MIN)))
}

/// `x + y` with one 2^64 folded back, x and the result flipped; one of the two is below p, or their sum below
/// 2^64 + p.
#[inline(always)]
unsafe fn add_fold(x: __m256i, y: __m256i) -> __m256i {
    simd! {
        let sum = _mm256_add_epi64(x, y);
        let carry = _mm256_cmpgt_epi64(x, sum);
        // All ones, shifted down by 32 bits, are EPSILON.
        _mm256_add_epi64(sum, _mm256_srli_epi64::<32>(carry))
    }
}

/// `x - y` with one 2^64 folded back, x and the result flipped; `y` is below p.
#[inline(always)]
unsafe fn sub_fold(x: __m256i, y: __m256i) -> __m256i {
    simd! {
        let difference = _mm256_sub_epi64(x, y);
        let borrow = _mm256_cmpgt_epi64(difference, x);
        _mm256_sub_epi64(difference, _mm256_srli_epi64::<32>(borrow))
    }
}

/// `low + 2^64 · high`, by 2^64 = 2^32 - 1 and 2^96 = -1.
#[inline(always)]
unsafe fn reduce(low: __m256i, high: __m256i) -> __m256i {
    simd! {
        let folded = sub_fold(flip(low), _mm256_srli_epi64::<32>(high));
        flip(add_fold(folded, _mm256_mul_epu32(high, epsilon())))
    }
}
