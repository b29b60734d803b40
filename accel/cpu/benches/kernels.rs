//! What each stage costs on each backend, with stock Plonky2 beside it in the same group.
//!
//! `examples/ratios.rs` has the same stages taken in turns, for the ratio on a machine that does other things too.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use janction_accel_cpu::{Backend, Columns, F, MerkleTree, ntt, poseidon};
use plonky2::field::polynomial::{PolynomialCoeffs, PolynomialValues};
use plonky2::field::types::{Field, Sample};
use plonky2::hash::merkle_tree::MerkleTree as StockTree;
use plonky2::hash::poseidon::{Poseidon, PoseidonHash};
use plonky2::util::{reverse_index_bits_in_place, transpose};
use rayon::prelude::*;

const ROWS: usize = 1 << 12;
const COLUMNS: usize = 135;
const RATE_BITS: usize = 3;
const CAP_HEIGHT: usize = 4;
const STATES: usize = 1 << 12;

/// Permutations on one thread, the rest on all.
fn permutations(c: &mut Criterion) {
    let mut states: Vec<[F; 12]> = (0..STATES).map(|_| F::rand_array()).collect();
    let mut group = c.benchmark_group("permutation");
    group.throughput(Throughput::Elements(STATES as u64));
    group.bench_function("stock", |b| {
        b.iter(|| states.iter_mut().for_each(|state| *state = F::poseidon(*state)));
    });
    for backend in Backend::available() {
        group.bench_function(BenchmarkId::from_parameter(backend), |b| {
            b.iter(|| poseidon::permute_all(backend, &mut states));
        });
    }
}

fn interpolation(c: &mut Criterion) {
    let values: Vec<Vec<F>> = (0..COLUMNS).map(|_| F::rand_vec(ROWS)).collect();
    let matrix = Columns::from_columns(&values).expect("columns of one length");
    let mut group = c.benchmark_group("interpolation");
    group.bench_function("stock", |b| {
        b.iter(|| -> Vec<_> { values.par_iter().map(|v| PolynomialValues::new(v.clone()).ifft()).collect() });
    });
    for backend in Backend::available() {
        group.bench_function(BenchmarkId::from_parameter(backend), |b| {
            b.iter(|| ntt::interpolate(backend, &matrix).expect("a power of two"));
        });
    }
}

fn extension(c: &mut Criterion) {
    let coefficients: Vec<_> = (0..COLUMNS).map(|_| PolynomialCoeffs::new(F::rand_vec(ROWS))).collect();
    let columns: Vec<&[F]> = coefficients.iter().map(|p| &p.coeffs[..]).collect();
    let matrix = Columns::from_columns(&columns).expect("columns of one length");
    let mut group = c.benchmark_group("extension to leaves");
    group.bench_function("stock", |b| b.iter(|| stock_leaves(&coefficients)));
    for backend in Backend::available() {
        group.bench_function(BenchmarkId::from_parameter(backend), |b| {
            b.iter(|| ntt::coset_lde(backend, &matrix, RATE_BITS, F::coset_shift()).expect("a size"));
        });
    }
}

fn tree(c: &mut Criterion) {
    let coefficients: Vec<_> = (0..COLUMNS).map(|_| PolynomialCoeffs::new(F::rand_vec(ROWS))).collect();
    let leaves = stock_leaves(&coefficients);
    let matrix = {
        let columns: Vec<Vec<F>> =
            (0..COLUMNS).map(|k| leaves.iter().map(|leaf| leaf[k]).collect()).collect();
        Columns::from_columns(&columns).expect("columns of one length")
    };
    let mut group = c.benchmark_group("tree over leaves");
    group.sample_size(10);
    group.bench_function("stock", |b| {
        b.iter(|| StockTree::<F, PoseidonHash>::new(leaves.clone(), CAP_HEIGHT));
    });
    for backend in Backend::available() {
        group.bench_function(BenchmarkId::from_parameter(backend), |b| {
            b.iter(|| black_box(MerkleTree::of_columns(backend, &matrix, CAP_HEIGHT).expect("a tree")));
        });
    }
}

/// As Plonky2's `PolynomialBatch` makes them.
fn stock_leaves(coefficients: &[PolynomialCoeffs<F>]) -> Vec<Vec<F>> {
    let extended: Vec<Vec<F>> = coefficients
        .par_iter()
        .map(|p| p.lde(RATE_BITS).coset_fft_with_options(F::coset_shift(), Some(RATE_BITS), None).values)
        .collect();
    let mut leaves = transpose(&extended);
    reverse_index_bits_in_place(&mut leaves);
    leaves
}

criterion_group!(kernels, permutations, interpolation, extension, tree);
criterion_main!(kernels);
