//! One way to write a gate's constraints for all three evaluations: over the base field in SIMD lanes, over the
//! extension field, and in the circuit of a recursive verifier.

use std::marker::PhantomData;

use janction_protocol::crypto::curve::{A, B_Z};
use plonky2::field::packed::PackedField;
use plonky2::field::types::{Field, Field64};
use plonky2::iop::ext_target::ExtensionTarget;

use crate::{Builder, D, F};

/// An element of GF(p^5) with coefficients in some algebra over GF(p).
pub(super) type Quintic<E> = [E; 5];

/// z^5.
const Z5: u64 = 3;

/// The products a_i b_j that make up coefficient `k` of a product, with their factors; those that wrap around first.
fn terms(k: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    (k + 1..5).map(move |i| (Z5, i, k + 5 - i)).chain((0..=k).map(move |i| (1, i, k - i)))
}

/// The first of [`terms`].
fn first_term(k: usize) -> (u64, usize, usize) {
    if k < 4 { (Z5, k + 1, 4) } else { (1, 0, 4) }
}

/// Arithmetic on values of type `E`.
pub(super) trait Algebra {
    /// A value: a lane vector, an extension element or an extension target.
    type E: Copy;

    /// The constant `c`.
    fn constant(&mut self, c: F) -> Self::E;

    /// `k a b + c`.
    fn mul_add(&mut self, k: u64, a: Self::E, b: Self::E, c: Self::E) -> Self::E;

    /// `k a b`.
    fn mul(&mut self, k: u64, a: Self::E, b: Self::E) -> Self::E;

    /// `k a + c`.
    fn scale_add(&mut self, k: u64, a: Self::E, c: Self::E) -> Self::E;

    /// `a - b`.
    fn sub(&mut self, a: Self::E, b: Self::E) -> Self::E;

    /// `k a`.
    fn scale(&mut self, k: u64, a: Self::E) -> Self::E {
        let zero = self.constant(F::ZERO);
        self.scale_add(k, a, zero)
    }

    /// `a + b`.
    fn add(&mut self, a: Self::E, b: Self::E) -> Self::E {
        self.scale_add(1, a, b)
    }

    /// The sum of `terms[i] constants[i]`.
    fn combine(&mut self, terms: &[Self::E], constants: &[F]) -> Self::E {
        let zero = self.constant(F::ZERO);
        terms.iter().zip(constants).fold(zero, |acc, (&term, &c)| {
            let c = self.constant(c);
            self.mul_add(1, term, c, acc)
        })
    }

    /// The product of two quintics.
    fn mul5(&mut self, a: &Quintic<Self::E>, b: &Quintic<Self::E>) -> Quintic<Self::E> {
        std::array::from_fn(|k| {
            let (scale, i, j) = first_term(k);
            let first = self.mul(scale, a[i], b[j]);
            terms(k).skip(1).fold(first, |acc, (scale, i, j)| self.mul_add(scale, a[i], b[j], acc))
        })
    }

    /// `a b + c`, for quintics.
    fn mul_add5(
        &mut self,
        a: &Quintic<Self::E>,
        b: &Quintic<Self::E>,
        c: &Quintic<Self::E>,
    ) -> Quintic<Self::E> {
        std::array::from_fn(|k| {
            terms(k).fold(c[k], |acc, (scale, i, j)| self.mul_add(scale, a[i], b[j], acc))
        })
    }

    /// The square of a quintic.
    fn square5(&mut self, a: &Quintic<Self::E>) -> Quintic<Self::E> {
        std::array::from_fn(|k| {
            // a_i a_j and a_j a_i coincide.
            let mut halves = terms(k).filter(|(_, i, j)| i <= j).map(|(scale, i, j)| {
                let twice = if i < j { 2 } else { 1 };
                (scale * twice, i, j)
            });
            let zero = self.constant(F::ZERO);
            let first = halves.next().map_or(zero, |(scale, i, j)| self.mul(scale, a[i], a[j]));
            halves.fold(first, |acc, (scale, i, j)| self.mul_add(scale, a[i], a[j], acc))
        })
    }

    /// The sum of two quintics.
    fn add5(&mut self, a: &Quintic<Self::E>, b: &Quintic<Self::E>) -> Quintic<Self::E> {
        std::array::from_fn(|i| self.add(a[i], b[i]))
    }

    /// The difference of two quintics.
    fn sub5(&mut self, a: &Quintic<Self::E>, b: &Quintic<Self::E>) -> Quintic<Self::E> {
        std::array::from_fn(|i| self.sub(a[i], b[i]))
    }

    /// `k a + c`, for quintics.
    fn scale_add5(&mut self, k: u64, a: &Quintic<Self::E>, c: &Quintic<Self::E>) -> Quintic<Self::E> {
        std::array::from_fn(|i| self.scale_add(k, a[i], c[i]))
    }

    /// `k b a + c`, with the curve's coefficient b.
    fn scale_b_add5(&mut self, k: u64, a: &Quintic<Self::E>, c: &Quintic<Self::E>) -> Quintic<Self::E> {
        std::array::from_fn(|i| match i {
            0 => self.scale_add(k * Z5 * B_Z, a[4], c[0]),
            _ => self.scale_add(k * B_Z, a[i - 1], c[i]),
        })
    }

    /// `-k b a`.
    fn scale_minus_b5(&mut self, k: u64, a: &Quintic<Self::E>) -> Quintic<Self::E> {
        std::array::from_fn(|i| match i {
            0 => self.scale(F::ORDER - k * Z5 * B_Z, a[4]),
            _ => self.scale(F::ORDER - k * B_Z, a[i - 1]),
        })
    }

    /// `a + b`, for the curve's coefficient b.
    fn add_b5(&mut self, a: &Quintic<Self::E>) -> Quintic<Self::E> {
        let b = self.constant(F::from_canonical_u64(B_Z));
        let mut sum = *a;
        sum[1] = self.add(a[1], b);
        sum
    }
}

/// Arithmetic on packed base field elements or on extension field elements.
pub(super) struct Native<P>(PhantomData<P>);

impl<P> Native<P> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P: PackedField> Algebra for Native<P>
where
    P::Scalar: From<F>,
{
    type E = P;

    fn constant(&mut self, c: F) -> P {
        P::from(P::Scalar::from(c))
    }

    fn mul_add(&mut self, k: u64, a: P, b: P, c: P) -> P {
        self.mul(k, a, b) + c
    }

    fn mul(&mut self, k: u64, a: P, b: P) -> P {
        if k == 1 { a * b } else { a * b * P::Scalar::from_canonical_u64(k) }
    }

    fn scale_add(&mut self, k: u64, a: P, c: P) -> P {
        self.scale(k, a) + c
    }

    fn scale(&mut self, k: u64, a: P) -> P {
        if k == 1 { a } else { a * P::Scalar::from_canonical_u64(k) }
    }

    fn sub(&mut self, a: P, b: P) -> P {
        a - b
    }

    fn combine(&mut self, terms: &[P], constants: &[F]) -> P {
        terms.iter().zip(constants).fold(P::ZEROS, |acc, (&t, &c)| acc + t * P::Scalar::from(c))
    }

    fn mul5(&mut self, a: &Quintic<P>, b: &Quintic<P>) -> Quintic<P> {
        let z5 = P::Scalar::from_canonical_u64(Z5);
        std::array::from_fn(|k| {
            let wrapped = (k + 1..5).map(|i| a[i] * b[k + 5 - i]).fold(P::ZEROS, |x, y| x + y);
            (0..=k).map(|i| a[i] * b[k - i]).fold(wrapped * z5, |x, y| x + y)
        })
    }

    fn mul_add5(&mut self, a: &Quintic<P>, b: &Quintic<P>, c: &Quintic<P>) -> Quintic<P> {
        let product = self.mul5(a, b);
        std::array::from_fn(|k| product[k] + c[k])
    }
}

/// Arithmetic on extension targets.
pub(super) struct InCircuit<'a>(pub(super) &'a mut Builder);

impl Algebra for InCircuit<'_> {
    type E = ExtensionTarget<D>;

    fn constant(&mut self, c: F) -> Self::E {
        self.0.constant_extension(c.into())
    }

    fn mul_add(&mut self, k: u64, a: Self::E, b: Self::E, c: Self::E) -> Self::E {
        self.0.arithmetic_extension(F::from_canonical_u64(k), F::ONE, a, b, c)
    }

    fn mul(&mut self, k: u64, a: Self::E, b: Self::E) -> Self::E {
        self.0.mul_extension_with_const(F::from_canonical_u64(k), a, b)
    }

    fn scale_add(&mut self, k: u64, a: Self::E, c: Self::E) -> Self::E {
        let one = self.0.one_extension();
        self.mul_add(k, a, one, c)
    }

    fn scale(&mut self, k: u64, a: Self::E) -> Self::E {
        let one = self.0.one_extension();
        self.mul(k, a, one)
    }

    fn sub(&mut self, a: Self::E, b: Self::E) -> Self::E {
        self.0.sub_extension(a, b)
    }
}

/// A point (x, u) of the curve.
#[derive(Clone, Copy, Debug)]
pub struct Affine<E> {
    /// x.
    pub x: [E; 5],
    /// u = x / y.
    pub u: [E; 5],
}

/// A summand (x, u) with the product v = x u beside it, so that the sum's constraints have a low degree in what
/// selects it.
pub(super) struct Summand<E> {
    pub(super) x: Quintic<E>,
    pub(super) u: Quintic<E>,
    pub(super) v: Quintic<E>,
}

/// The ten constraints of `out = 2 p`, degree 5, for a `p` on the curve (u^2 (x^2 + 2 x + b) = x):
/// with q = x^2 + b, S = u^2 (2 q + 4 b x),
///
/// ```text
/// out.x (q - S) = 4 b x        out.u (q + S) = 2 u (b - x^2)
/// ```
pub(super) fn double<G: Algebra>(
    g: &mut G,
    p: &Affine<G::E>,
    out: &Affine<G::E>,
    constraint: &mut impl FnMut(G::E),
) {
    const { assert!(A == 2) };
    let square = g.square5(&p.x);
    let u_square = g.square5(&p.u);
    let q = g.add_b5(&square);
    let twice = g.add5(&q, &q);
    let inner = g.scale_b_add5(4, &p.x, &twice);
    let s = g.mul5(&u_square, &inner);

    let z = g.sub5(&q, &s);
    let minus_numerator = g.scale_minus_b5(4, &p.x);
    g.mul_add5(&out.x, &z, &minus_numerator).into_iter().for_each(&mut *constraint);

    let t = g.add5(&q, &s);
    // 2 (x^2 - b) = 2 q - 4 b
    let minus_4b = g.constant(-F::from_canonical_u64(4 * B_Z));
    let mut minus_numerator = twice;
    minus_numerator[1] = g.add(twice[1], minus_4b);
    let minus_numerator = g.mul5(&p.u, &minus_numerator);
    g.mul_add5(&out.u, &t, &minus_numerator).into_iter().for_each(constraint);
}

/// The ten constraints of `out = p + q`; complete. With v_i = x_i u_i, alpha = v_2 + b u_2, beta = u_2 + v_2,
/// S = 2 (v_1 alpha + b u_1 beta), W = v_1 beta + u_1 alpha, t = x_1 x_2 + b:
///
/// ```text
/// out.x (t - S) = b (x_1 + x_2 + 2 W)        out.u (t + S) = b (u_1 + u_2) - v_1 x_2 - v_2 x_1
/// ```
///
/// Their degree is 3 plus that of the summand's parts, at least 2 plus that of x.
pub(super) fn add<G: Algebra>(
    g: &mut G,
    p: &Affine<G::E>,
    q: &Summand<G::E>,
    out: &Affine<G::E>,
    constraint: &mut impl FnMut(G::E),
) {
    let v1 = g.mul5(&p.x, &p.u);
    let product = g.mul5(&p.x, &q.x);
    let t = g.add_b5(&product);
    let alpha = g.scale_b_add5(1, &q.u, &q.v);
    let beta = g.add5(&q.u, &q.v);

    let v1_alpha = g.mul5(&v1, &alpha);
    let u1_beta = g.mul5(&p.u, &beta);
    let half_s = g.scale_b_add5(1, &u1_beta, &v1_alpha);

    let v1_beta = g.mul5(&v1, &beta);
    let w = g.mul_add5(&p.u, &alpha, &v1_beta);
    let x_sum = g.add5(&p.x, &q.x);
    let numerator = g.scale_add5(2, &w, &x_sum);
    let minus_numerator = g.scale_minus_b5(1, &numerator);
    let z = g.scale_add5(F::ORDER - 2, &half_s, &t);
    g.mul_add5(&out.x, &z, &minus_numerator).into_iter().for_each(&mut *constraint);

    let u_sum = g.add5(&p.u, &q.u);
    let minus_numerator = g.scale_minus_b5(1, &u_sum);
    let minus_numerator = g.mul_add5(&v1, &q.x, &minus_numerator);
    let minus_numerator = g.mul_add5(&q.v, &p.x, &minus_numerator);
    let denominator = g.scale_add5(2, &half_s, &t);
    g.mul_add5(&out.u, &denominator, &minus_numerator).into_iter().for_each(constraint);
}
