//! One circuit for each gate kind, and circuits of many.

use plonky2::plonk::circuit_data::CircuitConfig;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::gates::{Draft, Kind, edge_values};
use crate::{C, assert_equal, configs};

fn check(config: CircuitConfig, seed: u64, kinds: &[Kind]) {
    let mut draft = Draft::new(config, ChaCha8Rng::seed_from_u64(seed));
    kinds.iter().for_each(|&kind| draft.add(kind));
    let Draft { builder, inputs, .. } = draft;
    let circuit = builder.build::<C>();
    println!("seed {seed}: {kinds:?}, {:?}", circuit.common.fri_params);
    for kind in kinds.iter().filter(|&&kind| kind != Kind::Exponentiation) {
        let found = circuit.common.gates.iter().any(|gate| gate.0.id().starts_with(kind.gate()));
        assert!(found, "{kind:?} made no {}", kind.gate());
    }
    assert_equal(&circuit, inputs);
}

#[test]
fn every_gate_kind_alone() {
    for (seed, kind) in Kind::ALL.into_iter().enumerate() {
        check(configs::standard(), seed as u64, &[kind]);
    }
}

#[test]
fn all_gate_kinds_together() {
    let mut config = configs::standard();
    for challenges in [2, 3] {
        config.num_challenges = challenges;
        check(config.clone(), 100 + challenges as u64, &Kind::ALL);
    }
}

#[test]
fn a_quotient_of_another_degree() {
    let mut config = configs::standard();
    config.max_quotient_degree_factor = 7;
    check(config, 150, &[Kind::Poseidon, Kind::Lookup, Kind::RandomAccess, Kind::Exponentiation]);
}

#[test]
fn several_tables() {
    check(configs::standard(), 200, &[Kind::Lookup, Kind::Arithmetic, Kind::Lookup, Kind::Lookup]);
}

#[test]
fn edges_of_the_field() {
    let mut draft = Draft::new(configs::standard(), ChaCha8Rng::seed_from_u64(300));
    edge_values(&mut draft);
    let Draft { builder, inputs, .. } = draft;
    assert_equal(&builder.build::<C>(), inputs);
}

#[test]
fn random_circuits_and_parameters() {
    for seed in 1000..1024 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let config = configs::random(&mut rng);
        let count = rng.random_range(1..12);
        let kinds: Vec<Kind> = (0..count).map(|_| Kind::ALL[rng.random_range(0..Kind::ALL.len())]).collect();
        check(config, seed, &kinds);
    }
}
