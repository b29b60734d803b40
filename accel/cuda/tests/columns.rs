//! Inverses, scans and the permutation argument against the same done row by row.

mod common;

use common::{EDGES, P, Words, on_devices};
use janction_accel_cuda::columns::{Permutation, invert, multiply, products_before, sums_behind};
use janction_accel_cuda::{CudaError, Device, F, Matrix};
use plonky2::field::types::{Field, PrimeField64};

on_devices!(
    uploads,
    inverses,
    zeros_have_none,
    products,
    running_products,
    running_sums,
    permutation,
    refusals
);

fn canonical(column: &[F]) -> Vec<u64> {
    column.iter().map(PrimeField64::to_canonical_u64).collect()
}

fn words(column: Vec<F>) -> Vec<u64> {
    column.into_iter().map(|x| x.0).collect()
}

fn nonzero(words: &mut Words, count: usize) -> Vec<F> {
    std::iter::repeat_with(|| F(words.next() % P)).filter(|x| x.0 != 0).take(count).collect()
}

fn matrix(device: &Device, columns: &[Vec<F>]) -> Matrix {
    Matrix::upload(device, columns[0].len(), columns.iter().map(Vec::as_slice)).unwrap()
}

fn uploads(device: &Device) {
    let source = &mut Words(7);
    let input: Vec<Vec<F>> = (0..3).map(|_| source.take(700).into_iter().map(F).collect()).collect();
    let there = matrix(device, &input);
    for (got, column) in there.view().read(device).unwrap().into_iter().zip(&input) {
        assert_eq!(words(got), canonical(column));
    }
    let edges: Vec<F> = EDGES.iter().cycle().take(700).map(|x| F(*x)).collect();
    there.view().write_column(device, 1, &edges).unwrap();
    assert_eq!(words(there.view().read_column(device, 1).unwrap()), canonical(&edges));
    assert_eq!(words(there.view().read_column(device, 2).unwrap()), canonical(&input[2]));
}

fn inverses(device: &Device) {
    let source = &mut Words(1);
    for (rows, columns) in [(1, 1), (7, 3), (128, 2), (1024, 1), (1500, 2)] {
        let input: Vec<Vec<F>> = (0..columns).map(|_| nonzero(source, rows)).collect();
        let there = matrix(device, &input);
        invert(device, there.view()).unwrap();
        for (got, column) in there.view().read(device).unwrap().into_iter().zip(&input) {
            let expected: Vec<F> = column.iter().map(Field::inverse).collect();
            assert_eq!(words(got), canonical(&expected));
        }
    }
    let edges: Vec<F> = EDGES.into_iter().filter(|x| x % P != 0).map(|x| F(x % P)).collect();
    let there = matrix(device, std::slice::from_ref(&edges));
    invert(device, there.view()).unwrap();
    let expected: Vec<F> = edges.iter().map(Field::inverse).collect();
    assert_eq!(words(there.view().read_column(device, 0).unwrap()), canonical(&expected));
}

fn zeros_have_none(device: &Device) {
    for zero in [0, 500, 1499] {
        let mut column = nonzero(&mut Words(2), 1500);
        column[zero] = F(0);
        assert_eq!(invert(device, matrix(device, &[column]).view()), Err(CudaError::ZeroInverse));
    }
}

fn products(device: &Device) {
    let source = &mut Words(3);
    let input: Vec<Vec<F>> = (0..3).map(|_| source.canonical(300).into_iter().map(F).collect()).collect();
    let there = matrix(device, &input);
    multiply(device, there.view().some_columns(0..2), there.view().column(2)).unwrap();
    for (c, column) in input[..2].iter().enumerate() {
        let expected: Vec<F> = column.iter().zip(&input[2]).map(|(a, b)| *a * *b).collect();
        assert_eq!(words(there.view().read_column(device, c).unwrap()), canonical(&expected));
    }
}

fn running_products(device: &Device) {
    for rows in [1, 2, 3, 5, 1023, 1024, 1025, 5000] {
        let input = nonzero(&mut Words(rows as u64), rows);
        let there = matrix(device, std::slice::from_ref(&input));
        products_before(device, there.view().column(0)).unwrap();
        let mut product = F::ONE;
        let expected: Vec<F> = input
            .iter()
            .map(|x| {
                let before = product;
                product *= *x;
                before
            })
            .collect();
        assert_eq!(words(there.view().read_column(device, 0).unwrap()), canonical(&expected));
    }
}

fn running_sums(device: &Device) {
    for rows in [1, 2, 4, 1000, 1024, 1025, 3000] {
        let source = &mut Words(rows as u64);
        let input: Vec<F> = source.canonical(rows).into_iter().map(F).collect();
        for weight in [F(source.next()), F::ONE, F::ZERO] {
            let (x, to) =
                (matrix(device, std::slice::from_ref(&input)), Matrix::allocate(device, rows, 1).unwrap());
            sums_behind(device, x.view().column(0), weight, to.view().column(0)).unwrap();
            let mut sum = F::ZERO;
            let mut expected: Vec<F> = input
                .iter()
                .rev()
                .map(|x| {
                    let behind = sum;
                    sum = *x + weight * sum;
                    behind
                })
                .collect();
            expected.reverse();
            assert_eq!(words(to.view().read_column(device, 0).unwrap()), canonical(&expected));
            sums_behind(device, x.view().column(0), weight, x.view().column(0)).unwrap();
            assert_eq!(words(x.view().read_column(device, 0).unwrap()), canonical(&expected));
        }
    }
}

fn permutation(device: &Device) {
    let source = &mut Words(9);
    for (rows, routed, chunk) in [(1usize, 1usize, 1), (4, 7, 3), (64, 20, 8), (2048, 9, 8), (128, 8, 8)] {
        let wires: Vec<Vec<F>> = (0..routed).map(|_| nonzero(source, rows)).collect();
        let sigmas: Vec<Vec<F>> = (0..routed).map(|_| nonzero(source, rows)).collect();
        let ks: Vec<u64> = (0..routed as u64).map(|j| 7 + 3 * j).collect();
        let (beta, gamma) = (F(source.next()), F(source.next()));
        let (wires_there, sigmas_there) = (matrix(device, &wires), matrix(device, &sigmas));
        let ks_there = device.upload(&ks).unwrap();
        let argument =
            Permutation { wires: wires_there.view(), sigmas: sigmas_there.view(), ks: &ks_there, chunk };
        let chunks = argument.chunks();
        assert_eq!(chunks, routed.div_ceil(chunk));
        let columns = Matrix::allocate(device, rows, chunks).unwrap();
        let (z, partials) = (columns.view().column(0), columns.view().some_columns(1..chunks));
        argument.fill(device, beta, gamma, z, partials).unwrap();
        let generator = F::primitive_root_of_unity(rows.ilog2() as usize);
        let mut expected = vec![Vec::new(); chunks];
        let mut product = F::ONE;
        for row in 0..rows {
            let x = generator.exp_u64(row as u64);
            expected[0].push(product);
            for c in 0..chunks {
                for j in chunk * c..routed.min(chunk * (c + 1)) {
                    let numerator = wires[j][row] + beta * F(ks[j]) * x + gamma;
                    product *= numerator / (wires[j][row] + beta * sigmas[j][row] + gamma);
                }
                if c + 1 < chunks {
                    expected[c + 1].push(product);
                }
            }
        }
        for (got, expected) in columns.view().read(device).unwrap().into_iter().zip(expected) {
            assert_eq!(words(got), canonical(&expected));
        }
    }
}

fn refusals(device: &Device) {
    let misfit =
        |result: Result<(), CudaError>| assert!(matches!(result, Err(CudaError::Misfit(_))), "{result:?}");
    let columns = Matrix::zeros(device, 4, 3).unwrap();
    let view = columns.view();
    let three = device.zeros::<u64>(3).unwrap();
    misfit(multiply(device, view, three.all()));
    misfit(sums_behind(device, view.column(0), F::ONE, three.all()));
    let argument = Permutation { wires: view, sigmas: view, ks: &three, chunk: 2 };
    misfit(argument.fill(device, F(1), F(2), view.column(0), view));
    misfit(argument.fill(device, F(1), F(2), three.all(), view.some_columns(0..1)));
    // A denominator that is zero: w + beta sigma + gamma with all of them zero.
    let own = Matrix::zeros(device, 4, 2).unwrap();
    let zero = argument.fill(device, F(1), F(0), own.view().column(0), own.view().some_columns(1..2));
    assert_eq!(zero, Err(CudaError::ZeroInverse));
}
