//! Number-theoretic transforms: interpolation and low-degree extension, with Plonky2's roots of unity.
//!
//! A transform evaluates a polynomial at all points of a coset by halving: modulo X^m - c^2 it is known, and
//! modulo X^(m/2) - c and X^(m/2) + c it follows with one multiplication per pair of coefficients. Started from
//! coefficients in natural order this ends with values in bit-reversed order, without a permutation; and the
//! square roots c that a node needs depend only on its place in the tree, so a block of values shares one
//! factor, and one table of roots (in bit-reversed order) serves all sizes.
//!
//! In a low-degree extension by 2^r the first r levels only copy (the upper coefficients are zero). What remains
//! are 2^r transforms of the polynomial's own size, one per coset, each a contiguous piece of the result.

mod bit_reversal;
mod roots;
mod transform;

pub use bit_reversal::{next_group, reverse_bits};
use plonky2::field::types::Field;
use rayon::prelude::*;

use self::roots::roots;
use self::transform::transform;
use crate::F;
use crate::backend::{Backend, Kernel};
use crate::columns::Columns;
use crate::error::AccelError;
use crate::lanes::{Lanes, pack, pack_mut, unpack};

/// Coefficients of the polynomials that take the values `values` on the subgroup of their size.
///
/// Both in natural order: row i of `values` belongs to w^i, row i of the result to X^i. As `ifft` of Plonky2.
///
/// # Errors
/// [`AccelError::NotPowerOfTwo`] and [`AccelError::TransformTooLarge`] for numbers of rows without a subgroup.
pub fn interpolate(backend: Backend, values: &Columns) -> Result<Columns, AccelError> {
    let log2 = log2_size(values.rows())?;
    let mut coefficients = Columns::zeros(values.rows(), values.columns());
    let roots = roots(log2.saturating_sub(1));
    let scale = F::inverse_2exp(log2);
    coefficients.par_columns_mut().enumerate().for_each_init(
        || (Columns::zeros(values.rows(), 1), Columns::zeros(values.rows(), 1)),
        |(negated, transformed), (c, to)| {
            let (negated, transformed) = (negated.column_mut(0), transformed.column_mut(0));
            // Coefficient k is the sum of v_i w^(-ik), over n: the transform of the values in negated order.
            let from = values.column(c);
            negated[0] = from[0];
            for (to, from) in negated[1..].iter_mut().zip(from[1..].iter().rev()) {
                *to = *from;
            }
            transform(backend, negated, transformed, roots, 0);
            bit_reversal::permute_scaled(backend, transformed, to, scale);
        },
    );
    Ok(coefficients)
}

/// Values of polynomials on the coset `shift · <w>` of 2^`rate_bits` times their size.
///
/// `coefficients` in natural order; the result in **bit-reversed** order: row i belongs to `shift · w^(reverse
/// (i))`. These are the rows that Plonky2's `PolynomialBatch` has as leaves, in the same order.
///
/// # Errors
/// As [`interpolate`], for the size of the result.
pub fn coset_lde(
    backend: Backend,
    coefficients: &Columns,
    rate_bits: usize,
    shift: F,
) -> Result<Columns, AccelError> {
    let rows = coefficients.rows();
    let log2 = log2_size(rows)? + rate_bits;
    if log2 > F::TWO_ADICITY {
        return Err(AccelError::TransformTooLarge { log2_rows: log2 });
    }
    let roots = roots(log2.saturating_sub(1));
    let powers = powers(backend, shift, rows);
    let mut extended = Columns::zeros(rows << rate_bits, coefficients.columns());
    extended.par_columns_mut().enumerate().for_each_init(
        || Columns::zeros(rows, 1),
        |scaled, (c, to)| {
            let to_scale = scaled.column_mut(0);
            backend.run(Multiply { a: coefficients.column(c), b: powers.column(0), to: to_scale });
            let scaled = scaled.column(0);
            to.par_chunks_mut(rows)
                .enumerate()
                .for_each(|(coset, to)| transform(backend, scaled, to, roots, coset));
        },
    );
    Ok(extended)
}

/// shift^0 .. shift^(n-1), as one column.
fn powers(backend: Backend, shift: F, n: usize) -> Columns {
    let mut powers = Columns::zeros(n, 1);
    backend.run(Powers { shift, to: powers.column_mut(0) });
    powers
}

fn log2_size(rows: usize) -> Result<usize, AccelError> {
    if !rows.is_power_of_two() {
        return Err(AccelError::NotPowerOfTwo { rows });
    }
    let log2_rows = rows.ilog2() as usize;
    if log2_rows > F::TWO_ADICITY {
        return Err(AccelError::TransformTooLarge { log2_rows });
    }
    Ok(log2_rows)
}

/// Splits a column into whole vectors and the rest (columns shorter than a vector are all rest).
#[inline(always)]
fn whole<L: Lanes>(length: usize) -> usize {
    length / L::WIDTH * L::WIDTH
}

struct Multiply<'a> {
    a: &'a [F],
    b: &'a [F],
    to: &'a mut [F],
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let cut = whole::<L>(self.to.len());
        let (to, rest) = self.to.split_at_mut(cut);
        for ((to, a), b) in
            pack_mut::<L>(to).iter_mut().zip(pack::<L>(&self.a[..cut])).zip(pack::<L>(&self.b[..cut]))
        {
            *to = a.mul(*b);
        }
        for (i, to) in rest.iter_mut().enumerate() {
            *to = self.a[cut + i] * self.b[cut + i];
        }
    }
}

struct Powers<'a> {
    shift: F,
    to: &'a mut [F],
}

impl Kernel for Powers<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let mut first = [L::splat(1)];
        let mut power = F::ONE;
        first[0] = L::from_fn(|_| {
            let now = power;
            power *= self.shift;
            now.0
        });
        let step = L::splat(self.shift.exp_power_of_2(L::WIDTH.ilog2() as usize).0);
        for chunk in self.to.chunks_mut(L::WIDTH) {
            chunk.copy_from_slice(&unpack(&first)[..chunk.len()]);
            first[0] = first[0].mul(step);
        }
    }
}
