//! The engine in place of `circuit.prove(inputs)`.

use janction_engine::{Cpu, D, F, prove_verified};
use plonky2::field::types::Field;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::config::PoseidonGoldilocksConfig;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let (a, b) = (builder.add_virtual_target(), builder.add_virtual_target());
    let product = builder.mul(a, b);
    builder.register_public_input(product);
    let circuit = builder.build::<PoseidonGoldilocksConfig>();

    let mut inputs = PartialWitness::new();
    inputs.set_target(a, F::from_canonical_u64(6))?;
    inputs.set_target(b, F::from_canonical_u64(7))?;
    let proof = prove_verified(&Cpu::new()?, &circuit, inputs)?;
    println!("proven: 6 · 7 = {}, in {} bytes", proof.public_inputs[0], proof.to_bytes().len());
    Ok(())
}
