//! Wraps a proof of a small circuit and prints shape, size and time of every stage.
//!
//! `cargo run --release -p janction-wrap --example wrap -- FOLDER` keeps SRS, keys, proof and contract in FOLDER.

use std::path::PathBuf;
use std::time::Instant;

use janction_wrap::last_layer::{D, F, InnerConfig};
use janction_wrap::srs::DEVELOPMENT_CHAIN_ID;
use janction_wrap::{Srs, WrapProver};
use plonky2::field::types::Field;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitConfig;

fn main() -> anyhow::Result<()> {
    let dir = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/wrap".to_owned()));
    let mut config = CircuitConfig::standard_recursion_config();
    config.num_challenges = 3;
    config.fri_config.num_query_rounds = 32;
    let mut builder = CircuitBuilder::<F, D>::new(config);
    let inputs = builder.add_virtual_targets(24);
    builder.register_public_inputs(&inputs);
    let mut state = inputs.clone();
    for _ in 0..5000 {
        state = builder.hash_n_to_m_no_pad::<plonky2::hash::poseidon::PoseidonHash>(state, 8);
    }
    let data = builder.build::<InnerConfig>();
    let mut witness = PartialWitness::new();
    for (i, &target) in inputs.iter().enumerate() {
        witness.set_target(target, F::from_canonical_usize(i))?;
    }
    let inner = data.prove(witness)?;

    let mut watch = Instant::now();
    let mut lap = |what: &str| {
        println!("{what}: {:.1} s", watch.elapsed().as_secs_f64());
        watch = Instant::now();
    };
    let layers = janction_wrap::last_layer::LastLayer::build(&data.common, &data.verifier_only)?;
    lap("layers");
    let common = &layers.data().common;
    let shape = janction_wrap::circuit::inner::InnerCircuit::new(common, &layers.data().verifier_only)?;
    let dummy = janction_wrap::circuit::proof::dummy_proof(common);
    println!("{:?}", janction_wrap::circuit::verifier::verify(&shape, &dummy)?.size());
    lap("tape");
    let srs = Srs::insecure_development(janction_wrap::prover::WRAP_K, DEVELOPMENT_CHAIN_ID, &dir)?;
    lap("SRS");
    let prover = WrapProver::load_or_build(&data.common, &data.verifier_only, srs, &dir)?;
    lap("layers and keys");
    let last = prover.layers().prove(&janction_wrap::last_layer::Stock, &inner)?;
    lap("shrink and last layer");
    let proof = prover.wrap(&last)?;
    lap("wrap");
    prover.verify(&proof)?;
    lap("verify");
    println!("shrink layers {}, proof {} bytes", prover.layers().shrink_layers(), proof.proof.len());
    std::fs::write(dir.join("Halo2Verifier.sol"), prover.solidity())?;
    std::fs::write(dir.join("calldata.bin"), proof.calldata())?;
    Ok(())
}
