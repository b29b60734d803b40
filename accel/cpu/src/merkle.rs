//! Plonky2's Merkle tree over Poseidon, built many hashes side by side.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::hash::poseidon::PoseidonHash;
use rayon::prelude::*;

use crate::F;
use crate::backend::Backend;
use crate::columns::Columns;
use crate::error::AccelError;
use crate::poseidon::{hash_leaves, hash_nodes, hash_rows};

/// Elements in a digest.
pub(crate) const DIGEST: usize = 4;

/// A digest: four elements, canonical.
pub type Digest = HashOut<F>;

/// Leaves that one task hashes: enough to forget the cost of a task, few enough to spread over many cores.
const LEAVES_PER_TASK: usize = 256;
/// Nodes that one task hashes.
const NODES_PER_TASK: usize = 1024;

/// The digests of a Merkle tree; the leaves stay with the caller.
///
/// Same digests, cap and paths as Plonky2's `MerkleTree<F, PoseidonHash>` over the same leaves: leaf i is row i,
/// a leaf of at most four elements is its own digest filled up with zeros, a longer one is hashed without
/// padding, a node is the compression of its children. The layout is this crate's own: layer by layer, from the
/// leaves' digests to the cap, each layer in order.
#[derive(Clone, Debug)]
pub struct MerkleTree {
    /// Layer 0 (one digest per leaf), then layer 1 with half as many, and so on up to the cap.
    digests: Vec<Digest>,
    log2_leaves: usize,
    cap_height: usize,
}

impl MerkleTree {
    /// The tree whose leaf i is row i of `leaves`. Spread over the threads of the current pool.
    ///
    /// # Errors
    /// [`AccelError::NotPowerOfTwo`] for another number of rows, [`AccelError::CapTooHigh`] when the cap would
    /// lie below the leaves.
    pub fn of_columns(backend: Backend, leaves: &Columns, cap_height: usize) -> Result<Self, AccelError> {
        Self::build(backend, leaves.rows(), cap_height, |first, out| hash_leaves(backend, leaves, first, out))
    }

    /// The tree over leaves that lie one after the other, `width` elements each (the folded values of FRI).
    ///
    /// # Errors
    /// As [`Self::of_columns`], and [`AccelError::Width`] when `rows` does not divide into leaves.
    pub fn of_rows(
        backend: Backend,
        rows: &[F],
        width: usize,
        cap_height: usize,
    ) -> Result<Self, AccelError> {
        if width == 0 || !rows.len().is_multiple_of(width) {
            return Err(AccelError::Width { elements: rows.len(), width });
        }
        Self::build(backend, rows.len() / width, cap_height, |first, out| {
            hash_rows(backend, &rows[first * width..(first + out.len()) * width], width, out);
        })
    }

    fn build(
        backend: Backend,
        leaves: usize,
        cap_height: usize,
        hash: impl Fn(usize, &mut [Digest]) + Sync,
    ) -> Result<Self, AccelError> {
        if !leaves.is_power_of_two() {
            return Err(AccelError::NotPowerOfTwo { rows: leaves });
        }
        let log2_leaves = leaves.ilog2() as usize;
        if cap_height > log2_leaves {
            return Err(AccelError::CapTooHigh { cap_height, log2_leaves });
        }
        let zero = HashOut { elements: [F::ZERO; DIGEST] };
        let mut digests = vec![zero; 2 * leaves - (1 << cap_height)];
        let (mut layer, mut above) = digests.split_at_mut(leaves);
        layer
            .par_chunks_mut(LEAVES_PER_TASK)
            .enumerate()
            .for_each(|(task, out)| hash(task * LEAVES_PER_TASK, out));
        while !above.is_empty() {
            let (parents, rest) = above.split_at_mut(layer.len() / 2);
            parents
                .par_chunks_mut(NODES_PER_TASK)
                .zip(layer.par_chunks(2 * NODES_PER_TASK))
                .for_each(|(out, children)| hash_nodes(backend, children, out));
            (layer, above) = (parents, rest);
        }
        Ok(Self { digests, log2_leaves, cap_height })
    }

    /// Leaves of the tree.
    pub fn leaves(&self) -> usize {
        1 << self.log2_leaves
    }

    /// Height of the cap: it has `2^cap_height` digests.
    pub fn cap_height(&self) -> usize {
        self.cap_height
    }

    /// The digests `height` layers above the leaves, in order; layer 0 has one per leaf.
    ///
    /// # Panics
    /// When the layer would lie above the cap.
    pub fn layer(&self, height: usize) -> &[Digest] {
        assert!(height + self.cap_height <= self.log2_leaves, "layer {height} lies above the cap");
        let length = self.leaves() >> height;
        // Layers below: leaves + leaves/2 + ... = 2 (leaves - length).
        let begin = 2 * (self.leaves() - length);
        &self.digests[begin..begin + length]
    }

    /// The cap's digests, in order.
    pub fn cap(&self) -> &[Digest] {
        self.layer(self.log2_leaves - self.cap_height)
    }

    /// The cap, as Plonky2's challenger and proofs take it.
    pub fn merkle_cap(&self) -> MerkleCap<F, PoseidonHash> {
        MerkleCap(self.cap().to_vec())
    }

    /// The siblings from leaf `leaf` up to the cap, as Plonky2's `MerkleTree::prove` gives them.
    ///
    /// # Panics
    /// When there is no such leaf.
    pub fn prove(&self, leaf: usize) -> MerkleProof<F, PoseidonHash> {
        assert!(leaf < self.leaves(), "leaf {leaf} of {}", self.leaves());
        let siblings =
            (0..self.log2_leaves - self.cap_height).map(|h| self.layer(h)[(leaf >> h) ^ 1]).collect();
        MerkleProof { siblings }
    }
}
