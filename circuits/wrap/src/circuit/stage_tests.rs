//! The whole verifier on small circuits, and a forgery for each stage.

use halo2_proofs::halo2curves::bn256::Fr;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::config::Hasher;
use std::sync::LazyLock;

use super::bound::U256;
use super::extension::NativeExt;
use super::goldilocks::Gl;
use super::inner::InnerCircuit;
use super::proof::{LastProof, ProofCells, dummy_proof};
use super::tape::{Input, Tape};
use super::testing::{is_satisfied, is_satisfied_with};
use super::transcript::Challenges;
use super::unbound_tests::unbound_cells;
use super::verifier::verify;
use super::{fri, poseidon, proof_of_work, transcript, vanishing};
use crate::config::Bn254Digest;
use crate::last_layer::{D, F, LastConfig, last_layer_config};

/// A circuit of 2^6 rows with few queries and one folding, and a proof of it.
static SMALL: LazyLock<(InnerCircuit, LastProof)> = LazyLock::new(|| {
    let mut config = last_layer_config();
    config.security_bits = 10;
    config.fri_config.num_query_rounds = 2;
    config.fri_config.proof_of_work_bits = 5;
    let mut builder = CircuitBuilder::<F, D>::new(config);
    let inputs = builder.add_virtual_targets(10);
    builder.register_public_inputs(&inputs);
    let mut state = inputs.clone();
    for _ in 0..40 {
        state = builder.hash_n_to_m_no_pad::<plonky2::hash::poseidon::PoseidonHash>(state, 8);
    }
    let product = builder.mul_add(state[0], state[1], state[2]);
    builder.range_check(product, 63);
    let data = builder.build::<LastConfig>();
    assert_eq!(data.common.degree_bits(), 6);
    let mut witness = PartialWitness::new();
    for (i, &target) in inputs.iter().enumerate() {
        witness.set_target(target, F::from_canonical_usize(i + 1)).expect("a free target");
    }
    let proof = data.prove(witness).expect("the circuit is satisfiable");
    data.verify(proof.clone()).expect("the proof is valid");
    (InnerCircuit::new(&data.common, &data.verifier_only).expect("supported"), proof)
});

fn accepts(change: impl FnOnce(&mut LastProof)) -> bool {
    let (inner, proof) = &*SMALL;
    let mut proof = proof.clone();
    change(&mut proof);
    is_satisfied(verify(inner, &proof).expect("supported gates"))
}

#[test]
fn a_valid_proof_is_accepted_and_exposes_its_public_inputs() {
    let (inner, proof) = &*SMALL;
    let tape = verify(inner, proof).expect("supported gates");
    let expected: Vec<Fr> = proof.public_inputs.iter().map(|x| Fr::from(x.to_canonical_u64())).collect();
    assert_eq!(tape.instance_values(), expected);
    assert!(is_satisfied(tape));
}

#[test]
fn no_value_is_free() {
    let (inner, proof) = &*SMALL;
    let tape = verify(inner, proof).expect("supported gates");
    assert_eq!(unbound_cells(&tape), []);
}

#[test]
fn the_layout_does_not_depend_on_the_proof() {
    let (inner, proof) = &*SMALL;
    let real = verify(inner, proof).expect("supported gates");
    let dummy = verify(inner, &dummy_proof(&inner.common)).expect("supported gates");
    assert_eq!(real.flex_gates, dummy.flex_gates);
    assert_eq!(real.range_steps, dummy.range_steps);
    assert_eq!(real.copies, dummy.copies);
    assert_eq!(real.constants, dummy.constants);
    assert_eq!(real.permutations.len(), dummy.permutations.len());
    assert_eq!(real.layout_digest(), dummy.layout_digest());
}

/// The digests of Plonky2 leave these out; the name of a cached key must not.
#[test]
fn the_layout_digest_covers_what_the_circuit_digest_does_not() {
    let (inner, _) = &*SMALL;
    let digest = |change: &dyn Fn(&mut InnerCircuit)| {
        let mut inner = inner.clone();
        change(&mut inner);
        verify(&inner, &dummy_proof(&inner.common)).expect("supported gates").layout_digest()
    };
    let unchanged = digest(&|_| {});
    assert_eq!(unchanged, digest(&|_| {}));
    let grinding = digest(&|inner| inner.common.config.fri_config.proof_of_work_bits += 1);
    assert_ne!(grinding, unchanged);
    let queries = digest(&|inner| inner.common.config.fri_config.num_query_rounds += 1);
    assert_ne!(queries, unchanged);
    let gates = digest(&|inner| inner.common.gates.swap(0, 1));
    assert_ne!(gates, unchanged);
}

#[test]
fn forged_public_input() {
    assert!(!accepts(|proof| proof.public_inputs[3] += F::ONE));
    // An instance that is not the public input of the proof.
    let (inner, proof) = &*SMALL;
    let mut forged = verify(inner, proof).expect("supported gates");
    forged.flex[3] += Fr::from(1);
    assert!(!is_satisfied(forged));
}

/// Instances given to the verifier that are not those in the circuit.
#[test]
fn instances_are_bound() {
    let (inner, proof) = &*SMALL;
    let tape = verify(inner, proof).expect("supported gates");
    let mut instances = tape.instance_values();
    instances[9] += Fr::from(1);
    assert!(!is_satisfied_with(tape, instances));
}

#[test]
fn forged_roots() {
    fn forge(digest: &mut Bn254Digest) {
        digest.0 += ark_bn254::Fr::from(1u64);
    }
    assert!(!accepts(|proof| forge(&mut proof.proof.wires_cap.0[0])));
    assert!(!accepts(|proof| forge(&mut proof.proof.plonk_zs_partial_products_cap.0[0])));
    assert!(!accepts(|proof| forge(&mut proof.proof.quotient_polys_cap.0[0])));
    assert!(!accepts(|proof| forge(&mut proof.proof.opening_proof.commit_phase_merkle_caps[0].0[0])));
}

#[test]
fn forged_openings() {
    assert!(!accepts(|proof| proof.proof.openings.constants[0] += NativeExt::ONE));
    assert!(!accepts(|proof| proof.proof.openings.plonk_sigmas[79] += NativeExt::ONE));
    assert!(!accepts(|proof| proof.proof.openings.wires[134] += NativeExt::ONE));
    assert!(!accepts(|proof| proof.proof.openings.plonk_zs[2] += NativeExt::ONE));
    assert!(!accepts(|proof| proof.proof.openings.plonk_zs_next[1] += NativeExt::ONE));
    assert!(!accepts(|proof| proof.proof.openings.partial_products[0] += NativeExt::ONE));
    assert!(!accepts(|proof| proof.proof.openings.quotient_polys[23] += NativeExt::ONE));
}

#[test]
fn forged_queries() {
    assert!(!accepts(|proof| {
        let query = &mut proof.proof.opening_proof.query_round_proofs[1];
        query.initial_trees_proof.evals_proofs[1].0[7] += F::ONE;
    }));
    assert!(!accepts(|proof| {
        let query = &mut proof.proof.opening_proof.query_round_proofs[0];
        query.initial_trees_proof.evals_proofs[0].1.siblings[4].0 += ark_bn254::Fr::from(1u64);
    }));
    assert!(!accepts(|proof| {
        let query = &mut proof.proof.opening_proof.query_round_proofs[0];
        query.steps[0].evals[9] += NativeExt::ONE;
    }));
    assert!(!accepts(|proof| {
        let query = &mut proof.proof.opening_proof.query_round_proofs[1];
        query.steps[0].merkle_proof.siblings[0].0 += ark_bn254::Fr::from(1u64);
    }));
}

#[test]
fn forged_final_polynomial_and_grinding() {
    assert!(!accepts(|proof| proof.proof.opening_proof.final_poly.coeffs[1] += NativeExt::ONE));
    assert!(!accepts(|proof| proof.proof.opening_proof.pow_witness += F::ONE));
}

/// Every part of the statement's constants matters: a proof of another circuit is refused.
#[test]
fn another_circuit_is_refused() {
    let (inner, proof) = &*SMALL;
    let mut other = inner.clone();
    other.verifier_only.circuit_digest.0 += ark_bn254::Fr::from(1u64);
    assert!(!is_satisfied(verify(&other, proof).expect("supported gates")));
    let mut other = inner.clone();
    other.verifier_only.constants_sigmas_cap.0[0].0 += ark_bn254::Fr::from(1u64);
    assert!(!is_satisfied(verify(&other, proof).expect("supported gates")));
}

#[test]
fn challenges_agree_with_plonky2() {
    let (inner, proof) = &*SMALL;
    let native = proof
        .get_challenges(proof_hash(proof), &inner.verifier_only.circuit_digest, &inner.common)
        .expect("a well-formed proof");
    let mut tape = Tape::default();
    let cells = ProofCells::assign(&mut tape, proof);
    let hash = poseidon::hash_no_pad(&mut tape, &cells.public_inputs);
    assert_eq!(hash.map(|part| part.value()), proof_hash(proof).elements);
    let challenges = transcript::challenges(&mut tape, inner, &cells, &hash);
    let values = |cells: &[Gl]| cells.iter().map(|cell| cell.value()).collect::<Vec<_>>();
    assert_eq!(values(&challenges.betas), native.plonk_betas);
    assert_eq!(values(&challenges.gammas), native.plonk_gammas);
    assert_eq!(values(&challenges.alphas), native.plonk_alphas);
    assert_eq!(challenges.zeta.value(), native.plonk_zeta);
    assert_eq!(challenges.fri_alpha.value(), native.fri_challenges.fri_alpha);
    assert_eq!(challenges.fri_betas[0].value(), native.fri_challenges.fri_betas[0]);
    assert_eq!(
        challenges.pow_response.value,
        Fr::from(native.fri_challenges.fri_pow_response.to_canonical_u64())
    );
    assert!(is_satisfied(tape));
}

fn proof_hash(proof: &LastProof) -> HashOut<F> {
    PoseidonHash::hash_no_pad(&proof.public_inputs)
}

/// Runs one stage on a (forged) proof with the challenges of the untouched one, so that only that stage can object.
fn stage_accepts(
    change: impl FnOnce(&mut LastProof),
    stage: impl FnOnce(&mut Tape, &InnerCircuit, &ProofCells, &Challenges),
) -> bool {
    let (inner, proof) = &*SMALL;
    let native = proof
        .get_challenges(proof_hash(proof), &inner.verifier_only.circuit_digest, &inner.common)
        .expect("a well-formed proof");
    let mut forged = proof.clone();
    change(&mut forged);
    let mut tape = Tape::default();
    let cells = ProofCells::assign(&mut tape, &forged);
    let bases =
        |tape: &mut Tape, values: &[F]| values.iter().map(|&v| tape.gl_witness(v)).collect::<Vec<_>>();
    let integer = |tape: &mut Tape, value: u64| tape.range_check(Input::Witness(Fr::from(value)), 4)[0];
    let fri = &native.fri_challenges;
    let challenges = Challenges {
        betas: bases(&mut tape, &native.plonk_betas),
        gammas: bases(&mut tape, &native.plonk_gammas),
        alphas: bases(&mut tape, &native.plonk_alphas),
        zeta: tape.ext_witness(native.plonk_zeta),
        fri_alpha: tape.ext_witness(fri.fri_alpha),
        fri_betas: fri.fri_betas.iter().map(|&beta| tape.ext_witness(beta)).collect(),
        pow_response: integer(&mut tape, fri.fri_pow_response.to_canonical_u64()),
        query_indices: fri.fri_query_indices.iter().map(|&index| integer(&mut tape, index as u64)).collect(),
    };
    stage(&mut tape, inner, &cells, &challenges);
    is_satisfied(tape)
}

fn vanishing_stage(tape: &mut Tape, inner: &InnerCircuit, proof: &ProofCells, challenges: &Challenges) {
    let hash = poseidon::hash_no_pad(tape, &proof.public_inputs);
    vanishing::check(tape, inner, &proof.openings, challenges, &hash).expect("supported gates");
}

fn pow_stage(tape: &mut Tape, inner: &InnerCircuit, _: &ProofCells, challenges: &Challenges) {
    proof_of_work::check(tape, inner, challenges);
}

#[test]
fn vanishing_stage_objects() {
    assert!(stage_accepts(|_| {}, vanishing_stage));
    let one = NativeExt::ONE;
    assert!(!stage_accepts(|p| p.proof.openings.constants[0] += one, vanishing_stage), "selector");
    assert!(!stage_accepts(|p| p.proof.openings.plonk_sigmas[79] += one, vanishing_stage), "sigma");
    assert!(!stage_accepts(|p| p.proof.openings.wires[5] += one, vanishing_stage), "routed wire");
    assert!(!stage_accepts(|p| p.proof.openings.wires[134] += one, vanishing_stage), "advice wire");
    assert!(!stage_accepts(|p| p.proof.openings.plonk_zs[2] += one, vanishing_stage), "Z");
    assert!(!stage_accepts(|p| p.proof.openings.plonk_zs_next[1] += one, vanishing_stage), "next Z");
    assert!(
        !stage_accepts(|p| p.proof.openings.partial_products[0] += one, vanishing_stage),
        "partial product"
    );
    assert!(!stage_accepts(|p| p.proof.openings.quotient_polys[23] += one, vanishing_stage), "quotient");
    assert!(!stage_accepts(|p| p.public_inputs[0] += F::ONE, vanishing_stage), "public input");
}

#[test]
fn fri_stage_objects() {
    assert!(stage_accepts(|_| {}, fri::check));
    let (one, unit) = (NativeExt::ONE, ark_bn254::Fr::from(1u64));
    assert!(!stage_accepts(|p| p.proof.openings.wires[3] += one, fri::check), "opening at zeta");
    assert!(!stage_accepts(|p| p.proof.openings.plonk_zs_next[0] += one, fri::check), "opening at g·zeta");
    for tree in 0..4 {
        let forge = |p: &mut LastProof| {
            p.proof.opening_proof.query_round_proofs[0].initial_trees_proof.evals_proofs[tree].0[1] += F::ONE;
        };
        assert!(!stage_accepts(forge, fri::check), "leaf of tree {tree}");
        let forge = |p: &mut LastProof| {
            p.proof.opening_proof.query_round_proofs[1].initial_trees_proof.evals_proofs[tree].1.siblings
                [2]
            .0 += unit;
        };
        assert!(!stage_accepts(forge, fri::check), "sibling in tree {tree}");
    }
    let step = |p: &mut LastProof| p.proof.opening_proof.query_round_proofs[0].steps[0].evals[9] += one;
    assert!(!stage_accepts(step, fri::check), "folding value");
    let sibling = |p: &mut LastProof| {
        p.proof.opening_proof.query_round_proofs[0].steps[0].merkle_proof.siblings[0].0 += unit;
    };
    assert!(!stage_accepts(sibling, fri::check), "sibling in a folding tree");
    assert!(!stage_accepts(|p| p.proof.wires_cap.0[0].0 += unit, fri::check), "root");
    let fold_root = |p: &mut LastProof| p.proof.opening_proof.commit_phase_merkle_caps[0].0[0].0 += unit;
    assert!(!stage_accepts(fold_root, fri::check), "folding root");
    let coefficient = |p: &mut LastProof| p.proof.opening_proof.final_poly.coeffs[1] += one;
    assert!(!stage_accepts(coefficient, fri::check), "final polynomial");
}

type Stage = fn(&mut Tape, &InnerCircuit, &ProofCells, &Challenges);

/// Whether a stage accepts the untouched proof under other challenges than its own.
fn accepts_challenges(stage: Stage, change: impl Fn(&mut Tape, &mut Challenges)) -> bool {
    let changed = |tape: &mut Tape, inner: &InnerCircuit, proof: &ProofCells, challenges: &Challenges| {
        let mut challenges = challenges.clone();
        change(tape, &mut challenges);
        stage(tape, inner, proof, &challenges);
    };
    stage_accepts(|_| {}, changed)
}

/// A challenge that no stage used would not be noticed by a forged proof.
#[test]
fn every_challenge_counts() {
    fn add(tape: &mut Tape, challenge: &mut Gl) {
        *challenge = tape.gl_witness(challenge.value() + F::ONE);
    }
    for i in 0..3 {
        assert!(!accepts_challenges(vanishing_stage, |tape, c| add(tape, &mut c.betas[i])), "beta {i}");
        assert!(!accepts_challenges(vanishing_stage, |tape, c| add(tape, &mut c.gammas[i])), "gamma {i}");
        assert!(!accepts_challenges(vanishing_stage, |tape, c| add(tape, &mut c.alphas[i])), "alpha {i}");
    }
    for part in 0..2 {
        assert!(!accepts_challenges(vanishing_stage, |tape, c| add(tape, &mut c.zeta.0[part])), "zeta");
        assert!(!accepts_challenges(fri::check, |tape, c| add(tape, &mut c.zeta.0[part])), "zeta in FRI");
        assert!(
            !accepts_challenges(fri::check, |tape, c| add(tape, &mut c.fri_alpha.0[part])),
            "FRI's alpha"
        );
        assert!(
            !accepts_challenges(fri::check, |tape, c| add(tape, &mut c.fri_betas[0].0[part])),
            "FRI's beta"
        );
    }
    // The lowest bit of an index, the highest one that counts, and the lowest that does not.
    let (inner, _) = &*SMALL;
    for (bit, counts) in [(0, true), (inner.lde_bits() - 1, true), (inner.lde_bits(), false)] {
        let flip = |tape: &mut Tape, c: &mut Challenges| {
            let index = U256::from_fr(&c.query_indices[1].value).0[0] ^ (1 << bit);
            c.query_indices[1] = tape.range_check(Input::Witness(Fr::from(index)), 4)[0];
        };
        assert_eq!(accepts_challenges(fri::check, flip), !counts, "bit {bit} of an index");
    }
}

/// L_0 has no value at 1: a prover that met it could not go on, and none gains from it.
#[test]
fn zeta_is_not_one() {
    let one = |tape: &mut Tape, c: &mut Challenges| c.zeta = tape.ext_witness(NativeExt::ONE);
    assert!(!accepts_challenges(vanishing_stage, one));
}

#[test]
fn grinding_stage_objects() {
    assert!(stage_accepts(|_| {}, pow_stage));
    let too_large = |tape: &mut Tape, inner: &InnerCircuit, proof: &ProofCells, challenges: &Challenges| {
        let mut challenges = challenges.clone();
        challenges.pow_response = tape.range_check(Input::Witness(Fr::from(1 << 59)), 4)[0];
        pow_stage(tape, inner, proof, &challenges);
    };
    assert!(!stage_accepts(|_| {}, too_large));
}
