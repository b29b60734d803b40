use plonky2::field::types::Field;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::config::PoseidonGoldilocksConfig;

use super::generate;
use crate::{D, EngineError, F};

type C = PoseidonGoldilocksConfig;

/// Many chains side by side, so that waves of generators are ready together, and one that joins them.
fn chains(count: usize) -> (CircuitData<F, C, D>, Vec<Target>) {
    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let inputs: Vec<Target> = builder.add_virtual_targets(count);
    let ends: Vec<Target> = inputs
        .iter()
        .map(|&input| {
            let square = builder.square(input);
            let inverse = builder.inverse(input);
            builder.mul_add(square, inverse, input)
        })
        .collect();
    let hash = builder.hash_n_to_hash_no_pad::<PoseidonHash>(ends);
    builder.register_public_inputs(&hash.elements);
    (builder.build::<C>(), inputs)
}

fn inputs(targets: &[Target]) -> PartialWitness<F> {
    let mut inputs = PartialWitness::new();
    for (i, &target) in targets.iter().enumerate() {
        inputs.set_target(target, F::from_canonical_usize(i + 1)).expect("a new target");
    }
    inputs
}

#[test]
fn values_are_those_of_plonky2() {
    let (circuit, targets) = chains(3000);
    let stock = || {
        generate_partial_witness(inputs(&targets), &circuit.prover_only, &circuit.common)
            .expect("inputs fit")
            .values
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    let ours = pool.install(|| generate(&circuit, inputs(&targets))).expect("inputs fit").values;
    // Values that differ between two runs were drawn at random.
    let fixed = stock().into_iter().zip(stock()).zip(ours).filter(|((one, other), _)| one == other);
    let mut count = 0;
    for ((stock, _), ours) in fixed {
        assert_eq!(stock, ours);
        count += 1;
    }
    assert!(count > circuit.prover_only.representative_map.len() - 200, "{count} values were compared");
}

#[test]
fn a_missing_input_is_an_error() {
    let (circuit, targets) = chains(5);
    let error = generate(&circuit, inputs(&targets[1..])).map(|_| ()).expect_err("one input is missing");
    assert!(matches!(error, EngineError::Witness { .. }), "{error}");
}

#[test]
fn a_contradiction_is_an_error() {
    let (circuit, targets) = chains(5);
    let mut inputs = inputs(&targets);
    inputs.set_target(circuit.prover_only.public_inputs[0], F::ONE).expect("a new target");
    let error = generate(&circuit, inputs).map(|_| ()).expect_err("not the hash");
    assert!(matches!(error, EngineError::Witness { .. }), "{error}");
}
