//! Transforms against Plonky2's, on every backend of this processor.

mod common;

use common::Words;
use janction_accel_cpu::ntt::{coset_lde, interpolate, next_group, reverse_bits};
use janction_accel_cpu::{AccelError, Backend, Columns, F};
use plonky2::field::polynomial::{PolynomialCoeffs, PolynomialValues};
use plonky2::field::types::{Field, PrimeField64};

/// Equal as fields elements, and the first one canonical.
fn same(got: &[F], expected: &[F]) -> bool {
    got.len() == expected.len() && got.iter().zip(expected).all(|(a, b)| a.0 == b.to_canonical_u64())
}

fn check(log2: usize, columns: usize, rate_bits: usize, shift: F) {
    let matrix = Words((log2 * 100 + rate_bits) as u64).columns(1 << log2, columns);
    let shape = format!("2^{log2} rows, rate {rate_bits}");
    for backend in Backend::available() {
        let coefficients = interpolate(backend, &matrix).expect("a size of the field");
        for c in 0..columns {
            let stock = PolynomialValues::new(matrix.column(c).to_vec()).ifft();
            assert!(same(coefficients.column(c), &stock.coeffs), "{backend}, interpolation, {shape}");
        }
        let extended = coset_lde(backend, &matrix, rate_bits, shift).expect("a size of the field");
        for c in 0..columns {
            let stock = PolynomialCoeffs::new(matrix.column(c).to_vec())
                .lde(rate_bits)
                .coset_fft_with_options(shift, Some(rate_bits), None);
            let n = stock.values.len();
            let reversed: Vec<F> = (0..n).map(|i| stock.values[reverse_bits(i, log2 + rate_bits)]).collect();
            assert!(same(extended.column(c), &reversed), "{backend}, extension, {shape}");
        }
    }
}

#[test]
fn small_sizes() {
    for log2 in 0..13 {
        check(log2, 3, 0, F::ONE);
        check(log2, 2, 3, F::coset_shift());
    }
    check(5, 1, 5, F::from_canonical_u64(5));
}

#[test]
fn sizes_beyond_the_caches() {
    check(15, 1, 1, F::coset_shift());
    check(16, 1, 0, F::coset_shift());
    check(17, 1, 0, F::coset_shift());
}

#[test]
fn the_row_after() {
    for (log2, width) in [(3, 8), (4, 8), (7, 8), (6, 4), (5, 1)] {
        let rows = 1 << log2;
        for group in 0..rows / width {
            let (next, rotated) = next_group(group, rows, width);
            for lane in 0..width {
                let row = reverse_bits(group * width + lane, log2);
                let after = reverse_bits((row + 1) % rows, log2);
                let bits = width.ilog2() as usize;
                let there =
                    if rotated { reverse_bits((reverse_bits(lane, bits) + 1) % width, bits) } else { lane };
                assert_eq!(after, next * width + there);
            }
        }
    }
}

#[test]
fn refusals() {
    let odd = Columns::zeros(12, 1);
    let backend = Backend::PORTABLE;
    assert_eq!(interpolate(backend, &odd).err(), Some(AccelError::NotPowerOfTwo { rows: 12 }));
    assert_eq!(coset_lde(backend, &odd, 1, F::ONE).err(), Some(AccelError::NotPowerOfTwo { rows: 12 }));
    let four = Columns::zeros(4, 1);
    assert_eq!(
        coset_lde(backend, &four, 31, F::ONE).err(),
        Some(AccelError::TransformTooLarge { log2_rows: 33 })
    );
}
