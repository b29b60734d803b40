//! FRI: fold, grind, answer the queries.

use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::field::types::PrimeField64;
use plonky2::fri::FriParams;
use plonky2::fri::proof::{FriInitialTreeProof, FriProof, FriQueryRound, FriQueryStep};
use plonky2::plonk::config::Hasher;

use super::transcript::Transcript;
use super::{Machine, Opened};
use crate::{D, E, EngineError, F};

/// Proves that all batches were opened to the values that the transcript has absorbed.
///
/// `points` are the points of the two batches; `preprocessed` opens the commitment that the circuit was built with.
pub(super) fn prove<H: Hasher<F>>(
    params: &FriParams,
    points: [E; 2],
    preprocessed: impl Fn(usize) -> Opened<H>,
    machine: &mut impl Machine<H>,
    transcript: &mut Transcript<H>,
) -> Result<FriProof<F, H, D>, EngineError> {
    machine.combine(points, transcript.extension_challenge())?;
    let mut commit_phase_merkle_caps = Vec::with_capacity(params.reduction_arity_bits.len());
    for &arity_bits in &params.reduction_arity_bits {
        let cap = machine.commit_layer(arity_bits)?;
        transcript.observe_cap(&cap.0);
        commit_phase_merkle_caps.push(cap);
        machine.fold(arity_bits, transcript.extension_challenge())?;
    }
    let final_poly = machine.remainder()?;
    transcript.observe_extension(&final_poly);
    let (state, position) = transcript.before_nonce();
    let pow_witness = machine.grind(params.config.proof_of_work_bits, state, position)?;
    transcript.observe(&[pow_witness]);
    transcript.challenge();
    let points = params.lde_size();
    let queries = transcript.challenges(params.config.num_query_rounds);
    let positions: Vec<usize> =
        queries.into_iter().map(|challenge| challenge.to_canonical_u64() as usize % points).collect();
    Ok(FriProof {
        commit_phase_merkle_caps,
        query_round_proofs: answer(params, preprocessed, machine, positions)?,
        final_poly: PolynomialCoeffs::new(final_poly),
        pow_witness,
    })
}

/// Opens everything that the queries touch.
fn answer<H: Hasher<F>>(
    params: &FriParams,
    preprocessed: impl Fn(usize) -> Opened<H>,
    machine: &mut impl Machine<H>,
    mut positions: Vec<usize>,
) -> Result<Vec<FriQueryRound<F, H, D>>, EngineError> {
    let initial = machine.open(&positions)?;
    let mut steps: Vec<Vec<FriQueryStep<F, H, D>>> = positions.iter().map(|_| Vec::new()).collect();
    let first = positions.clone();
    for (layer, arity_bits) in params.reduction_arity_bits.iter().enumerate() {
        positions.iter_mut().for_each(|position| *position >>= arity_bits);
        for (steps, step) in steps.iter_mut().zip(machine.open_layer(layer, &positions)?) {
            steps.push(step);
        }
    }
    let rounds = first.into_iter().zip(initial).zip(steps).map(|((position, opened), steps)| {
        let evals_proofs = std::iter::once(preprocessed(position)).chain(opened).collect();
        FriQueryRound { initial_trees_proof: FriInitialTreeProof { evals_proofs }, steps }
    });
    Ok(rounds.collect())
}
