use plonky2::field::types::Field;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::plonk::config::Hasher;

use super::columns::Columns;
use super::poly;
use super::tree::Tree;
use crate::F;

/// Committed polynomials of one degree bound: coefficients, values on the extended coset, Merkle tree.
pub(super) struct Oracle<H: Hasher<F>> {
    pub(super) coefficients: Columns,
    /// A row a point, in bit-reversed order.
    pub(super) extended: Columns,
    pub(super) tree: Tree<H>,
}

impl<H: Hasher<F>> Oracle<H> {
    /// Commits to the polynomials with these values on the subgroup.
    pub(super) fn from_values(mut values: Columns, rate_bits: usize, cap_height: usize) -> Self {
        poly::interpolate(&mut values);
        Self::from_coefficients(values, rate_bits, cap_height)
    }

    pub(super) fn from_coefficients(coefficients: Columns, rate_bits: usize, cap_height: usize) -> Self {
        let extended = poly::extend(&coefficients, rate_bits, F::coset_shift());
        let tree = Tree::new(&extended, cap_height);
        Self { coefficients, extended, tree }
    }

    /// All polynomials at a point, and the path that proves them.
    pub(super) fn open(&self, index: usize) -> (Vec<F>, MerkleProof<F, H>) {
        (self.extended.row(index), self.tree.prove(index))
    }
}
