//! The quadratic extension, Plonky2's: X^2 = 7.

use std::ops::{Add, Mul, Sub};

use super::Lanes;

/// `L::WIDTH` elements a + b·X of the quadratic extension, side by side: lanes of a, lanes of b.
#[derive(Clone, Copy, Debug)]
pub struct Extension<L>(pub [L; 2]);

impl<L: Lanes> Extension<L> {
    /// The same element in every lane: `[a, b]`.
    #[inline(always)]
    pub fn splat([a, b]: [u64; 2]) -> Self {
        Self([L::splat(a), L::splat(b)])
    }

    /// Elements of the base field.
    #[inline(always)]
    pub fn from_base(a: L) -> Self {
        Self([a, L::splat(0)])
    }

    /// The square.
    #[inline(always)]
    pub fn square(self) -> Self {
        let [a, b] = self.0;
        let ab = a.mul(b);
        Self([a.mul_add(a, times_seven(b.square())), ab.add(ab)])
    }

    /// The product with elements of the base field.
    #[inline(always)]
    pub fn scale(self, factor: L) -> Self {
        Self([self.0[0].mul(factor), self.0[1].mul(factor)])
    }

    /// `self` · `factor` + `term`, `factor` in the base field.
    #[inline(always)]
    pub fn scale_add(self, factor: L, term: Self) -> Self {
        Self([self.0[0].mul_add(factor, term.0[0]), self.0[1].mul_add(factor, term.0[1])])
    }

    /// The residues below p.
    #[inline(always)]
    pub fn canonical(self) -> Self {
        Self([self.0[0].canonical(), self.0[1].canonical()])
    }
}

impl<L: Lanes> Add for Extension<L> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self([self.0[0].add(other.0[0]), self.0[1].add(other.0[1])])
    }
}

impl<L: Lanes> Sub for Extension<L> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self([self.0[0].sub(other.0[0]), self.0[1].sub(other.0[1])])
    }
}

impl<L: Lanes> Mul for Extension<L> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        let real = a.mul_add(c, times_seven(b.mul(d)));
        let imaginary = a.mul_add(d, b.mul(c));
        Self([real, imaginary])
    }
}

/// 7x = 8x - x, with 8x reduced from 67 bits.
#[inline(always)]
fn times_seven<L: Lanes>(x: L) -> L {
    L::reduce_wide(x.raw_shl::<3>(), x.raw_shr::<61>()).sub(x)
}
