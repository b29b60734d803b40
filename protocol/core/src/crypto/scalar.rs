//! Integers modulo the order n of ecGFp5's group, a 319-bit prime.
//!
//! Arithmetic takes the same time for all values (masks instead of branches); comparison for equality does not.

use core::fmt;
use core::ops::{Add, Mul, Neg, Sub};

use plonky2::field::types::Field64;
use zeroize::Zeroize;

use super::gfp5::BYTES;
use crate::F;

/// 64-bit limbs of a scalar.
pub const LIMBS: usize = 5;

type Limbs = [u64; LIMBS];

/// The order of the group, least significant limb first.
pub const ORDER: Limbs = [
    0xe80f_d996_948b_ffe1,
    0xe888_5c39_d724_a09c,
    0x7fff_ffe6_cfb8_0639,
    0x7fff_fff1_0000_0016,
    0x7fff_fffd_8000_0007,
];

/// -1 / n modulo 2^64.
const NEGATIVE_INVERSE: u64 = {
    // Newton: every step doubles the number of right bits.
    let mut inverse = 1u64;
    let mut i = 0;
    while i < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(ORDER[0].wrapping_mul(inverse)));
        i += 1;
    }
    inverse.wrapping_neg()
};

/// 2^640 modulo n.
const R2: Limbs = power_of_two(640);

const fn power_of_two(exponent: usize) -> Limbs {
    let mut x = [1, 0, 0, 0, 0];
    let mut i = 0;
    while i < exponent {
        x = add_mod(x, x);
        i += 1;
    }
    x
}

/// x + y as limbs and a carry.
const fn add_limbs(x: Limbs, y: Limbs) -> (Limbs, u64) {
    let (mut sum, mut carry, mut i) = ([0; LIMBS], 0u64, 0);
    while i < LIMBS {
        let t = x[i] as u128 + y[i] as u128 + carry as u128;
        sum[i] = t as u64;
        carry = (t >> 64) as u64;
        i += 1;
    }
    (sum, carry)
}

/// x - y as limbs and a borrow.
const fn sub_limbs(x: Limbs, y: Limbs) -> (Limbs, u64) {
    let (mut difference, mut borrow, mut i) = ([0; LIMBS], 0u64, 0);
    while i < LIMBS {
        let t = (x[i] as u128).wrapping_sub(y[i] as u128).wrapping_sub(borrow as u128);
        difference[i] = t as u64;
        borrow = (t >> 127) as u64;
        i += 1;
    }
    (difference, borrow)
}

/// x or x - n, whichever is in [0, n), for x = carry 2^320 + limbs < 2n.
const fn reduce_once(x: Limbs, carry: u64) -> Limbs {
    let (difference, borrow) = sub_limbs(x, ORDER);
    // Keep x when the subtraction borrows and there was no carry to pay for it.
    let keep = 0u64.wrapping_sub(borrow & (carry ^ 1));
    let (mut result, mut i) = ([0; LIMBS], 0);
    while i < LIMBS {
        result[i] = (x[i] & keep) | (difference[i] & !keep);
        i += 1;
    }
    result
}

const fn add_mod(x: Limbs, y: Limbs) -> Limbs {
    let (sum, carry) = add_limbs(x, y);
    reduce_once(sum, carry)
}

/// Montgomery product x y / 2^320 modulo n, in [0, n), for x < 2^320 and y < n.
fn montgomery(x: Limbs, y: Limbs) -> Limbs {
    let mut acc = [0u64; LIMBS + 2];
    for xi in x {
        let mut carry = 0u64;
        for j in 0..LIMBS {
            let t = u128::from(xi) * u128::from(y[j]) + u128::from(acc[j]) + u128::from(carry);
            acc[j] = t as u64;
            carry = (t >> 64) as u64;
        }
        let t = u128::from(acc[LIMBS]) + u128::from(carry);
        acc[LIMBS] = t as u64;
        acc[LIMBS + 1] = (t >> 64) as u64;

        let m = acc[0].wrapping_mul(NEGATIVE_INVERSE);
        let t = u128::from(m) * u128::from(ORDER[0]) + u128::from(acc[0]);
        let mut carry = (t >> 64) as u64;
        for j in 1..LIMBS {
            let t = u128::from(m) * u128::from(ORDER[j]) + u128::from(acc[j]) + u128::from(carry);
            acc[j - 1] = t as u64;
            carry = (t >> 64) as u64;
        }
        let t = u128::from(acc[LIMBS]) + u128::from(carry);
        acc[LIMBS - 1] = t as u64;
        acc[LIMBS] = acc[LIMBS + 1] + (t >> 64) as u64;
    }
    let [a, b, c, d, e, carry, _] = acc;
    reduce_once([a, b, c, d, e], carry)
}

/// An integer modulo n, kept in [0, n).
#[derive(Clone, Copy, PartialEq, Eq, Default, Zeroize)]
pub struct Scalar(Limbs);

impl Scalar {
    /// 0.
    pub const ZERO: Self = Self([0; LIMBS]);
    /// 1.
    pub const ONE: Self = Self([1, 0, 0, 0, 0]);

    /// From limbs, least significant first; `None` unless the integer is below n.
    pub fn from_limbs(limbs: [u64; LIMBS]) -> Option<Self> {
        (sub_limbs(limbs, ORDER).1 == 1).then_some(Self(limbs))
    }

    /// The limbs, least significant first.
    pub const fn to_limbs(self) -> [u64; LIMBS] {
        self.0
    }

    /// From 40 big-endian bytes; `None` unless the integer is below n.
    pub fn from_bytes(bytes: &[u8; BYTES]) -> Option<Self> {
        let mut limbs = [0; LIMBS];
        for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.chunks_exact(8)) {
            *limb = chunk.iter().fold(0, |v, &b| (v << 8) | u64::from(b));
        }
        Self::from_limbs(limbs)
    }

    /// 40 big-endian bytes.
    pub fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        for (chunk, limb) in bytes.chunks_exact_mut(8).zip(self.0.iter().rev()) {
            chunk.copy_from_slice(&limb.to_be_bytes());
        }
        bytes
    }

    /// A small integer.
    pub const fn from_u64(x: u64) -> Self {
        Self([x, 0, 0, 0, 0])
    }

    /// A 128-bit integer.
    pub const fn from_u128(x: u128) -> Self {
        Self([x as u64, (x >> 64) as u64, 0, 0, 0])
    }

    /// The integer whose digits in base `base` are `digits`, most significant first, modulo n.
    fn from_digits(base: Self, digits: impl IntoIterator<Item = u64>) -> Self {
        digits.into_iter().fold(Self::ZERO, |acc, d| acc * base + Self::from_u64(d))
    }

    /// Field elements read as digits in base p, modulo n. From eight uniform elements the result is within 2^-190 of
    /// uniform.
    pub fn from_elements(elements: &[F]) -> Self {
        use plonky2::field::types::PrimeField64;
        Self::from_digits(Self::from_u64(F::ORDER), elements.iter().map(|x| x.to_canonical_u64()))
    }

    /// A big-endian integer of 64 bytes, modulo n: within 2^-190 of uniform when the bytes are uniform.
    pub fn from_wide_bytes(bytes: &[u8; 64]) -> Self {
        let words = bytes.chunks_exact(8).map(|c| c.iter().fold(0, |v, &b| (v << 8) | u64::from(b)));
        Self::from_digits(Self::from_u128(1 << 64), words)
    }

    /// Whether this is 0.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// Bits `4 i .. 4 i + 4` as a number, for i < 80.
    pub(crate) const fn nibble(&self, i: usize) -> u64 {
        (self.0[i / 16] >> (4 * (i % 16))) & 15
    }

    /// 1 / self modulo n; 0 for 0.
    pub fn inverse(self) -> Self {
        // Fermat: self^(n - 2).
        let (exponent, _) = sub_limbs(ORDER, [2, 0, 0, 0, 0]);
        (0..64 * LIMBS).rev().fold(Self::ONE, |acc, i| {
            let square = acc * acc;
            if (exponent[i / 64] >> (i % 64)) & 1 == 1 { square * self } else { square }
        })
    }
}

impl Add for Scalar {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(add_mod(self.0, other.0))
    }
}

impl Neg for Scalar {
    type Output = Self;
    fn neg(self) -> Self {
        Self(reduce_once(sub_limbs(ORDER, self.0).0, 0))
    }
}

impl Sub for Scalar {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Scalar {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(montgomery(montgomery(self.0, other.0), R2))
    }
}

impl fmt::Debug for Scalar {
    /// Scalars can be secrets, so their value is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scalar(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_scalar() -> impl Strategy<Value = Scalar> {
        prop::array::uniform32(any::<u8>()).prop_flat_map(|lo| {
            prop::array::uniform32(any::<u8>()).prop_map(move |hi| {
                let mut wide = [0; 64];
                wide[..32].copy_from_slice(&hi);
                wide[32..].copy_from_slice(&lo);
                Scalar::from_wide_bytes(&wide)
            })
        })
    }

    proptest! {
        #[test]
        fn field_laws(a in any_scalar(), b in any_scalar(), c in any_scalar()) {
            prop_assert_eq!(a * (b + c), a * b + a * c);
            prop_assert_eq!((a * b) * c, a * (b * c));
            prop_assert_eq!(a + -a, Scalar::ZERO);
            prop_assert_eq!(a - b + b, a);
            prop_assert_eq!(a * Scalar::ONE, a);
            prop_assert_eq!(Scalar::from_bytes(&a.to_bytes()), Some(a));
            if !a.is_zero() {
                prop_assert_eq!(a * a.inverse(), Scalar::ONE);
            }
        }
    }

    #[test]
    fn edges() {
        let minus_one = -Scalar::ONE;
        assert_eq!(minus_one.0, sub_limbs(ORDER, [1, 0, 0, 0, 0]).0);
        assert_eq!(minus_one * minus_one, Scalar::ONE);
        assert_eq!(-Scalar::ZERO, Scalar::ZERO);
        assert_eq!(Scalar::from_limbs(ORDER), None);
        assert_eq!(Scalar::from_limbs([u64::MAX; LIMBS]), None);
        assert!(Scalar::from_limbs(minus_one.0).is_some());
        assert_eq!(montgomery([1, 0, 0, 0, 0], power_of_two(320)), Scalar::ONE.0);
    }

    /// Computed with Python's integers: 2^511 + 2^320 + 12345 and its square, modulo n.
    #[test]
    fn golden() {
        let mut wide = [0; 64];
        wide[0] = 0x80;
        wide[64 - 41] = 1;
        wide[62..].copy_from_slice(&12345u16.to_be_bytes());
        let x = Scalar::from_wide_bytes(&wide);
        assert_eq!(x.0, GOLDEN_WIDE);
        assert_eq!((x * x).0, GOLDEN_SQUARE);
    }

    const GOLDEN_WIDE: Limbs =
        [0x8402527eaa22aec8, 0xe5e45158bf290163, 0x91cbb6745d06cb8b, 0xe8bc91d8aec63c51, 0x7a476662acc9b096];
    const GOLDEN_SQUARE: Limbs =
        [0x8a8d254984855896, 0x32e25a778a14f09f, 0x9fc241c98ac0eb86, 0x241ef3a4d0335e2d, 0x7bda9fee7cb5dd8c];
}
