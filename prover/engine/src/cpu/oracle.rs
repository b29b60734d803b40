use janction_accel_cpu::{Columns, ntt};
use plonky2::field::types::Field;
use plonky2::fri::FriConfig;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::config::Hasher;

use super::tree::{Hashing, Tree};
use crate::plonk::{Stage, Stages};
use crate::{D, EngineError, F};

/// Committed polynomials of one degree bound: coefficients, values on the extended coset, Merkle tree.
pub(super) struct Oracle<H: Hasher<F>> {
    pub(super) coefficients: Columns,
    /// A row a point, in bit-reversed order.
    pub(super) extended: Columns,
    pub(super) tree: Tree<H>,
}

impl<H: Hasher<F> + 'static> Oracle<H> {
    /// Commits to the polynomials with these values on the subgroup.
    pub(super) fn from_values(
        hashing: &Hashing<H>,
        values: &Columns,
        common: &CommonCircuitData<F, D>,
        stages: &mut Stages,
    ) -> Result<Self, EngineError> {
        let coefficients = stages.time(Stage::Extend, || ntt::interpolate(hashing.backend, values))?;
        Self::from_coefficients(hashing, coefficients, common, stages)
    }

    pub(super) fn from_coefficients(
        hashing: &Hashing<H>,
        coefficients: Columns,
        common: &CommonCircuitData<F, D>,
        stages: &mut Stages,
    ) -> Result<Self, EngineError> {
        let FriConfig { rate_bits, cap_height, .. } = common.config.fri_config;
        let extend = || ntt::coset_lde(hashing.backend, &coefficients, rate_bits, F::coset_shift());
        let extended = stages.time(Stage::Extend, extend)?;
        let tree = stages.time(Stage::Merkle, || Tree::new(hashing, &extended, cap_height))?;
        Ok(Self { coefficients, extended, tree })
    }

    /// All polynomials at a point, and the path that proves them.
    pub(super) fn open(&self, index: usize) -> (Vec<F>, MerkleProof<F, H>) {
        (self.extended.row(index), self.tree.prove(index))
    }
}
