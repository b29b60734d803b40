//! Polynomials between coefficients and values.

use janction_accel_cpu::ntt::{self, reverse_bits};
use janction_accel_cpu::{Backend, Columns};
use plonky2::field::types::Field;
use plonky2::util::reverse_index_bits_in_place;
use rayon::prelude::*;

use crate::{EngineError, F};

/// Elements that a thread scales at once.
const BLOCK: usize = 1 << 12;

/// Values on `shift` times the subgroup, in bit-reversed order, to coefficients, column by column.
pub(super) fn interpolate_coset(
    backend: Backend,
    mut values: Columns,
    shift: F,
) -> Result<Columns, EngineError> {
    values.par_columns_mut().for_each(reverse_index_bits_in_place);
    let mut coefficients = ntt::interpolate(backend, &values)?;
    let inverse = shift.inverse();
    coefficients.par_columns_mut().for_each(|column| {
        column.par_chunks_mut(BLOCK).enumerate().for_each(|(block, coefficients)| {
            let mut power = inverse.exp_u64((block * BLOCK) as u64);
            for c in coefficients {
                *c *= power;
                power *= inverse;
            }
        });
    });
    Ok(coefficients)
}

/// The coset of `shift` and the subgroup of 2^`bits` elements, in bit-reversed order: one column.
pub(super) fn coset_points(bits: usize, shift: F) -> Columns {
    let mut points = Columns::zeros(1 << bits, 1);
    let (mut x, generator) = (shift, F::primitive_root_of_unity(bits));
    for i in 0..1 << bits {
        points.column_mut(0)[reverse_bits(i, bits)] = x;
        x *= generator;
    }
    points
}

#[cfg(test)]
mod tests {
    use plonky2::field::polynomial::PolynomialCoeffs;
    use plonky2::field::types::Sample;

    use super::*;

    #[test]
    fn interpolation_undoes_extension() {
        let backend = Backend::current().expect("a backend");
        for bits in [0, 1, 5, 9] {
            let column = F::rand_vec(1 << bits);
            let coefficients = Columns::from_columns(std::slice::from_ref(&column)).expect("one column");
            let values = ntt::coset_lde(backend, &coefficients, 0, F::coset_shift()).expect("a power of two");
            let polynomial = PolynomialCoeffs::new(column.clone());
            let points = coset_points(bits, F::coset_shift());
            for (&x, &y) in points.column(0).iter().zip(values.column(0)) {
                assert_eq!(polynomial.eval(x), y);
            }
            let back = interpolate_coset(backend, values, F::coset_shift()).expect("a power of two");
            assert_eq!(back.column(0), column);
        }
    }
}
