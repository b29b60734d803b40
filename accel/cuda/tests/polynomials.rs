//! Openings, combination, division and folding against the same done term by term.

mod common;

use common::{Words, on_devices};
use janction_accel_cuda::polynomial::{E, Powers, add_quotient, combine, evaluate, evaluate_at, fold};
use janction_accel_cuda::{CudaError, Device, F, Matrix, View, gather_rows, ntt};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::field::types::{Field, PrimeField64};

on_devices!(openings, rows_of_extensions, combinations, quotients, folds, refusals);

fn element(words: &mut Words) -> E {
    QuadraticExtension([F(words.next()), F(words.next())])
}

/// Columns over the base field, and the same on the device.
fn columns(device: &Device, words: &mut Words, rows: usize, columns: usize) -> (Vec<Vec<F>>, Matrix) {
    let input: Vec<Vec<F>> =
        (0..columns).map(|_| words.canonical(rows).into_iter().map(F).collect()).collect();
    let matrix = Matrix::upload(device, rows, input.iter().map(Vec::as_slice)).unwrap();
    (input, matrix)
}

/// Pairs of components as elements.
fn extension(columns: &[Vec<F>]) -> Vec<E> {
    columns[0].iter().zip(&columns[1]).map(|(a, b)| QuadraticExtension([*a, *b])).collect()
}

/// An extension column's elements, which must be canonical.
fn read(device: &Device, view: View<'_>) -> Vec<E> {
    let columns = view.read(device).unwrap();
    assert!(columns.iter().flatten().all(|x| x.0 < common::P));
    extension(&columns)
}

fn same(got: &[E], expected: &[E]) {
    let canonical = |x: &E| x.0.map(|c| c.to_canonical_u64());
    assert_eq!(
        got.iter().map(canonical).collect::<Vec<_>>(),
        expected.iter().map(canonical).collect::<Vec<_>>()
    );
}

fn openings(device: &Device) {
    let words = &mut Words(1);
    for (rows, count) in [(1, 3), (2, 1), (255, 2), (256, 2), (257, 2), (4096, 3), (4097, 1), (10_000, 2)] {
        let (input, matrix) = columns(device, words, rows, count);
        for point in [element(words), E::ZERO, E::ONE, QuadraticExtension([F(0), F(1)])] {
            let expected: Vec<E> = input
                .iter()
                .map(|c| c.iter().rev().fold(E::ZERO, |sum, c| sum * point + QuadraticExtension([*c, F(0)])))
                .collect();
            same(&evaluate(device, matrix.view(), point).unwrap(), &expected);
        }
    }
    assert_eq!(evaluate(device, Matrix::zeros(device, 0, 2).unwrap().view(), E::ONE).unwrap(), [E::ZERO; 2]);
}

fn rows_of_extensions(device: &Device) {
    let words = &mut Words(6);
    for (log2, rate_bits, count) in [(0, 1, 2), (4, 3, 3), (9, 1, 1), (13, 1, 2)] {
        let (_, matrix) = columns(device, words, 1 << log2, count);
        let log2_extended = log2 + rate_bits;
        let extended = Matrix::allocate(device, 1 << log2_extended, count).unwrap();
        ntt::extend(device, matrix.view(), rate_bits, F::coset_shift(), extended.view()).unwrap();
        for queries in [1, 3, 4, 9] {
            let rows: Vec<u32> = (0..queries).map(|_| (words.next() % (1 << log2_extended)) as u32).collect();
            let point = |row: &u32| ntt::row_point(log2_extended, F::coset_shift(), *row as usize);
            let points: Vec<F> = rows.iter().map(point).collect();
            let got = evaluate_at(device, matrix.view(), &points).unwrap();
            assert!(got.iter().flatten().all(|x| x.0 < common::P));
            assert_eq!(got, gather_rows(device, extended.view(), &rows).unwrap());
        }
    }
    let empty = Matrix::zeros(device, 4, 2).unwrap();
    assert_eq!(evaluate_at(device, empty.view(), &[]).unwrap(), Vec::<Vec<F>>::new());
    assert_eq!(evaluate_at(device, empty.view().some_columns(0..0), &[F(5)]).unwrap(), [[]]);
}

fn combinations(device: &Device) {
    let words = &mut Words(2);
    let alpha = element(words);
    let powers = Powers::new(device, alpha, 300).unwrap();
    let all: Vec<E> = alpha.powers().take(300).collect();
    let sum = Matrix::allocate(device, 200, 2).unwrap();
    let mut expected = vec![E::ZERO; 200];
    for (count, first, add) in [(5, 0, false), (140, 5, true), (0, 300, true), (3, 297, true), (1, 7, false)]
    {
        let (input, matrix) = columns(device, words, 200, count);
        combine(device, matrix.view(), &powers, first, sum.view(), add).unwrap();
        for (row, total) in expected.iter_mut().enumerate() {
            let terms = input.iter().zip(&all[first..]).map(|(c, p)| *p * QuadraticExtension([c[row], F(0)]));
            *total = terms.sum::<E>() + if add { *total } else { E::ZERO };
        }
        same(&read(device, sum.view()), &expected);
    }
}

fn quotients(device: &Device) {
    let words = &mut Words(3);
    for rows in [1, 2, 5, 1023, 1024, 1025, 4096, 5000] {
        let (f, f_there) = columns(device, words, rows, 2);
        let (total, total_there) = columns(device, words, rows, 2);
        let (point, scale) = (element(words), element(words));
        add_quotient(device, f_there.view(), point, scale, total_there.view()).unwrap();
        let quotient = PolynomialCoeffs::new(extension(&f)).divide_by_linear(point);
        let mut quotient = quotient.coeffs;
        quotient.resize(rows, E::ZERO);
        let expected: Vec<E> =
            extension(&total).into_iter().zip(quotient).map(|(t, q)| scale * t + q).collect();
        same(&read(device, total_there.view()), &expected);
        same(&read(device, f_there.view()), &extension(&f));
    }
}

/// Division in three levels of chunks takes more than 1024^2 coefficients.
#[test]
#[ignore = "needs an NVIDIA GPU"]
fn gpu_quotients_of_large_polynomials() {
    let device = &common::card();
    let words = &mut Words(4);
    let rows = (1 << 20) + 1025;
    let (f, f_there) = columns(device, words, rows, 2);
    let total = Matrix::zeros(device, rows, 2).unwrap();
    let point = element(words);
    add_quotient(device, f_there.view(), point, E::ZERO, total.view()).unwrap();
    let mut quotient = PolynomialCoeffs::new(extension(&f)).divide_by_linear(point).coeffs;
    quotient.resize(rows, E::ZERO);
    same(&read(device, total.view()), &quotient);
}

fn folds(device: &Device) {
    let words = &mut Words(5);
    for (rows, arity_bits) in [(1, 0), (8, 3), (64, 1), (1024, 4), (300 * 4, 2)] {
        let (input, matrix) = columns(device, words, rows, 2);
        let folded = Matrix::allocate(device, rows >> arity_bits, 2).unwrap();
        let beta = element(words);
        fold(device, matrix.view(), arity_bits, beta, folded.view()).unwrap();
        let expected: Vec<E> = extension(&input)
            .chunks(1 << arity_bits)
            .map(|chunk| chunk.iter().rev().fold(E::ZERO, |sum, c| sum * beta + *c))
            .collect();
        same(&read(device, folded.view()), &expected);
    }
}

fn refusals(device: &Device) {
    let misfit =
        |result: Result<(), CudaError>| assert!(matches!(result, Err(CudaError::Misfit(_))), "{result:?}");
    let powers = Powers::new(device, E::ONE, 3).unwrap();
    let (two, three) = (Matrix::zeros(device, 8, 2).unwrap(), Matrix::zeros(device, 4, 3).unwrap());
    misfit(combine(device, two.view(), &powers, 2, two.view(), false));
    misfit(combine(device, three.view(), &powers, 0, two.view(), false));
    misfit(add_quotient(device, two.view(), E::ONE, E::ONE, three.view()));
    misfit(fold(device, two.view(), 1, E::ONE, three.view()));
    misfit(fold(device, two.view(), 1, E::ONE, two.view()));
}
