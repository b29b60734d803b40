//! Goldilocks arithmetic in cells of Fr, reduced as late as possible.
//!
//! A [`Gl`] is a cell that holds a *signed integer* v with -neg <= v <= pos, where the bounds are tracked exactly
//! by every operation; a negative integer is stored as r + v. It stands for v mod p. Sums and products are those
//! of the integers, which agree with Fr because the bounds never exceed [`LIMIT`] < r/2. When a product would,
//! its operands are reduced first.
//!
//! Who checks what:
//! * [`Tape::gl_witness`] range-checks to 64 bits, no more: both x and x + p may stand for x where x < 2^32 - 1.
//!   Nothing here depends on which; [`Tape::gl_canonical`] is for those places that do.
//! * [`Tape::gl_reduce`] proves v + K·p = q·p + rem with constant K >= neg/p, rem < 2^64 and q < 2^(16n), both
//!   range-checked. The left side is at most pos + K·p < 2^240, the right side below 2^64 + p·2^176 < 2^241, so the
//!   equation in Fr is one of integers.
//! * [`Tape::gl_assert_zero`] is the same with rem = 0.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::{Field as _, Field64, PrimeField64};

use super::bound::U256;
use super::range::LIMB_BITS;
use super::tape::{Cell, Input, Tape};

/// The Goldilocks prime p.
pub const P: u64 = GoldilocksField::ORDER;
/// No bound exceeds this: 2^239.
pub const LIMIT: U256 = U256([0, 0, 0, 1 << 47]);
/// Limbs of a Goldilocks element.
pub const GL_LIMBS: usize = 4;

/// A Goldilocks element as a bounded integer in a cell or as a constant.
#[derive(Clone, Copy, Debug)]
pub struct Gl {
    input: Input,
    /// The integer is at least -neg.
    neg: U256,
    /// The integer is at most pos.
    pos: U256,
}

impl Gl {
    /// Zero.
    pub const ZERO: Self = Self { input: Input::Constant(Fr::ZERO), neg: U256::ZERO, pos: U256::ZERO };
    /// One.
    pub const ONE: Self = Self { input: Input::Constant(Fr::ONE), neg: U256::ZERO, pos: U256([1, 0, 0, 0]) };

    /// A constant integer.
    pub fn integer(value: i128) -> Self {
        let magnitude = value.unsigned_abs();
        let magnitude = U256([magnitude as u64, (magnitude >> 64) as u64, 0, 0]);
        if value < 0 {
            Self { input: Input::Constant(-magnitude.to_fr()), neg: magnitude, pos: U256::ZERO }
        } else {
            Self { input: Input::Constant(magnitude.to_fr()), neg: U256::ZERO, pos: magnitude }
        }
    }

    /// A constant of the field, as the integer of least magnitude.
    pub fn constant(value: GoldilocksField) -> Self {
        let value = value.to_canonical_u64();
        Self::integer(if value > P / 2 { i128::from(value) - i128::from(P) } else { i128::from(value) })
    }

    /// A cell that is known to hold an integer of at most `max`.
    ///
    /// The caller vouches for the bound.
    pub(super) fn assume_bounded(cell: Cell, max: U256) -> Self {
        Self { input: cell.into(), neg: U256::ZERO, pos: max }
    }

    /// What to put in a cell for this element.
    pub fn input(&self) -> Input {
        self.input
    }

    fn is_constant(&self) -> bool {
        matches!(self.input, Input::Constant(_))
    }

    fn is_zero_constant(&self) -> bool {
        matches!(self.input, Input::Constant(value) if value == Fr::ZERO)
    }

    fn is_one_constant(&self) -> bool {
        matches!(self.input, Input::Constant(value) if value == Fr::ONE)
    }

    /// Whether this is known to be an integer in 0..2^64.
    pub fn is_reduced(&self) -> bool {
        self.neg == U256::ZERO && self.pos <= U256::from(u64::MAX)
    }

    /// The element that the integer stands for.
    pub fn value(&self) -> GoldilocksField {
        let value = self.input.value();
        let integer = U256::from_fr(&value);
        let modulo = |integer: U256| GoldilocksField::from_noncanonical_u64(integer.div_rem(P).1);
        // A negative integer is near r.
        if integer > LIMIT { -modulo(U256::from_fr(&-value)) } else { modulo(integer) }
    }

    fn magnitude_bits(&self) -> usize {
        self.neg.max(self.pos).bits()
    }

    /// Bounds of a product.
    fn product_bounds(&self, other: &Self) -> Option<(U256, U256)> {
        let pos = self.pos.checked_mul(other.pos)?.max(self.neg.checked_mul(other.neg)?);
        let neg = self.pos.checked_mul(other.neg)?.max(self.neg.checked_mul(other.pos)?);
        Some((neg, pos))
    }
}

/// Bounds of init + Σ a·b, if within the limit.
fn dot_bounds(init: &Gl, pairs: &[(Gl, Gl)]) -> Option<(U256, U256)> {
    let mut bounds = (init.neg, init.pos);
    for (a, b) in pairs {
        let (neg, pos) = a.product_bounds(b)?;
        bounds = (bounds.0.checked_add(neg)?, bounds.1.checked_add(pos)?);
    }
    (bounds.0.max(bounds.1) <= LIMIT).then_some(bounds)
}

impl Tape {
    /// A new element, range-checked to 64 bits.
    pub fn gl_witness(&mut self, value: GoldilocksField) -> Gl {
        let cell = self.range_check(Input::Witness(Fr::from(value.to_canonical_u64())), GL_LIMBS)[0];
        Gl::assume_bounded(cell, U256::from(u64::MAX))
    }

    /// init + Σ a·b. Operands too large for the limit are reduced, the largest first.
    pub fn gl_dot(&mut self, init: Gl, pairs: &[(Gl, Gl)]) -> Gl {
        let mut init = init;
        let mut pairs: Vec<(Gl, Gl)> =
            pairs.iter().copied().filter(|(a, b)| !a.is_zero_constant() && !b.is_zero_constant()).collect();
        let (neg, pos) = loop {
            if let Some(bounds) = dot_bounds(&init, &pairs) {
                break bounds;
            }
            let operands = pairs.iter_mut().flat_map(|(a, b)| [a, b]).chain([&mut init]);
            let largest = operands.max_by_key(|operand| operand.magnitude_bits()).expect("init is there");
            assert!(!largest.is_reduced(), "a sum of so many products cannot stay within the limit");
            *largest = self.gl_reduce(*largest);
        };
        if init.is_constant() && pairs.iter().all(|(a, b)| a.is_constant() && b.is_constant()) {
            let sum =
                pairs.iter().fold(init.input.value(), |acc, (a, b)| acc + a.input.value() * b.input.value());
            return Gl { input: Input::Constant(sum), neg, pos };
        }
        // A factor of one may start the chain.
        if init.is_zero_constant()
            && let Some(i) = pairs.iter().position(|(_, b)| b.is_one_constant())
        {
            init = pairs.swap_remove(i).0;
        }
        if pairs.is_empty() {
            return init;
        }
        let cell = self.dot(init.input, pairs.iter().map(|(a, b)| (a.input, b.input)));
        Gl { input: cell.into(), neg, pos }
    }

    /// a + b.
    pub fn gl_add(&mut self, a: Gl, b: Gl) -> Gl {
        if a.is_zero_constant() { b } else { self.gl_dot(a, &[(b, Gl::ONE)]) }
    }

    /// a - b.
    pub fn gl_sub(&mut self, a: Gl, b: Gl) -> Gl {
        self.gl_dot(a, &[(b, Gl::integer(-1))])
    }

    /// a·b.
    pub fn gl_mul(&mut self, a: Gl, b: Gl) -> Gl {
        self.gl_dot(Gl::ZERO, &[(a, b)])
    }

    /// 7·a, remembered.
    pub(super) fn gl_sevenfold(&mut self, a: Gl) -> Gl {
        let Input::Cell(cell) = a.input else { return self.gl_mul(a, Gl::integer(7)) };
        if let Some(&seven) = self.sevenfold.get(&cell.at) {
            return seven;
        }
        let seven = self.gl_mul(a, Gl::integer(7));
        self.sevenfold.insert(cell.at, seven);
        seven
    }

    /// The least multiple of p that makes `a` non-negative, as (K, K·p).
    fn lift(a: &Gl) -> (U256, U256) {
        let (quotient, remainder) = a.neg.div_rem(P);
        let multiple = quotient.checked_add(U256::from(u64::from(remainder != 0))).expect("below the limit");
        (multiple, multiple.checked_mul(U256::from(P)).expect("neg is below 2^239"))
    }

    /// A new cell q and its use (v + K·p)/p for a non-negative v + K·p; also the remainder's value.
    fn quotient(&mut self, a: &Gl) -> (Cell, u64) {
        let (_, lifted) = Self::lift(a);
        let largest = a.pos.checked_add(lifted).expect("both are at most 2^239 + p").div_rem(P).0;
        let limbs = largest.bits().div_ceil(LIMB_BITS).max(1);
        assert!(limbs * LIMB_BITS <= 176, "a quotient of {limbs} limbs could wrap around the modulus");
        let (quotient, remainder) = U256::from_fr(&(a.input.value() + lifted.to_fr())).div_rem(P);
        (self.range_check(Input::Witness(quotient.to_fr()), limbs)[0], remainder)
    }

    /// The same element as an integer in 0..2^64 (not necessarily below p).
    pub fn gl_reduce(&mut self, a: Gl) -> Gl {
        if a.is_reduced() {
            return a;
        }
        let Input::Cell(cell) = a.input else {
            let value = a.value().to_canonical_u64();
            return Gl { input: Input::Constant(Fr::from(value)), neg: U256::ZERO, pos: U256::from(value) };
        };
        if let Some(&reduced) = self.reduced.get(&cell.at) {
            return reduced;
        }
        let (_, lifted) = Self::lift(&a);
        let (quotient, remainder) = self.quotient(&a);
        let remainder = self.range_check(Input::Witness(Fr::from(remainder)), GL_LIMBS)[0];
        let p = Input::Constant(Fr::from(P));
        let rebuilt = if lifted == U256::ZERO {
            self.dot(remainder, [(quotient, p)])
        } else {
            let minus = Input::Constant(-lifted.to_fr());
            self.dot(minus, [(quotient, p), (remainder, Input::Constant(Fr::ONE))])
        };
        self.assert_same(rebuilt, cell);
        let reduced = Gl::assume_bounded(remainder, U256::from(u64::MAX));
        self.reduced.insert(cell.at, reduced);
        reduced
    }

    /// Constrains an element to zero.
    pub fn gl_assert_zero(&mut self, a: Gl) {
        let cell = match a.input {
            Input::Cell(cell) => cell,
            constant => self.push(constant),
        };
        let (_, lifted) = Self::lift(&a);
        let (quotient, _) = self.quotient(&a);
        let rebuilt = self.dot(Input::Constant(-lifted.to_fr()), [(quotient, Input::Constant(Fr::from(P)))]);
        self.assert_same(rebuilt, cell);
    }

    /// Constrains two elements to be equal modulo p.
    pub fn gl_assert_equal(&mut self, a: Gl, b: Gl) {
        let difference = self.gl_sub(a, b);
        self.gl_assert_zero(difference);
    }

    /// The cell of the unique integer in 0..p that stands for the element.
    pub fn gl_canonical(&mut self, a: Gl) -> Cell {
        let reduced = self.gl_reduce(a);
        let cell = match reduced.input {
            Input::Cell(cell) => cell,
            constant => self.push(constant),
        };
        // A reduced remainder is the honest choice of the prover only: p - 1 - v >= 0 makes it the only one.
        let gap = self.dot(Input::Constant(Fr::from(P - 1)), [(cell, Input::Constant(-Fr::ONE))]);
        self.range_check(gap, GL_LIMBS);
        cell
    }
}
