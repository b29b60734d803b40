//! Transforms against the CPU's and Plonky2's.

mod common;

use common::{Words, on_devices};
use janction_accel_cpu::{Backend, Columns, ntt as cpu};
use janction_accel_cuda::{CudaError, Device, F, Matrix, View, ntt};
use plonky2::field::types::{Field, PrimeField64};

on_devices!(
    small_sizes,
    several_passes,
    cosets_one_by_one,
    strided_views,
    coset_interpolation,
    points,
    refusals
);

/// Elements, some of them not canonical.
fn random(seed: u64, rows: usize, columns: usize) -> Vec<Vec<F>> {
    let mut words = Words(seed);
    (0..columns).map(|_| words.take(rows).into_iter().map(F).collect()).collect()
}

fn upload(device: &Device, columns: &[Vec<F>]) -> Matrix {
    Matrix::upload(device, columns[0].len(), columns.iter().map(Vec::as_slice)).unwrap()
}

fn on_cpu(columns: &Columns) -> Vec<Vec<F>> {
    columns.iter().map(<[F]>::to_vec).collect()
}

fn check(device: &Device, log2: usize, columns: usize, rate_bits: usize, shift: F) {
    let backend = Backend::current().unwrap();
    let input = random((100 * log2 + rate_bits) as u64, 1 << log2, columns);
    let reference = Columns::from_columns(&input).unwrap();
    let matrix = upload(device, &input);
    let result = Matrix::allocate(device, 1 << log2, columns).unwrap();
    ntt::interpolate(device, matrix.view(), result.view()).unwrap();
    let shape = format!("2^{log2} rows, rate {rate_bits}");
    assert_eq!(
        bits(result.view().read(device).unwrap()),
        bits(on_cpu(&cpu::interpolate(backend, &reference).unwrap())),
        "{shape}"
    );
    let result = Matrix::allocate(device, 1 << (log2 + rate_bits), columns).unwrap();
    ntt::extend(device, matrix.view(), rate_bits, shift, result.view()).unwrap();
    let expected = cpu::coset_lde(backend, &reference, rate_bits, shift).unwrap();
    assert_eq!(bits(result.view().read(device).unwrap()), bits(on_cpu(&expected)), "{shape}");
}

/// The words, so that elements that are equal but not canonical differ.
fn bits(columns: Vec<Vec<F>>) -> Vec<Vec<u64>> {
    columns.into_iter().map(|column| column.into_iter().map(|x| x.0).collect()).collect()
}

fn small_sizes(device: &Device) {
    for log2 in 0..13 {
        check(device, log2, 3, 0, F::ONE);
        check(device, log2, 2, if log2 < 10 { 3 } else { 1 }, F::coset_shift());
    }
    check(device, 4, 1, 5, F::from_canonical_u64(5));
}

fn several_passes(device: &Device) {
    for log2 in [13, 14, 15, 17] {
        check(device, log2, 1, 0, F::coset_shift());
    }
    check(device, 13, 2, 2, F::coset_shift());
}

fn cosets_one_by_one(device: &Device) {
    for (log2, rate_bits) in [(3, 2), (9, 3), (13, 1)] {
        let matrix = upload(device, &random(log2, 1 << log2, 2));
        let all = Matrix::allocate(device, 1 << (log2 as usize + rate_bits), 2).unwrap();
        ntt::extend(device, matrix.view(), rate_bits, F::coset_shift(), all.view()).unwrap();
        let one = Matrix::allocate(device, 1 << log2, 2).unwrap();
        for coset in 0..1 << rate_bits {
            let rows = coset << log2..(coset + 1) << log2;
            ntt::extend_coset(device, matrix.view(), rate_bits, F::coset_shift(), coset, one.view()).unwrap();
            assert_eq!(one.view().read(device).unwrap(), all.view().some_rows(rows).read(device).unwrap());
            // And as an extension of its own, from the coset's own shift.
            let shift = ntt::coset_shift(log2 as usize, rate_bits, F::coset_shift(), coset);
            let own = Matrix::allocate(device, 1 << log2, 2).unwrap();
            ntt::extend(device, matrix.view(), 0, shift, own.view()).unwrap();
            assert_eq!(own.view().read(device).unwrap(), one.view().read(device).unwrap());
        }
    }
}

fn strided_views(device: &Device) {
    let input = random(1, 64, 4);
    let matrix = upload(device, &input);
    let buffer = device.zeros::<u64>(1000).unwrap();
    let view = View::new(buffer.slice(10..1000), 64, 2, 300).unwrap();
    ntt::interpolate(device, matrix.view().some_columns(1..3), view).unwrap();
    let expected =
        cpu::interpolate(Backend::PORTABLE, &Columns::from_columns(&input[1..3]).unwrap()).unwrap();
    assert_eq!(view.read(device).unwrap(), on_cpu(&expected));
    let all = device.read(buffer.all()).unwrap();
    assert!(all[..10].iter().chain(&all[74..310]).chain(&all[374..]).all(|x| *x == 0), "nothing beside it");
}

fn coset_interpolation(device: &Device) {
    for log2 in [0, 1, 2, 7, 12, 13, 14] {
        let matrix = upload(device, &random(log2, 1 << log2, 2));
        let values = Matrix::allocate(device, 1 << log2, 2).unwrap();
        for shift in [F::ONE, F::coset_shift()] {
            ntt::extend(device, matrix.view(), 0, shift, values.view()).unwrap();
            ntt::interpolate_coset(device, values.view(), shift).unwrap();
            assert_eq!(bits(values.view().read(device).unwrap()), bits(matrix.view().read(device).unwrap()));
        }
    }
}

fn points(device: &Device) {
    for log2 in [0, 1, 2, 6] {
        let generator = F::primitive_root_of_unity(log2);
        let shift = F::from_canonical_u64(7);
        let point = |i: usize| shift * generator.exp_u64(cpu::reverse_bits(i, log2) as u64);
        let there = device.allocate(1 << log2).unwrap();
        ntt::points(device, log2, shift, 0, there.all()).unwrap();
        let expected: Vec<u64> = (0..1 << log2).map(|i| point(i).to_canonical_u64()).collect();
        assert_eq!(device.read(there.all()).unwrap(), expected);
        let half = there.slice(0..(1 << log2) / 2);
        ntt::points(device, log2, shift, half.len(), half).unwrap();
        assert_eq!(device.read(half).unwrap(), expected[half.len()..2 * half.len()]);
    }
}

fn refusals(device: &Device) {
    let misfit =
        |result: Result<(), CudaError>| assert!(matches!(result, Err(CudaError::Misfit(_))), "{result:?}");
    let (odd, four, eight) = (
        Matrix::zeros(device, 12, 1).unwrap(),
        Matrix::zeros(device, 4, 1).unwrap(),
        Matrix::zeros(device, 8, 1).unwrap(),
    );
    misfit(ntt::interpolate(device, odd.view(), odd.view()));
    misfit(ntt::interpolate(device, four.view(), eight.view()));
    misfit(ntt::interpolate_coset(device, odd.view(), F::ONE));
    misfit(ntt::extend(device, four.view(), 2, F::ONE, eight.view()));
    misfit(ntt::extend_coset(device, four.view(), 1, F::ONE, 2, four.view()));
    misfit(ntt::extend_coset(device, four.view(), 31, F::ONE, 0, four.view()));
    misfit(ntt::points(device, 2, F::ONE, 1, four.view().column(0)));
    misfit(View::new(four.view().slice(), 2, 3, 2).map(drop));
    misfit(View::new(four.view().slice(), 3, 2, 1).map(drop));
    // Nothing to do is no error.
    let none = four.view().some_columns(0..0);
    ntt::interpolate(device, none, none).unwrap();
    ntt::extend(device, none, 1, F::ONE, eight.view().some_columns(0..0)).unwrap();
}
