//! Trees against Plonky2's, on every backend of this processor.

mod common;

use common::Words;
use janction_accel_cpu::{AccelError, Backend, Columns, F, MerkleTree};
use plonky2::hash::merkle_proofs::verify_merkle_proof_to_cap;
use plonky2::hash::merkle_tree::MerkleTree as Stock;
use plonky2::hash::poseidon::PoseidonHash;

fn check(rows: usize, columns: usize, cap_height: usize) {
    let matrix = Words((rows * 1000 + columns) as u64).columns(rows, columns);
    let leaves: Vec<Vec<F>> = (0..rows).map(|i| matrix.row(i)).collect();
    let stock = Stock::<F, PoseidonHash>::new(leaves.clone(), cap_height);
    for backend in Backend::available() {
        let tree = MerkleTree::of_columns(backend, &matrix, cap_height).expect("a tree");
        let shape = format!("{backend}, {rows} rows, {columns} columns, cap {cap_height}");
        assert_eq!(tree.merkle_cap(), stock.cap, "{shape}");
        for i in (0..rows).step_by(1 + rows / 37) {
            assert_eq!(tree.prove(i), stock.prove(i), "{shape}, leaf {i}");
        }
        verify_merkle_proof_to_cap(
            leaves[rows / 2].clone(),
            rows / 2,
            &tree.merkle_cap(),
            &tree.prove(rows / 2),
        )
        .expect("the path leads to the cap");
        let by_rows =
            MerkleTree::of_rows(backend, &leaves.concat(), columns, cap_height).expect("a tree over rows");
        assert_eq!(by_rows.cap(), tree.cap(), "{shape}");
        assert_eq!(by_rows.prove(rows - 1), tree.prove(rows - 1), "{shape}");
        assert!(tree.layer(0).iter().flat_map(|d| d.elements).all(|x| x.0 < common::P), "{shape}");
    }
}

#[test]
fn every_width_of_leaf() {
    for columns in 1..35 {
        check(64, columns, 2);
    }
    check(32, 135, 4);
}

#[test]
fn every_height() {
    for log2 in 0..9 {
        for cap_height in 0..=log2 {
            check(1 << log2, 9, cap_height);
        }
    }
    check(1 << 12, 11, 4);
}

#[test]
fn refusals() {
    let backend = Backend::PORTABLE;
    assert_eq!(
        MerkleTree::of_columns(backend, &Columns::zeros(12, 3), 0).err(),
        Some(AccelError::NotPowerOfTwo { rows: 12 })
    );
    assert_eq!(
        MerkleTree::of_columns(backend, &Columns::zeros(0, 3), 0).err(),
        Some(AccelError::NotPowerOfTwo { rows: 0 })
    );
    assert_eq!(
        MerkleTree::of_columns(backend, &Columns::zeros(8, 3), 4).err(),
        Some(AccelError::CapTooHigh { cap_height: 4, log2_leaves: 3 })
    );
    assert_eq!(
        MerkleTree::of_rows(backend, &[F(0); 9], 2, 0).err(),
        Some(AccelError::Width { elements: 9, width: 2 })
    );
    assert_eq!(
        MerkleTree::of_rows(backend, &[], 0, 0).err(),
        Some(AccelError::Width { elements: 0, width: 0 })
    );
    assert_eq!(
        Columns::from_columns(&[vec![F(0); 2], vec![F(0); 3]]).err(),
        Some(AccelError::Ragged { column: 1, expected: 2, got: 3 })
    );
}
