//! The quadratic extension F_p[X]/(X² - 7), and the algebra over it in which Plonky2's gates compute.

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::extension::{Extendable, FieldExtension};
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::Field;

use super::goldilocks::Gl;
use super::tape::Tape;

/// Native element of the extension.
pub type NativeExt = QuadraticExtension<GoldilocksField>;

const _: () = assert!(matches!(<GoldilocksField as Extendable<2>>::W.0, 7), "X² = 7 is built in");

/// a_0 + a_1·X, each a bounded integer.
#[derive(Clone, Copy, Debug)]
pub struct Ext(pub [Gl; 2]);

impl From<Gl> for Ext {
    fn from(base: Gl) -> Self {
        Self([base, Gl::ZERO])
    }
}

impl Ext {
    /// Zero.
    pub const ZERO: Self = Self([Gl::ZERO, Gl::ZERO]);
    /// One.
    pub const ONE: Self = Self([Gl::ONE, Gl::ZERO]);

    /// A constant of the base field.
    pub fn constant(value: GoldilocksField) -> Self {
        Gl::constant(value).into()
    }

    /// A small constant.
    pub fn integer(value: i128) -> Self {
        Gl::integer(value).into()
    }

    /// The element this stands for.
    pub fn value(&self) -> NativeExt {
        NativeExt::from_basefield_array(self.0.map(|part| part.value()))
    }
}

impl Tape {
    /// A new element, both parts range-checked to 64 bits.
    pub fn ext_witness(&mut self, value: NativeExt) -> Ext {
        Ext(value.to_basefield_array().map(|part| self.gl_witness(part)))
    }

    /// init + Σ a·b.
    pub fn ext_dot(&mut self, init: Ext, pairs: &[(Ext, Ext)]) -> Ext {
        let mut real = Vec::with_capacity(2 * pairs.len());
        let mut imaginary = Vec::with_capacity(2 * pairs.len());
        for (a, b) in pairs {
            // Put a constant second, so that seven times it costs nothing.
            let seven = self.gl_sevenfold(b.0[1]);
            real.extend([(a.0[0], b.0[0]), (a.0[1], seven)]);
            imaginary.extend([(a.0[0], b.0[1]), (a.0[1], b.0[0])]);
        }
        Ext([self.gl_dot(init.0[0], &real), self.gl_dot(init.0[1], &imaginary)])
    }

    /// a·b.
    pub fn ext_mul(&mut self, a: Ext, b: Ext) -> Ext {
        self.ext_dot(Ext::ZERO, &[(a, b)])
    }

    /// a + b.
    pub fn ext_add(&mut self, a: Ext, b: Ext) -> Ext {
        Ext([self.gl_add(a.0[0], b.0[0]), self.gl_add(a.0[1], b.0[1])])
    }

    /// a - b.
    pub fn ext_sub(&mut self, a: Ext, b: Ext) -> Ext {
        Ext([self.gl_sub(a.0[0], b.0[0]), self.gl_sub(a.0[1], b.0[1])])
    }

    /// The same element with both parts in 0..2^64.
    pub fn ext_reduce(&mut self, a: Ext) -> Ext {
        Ext(a.0.map(|part| self.gl_reduce(part)))
    }

    /// A reduced product.
    pub fn ext_mul_reduced(&mut self, a: Ext, b: Ext) -> Ext {
        let product = self.ext_mul(a, b);
        self.ext_reduce(product)
    }

    /// Constrains a = b.
    pub fn ext_assert_equal(&mut self, a: Ext, b: Ext) {
        let difference = self.ext_sub(a, b);
        for part in difference.0 {
            self.gl_assert_zero(part);
        }
    }

    /// 1/a; unsatisfiable when a = 0.
    pub fn ext_inverse(&mut self, a: Ext) -> Ext {
        let inverse = a.value().try_inverse().unwrap_or(NativeExt::ZERO);
        let inverse = self.ext_witness(inverse);
        let product = self.ext_mul(a, inverse);
        self.ext_assert_equal(product, Ext::ONE);
        inverse
    }

    /// a^(2^exponent), reduced.
    pub fn ext_power_of_two_power(&mut self, a: Ext, exponent: usize) -> Ext {
        (0..exponent).fold(a, |power, _| self.ext_mul_reduced(power, power))
    }

    /// 1, a, a², ..., reduced; `count` of them.
    pub fn ext_powers(&mut self, a: Ext, count: usize) -> Vec<Ext> {
        let mut powers = vec![Ext::ONE];
        while powers.len() < count {
            let last = *powers.last().expect("starts with one");
            powers.push(if powers.len() == 1 { a } else { self.ext_mul_reduced(last, a) });
        }
        powers.truncate(count);
        powers
    }

    /// Σ terms_i·a^i by Horner's rule, lazy.
    pub fn ext_reduce_with_powers(&mut self, terms: &[Ext], a: Ext) -> Ext {
        terms.iter().rev().fold(Ext::ZERO, |acc, &term| self.ext_dot(term, &[(acc, a)]))
    }
}

/// An element b_0 + b_1·Y of the algebra Ext[Y]/(Y² - 7): two wires of a gate that hold one extension element,
/// both opened at an extension point.
#[derive(Clone, Copy, Debug)]
pub struct Algebra(pub [Ext; 2]);

impl From<Ext> for Algebra {
    fn from(scalar: Ext) -> Self {
        Self([scalar, Ext::ZERO])
    }
}

impl Algebra {
    /// Zero.
    pub const ZERO: Self = Self([Ext::ZERO, Ext::ZERO]);
    /// One.
    pub const ONE: Self = Self([Ext::ONE, Ext::ZERO]);

    /// The pair of wires that starts at `first`.
    pub fn wires(wires: &[Ext], first: usize) -> Self {
        Self([wires[first], wires[first + 1]])
    }
}

impl Tape {
    /// init + Σ a·b.
    pub fn alg_dot(&mut self, init: Algebra, pairs: &[(Algebra, Algebra)]) -> Algebra {
        let mut first = Vec::with_capacity(2 * pairs.len());
        let mut second = Vec::with_capacity(2 * pairs.len());
        for (a, b) in pairs {
            let seven = Ext(b.0[1].0.map(|part| self.gl_sevenfold(part)));
            first.extend([(a.0[0], b.0[0]), (a.0[1], seven)]);
            second.extend([(a.0[0], b.0[1]), (a.0[1], b.0[0])]);
        }
        Algebra([self.ext_dot(init.0[0], &first), self.ext_dot(init.0[1], &second)])
    }

    /// a·b.
    pub fn alg_mul(&mut self, a: Algebra, b: Algebra) -> Algebra {
        self.alg_dot(Algebra::ZERO, &[(a, b)])
    }

    /// a·c for a scalar c.
    pub fn alg_scale(&mut self, a: Algebra, c: Ext) -> Algebra {
        Algebra(a.0.map(|part| self.ext_mul(part, c)))
    }

    /// a + b.
    pub fn alg_add(&mut self, a: Algebra, b: Algebra) -> Algebra {
        Algebra([self.ext_add(a.0[0], b.0[0]), self.ext_add(a.0[1], b.0[1])])
    }

    /// a - b.
    pub fn alg_sub(&mut self, a: Algebra, b: Algebra) -> Algebra {
        Algebra([self.ext_sub(a.0[0], b.0[0]), self.ext_sub(a.0[1], b.0[1])])
    }

    /// All parts in 0..2^64.
    pub fn alg_reduce(&mut self, a: Algebra) -> Algebra {
        Algebra(a.0.map(|part| self.ext_reduce(part)))
    }
}
