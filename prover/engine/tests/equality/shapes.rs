//! Sizes, and circuits that verify proofs.

use janction_engine::{D, F};
use plonky2::gates::noop::NoopGate;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::gates::{Draft, Kind};
use crate::{C, assert_equal, configs};

#[test]
fn sizes_from_smallest() {
    for bits in 2..=9 {
        let mut config = configs::standard();
        config.fri_config.cap_height = 0;
        let mut draft = Draft::new(config, ChaCha8Rng::seed_from_u64(bits));
        draft.add(Kind::Arithmetic);
        while bits > 2 && draft.builder.num_gates() < (1 << (bits - 1)) {
            draft.builder.add_gate(NoopGate, vec![]);
        }
        let Draft { builder, inputs, .. } = draft;
        assert_equal(&builder.build::<C>(), inputs);
    }
}

#[test]
fn recursion() {
    let mut draft = Draft::new(configs::standard(), ChaCha8Rng::seed_from_u64(1));
    draft.add(Kind::Poseidon);
    let Draft { builder, inputs, .. } = draft;
    let inner = builder.build::<C>();
    let proof = inner.prove(inputs).expect("an inner proof");

    let mut builder = CircuitBuilder::<F, D>::new(configs::standard());
    let target = builder.add_virtual_proof_with_pis(&inner.common);
    let verifier = builder.constant_verifier_data(&inner.verifier_only);
    builder.verify_proof::<C>(&target, &verifier, &inner.common);
    builder.register_public_inputs(&target.public_inputs);
    let outer = builder.build::<C>();
    let mut inputs = PartialWitness::new();
    inputs.set_proof_with_pis_target(&target, &proof).expect("a proof of the inner circuit");
    assert_equal(&outer, inputs);
}
