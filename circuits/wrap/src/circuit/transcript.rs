//! The order of observations and challenges of Plonky2's verifier.

use plonky2::field::types::PrimeField64;
use plonky2::plonk::config::GenericHashOut;

use super::challenger::Challenger;
use super::extension::Ext;
use super::goldilocks::Gl;
use super::inner::InnerCircuit;
use super::proof::ProofCells;
use super::tape::{Cell, Tape};
use crate::last_layer::F;

/// All challenges of a proof; everything reduced.
#[derive(Clone, Debug)]
pub struct Challenges {
    /// Factors of the permutation argument.
    pub betas: Vec<Gl>,
    /// Shifts of the permutation argument.
    pub gammas: Vec<Gl>,
    /// Combine constraints.
    pub alphas: Vec<Gl>,
    /// Point of evaluation.
    pub zeta: Ext,
    /// Combines polynomials in FRI.
    pub fri_alpha: Ext,
    /// Folding points.
    pub fri_betas: Vec<Ext>,
    /// Canonical response to the grinding witness.
    pub pow_response: Cell,
    /// Canonical integers whose low bits are the query indices.
    pub query_indices: Vec<Cell>,
}

fn observe_constants(challenger: &mut Challenger, tape: &mut Tape, elements: &[F]) {
    for element in elements {
        challenger.observe(tape, Gl::integer(i128::from(element.to_canonical_u64())));
    }
}

/// Parameters of FRI as Plonky2 observes them, then the circuit digest.
fn statement_constants(inner: &InnerCircuit) -> Vec<F> {
    use plonky2::field::types::Field;
    let params = &inner.common.fri_params;
    let config = &params.config;
    let mut elements = vec![
        F::from_canonical_usize(config.rate_bits),
        F::from_canonical_usize(config.cap_height),
        F::from_canonical_u32(config.proof_of_work_bits),
    ];
    elements.extend(config.reduction_strategy.serialize::<F>());
    elements.push(F::from_canonical_usize(config.num_query_rounds));
    elements.push(F::from_bool(params.hiding));
    elements.push(F::from_canonical_usize(params.degree_bits));
    elements.extend(params.reduction_arity_bits.iter().map(|&bits| F::from_canonical_usize(bits)));
    elements.extend(inner.verifier_only.circuit_digest.to_vec());
    elements
}

/// Runs the transcript.
pub fn challenges(
    tape: &mut Tape,
    inner: &InnerCircuit,
    proof: &ProofCells,
    public_inputs_hash: &[Gl; 4],
) -> Challenges {
    let count = inner.common.config.num_challenges;
    let challenger = &mut Challenger::default();
    observe_constants(challenger, tape, &statement_constants(inner));
    for &part in public_inputs_hash {
        challenger.observe(tape, part);
    }
    challenger.observe_digest(tape, proof.wires_root);
    let betas = challenger.challenges(tape, count);
    let gammas = challenger.challenges(tape, count);
    challenger.observe_digest(tape, proof.zs_root);
    let alphas = challenger.challenges(tape, count);
    challenger.observe_digest(tape, proof.quotients_root);
    let zeta = challenger.extension_challenge(tape);
    challenger.observe_extensions(tape, &proof.openings.zeta_batch());
    challenger.observe_extensions(tape, &proof.openings.zs_next);
    let fri_alpha = challenger.extension_challenge(tape);
    let mut fri_betas = Vec::with_capacity(proof.fold_roots.len());
    for &root in &proof.fold_roots {
        challenger.observe_digest(tape, root);
        fri_betas.push(challenger.extension_challenge(tape));
    }
    challenger.observe_extensions(tape, &proof.final_polynomial);
    challenger.observe(tape, proof.pow_witness);
    let pow_response = challenger.canonical_challenge(tape);
    let query_indices = proof.queries.iter().map(|_| challenger.canonical_challenge(tape)).collect();
    Challenges { betas, gammas, alphas, zeta, fri_alpha, fri_betas, pow_response, query_indices }
}
