use plonky2::field::types::PrimeField64;
use plonky2::fri::FriParams;
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::fri::proof::{FriInitialTreeProof, FriQueryRound, FriQueryStep};
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::plonk::config::{GenericConfig, Hasher};
use rayon::prelude::*;

use super::commit::Layer;
use crate::cpu::oracle::Oracle;
use crate::cpu::transcript::Transcript;
use crate::{D, F};

/// Committed polynomials that queries open.
pub(in crate::cpu) trait InitialOracle<H: Hasher<F>>: Sync {
    /// All polynomials at a point, and the path that proves them.
    fn open(&self, index: usize) -> (Vec<F>, MerkleProof<F, H>);
}

impl<H: Hasher<F> + 'static> InitialOracle<H> for Oracle<H> {
    fn open(&self, index: usize) -> (Vec<F>, MerkleProof<F, H>) {
        self.open(index)
    }
}

/// The constants and σ, which Plonky2 committed to when it built the circuit.
impl<C: GenericConfig<D, F = F>> InitialOracle<C::Hasher> for PolynomialBatch<F, C, D> {
    fn open(&self, index: usize) -> (Vec<F>, MerkleProof<F, C::Hasher>) {
        (self.merkle_tree.get(index).to_vec(), self.merkle_tree.prove(index))
    }
}

/// Draws the queries and opens everything that they touch.
pub(super) fn answer<H: Hasher<F> + 'static>(
    params: &FriParams,
    oracles: &[&dyn InitialOracle<H>],
    layers: &[Layer<H>],
    transcript: &mut Transcript<H>,
) -> Vec<FriQueryRound<F, H, D>> {
    let points = params.lde_size();
    transcript
        .challenges(params.config.num_query_rounds)
        .into_par_iter()
        .map(|challenge| {
            let mut index = challenge.to_canonical_u64() as usize % points;
            let evals_proofs = oracles.iter().map(|oracle| oracle.open(index)).collect();
            let steps = layers.iter().zip(&params.reduction_arity_bits).map(|(layer, &arity_bits)| {
                index >>= arity_bits;
                FriQueryStep { evals: layer.leaf(index), merkle_proof: layer.tree.prove(index) }
            });
            FriQueryRound {
                steps: steps.collect(),
                initial_trees_proof: FriInitialTreeProof { evals_proofs },
            }
        })
        .collect()
}
