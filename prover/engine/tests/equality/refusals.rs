//! What cannot be proven is refused with a typed error.

use janction_engine::{D, Engine, EngineError, F, prove_verified};
use plonky2::field::types::Field;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};

use crate::{C, configs, cpu};

/// The public output is the product of two private numbers.
pub fn product(config: CircuitConfig) -> (CircuitData<F, C, D>, [Target; 3]) {
    let mut builder = CircuitBuilder::<F, D>::new(config);
    let [a, b] = [builder.add_virtual_target(), builder.add_virtual_target()];
    let c = builder.mul(a, b);
    builder.register_public_input(c);
    (builder.build::<C>(), [a, b, c])
}

pub fn inputs(targets: &[Target], values: &[u64]) -> PartialWitness<F> {
    let mut inputs = PartialWitness::new();
    for (&target, &value) in targets.iter().zip(values) {
        inputs.set_target(target, F::from_canonical_u64(value)).expect("a fresh target");
    }
    inputs
}

#[test]
fn proof_verifies_and_exposes_the_product() {
    let (circuit, targets) = product(configs::standard());
    let proof = prove_verified(&cpu(), &circuit, inputs(&targets[..2], &[6, 7])).expect("honest");
    assert_eq!(proof.public_inputs, [F::from_canonical_u64(42)]);
}

#[test]
fn contradiction() {
    let (circuit, targets) = product(configs::standard());
    let error = cpu().prove(&circuit, inputs(&targets, &[6, 7, 43])).map(|_| ()).expect_err("6 * 7 != 43");
    assert!(matches!(error, EngineError::Witness { .. }), "{error}");
}

#[test]
fn missing_input() {
    let (circuit, targets) = product(configs::standard());
    let error = cpu().prove(&circuit, inputs(&targets[..1], &[6])).map(|_| ()).expect_err("b is free");
    assert!(matches!(error, EngineError::Witness { .. }), "{error}");
}

/// A witness that the generators made, with one value forged after them.
pub fn forged<'a>(circuit: &'a CircuitData<F, C, D>, targets: &[Target]) -> PartitionWitness<'a, F> {
    let honest = inputs(&targets[..2], &[6, 7]);
    let mut witness =
        generate_partial_witness(honest, &circuit.prover_only, &circuit.common).expect("inputs fit");
    let product = targets[2].index(witness.num_wires, witness.degree);
    witness.values[witness.representative_map[product]] = Some(F::from_canonical_u64(43));
    witness
}

#[test]
fn forged_wires_where_the_quotient_tells() {
    let mut config = configs::standard();
    config.max_quotient_degree_factor = 7;
    let (circuit, targets) = product(config);
    let proof = cpu().prove_witness(&circuit, forged(&circuit, &targets));
    let error = proof.map(|_| ()).expect_err("6 * 7 != 43");
    assert!(matches!(error, EngineError::Witness { .. }), "{error}");
}

#[test]
fn forged_wires_where_only_the_verifier_tells() {
    let (circuit, targets) = product(configs::standard());
    let proof = cpu().prove_witness(&circuit, forged(&circuit, &targets)).expect("as stock does");
    assert!(circuit.verify(proof).is_err(), "6 * 7 != 43");
}

#[test]
fn input_that_no_table_holds() {
    let mut builder = CircuitBuilder::<F, D>::new(configs::standard());
    let table = builder.add_lookup_table_from_pairs(std::sync::Arc::new(vec![(1, 2), (3, 4)]));
    let input = builder.add_virtual_target();
    builder.add_lookup_from_index(input, table);
    let circuit = builder.build::<C>();
    for value in [2, 1 << 20] {
        let error =
            cpu().prove(&circuit, inputs(&[input], &[value])).map(|_| ()).expect_err("not in the table");
        assert!(matches!(error, EngineError::Witness { .. } | EngineError::Panicked { .. }), "{error}");
    }
}

#[test]
fn blinding_before_work() {
    let (circuit, targets) = product(CircuitConfig::standard_recursion_zk_config());
    let error = cpu().prove(&circuit, inputs(&targets[..2], &[6, 7])).map(|_| ()).expect_err("zk");
    assert!(matches!(error, EngineError::ZeroKnowledge));
}

#[test]
fn folds_that_nobody_could_verify() {
    let mut config = configs::standard();
    config.fri_config.cap_height = 0;
    config.fri_config.reduction_strategy = FriReductionStrategy::Fixed(vec![1; 5]);
    let (circuit, targets) = product(config);
    let error = cpu().prove(&circuit, inputs(&targets[..2], &[6, 7])).map(|_| ()).expect_err("2^5 > rows");
    assert!(matches!(error, EngineError::Unserved { .. }), "{error}");
}
