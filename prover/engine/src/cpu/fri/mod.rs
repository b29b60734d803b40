//! FRI: fold, grind, answer the queries.

mod commit;
mod pow;
mod query;

use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::fri::FriParams;
use plonky2::fri::proof::FriProof;
use plonky2::plonk::config::Hasher;

pub(super) use query::InitialOracle;

use super::E;
use super::openings::Batches;
use super::transcript::Transcript;
use super::tree::Hashing;
use crate::{D, EngineError, F};

/// Proves that all batches were opened to the values that the transcript has absorbed.
///
/// `points` are the points of the two batches; `oracles` the committed polynomials in the protocol's order.
pub(super) fn prove<H: Hasher<F> + 'static>(
    hashing: &Hashing<H>,
    params: &FriParams,
    batches: &Batches<'_>,
    points: [E; 2],
    oracles: &[&dyn InitialOracle<H>],
    transcript: &mut Transcript<H>,
) -> Result<FriProof<F, H, D>, EngineError> {
    let alpha = transcript.extension_challenge();
    let combined =
        commit::combine(hashing.backend, &[(&batches.here, points[0]), (&batches.next, points[1])], alpha);
    let (layers, final_poly) = commit::fold(hashing, params, combined, transcript)?;
    let pow_witness = pow::grind(hashing, params.config.proof_of_work_bits, transcript)?;
    Ok(FriProof {
        commit_phase_merkle_caps: layers.iter().map(|layer| layer.tree.cap()).collect(),
        query_round_proofs: query::answer(params, oracles, &layers, transcript),
        final_poly: PolynomialCoeffs::new(final_poly),
        pow_witness,
    })
}
