use plonky2::field::types::Field;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::config::Hasher;
use rayon::prelude::*;

use super::columns::Columns;
use crate::F;

/// A Merkle tree over the rows of a table, up to its cap. The leaves stay where they are.
pub(super) struct Tree<H: Hasher<F>> {
    /// Digests from the leaves' to the cap's.
    levels: Vec<Vec<H::Hash>>,
}

/// Rows that are gathered at once.
const BLOCK: usize = 64;

impl<H: Hasher<F>> Tree<H> {
    /// Hashes every row of `leaves`, a power of two of at least 2^cap_height, and their parents.
    pub(super) fn new(leaves: &Columns, cap_height: usize) -> Self {
        let mut levels = vec![hash_rows::<H>(leaves)];
        while levels[levels.len() - 1].len() > 1 << cap_height {
            let children = &levels[levels.len() - 1];
            let parents =
                children.par_chunks_exact(2).with_min_len(16).map(|c| H::two_to_one(c[0], c[1])).collect();
            levels.push(parents);
        }
        Self { levels }
    }

    pub(super) fn cap(&self) -> MerkleCap<F, H> {
        MerkleCap(self.levels[self.levels.len() - 1].clone())
    }

    /// The siblings from a leaf up to the cap.
    pub(super) fn prove(&self, leaf: usize) -> MerkleProof<F, H> {
        let below_cap = &self.levels[..self.levels.len() - 1];
        let siblings =
            below_cap.iter().enumerate().map(|(height, level)| level[(leaf >> height) ^ 1]).collect();
        MerkleProof { siblings }
    }
}

fn hash_rows<H: Hasher<F>>(leaves: &Columns) -> Vec<H::Hash> {
    let (rows, width) = (leaves.rows(), leaves.width());
    (0..rows.div_ceil(BLOCK))
        .into_par_iter()
        .flat_map_iter(|block| {
            let first = block * BLOCK;
            let count = BLOCK.min(rows - first);
            let mut gathered = vec![F::ZERO; count * width];
            for (j, column) in leaves.columns().enumerate() {
                for (i, &value) in column[first..first + count].iter().enumerate() {
                    gathered[i * width + j] = value;
                }
            }
            (0..count).map(move |i| H::hash_or_noop(&gathered[i * width..][..width]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;
    use plonky2::hash::merkle_tree::MerkleTree;
    use plonky2::hash::poseidon::PoseidonHash;

    use super::*;

    #[test]
    fn caps_and_paths_are_those_of_plonky2() {
        for (width, height, cap_height) in
            [(1, 3, 0), (3, 3, 3), (4, 4, 1), (5, 7, 4), (135, 6, 2), (20, 9, 0)]
        {
            let mut columns = Columns::zero(width, 1 << height);
            columns.columns_mut().for_each(|column| column.copy_from_slice(&F::rand_vec(1 << height)));
            let rows: Vec<Vec<F>> = (0..1 << height).map(|i| columns.row(i)).collect();
            let stock = MerkleTree::<F, PoseidonHash>::new(rows, cap_height);
            let ours = Tree::<PoseidonHash>::new(&columns, cap_height);
            assert_eq!(ours.cap(), stock.cap);
            for i in 0..1 << height {
                assert_eq!(ours.prove(i), stock.prove(i));
            }
        }
    }
}
