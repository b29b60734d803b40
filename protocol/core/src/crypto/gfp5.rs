//! GF(p^5) = F[z]/(z^5 - 3): what Plonky2's quintic extension lacks, which is squares, roots and encodings.

use plonky2::field::extension::Frobenius;
use plonky2::field::extension::quintic::QuinticExtension;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field, Field64, PrimeField, PrimeField64};

/// An element of GF(p^5), coefficients of 1, z, .., z^4.
pub type GFp5 = QuinticExtension<F>;

/// Bytes of an encoded element: five big-endian u64.
pub const BYTES: usize = 40;

/// The norm x^r in GF(p), r = 1 + p + p^2 + p^3 + p^4, with x^((r - 1) / 2) beside it.
fn norm(x: GFp5) -> (F, GFp5) {
    // (r - 1) / 2 = p (1 + p^2) (p + 1) / 2
    let half = x.exp_u64((F::ORDER >> 1) + 1).frobenius();
    let root = half * half.repeated_frobenius(2);
    ((root * root * x).0[0], root)
}

/// Whether `x` is a square; zero is one.
pub fn is_square(x: GFp5) -> bool {
    // r is odd, so x is a square exactly when its norm is one in GF(p).
    let n = norm(x).0;
    n.is_zero() || n.exp_u64(F::ORDER >> 1) == F::ONE
}

/// A square root of `x`, when there is one. Of the two it is not said which.
pub fn sqrt(x: GFp5) -> Option<GFp5> {
    if x.is_zero() {
        return Some(x);
    }
    // x = x^r / x^(r - 1), and x^r is in GF(p).
    let (n, root) = norm(x);
    Some(GFp5::from(n.sqrt()?) * root.inverse())
}

/// Five big-endian u64, coefficient of 1 first.
pub fn to_bytes(x: &[F; 5]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (chunk, c) in bytes.chunks_exact_mut(8).zip(x) {
        chunk.copy_from_slice(&c.to_canonical_u64().to_be_bytes());
    }
    bytes
}

/// The inverse of [`to_bytes`]; `None` when a coefficient is not below p.
pub fn from_bytes(bytes: &[u8; BYTES]) -> Option<[F; 5]> {
    let mut x = [F::ZERO; 5];
    for (c, chunk) in x.iter_mut().zip(bytes.chunks_exact(8)) {
        let value = chunk.iter().fold(0, |v, &b| (v << 8) | u64::from(b));
        if value >= F::ORDER {
            return None;
        }
        *c = F::from_canonical_u64(value);
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;

    use super::*;

    #[test]
    fn the_extension_is_the_curves() {
        let z = QuinticExtension([F::ZERO, F::ONE, F::ZERO, F::ZERO, F::ZERO]);
        assert_eq!(z.exp_u64(5), GFp5::from_canonical_u64(3));
    }

    #[test]
    fn squares_and_roots() {
        // 7 generates GF(p)* and the degree is odd, so it is no square in GF(p^5) either.
        let seven = GFp5::from_canonical_u64(7);
        for x in GFp5::rand_vec(50) {
            let square = x * x;
            assert!(is_square(square));
            let root = sqrt(square).unwrap();
            assert!(root == x || root == -x);
            assert!(!is_square(square * seven));
            assert_eq!(sqrt(square * seven), None);
        }
        assert_eq!(sqrt(GFp5::ZERO), Some(GFp5::ZERO));
        assert!(is_square(GFp5::ZERO));
    }

    #[test]
    fn encodings_are_canonical() {
        let x = GFp5::rand().0;
        assert_eq!(from_bytes(&to_bytes(&x)), Some(x));
        for i in 0..5 {
            let mut bytes = to_bytes(&x);
            bytes[8 * i..8 * i + 8].copy_from_slice(&F::ORDER.to_be_bytes());
            assert_eq!(from_bytes(&bytes), None);
            bytes[8 * i..8 * i + 8].copy_from_slice(&(F::ORDER - 1).to_be_bytes());
            assert!(from_bytes(&bytes).is_some());
        }
    }
}
