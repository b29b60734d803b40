use std::sync::Arc;

use janction_accel_cpu::Columns;
use plonky2::field::extension::Extendable;
use plonky2::field::types::Field;
use plonky2::iop::witness::PartitionWitness;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::{GenericConfig, Hasher};
use plonky2::plonk::proof::{Proof, ProofWithPublicInputs};
use plonky2::plonk::prover::set_lookup_wires;

use super::openings::{next_point, opening_set};
use super::shape::LOOKUP_CHALLENGES;
use super::transcript::Transcript;
use super::{Challenges, LookupChallenges, LookupShape, Machine, Stage, Stages, fri, witness};
use crate::{D, E, EngineError, F};

/// What is proven, and the witness: the values of all wires. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Statement {
    public_inputs: Vec<F>,
    /// A column a wire, values on the subgroup in natural order.
    wires: Arc<Columns>,
}

impl Statement {
    /// Lays out what the generators gave.
    ///
    /// # Errors
    /// [`EngineError::Witness`] where a public input has no value, or what is looked up is in no table.
    pub(crate) fn of<C: GenericConfig<D, F = F>>(
        circuit: &CircuitData<F, C, D>,
        mut values: PartitionWitness<'_, F>,
        stages: &mut Stages,
    ) -> Result<Self, EngineError> {
        let prover = &circuit.prover_only;
        set_lookup_wires(prover, &circuit.common, &mut values)
            .map_err(|e| EngineError::Witness { reason: e.to_string() })?;
        let public_inputs = witness::public_inputs(&values, &prover.public_inputs)?;
        let wires = stages.time(Stage::Witness, || Arc::new(witness::wire_values(&values)));
        Ok(Self { public_inputs, wires })
    }
}

/// The protocol, from the wires to the proof.
pub(crate) fn prove<C: GenericConfig<D, F = F>>(
    circuit: &CircuitData<F, C, D>,
    statement: Statement,
    machine: &mut impl Machine<C::Hasher>,
    stages: &mut Stages,
) -> Result<ProofWithPublicInputs<F, C, D>, EngineError> {
    let (common, prover) = (&circuit.common, &circuit.prover_only);
    let challenge_count = common.config.num_challenges;
    let Statement { public_inputs, wires } = statement;
    let public_inputs_hash = C::InnerHasher::hash_no_pad(&public_inputs);

    let mut transcript = Transcript::<C::Hasher>::new();
    transcript.observe_fri_params(&common.fri_params);
    transcript.observe_hash(&prover.circuit_digest);
    transcript.observe_hash(&public_inputs_hash);
    let wires_cap = machine.commit_wires(wires, stages)?;
    transcript.observe_cap(&wires_cap.0);

    let betas = transcript.challenges(challenge_count);
    let gammas = transcript.challenges(challenge_count);
    let lookups = LookupShape::of(common).map_or_else(Vec::new, |_| {
        let drawn = transcript.challenges((LOOKUP_CHALLENGES - 2) * challenge_count);
        LookupChallenges::all(&betas, &gammas, &drawn)
    });
    let mut challenges = Challenges { betas, gammas, lookups, alphas: Vec::new() };
    let plonk_zs_partial_products_cap = machine.commit_products(&challenges, stages)?;
    transcript.observe_cap(&plonk_zs_partial_products_cap.0);

    challenges.alphas = transcript.challenges(challenge_count);
    let quotient_polys_cap = machine.commit_quotient(&public_inputs_hash, &challenges, stages)?;
    transcript.observe_cap(&quotient_polys_cap.0);

    let zeta = opening_point(common.degree_bits(), &mut transcript)?;
    let points = [zeta, next_point(common.degree_bits(), zeta)];
    let [here, next] = stages.time(Stage::Openings, || machine.evaluate(points))?;
    transcript.observe_extension(&here);
    transcript.observe_extension(&next);
    let tree = &prover.constants_sigmas_commitment.merkle_tree;
    let preprocessed = |position: usize| (tree.get(position).to_vec(), tree.prove(position));
    let opening_proof = stages.time(Stage::Fri, || {
        fri::prove(&common.fri_params, points, preprocessed, machine, &mut transcript)
    })?;
    let openings = opening_set(common, &here, &next);
    let proof =
        Proof { wires_cap, plonk_zs_partial_products_cap, quotient_polys_cap, openings, opening_proof };
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
