//! The group of ecGFp5: y^2 = x (x^2 + 2 x + b) over GF(p^5), b = 263 z; eprint 2022/274.
//!
//! The curve has 2n points, n prime. The group consists of the n points whose x is zero or no square (the sums of a
//! point of order n and N = (0, 0)), with addition P + Q + N and N as its neutral element. A point is kept as (x, u)
//! with u = x / y, both as fractions; N is (0, 0). Its encoding is w = y / x = 1 / u, and 0 for N: one element, and
//! every element decodes to at most one point.
//!
//! Addition is complete. For two points of the group, with m_i = x_i^2 + 2 x_i + b (so u_i^2 m_i = x_i) and the
//! denominators Z, T of the sum's x and u:
//!
//! ```text
//! Z T m_1 m_2 = (x_1 x_2 - b)^2 ((x_1 x_2 + b + x_1 + x_2)^2 - (1 - b) (x_1 + x_2)^2)
//! ```
//!
//! which never vanishes: b and 1 - b are no squares, but x_1 x_2 is one; and x_1 + x_2 = x_1 x_2 + b = 0 would make b
//! a square.

use core::ops::{Add, Neg};

use plonky2::field::types::Field;

use super::gfp5::{self, GFp5};
use super::scalar::Scalar;
use crate::F;

/// Coefficient a of the curve's equation y^2 = x (x^2 + a x + b).
pub const A: u64 = 2;

/// Coefficient b is this times z.
pub const B_Z: u64 = 263;

/// b times `x`: a shift of coefficients, z^5 = 3.
pub fn mul_b(x: GFp5) -> GFp5 {
    let [c0, c1, c2, c3, c4] = x.0;
    let b = F::from_canonical_u64(B_Z);
    let wrap = F::from_canonical_u64(3 * B_Z);
    GFp5 { 0: [c4 * wrap, c0 * b, c1 * b, c2 * b, c3 * b] }
}

/// A point of the group, with x = X / Z and u = U / T.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    x: GFp5,
    z: GFp5,
    u: GFp5,
    t: GFp5,
}

impl Point {
    /// The neutral element.
    pub const NEUTRAL: Self = Self { x: GFp5::ZERO, z: GFp5::ONE, u: GFp5::ZERO, t: GFp5::ONE };

    /// The conventional generator: the point with w = 4.
    pub const GENERATOR: Self = Self {
        x: GFp5 {
            0: [
                F { 0: 12_883_135_586_176_881_569 },
                F { 0: 4_356_519_642_755_055_268 },
                F { 0: 5_248_930_565_894_896_907 },
                F { 0: 2_165_973_894_480_315_022 },
                F { 0: 2_448_410_071_095_648_785 },
            ],
        },
        z: GFp5::ONE,
        u: GFp5::ONE,
        t: GFp5 { 0: [F { 0: 4 }, F::ZERO, F::ZERO, F::ZERO, F::ZERO] },
    };

    /// The point with encoding `w`; `None` when there is none.
    pub fn decode(w: GFp5) -> Option<Self> {
        if w.is_zero() {
            return Some(Self::NEUTRAL);
        }
        // y = w x turns the equation into x^2 - (w^2 - 2) x + b = 0. The product of its roots is b, no square, so
        // exactly one of them is no square, and never zero.
        let e = w * w - GFp5::from_canonical_u64(A);
        let b = mul_b(GFp5::ONE);
        let discriminant = e * e - b * GFp5::from_canonical_u64(4);
        let root = gfp5::sqrt(discriminant)?;
        let half = GFp5::TWO.inverse();
        let x = (e + root) * half;
        let x = if gfp5::is_square(x) { x - root } else { x };
        Some(Self { x, z: GFp5::ONE, u: GFp5::ONE, t: w })
    }

    /// The encoding w.
    pub fn encode(&self) -> GFp5 {
        // t is never zero, u is zero for the neutral element only.
        if self.is_neutral() { GFp5::ZERO } else { self.t * self.u.inverse() }
    }

    /// (x, u).
    pub fn affine(&self) -> (GFp5, GFp5) {
        let inverse = (self.z * self.t).inverse();
        (self.x * self.t * inverse, self.u * self.z * inverse)
    }

    /// From (x, u); `None` unless it is a point of the group.
    pub fn from_affine(x: GFp5, u: GFp5) -> Option<Self> {
        let on_curve = u * u * (x * x + x.double() + mul_b(GFp5::ONE)) == x;
        let in_group = if x.is_zero() { u.is_zero() } else { !gfp5::is_square(x) };
        (on_curve && in_group).then_some(Self { x, z: GFp5::ONE, u, t: GFp5::ONE })
    }

    /// Whether this is the neutral element.
    pub fn is_neutral(&self) -> bool {
        self.u.is_zero()
    }

    /// The sum of the point and itself.
    pub fn double(&self) -> Self {
        *self + *self
    }

    /// `scalar` times the point. The sequence of operations does not depend on the scalar.
    pub fn mul(&self, scalar: &Scalar) -> Self {
        let mut table = [Self::NEUTRAL; 16];
        for i in 1..16 {
            table[i] = table[i - 1] + *self;
        }
        (0..80).rev().fold(Self::NEUTRAL, |acc, i| {
            let shifted = acc.double().double().double().double();
            shifted + Self::lookup(&table, scalar.nibble(i))
        })
    }

    /// `s` G + `e` Q, in a time that depends on all three: for public values.
    pub fn mul_add_vartime(s: &Scalar, e: &Scalar, q: &Self) -> Self {
        let both = Self::GENERATOR + *q;
        (0..80).rev().fold(Self::NEUTRAL, |acc, i| {
            (0..4).rev().fold(acc, |acc, bit| {
                let acc = acc.double();
                match ((s.nibble(i) >> bit) & 1, (e.nibble(i) >> bit) & 1) {
                    (0, 0) => acc,
                    (0, _) => acc + *q,
                    (_, 0) => acc + Self::GENERATOR,
                    _ => acc + both,
                }
            })
        })
    }

    /// `table[index]`, reading every entry.
    fn lookup(table: &[Self; 16], index: u64) -> Self {
        let mut result = Self::NEUTRAL;
        for (i, entry) in table.iter().enumerate() {
            let difference = index ^ i as u64;
            // All ones when equal, zero otherwise.
            let mask = (difference.wrapping_sub(1) & !difference) >> 63;
            let mask = 0u64.wrapping_sub(mask);
            result.assign_masked(entry, mask);
        }
        result
    }

    fn assign_masked(&mut self, other: &Self, mask: u64) {
        let pairs = [
            (&mut self.x, &other.x),
            (&mut self.z, &other.z),
            (&mut self.u, &other.u),
            (&mut self.t, &other.t),
        ];
        for (mine, theirs) in pairs {
            for (a, b) in mine.0.iter_mut().zip(&theirs.0) {
                a.0 ^= (a.0 ^ b.0) & mask;
            }
        }
    }
}

impl Add for Point {
    type Output = Self;

    /// Complete addition, ten multiplications.
    fn add(self, other: Self) -> Self {
        let t1 = self.x * other.x;
        let t2 = self.z * other.z;
        let t3 = self.u * other.u;
        let t4 = self.t * other.t;
        let t5 = (self.x + self.z) * (other.x + other.z) - t1 - t2;
        let t6 = (self.u + self.t) * (other.u + other.t) - t3 - t4;
        let t7 = t1 + mul_b(t2);
        let t8 = t4 * t7;
        let t9 = t3 * (t7 + mul_b(t5)).double();
        let t10 = (t4 + t3.double()) * (t5 + t7);
        Self { x: mul_b(t10 - t8), z: t8 - t9, u: t6 * (mul_b(t2) - t1), t: t8 + t9 }
    }
}

impl Neg for Point {
    type Output = Self;

    fn neg(self) -> Self {
        Self { u: -self.u, ..self }
    }
}

impl PartialEq for Point {
    /// u determines the point, because w does.
    fn eq(&self, other: &Self) -> bool {
        self.u * other.t == other.u * self.t
    }
}

impl Eq for Point {}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;

    use super::*;

    fn random_point() -> Point {
        loop {
            if let Some(p) = Point::decode(GFp5::rand()) {
                return p;
            }
        }
    }

    fn random_scalar() -> Scalar {
        Scalar::from_elements(&F::rand_vec(8))
    }

    #[test]
    fn generator_is_the_published_one() {
        let g = Point::decode(GFp5::from_canonical_u64(4)).unwrap();
        assert_eq!(g, Point::GENERATOR);
        assert_eq!(g.affine(), Point::GENERATOR.affine());
        assert_eq!(Point::GENERATOR.encode(), GFp5::from_canonical_u64(4));
    }

    #[test]
    fn order_of_the_group() {
        let n_minus_1 = -Scalar::ONE;
        for p in [Point::GENERATOR, random_point()] {
            assert_eq!(p.mul(&n_minus_1) + p, Point::NEUTRAL);
            assert!(!p.mul(&n_minus_1).is_neutral());
        }
    }

    #[test]
    fn group_laws() {
        for _ in 0..20 {
            let (p, q, r) = (random_point(), random_point(), random_point());
            assert_eq!(p + q, q + p);
            assert_eq!((p + q) + r, p + (q + r));
            assert_eq!(p + Point::NEUTRAL, p);
            assert_eq!(p + -p, Point::NEUTRAL);
            let (x, u) = (p + q).affine();
            assert_eq!(Point::from_affine(x, u), Some(p + q));
            let (a, b) = (random_scalar(), random_scalar());
            assert_eq!(p.mul(&a) + p.mul(&b), p.mul(&(a + b)));
            assert_eq!(p.mul(&a).mul(&b), p.mul(&(a * b)));
            assert_eq!(Point::mul_add_vartime(&a, &b, &p), Point::GENERATOR.mul(&a) + p.mul(&b));
        }
        assert_eq!(Point::NEUTRAL.double(), Point::NEUTRAL);
    }

    #[test]
    fn encodings() {
        assert_eq!(Point::decode(GFp5::ZERO), Some(Point::NEUTRAL));
        let mut refused = 0;
        for _ in 0..100 {
            let w = GFp5::rand();
            match Point::decode(w) {
                Some(p) => assert_eq!(p.encode(), w),
                None => refused += 1,
            }
        }
        // About half of all elements encode no point.
        assert!((20..80).contains(&refused));
    }

    #[test]
    fn points_outside_the_group_are_refused() {
        let (x, u) = random_point().affine();
        assert!(Point::from_affine(x + GFp5::ONE, u).is_none(), "off the curve");
        // The other root of the decoding equation is on the curve with the same w, but its x is a square.
        let other = mul_b(x.inverse());
        let w = u.inverse();
        assert_eq!(other * other - (w * w - GFp5::TWO) * other + mul_b(GFp5::ONE), GFp5::ZERO);
        assert!(Point::from_affine(other, u).is_none(), "x is a square");
        assert!(Point::from_affine(GFp5::ZERO, u).is_none());
    }

    /// The facts that make addition complete.
    #[test]
    fn constants_are_no_squares() {
        assert!(!gfp5::is_square(mul_b(GFp5::ONE)));
        assert!(!gfp5::is_square(GFp5::ONE - mul_b(GFp5::ONE)));
        assert!(gfp5::is_square(-GFp5::ONE));
    }
}
