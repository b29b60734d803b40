//! Polynomials between coefficients and values. Values lie in bit-reversed order.

use plonky2::field::polynomial::{PolynomialCoeffs, PolynomialValues};
use plonky2::field::types::Field;
use plonky2::util::reverse_index_bits_in_place;
use rayon::prelude::*;

use super::columns::Columns;
use crate::F;

/// Values on the subgroup, in natural order, to coefficients, column by column in place.
pub(super) fn interpolate(values: &mut Columns) {
    values.par_columns_mut().for_each(|column| {
        column.copy_from_slice(&PolynomialValues::new(column.to_vec()).ifft().coeffs);
    });
}

/// Values on `shift` times the subgroup, in bit-reversed order, to coefficients, column by column in place.
pub(super) fn interpolate_coset(values: &mut Columns, shift: F) {
    values.par_columns_mut().for_each(|column| {
        reverse_index_bits_in_place(column);
        column.copy_from_slice(&PolynomialValues::new(column.to_vec()).coset_ifft(shift).coeffs);
    });
}

/// Values on `shift` times the subgroup that is 2^rate_bits times as large, in bit-reversed order.
pub(super) fn extend(coefficients: &Columns, rate_bits: usize, shift: F) -> Columns {
    let mut values = Columns::zero(coefficients.width(), coefficients.rows() << rate_bits);
    values.par_columns_mut().enumerate().for_each(|(i, column)| {
        let padded = PolynomialCoeffs::new(coefficients.column(i).to_vec()).lde(rate_bits);
        column.copy_from_slice(&padded.coset_fft_with_options(shift, Some(rate_bits), None).values);
        reverse_index_bits_in_place(column);
    });
    values
}

/// `shift` times the powers of a generator of the subgroup of 2^bits elements, in bit-reversed order.
pub(super) fn coset_points(bits: usize, shift: F) -> Vec<F> {
    let mut points: Vec<F> = F::primitive_root_of_unity(bits).powers().take(1 << bits).collect();
    reverse_index_bits_in_place(&mut points);
    points.par_iter_mut().for_each(|x| *x *= shift);
    points
}

/// The last `bits` bits of `index` in reverse order.
pub(super) fn reverse_bits(index: usize, bits: usize) -> usize {
    if bits == 0 { 0 } else { index.reverse_bits() >> (usize::BITS as usize - bits) }
}
