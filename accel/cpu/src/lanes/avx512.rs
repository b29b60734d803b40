//! Eight lanes: AVX-512.
//!
//! A 128-bit product is made of four 32-bit ones; carries and borrows are masks.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::{EPSILON, Feature, Lanes, MAX_WIDTH, P};
use crate::backend::Kernel;

/// What the processor must have.
pub const FEATURES: &[Feature] = &[
    ("avx512f", || is_x86_feature_detected!("avx512f")),
    ("avx512dq", || is_x86_feature_detected!("avx512dq")),
    ("avx512bw", || is_x86_feature_detected!("avx512bw")),
    ("avx512vl", || is_x86_feature_detected!("avx512vl")),
];

/// Runs `kernel` compiled for AVX-512.
///
/// # Safety
/// The processor must have every one of [`FEATURES`].
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

/// Eight elements. The type is private to this crate's backends: its values exist only inside of [`run`].
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Avx512(__m512i);

/// SAFETY of every use: lanes of this type exist only inside of [`run`], whose caller answers for the processor;
/// the operations touch no memory.
macro_rules! simd {
    ($($body:tt)*) => {
        unsafe { $($body)* }
    };
}

// SAFETY: a transparent wrapper of 512 bits, any of them valid.
unsafe impl Lanes for Avx512 {
    const WIDTH: usize = 8;

    #[inline(always)]
    fn splat(x: u64) -> Self {
        simd!(Self(_mm512_set1_epi64(x as i64)))
    }

    #[inline(always)]
    fn from_fn(mut f: impl FnMut(usize) -> u64) -> Self {
        let mut words = [0; 8];
        for (i, word) in words.iter_mut().enumerate() {
            *word = f(i);
        }
        // SAFETY: the load reads the 64 bytes of `words`, at any alignment.
        unsafe { Self(_mm512_loadu_si512(words.as_ptr().cast())) }
    }

    #[inline(always)]
    fn to_array(self) -> [u64; MAX_WIDTH] {
        let mut words = [0; MAX_WIDTH];
        // SAFETY: the store writes the 64 bytes of `words`, at any alignment.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), self.0) };
        words
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.add_canonical(other.canonical())
    }

    #[inline(always)]
    fn add_canonical(self, other: Self) -> Self {
        simd!(Self(add_fold(self.0, other.0)))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        simd!(Self(sub_fold(self.0, other.canonical().0)))
    }

    #[inline(always)]
    fn butterfly(self, other: Self) -> (Self, Self) {
        let other = other.canonical();
        simd!((Self(add_fold(self.0, other.0)), Self(sub_fold(self.0, other.0))))
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        simd! {
            let (x, y) = (self.0, other.0);
            let (x_high, y_high) = (_mm512_srli_epi64::<32>(x), _mm512_srli_epi64::<32>(y));
            let ll = _mm512_mul_epu32(x, y);
            let lh = _mm512_mul_epu32(x, y_high);
            let hl = _mm512_mul_epu32(x_high, y);
            let hh = _mm512_mul_epu32(x_high, y_high);
            // (2^32 - 1)^2 + 2^32 - 1 stays below 2^64, twice.
            let middle = _mm512_add_epi64(hl, _mm512_srli_epi64::<32>(ll));
            let middle_low = _mm512_add_epi64(lh, low32(middle));
            let high = _mm512_add_epi64(hh, _mm512_srli_epi64::<32>(middle));
            let high = _mm512_add_epi64(high, _mm512_srli_epi64::<32>(middle_low));
            let low = select(low32_mask(), ll, _mm512_slli_epi64::<32>(middle_low));
            Self(reduce(low, high))
        }
    }

    #[inline(always)]
    fn square(self) -> Self {
        simd! {
            let x = self.0;
            let x_high = _mm512_srli_epi64::<32>(x);
            let ll = _mm512_mul_epu32(x, x);
            let lh = _mm512_mul_epu32(x, x_high);
            let hh = _mm512_mul_epu32(x_high, x_high);
            // ll + 2^33 lh + 2^64 hh: the lowest 33 bits are those of ll.
            let middle = _mm512_add_epi64(lh, _mm512_srli_epi64::<33>(ll));
            let high = _mm512_add_epi64(hh, _mm512_srli_epi64::<31>(middle));
            let low33 = _mm512_set1_epi64((1 << 33) - 1);
            let low = select(low33, ll, _mm512_slli_epi64::<33>(middle));
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
            let folded = times_epsilon(_mm512_srli_epi64::<32>(high.0));
            let low = _mm512_add_epi64(low.0, folded);
            Self(add_fold(low, _mm512_slli_epi64::<32>(high.0)))
        }
    }

    #[inline(always)]
    fn canonical(self) -> Self {
        // x - p wraps to something larger exactly when x is below p.
        simd!(Self(_mm512_min_epu64(self.0, _mm512_sub_epi64(self.0, _mm512_set1_epi64(P as i64)))))
    }

    #[inline(always)]
    fn raw_add(self, other: Self) -> Self {
        simd!(Self(_mm512_add_epi64(self.0, other.0)))
    }

    #[inline(always)]
    fn raw_sub(self, other: Self) -> Self {
        simd!(Self(_mm512_sub_epi64(self.0, other.0)))
    }

    #[inline(always)]
    fn raw_and(self, other: Self) -> Self {
        simd!(Self(_mm512_and_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn raw_mul(self, other: Self) -> Self {
        simd!(Self(_mm512_mul_epu32(self.0, other.0)))
    }

    #[inline(always)]
    fn raw_shl<const N: u32>(self) -> Self {
        simd!(Self(_mm512_slli_epi64::<N>(self.0)))
    }

    #[inline(always)]
    fn raw_shr<const N: u32>(self) -> Self {
        simd!(Self(_mm512_srli_epi64::<N>(self.0)))
    }

    #[inline(always)]
    fn low_half(self) -> Self {
        simd!(Self(low32(self.0)))
    }

    #[inline(always)]
    fn transpose(square: &mut [Self]) {
        let square: &mut [Self; 8] = square.try_into().expect("a square of eight vectors");
        let mut r = [square[0].0; 8];
        for (to, from) in r.iter_mut().zip(square.iter()) {
            *to = from.0;
        }
        simd! {
            // Pairs of rows, then squares of 2 x 2, then halves.
            let mut pairs = [r[0]; 8];
            for i in 0..4 {
                pairs[2 * i] = _mm512_unpacklo_epi64(r[2 * i], r[2 * i + 1]);
                pairs[2 * i + 1] = _mm512_unpackhi_epi64(r[2 * i], r[2 * i + 1]);
            }
            for i in 0..2 {
                // 128-bit pieces 0, 2 and 1, 3 of two vectors.
                let a = _mm512_shuffle_i64x2::<0x88>(pairs[i], pairs[i + 2]);
                let b = _mm512_shuffle_i64x2::<0xdd>(pairs[i], pairs[i + 2]);
                let c = _mm512_shuffle_i64x2::<0x88>(pairs[i + 4], pairs[i + 6]);
                let d = _mm512_shuffle_i64x2::<0xdd>(pairs[i + 4], pairs[i + 6]);
                square[i] = Self(_mm512_shuffle_i64x2::<0x88>(a, c));
                square[i + 2] = Self(_mm512_shuffle_i64x2::<0x88>(b, d));
                square[i + 4] = Self(_mm512_shuffle_i64x2::<0xdd>(a, c));
                square[i + 6] = Self(_mm512_shuffle_i64x2::<0xdd>(b, d));
            }
        }
    }
}

#[inline(always)]
unsafe fn epsilon() -> __m512i {
    simd!(_mm512_set1_epi64(EPSILON as i64))
}

/// EPSILON times the lower 32 bits. In assembly because the compiler, knowing the factor, makes a mask, a shift and
/// a subtraction of it, and shifts are what there are too many of already.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn times_epsilon(x: __m512i) -> __m512i {
    let product: __m512i;
    // SAFETY: one instruction from registers to a register.
    unsafe {
        core::arch::asm!(
            "vpmuludq {product}, {x}, {epsilon}",
            product = lateout(zmm_reg) product,
            x = in(zmm_reg) x,
            epsilon = in(zmm_reg) epsilon(),
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    product
}

#[inline(always)]
unsafe fn low32_mask() -> __m512i {
    simd!(_mm512_set1_epi64(EPSILON as i64))
}

#[inline(always)]
unsafe fn low32(x: __m512i) -> __m512i {
    simd!(_mm512_and_si512(x, low32_mask()))
}

/// Bits of `a` where `mask` has ones, of `b` where it has zeros.
#[inline(always)]
unsafe fn select(mask: __m512i, a: __m512i, b: __m512i) -> __m512i {
    simd!(_mm512_ternarylogic_epi64::<0xca>(mask, a, b))
}

/// `x + y` with one 2^64 folded back; one of the two is below p, or their sum below 2^64 + p.
#[inline(always)]
unsafe fn add_fold(x: __m512i, y: __m512i) -> __m512i {
    simd! {
        let sum = _mm512_add_epi64(x, y);
        let carry = _mm512_cmplt_epu64_mask(sum, y);
        _mm512_mask_add_epi64(sum, carry, sum, epsilon())
    }
}

/// `x - y` with one 2^64 folded back; `y` is below p.
#[inline(always)]
unsafe fn sub_fold(x: __m512i, y: __m512i) -> __m512i {
    simd! {
        let difference = _mm512_sub_epi64(x, y);
        let borrow = _mm512_cmplt_epu64_mask(x, y);
        _mm512_mask_sub_epi64(difference, borrow, difference, epsilon())
    }
}

/// `low + 2^64 · high`, by 2^64 = 2^32 - 1 and 2^96 = -1.
#[inline(always)]
unsafe fn reduce(low: __m512i, high: __m512i) -> __m512i {
    simd! {
        let folded = sub_fold(low, _mm512_srli_epi64::<32>(high));
        add_fold(folded, times_epsilon(high))
    }
}
