//! Eight states in a vector: AVX-512 with its multiplications of 52-bit integers.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::Element;
use super::limbs::{BITS, Limbs, MASK, Word};
use super::permutation::Rounds;
use super::residues::{Job, Residues};
use crate::F;
use crate::backend::Backend;
use crate::lanes::P;

/// Vectors that go side by side.
const VECTORS: usize = 2;

/// Residues in vectors.
pub(super) type Vectors = Limbs<Ifma, VECTORS>;

/// Whether `backend` is the one with vectors of this size, and the processor has the multiplications too.
pub(super) fn serves(backend: Backend) -> bool {
    backend.has_avx512() && is_x86_feature_detected!("avx512ifma")
}

/// Runs `job` compiled for AVX-512 with IFMA.
///
/// # Safety
/// Some backend must be [served](serves).
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512ifma")]
pub(super) unsafe fn run<J: Job>(job: J, rounds: &Rounds<<Vectors as Residues>::Constant>) {
    job.run::<Vectors>(rounds);
}

/// Eight words. Values exist only inside of [`run`].
#[derive(Clone, Copy)]
pub(super) struct Ifma(__m512i);

/// SAFETY of every use: values of this type exist only inside of [`run`], whose caller answers for the processor; the
/// operations touch no memory, unless a comment says which.
macro_rules! simd {
    ($($body:tt)*) => {
        unsafe { $($body)* }
    };
}

impl Word for Ifma {
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(x: u64) -> Self {
        simd!(Self(_mm512_set1_epi64(x as i64)))
    }

    #[inline(always)]
    fn load(elements: &[Element], step: usize, j: usize) -> Self {
        let mut words = [0; 8];
        for (word, element) in words.iter_mut().zip(elements.iter().step_by(step)) {
            *word = element.0[j];
        }
        // SAFETY: the load reads the 64 bytes of `words`, at any alignment.
        simd!(Self(_mm512_loadu_si512(words.as_ptr().cast())))
    }

    #[inline(always)]
    fn load_canonical(elements: &[F]) -> Self {
        let mask = if elements.len() < Self::LANES { (1 << elements.len()) - 1 } else { u8::MAX };
        // SAFETY: the load reads as many elements as there are, at any alignment; `F` is a transparent `u64`.
        simd! {
            let x = _mm512_maskz_loadu_epi64(mask, elements.as_ptr().cast());
            // x - p wraps to something larger exactly when x is below p.
            Self(_mm512_min_epu64(x, _mm512_sub_epi64(x, _mm512_set1_epi64(P as i64))))
        }
    }

    #[inline(always)]
    fn store(self, out: &mut [Element], step: usize, j: usize) {
        let mut words = [0; 8];
        // SAFETY: the store writes the 64 bytes of `words`, at any alignment.
        simd!(_mm512_storeu_si512(words.as_mut_ptr().cast(), self.0));
        for (element, word) in out.iter_mut().step_by(step).zip(words) {
            element.0[j] = word;
        }
    }

    #[inline(always)]
    fn add_low_product(self, x: Self, y: Self) -> Self {
        simd!(Self(_mm512_madd52lo_epu64(self.0, x.0, y.0)))
    }

    #[inline(always)]
    fn add_high_product(self, x: Self, y: Self) -> Self {
        simd!(Self(_mm512_madd52hi_epu64(self.0, x.0, y.0)))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        simd!(Self(_mm512_add_epi64(self.0, other.0)))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        simd!(Self(_mm512_sub_epi64(self.0, other.0)))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        simd!(Self(_mm512_or_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn masked(self) -> Self {
        simd!(Self(_mm512_and_si512(self.0, _mm512_set1_epi64(MASK as i64))))
    }

    #[inline(always)]
    fn shl<const N: u32>(self) -> Self {
        simd!(Self(_mm512_slli_epi64::<N>(self.0)))
    }

    #[inline(always)]
    fn shr<const N: u32>(self) -> Self {
        simd!(Self(_mm512_srli_epi64::<N>(self.0)))
    }

    #[inline(always)]
    fn carry(self) -> Self {
        simd!(Self(_mm512_srai_epi64::<BITS>(self.0)))
    }

    #[inline(always)]
    fn unless_negative(self, sign: Self, other: Self) -> Self {
        simd! {
            let negative = _mm512_movepi64_mask(sign.0);
            Self(_mm512_mask_blend_epi64(negative, self.0, other.0))
        }
    }
}
