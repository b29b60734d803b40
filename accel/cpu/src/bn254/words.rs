//! Four words of 64 bits for every residue: what runs everywhere.

use super::residues::Residues;
use super::{Element, PACKED};
use crate::F;
use crate::field::canonical;

/// r.
const MODULUS: [u64; 4] =
    [0x43e1_f593_f000_0001, 0x2833_e848_79b9_7091, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029];
/// 2 r.
const TWICE: [u64; 4] =
    [0x87c3_eb27_e000_0002, 0x5067_d090_f372_e122, 0x70a0_8b6d_0302_b0ba, 0x60c8_9ce5_c263_4053];
/// -1/r modulo 2^64.
const NEGATIVE_INVERSE: u64 = 0xc2e1_f593_efff_ffff;
/// 2^512 mod r: takes an integer x to x·2^256.
const INTO_MONTGOMERY: [u64; 4] =
    [0x1bb8_e645_ae21_6da7, 0x53fe_3ab1_e35c_59e3, 0x8c49_833d_53bb_8085, 0x0216_d0b1_7f4e_44a5];

/// `K` residues, times 2^256, always with a bound of 2 (which keeps sums below 2^256).
#[derive(Clone, Copy)]
pub(super) struct Words<const K: usize>([[u64; 4]; K]);

impl<const K: usize> Residues for Words<K> {
    const STATES: usize = K;
    type Constant = [u64; 4];

    #[inline(always)]
    fn constant(element: &Element) -> [u64; 4] {
        element.0
    }

    #[inline(always)]
    fn splat(element: &Element) -> Self {
        Self([element.0; K])
    }

    #[inline(always)]
    fn load(elements: &[Element], step: usize) -> Self {
        let mut words = [[0; 4]; K];
        for (to, from) in words.iter_mut().zip(elements.iter().step_by(step)) {
            *to = from.0;
        }
        Self(words)
    }

    #[inline(always)]
    fn pack(parts: [&[F]; PACKED]) -> Self {
        let mut words = [[0; 4]; K];
        for (j, part) in parts.iter().enumerate() {
            for (to, &from) in words.iter_mut().zip(*part) {
                to[j] = canonical(from).0;
            }
        }
        Self(words).multiply(&Self([INTO_MONTGOMERY; K]))
    }

    #[inline(always)]
    fn store(self, out: &mut [Element], step: usize) {
        for (to, words) in out.iter_mut().step_by(step).zip(self.0) {
            *to = Element(least(words));
        }
    }

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for (x, y) in self.0.iter_mut().zip(&other.0) {
            *x = add(*x, y);
        }
        self
    }

    #[inline(always)]
    fn add_constant(mut self, constant: &[u64; 4]) -> Self {
        for x in &mut self.0 {
            *x = add(*x, constant);
        }
        self
    }

    #[inline(always)]
    fn fifth_power(self) -> Self {
        let square = self.multiply(&self);
        square.multiply(&square).multiply(&self)
    }

    #[inline(always)]
    fn settle(self) -> Self {
        self
    }
}

impl<const K: usize> Words<K> {
    /// Montgomery's product: below (4 r^2 + 2^256 r) / 2^256, which is less than 2 r.
    ///
    /// Row by row through all states, so that each has something to do while another waits.
    #[inline(always)]
    fn multiply(&self, other: &Self) -> Self {
        let mut product = [[0; 4]; K];
        for i in 0..4 {
            for ((sum, x), y) in product.iter_mut().zip(&self.0).zip(&other.0) {
                *sum = row(*sum, x[i], y);
            }
        }
        Self(product)
    }
}

/// (`sum` + `x`·`y` + q·r) / 2^64 with the q that makes it whole. For `sum` and `y` below 2 r the result is below
/// 2 r + r + 2 r / 2^64, and no more than four words.
#[inline(always)]
fn row(sum: [u64; 4], x: u64, y: &[u64; 4]) -> [u64; 4] {
    let (low, mut high) = multiply_add(x, y[0], sum[0], 0);
    let q = low.wrapping_mul(NEGATIVE_INVERSE);
    let (_, mut carry) = multiply_add(q, MODULUS[0], low, 0);
    let mut result = [0; 4];
    for j in 1..4 {
        let word;
        (word, high) = multiply_add(x, y[j], sum[j], high);
        (result[j - 1], carry) = multiply_add(q, MODULUS[j], word, carry);
    }
    result[3] = high.wrapping_add(carry);
    result
}

/// Low and high word of `x`·`y` + `a` + `b`.
#[inline(always)]
fn multiply_add(x: u64, y: u64, a: u64, b: u64) -> (u64, u64) {
    // (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1.
    let wide =
        u128::from(x).wrapping_mul(u128::from(y)).wrapping_add(u128::from(a)).wrapping_add(u128::from(b));
    (wide as u64, (wide >> 64) as u64)
}

/// The sum of two residues below 2 r, below 2 r.
#[inline(always)]
fn add(x: [u64; 4], y: &[u64; 4]) -> [u64; 4] {
    let mut sum = [0; 4];
    let mut carry = false;
    for i in 0..4 {
        (sum[i], carry) = x[i].carrying_add(y[i], carry);
    }
    // 4 r is below 2^256: nothing is carried out.
    subtract_if_not_below(sum, &TWICE)
}

/// 2^n x, below r, for x below 2 r.
pub(super) fn times_power_of_two(x: [u64; 4], n: usize) -> [u64; 4] {
    least((0..n).fold(x, |x, _| add(x, &x)))
}

/// The least residue of x below 2 r.
#[inline(always)]
pub(super) fn least(x: [u64; 4]) -> [u64; 4] {
    subtract_if_not_below(x, &MODULUS)
}

#[inline(always)]
fn subtract_if_not_below(x: [u64; 4], y: &[u64; 4]) -> [u64; 4] {
    let mut difference = [0; 4];
    let mut borrow = false;
    for i in 0..4 {
        (difference[i], borrow) = x[i].borrowing_sub(y[i], borrow);
    }
    if borrow { x } else { difference }
}
