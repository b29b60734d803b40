use std::sync::Arc;

use janction_accel_cpu::{Backend, Columns, MerkleTree, TreeHasher};
use plonky2::field::types::Field;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::config::Hasher;
use rayon::prelude::*;

use crate::hasher::{digest, is_poseidon};
use crate::{EngineError, F};

/// How trees and proofs of work over `H` are made.
pub(super) struct Hashing<H: Hasher<F>> {
    pub(super) backend: Backend,
    /// `H` on many inputs at once, if the engine was given such.
    pub(super) many: Option<Arc<dyn TreeHasher<H>>>,
}

/// A Merkle tree over the rows of a table, up to its cap. The leaves stay where they are.
pub(super) enum Tree<H: Hasher<F>> {
    /// Poseidon's, many hashes side by side.
    Poseidon(MerkleTree),
    /// Any other hasher's: digests from the leaves' level to the cap's.
    Other(Vec<Vec<H::Hash>>),
}

/// Rows that are gathered at once.
const BLOCK: usize = 64;
/// Nodes that one task hashes.
const NODES: usize = 16;

impl<H: Hasher<F> + 'static> Tree<H> {
    /// Hashes every row of `leaves`, a power of two of at least 2^cap_height, and their parents.
    pub(super) fn new(
        hashing: &Hashing<H>,
        leaves: &Columns,
        cap_height: usize,
    ) -> Result<Self, EngineError> {
        Ok(match &hashing.many {
            Some(many) => Self::Other(levels(many.rows(leaves), cap_height, |children| many.pairs(children))),
            None if is_poseidon::<H>() => {
                Self::Poseidon(MerkleTree::of_columns(hashing.backend, leaves, cap_height)?)
            }
            None => Self::Other(levels(hash_rows::<H>(leaves), cap_height, hash_pairs::<H>)),
        })
    }

    pub(super) fn cap(&self) -> MerkleCap<F, H> {
        MerkleCap(match self {
            Self::Poseidon(tree) => tree.cap().iter().map(digest::<H>).collect(),
            Self::Other(levels) => levels[levels.len() - 1].clone(),
        })
    }

    /// The siblings from a leaf up to the cap.
    pub(super) fn prove(&self, leaf: usize) -> MerkleProof<F, H> {
        let siblings = match self {
            Self::Poseidon(tree) => tree.prove(leaf).siblings.iter().map(digest::<H>).collect(),
            Self::Other(levels) => {
                let below_cap = levels[..levels.len() - 1].iter().enumerate();
                below_cap.map(|(height, level)| level[(leaf >> height) ^ 1]).collect()
            }
        };
        MerkleProof { siblings }
    }
}

/// All levels of digests from that of the leaves to the cap's.
fn levels<T>(leaves: Vec<T>, cap_height: usize, parents: impl Fn(&[T]) -> Vec<T>) -> Vec<Vec<T>> {
    let mut levels = vec![leaves];
    while levels[levels.len() - 1].len() > 1 << cap_height {
        levels.push(parents(&levels[levels.len() - 1]));
    }
    levels
}

fn hash_pairs<H: Hasher<F>>(children: &[H::Hash]) -> Vec<H::Hash> {
    let pairs = children.par_chunks_exact(2).with_min_len(NODES);
    pairs.map(|pair| H::two_to_one(pair[0], pair[1])).collect()
}

/// One hash at a time.
fn hash_rows<H: Hasher<F>>(leaves: &Columns) -> Vec<H::Hash> {
    let (rows, width) = (leaves.rows(), leaves.columns());
    (0..rows.div_ceil(BLOCK))
        .into_par_iter()
        .flat_map_iter(|block| {
            let first = block * BLOCK;
            let count = BLOCK.min(rows - first);
            let mut gathered = vec![F::ZERO; count * width];
            for (j, column) in leaves.iter().enumerate() {
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
    use plonky2::hash::keccak::KeccakHash;
    use plonky2::hash::merkle_tree::MerkleTree as StockTree;
    use plonky2::hash::poseidon::PoseidonHash;

    use super::*;

    /// A hasher on many inputs at once that makes one hash after the other.
    struct OneByOne;

    impl<H: Hasher<F>> TreeHasher<H> for OneByOne {
        fn rows(&self, rows: &Columns) -> Vec<H::Hash> {
            (0..rows.rows()).map(|i| H::hash_or_noop(&rows.row(i))).collect()
        }

        fn pairs(&self, children: &[H::Hash]) -> Vec<H::Hash> {
            children.chunks_exact(2).map(|pair| H::two_to_one(pair[0], pair[1])).collect()
        }

        fn responses(&self, _: &H::Permutation, _: usize, _: u64, _: usize) -> Vec<F> {
            unreachable!("trees do not grind")
        }
    }

    fn check<H: Hasher<F> + 'static>(many: Option<Arc<dyn TreeHasher<H>>>) {
        let hashing = Hashing { backend: Backend::current().expect("a backend"), many };
        for (width, height, cap_height) in
            [(1, 3, 0), (3, 3, 3), (4, 4, 1), (5, 7, 4), (135, 6, 2), (20, 9, 0)]
        {
            let columns: Vec<Vec<F>> = (0..width).map(|_| F::rand_vec(1 << height)).collect();
            let columns = Columns::from_columns(&columns).expect("equally long");
            let rows: Vec<Vec<F>> = (0..1 << height).map(|i| columns.row(i)).collect();
            let stock = StockTree::<F, H>::new(rows, cap_height);
            let ours = Tree::<H>::new(&hashing, &columns, cap_height).expect("a power of two");
            assert_eq!(ours.cap(), stock.cap);
            for i in 0..1 << height {
                assert_eq!(ours.prove(i), stock.prove(i));
            }
        }
    }

    #[test]
    fn caps_and_paths_are_those_of_plonky2() {
        check::<PoseidonHash>(None);
        check::<KeccakHash<25>>(None);
        check::<PoseidonHash>(Some(Arc::new(OneByOne)));
        check::<KeccakHash<25>>(Some(Arc::new(OneByOne)));
    }
}
