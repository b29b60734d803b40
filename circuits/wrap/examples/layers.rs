//! Builds the chain for a small circuit and prints its shape and timings.
use std::time::Instant;

use janction_wrap::last_layer::{D, F, InnerConfig, LastLayer, shrink_config};
use plonky2::field::types::Field;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitConfig;

fn main() {
    let mut config = CircuitConfig::standard_recursion_config();
    config.num_challenges = 3;
    config.fri_config.num_query_rounds = 32;
    let _ = shrink_config();
    let mut b = CircuitBuilder::<F, D>::new(config);
    let inputs = b.add_virtual_targets(20);
    b.register_public_inputs(&inputs);
    let mut h = inputs.clone();
    for _ in 0..5000 {
        h = b.hash_n_to_m_no_pad::<plonky2::hash::poseidon::PoseidonHash>(h, 8);
    }
    let data = b.build::<InnerConfig>();
    println!("inner degree {}", data.common.degree_bits());
    let mut pw = PartialWitness::new();
    for (i, t) in inputs.iter().enumerate() {
        pw.set_target(*t, F::from_canonical_usize(i)).unwrap();
    }
    let proof = data.prove(pw).unwrap();
    let t = Instant::now();
    let layers = LastLayer::build(&data.common, &data.verifier_only).unwrap();
    println!("build {:?}, shrinks {}", t.elapsed(), layers.shrink_layers());
    println!("gates {:#?}", layers.data().common.gates);
    println!("{:?}", layers.data().common);
    let t = Instant::now();
    let last = layers.prove(&proof).unwrap();
    println!("prove {:?} {} bytes", t.elapsed(), last.to_bytes().len());
}
