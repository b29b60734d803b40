//! Trees and grinding against the CPU's and Plonky2's.

mod common;

use common::{Words, on_devices};
use janction_accel_cuda::{CudaError, Device, F, Matrix, MerkleTree, gather_rows, grind};
use plonky2::field::types::PrimeField64;
use plonky2::hash::merkle_tree::MerkleTree as Stock;
use plonky2::hash::poseidon::{Poseidon, PoseidonHash};

on_devices!(every_width_of_leaf, every_height, piece_by_piece, codewords, rows, proof_of_work, refusals);

fn check_paths(device: &Device, tree: &MerkleTree, leaves: Vec<Vec<F>>, cap_height: usize) {
    let count = leaves.len();
    let stock = Stock::<F, PoseidonHash>::new(leaves, cap_height);
    assert_eq!(tree.cap(device).unwrap(), stock.cap.0);
    let indices: Vec<u32> = (0..count).step_by(1 + count / 37).map(|i| i as u32).collect();
    for (i, path) in indices.iter().zip(tree.paths(device, &indices).unwrap()) {
        assert_eq!(path, stock.prove(*i as usize).siblings, "leaf {i}");
    }
    let digests = device.read(tree.level(0)).unwrap();
    assert!(digests.iter().all(|x| *x < common::P));
}

fn random(device: &Device, rows: usize, columns: usize) -> (Matrix, Vec<Vec<F>>) {
    let mut words = Words((1000 * rows + columns) as u64);
    let input: Vec<Vec<F>> = (0..columns).map(|_| words.take(rows).into_iter().map(F).collect()).collect();
    let matrix = Matrix::upload(device, rows, input.iter().map(Vec::as_slice)).unwrap();
    let leaves = (0..rows).map(|i| input.iter().map(|c| F(c[i].to_canonical_u64())).collect()).collect();
    (matrix, leaves)
}

fn check(device: &Device, rows: usize, columns: usize, cap_height: usize) {
    let (matrix, leaves) = random(device, rows, columns);
    let tree = MerkleTree::of_rows(device, matrix.view(), cap_height).unwrap();
    check_paths(device, &tree, leaves, cap_height);
}

fn every_width_of_leaf(device: &Device) {
    for columns in 1..20 {
        check(device, 16, columns, 2);
    }
    check(device, 8, 135, 1);
}

fn every_height(device: &Device) {
    for log2 in 0..8 {
        for cap_height in 0..=log2 {
            check(device, 1 << log2, 5, cap_height);
        }
    }
    check(device, 1 << 10, 9, 4);
}

fn piece_by_piece(device: &Device) {
    let (matrix, leaves) = random(device, 64, 7);
    let tree = MerkleTree::allocate(device, 6, 1).unwrap();
    for first in [48, 0, 16, 32] {
        tree.hash_rows(device, matrix.view().some_rows(first..first + 16), first).unwrap();
    }
    tree.finish(device).unwrap();
    check_paths(device, &tree, leaves, 1);
}

fn codewords(device: &Device) {
    let (matrix, values) = random(device, 64, 2);
    for (arity_bits, cap_height) in [(0, 0), (1, 2), (2, 1), (3, 3), (4, 0), (6, 0)] {
        let tree = MerkleTree::of_codeword(device, matrix.view(), arity_bits, cap_height).unwrap();
        let leaves: Vec<Vec<F>> = values.chunks(1 << arity_bits).map(<[_]>::concat).collect();
        check_paths(device, &tree, leaves, cap_height);
    }
}

fn rows(device: &Device) {
    let (matrix, leaves) = random(device, 32, 6);
    let wanted = [0u32, 31, 7, 7, 16];
    let expected: Vec<Vec<F>> = wanted.iter().map(|i| leaves[*i as usize].clone()).collect();
    assert_eq!(gather_rows(device, matrix.view(), &wanted).unwrap(), expected);
    assert_eq!(gather_rows(device, matrix.view(), &[]).unwrap(), Vec::<Vec<F>>::new());
    assert_eq!(gather_rows(device, matrix.view().some_columns(0..0), &[1]).unwrap(), [[]]);
}

fn proof_of_work(device: &Device) {
    let mut words = Words(9);
    for (bits, position) in [(0, 0), (1, 0), (4, 3), (8, 7), (10, 11)] {
        let state: [F; 12] = std::array::from_fn(|_| F(words.next()));
        let response = |nonce: u64| {
            let mut state = state;
            state[position] = F(nonce);
            F::poseidon(state)[7].to_canonical_u64()
        };
        let expected = (0..).find(|nonce| response(*nonce).leading_zeros() >= bits);
        assert_eq!(grind(device, &state, position, bits).unwrap(), expected, "{bits} bits");
    }
}

fn refusals(device: &Device) {
    let misfit = |error: CudaError| assert!(matches!(error, CudaError::Misfit(_)), "{error:?}");
    let (twelve, eight) = (Matrix::zeros(device, 12, 3).unwrap(), Matrix::zeros(device, 8, 3).unwrap());
    misfit(MerkleTree::of_rows(device, twelve.view(), 0).unwrap_err());
    misfit(MerkleTree::of_rows(device, eight.view(), 4).unwrap_err());
    misfit(MerkleTree::of_codeword(device, eight.view(), 1, 0).unwrap_err());
    misfit(MerkleTree::of_codeword(device, eight.view().some_columns(0..2), 4, 0).unwrap_err());
    let tree = MerkleTree::of_rows(device, eight.view(), 0).unwrap();
    misfit(tree.hash_rows(device, eight.view(), 1).unwrap_err());
    misfit(tree.paths(device, &[8]).unwrap_err());
    misfit(gather_rows(device, eight.view(), &[0, 8]).unwrap_err());
    misfit(grind(device, &[F(0); 12], 12, 1).unwrap_err());
}
