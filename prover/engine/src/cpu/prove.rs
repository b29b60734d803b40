use janction_accel_cpu::Columns;
use plonky2::field::extension::Extendable;
use plonky2::field::types::Field;
use plonky2::iop::witness::PartitionWitness;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::{GenericConfig, Hasher};
use plonky2::plonk::proof::{Proof, ProofWithPublicInputs};
use plonky2::plonk::prover::set_lookup_wires;

use super::fri::InitialOracle;
use super::lookup::{self, LookupChallenges, LookupShape};
use super::openings::{Batches, Coefficients, next_point, opening_set};
use super::oracle::Oracle;
use super::quotient::{Challenges, quotient};
use super::shape::LOOKUP_CHALLENGES;
use super::stages::{Stage, Stages};
use super::transcript::Transcript;
use super::tree::Hashing;
use super::{E, fri, permutation, witness};
use crate::{D, EngineError, F};

/// The protocol, from the generators' values to the proof.
pub(super) fn prove<C: GenericConfig<D, F = F>>(
    hashing: &Hashing<C::Hasher>,
    circuit: &CircuitData<F, C, D>,
    mut values: PartitionWitness<'_, F>,
    stages: &mut Stages,
) -> Result<ProofWithPublicInputs<F, C, D>, EngineError>
where
    C::Hasher: 'static,
{
    let (common, prover) = (&circuit.common, &circuit.prover_only);
    let challenge_count = common.config.num_challenges;
    let (rate_bits, cap_height) = (common.config.fri_config.rate_bits, common.config.fri_config.cap_height);

    set_lookup_wires(prover, common, &mut values)
        .map_err(|e| EngineError::Witness { reason: e.to_string() })?;
    let public_inputs = witness::public_inputs(&values, &prover.public_inputs)?;
    let public_inputs_hash = C::InnerHasher::hash_no_pad(&public_inputs);
    let wire_values = stages.time(Stage::Witness, || witness::wire_values(&values));
    drop(values);

    let mut transcript = Transcript::<C::Hasher>::new();
    transcript.observe_fri_params(&common.fri_params);
    transcript.observe_hash(&prover.circuit_digest);
    transcript.observe_hash(&public_inputs_hash);
    let wires = Oracle::<C::Hasher>::from_values(hashing, &wire_values, rate_bits, cap_height, stages)?;
    transcript.observe_cap(&wires.tree.cap().0);

    let betas = transcript.challenges(challenge_count);
    let gammas = transcript.challenges(challenge_count);
    let lookup_shape = LookupShape::of(common);
    let lookup_challenges = lookup_shape.map_or_else(Vec::new, |_| {
        let drawn = transcript.challenges((LOOKUP_CHALLENGES - 2) * challenge_count);
        LookupChallenges::all(&betas, &gammas, &drawn)
    });
    let columns = challenge_count * (1 + common.num_partial_products + common.num_lookup_polys);
    let mut product_values = Columns::zeros(common.degree(), columns);
    stages.time(Stage::Products, || {
        permutation::fill(circuit, &wire_values, &betas, &gammas, &mut product_values)?;
        lookup_shape.map_or(Ok(()), |shape| {
            lookup::fill(circuit, shape, &wire_values, &lookup_challenges, &mut product_values)
        })
    })?;
    drop(wire_values);
    let products = Oracle::<C::Hasher>::from_values(hashing, &product_values, rate_bits, cap_height, stages)?;
    drop(product_values);
    transcript.observe_cap(&products.tree.cap().0);

    let alphas = transcript.challenges(challenge_count);
    let challenges =
        Challenges { betas: &betas, gammas: &gammas, lookups: &lookup_challenges, alphas: &alphas };
    let chunks = stages.time(Stage::Quotient, || {
        quotient(
            hashing.backend,
            circuit,
            &public_inputs_hash,
            &wires.extended,
            &products.extended,
            &challenges,
        )
    })?;
    let quotients = Oracle::<C::Hasher>::from_coefficients(hashing, chunks, rate_bits, cap_height, stages)?;
    transcript.observe_cap(&quotients.tree.cap().0);

    let zeta = opening_point(common.degree_bits(), &mut transcript)?;
    let preprocessed = &prover.constants_sigmas_commitment;
    let batches = Batches::new(
        common,
        preprocessed.polynomials.iter().map(|p| p.coeffs.as_slice()).collect::<Coefficients<'_>>(),
        wires.coefficients.iter().collect(),
        &products.coefficients.iter().collect(),
        quotients.coefficients.iter().collect(),
    );
    let points = [zeta, next_point(common.degree_bits(), zeta)];
    let [here, next] = stages.time(Stage::Openings, || batches.evaluate(hashing.backend, points));
    transcript.observe_extension(&here);
    transcript.observe_extension(&next);
    let oracles: [&dyn InitialOracle<C::Hasher>; 4] = [preprocessed, &wires, &products, &quotients];
    let opening_proof = stages.time(Stage::Fri, || {
        fri::prove(hashing, &common.fri_params, &batches, points, &oracles, &mut transcript)
    })?;
    let proof = Proof {
        wires_cap: wires.tree.cap(),
        plonk_zs_partial_products_cap: products.tree.cap(),
        quotient_polys_cap: quotients.tree.cap(),
        openings: opening_set(common, &here, &next),
        opening_proof,
    };
    Ok(ProofWithPublicInputs { proof, public_inputs })
}

/// Draws ζ. It must not lie in the subgroup, where the openings would tell wires.
fn opening_point<H: Hasher<F>>(degree_bits: usize, transcript: &mut Transcript<H>) -> Result<E, EngineError> {
    let zeta = transcript.extension_challenge();
    if zeta.exp_power_of_2(degree_bits) == <F as Extendable<D>>::Extension::ONE {
        return Err(EngineError::Witness {
            reason: "the opening point lies in the subgroup; another witness may be proven".to_owned(),
        });
    }
    Ok(zeta)
}
