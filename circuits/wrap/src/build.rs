//! Building a circuit of the last layer, whose constants' tree takes most of the time.

use janction_accel_cpu::{AccelError, Backend, TreeHasher, build_circuit, build_circuit_with};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitData;

use crate::hasher::Bn254Hasher;
use crate::last_layer::{D, F, InnerConfig, LastConfig};

/// The circuit that `builder.build()` gives.
///
/// # Errors
/// [`AccelError`] when `JANCTION_SIMD` names what this processor cannot run.
pub(crate) fn build(builder: CircuitBuilder<F, D>) -> Result<CircuitData<F, LastConfig, D>, AccelError> {
    let hasher = Bn254Hasher::new()?;
    Ok(build_circuit_with(builder, |leaves, cap_height| {
        let mut layers = vec![hasher.rows(leaves)];
        while let Some(layer) = layers.last()
            && layer.len() > 1 << cap_height
        {
            layers.push(hasher.pairs(layer));
        }
        layers
    }))
}

/// The same of a shrink layer.
pub(crate) fn inner(builder: CircuitBuilder<F, D>) -> CircuitData<F, InnerConfig, D> {
    match Backend::current() {
        Ok(backend) => build_circuit(backend, builder),
        // The last layer says what is wrong.
        Err(_) => builder.build(),
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;
    use plonky2::hash::poseidon::PoseidonHash;
    use plonky2::iop::witness::{PartialWitness, WitnessWrite};
    use plonky2::plonk::circuit_data::CircuitConfig;

    use super::*;
    use crate::last_layer::last_layer_config;

    fn circuit(config: CircuitConfig) -> CircuitBuilder<F, D> {
        let mut builder = CircuitBuilder::<F, D>::new(config);
        let input = builder.add_virtual_public_input();
        let bits = builder.split_le(input, 20);
        let power = builder.exp_from_bits(input, bits.iter());
        let hash = builder.hash_n_to_hash_no_pad::<PoseidonHash>(vec![power; 9]);
        builder.register_public_inputs(&hash.elements);
        builder
    }

    /// What Plonky2 builds and what is built here: keys, trees, shapes; and each proves for the other.
    #[test]
    fn builds_what_plonky2_builds() {
        for cap_height in [0, 2] {
            let mut config = last_layer_config();
            config.fri_config.cap_height = cap_height;
            let stock = circuit(config.clone()).build::<LastConfig>();
            let ours = build(circuit(config)).expect("a backend");
            assert_eq!(ours.common, stock.common);
            assert_eq!(ours.verifier_only, stock.verifier_only);
            assert_eq!(ours.prover_only.circuit_digest, stock.prover_only.circuit_digest);
            assert!(
                ours.prover_only.constants_sigmas_commitment == stock.prover_only.constants_sigmas_commitment
            );
            let target = ours.prover_only.public_inputs[0];
            for (prover, verifier) in [(&ours, &stock), (&stock, &ours)] {
                let mut inputs = PartialWitness::new();
                inputs.set_target(target, F::from_canonical_u64(0x5_4321)).expect("a free target");
                let proof = prover.prove(inputs).expect("satisfiable");
                verifier.verify(proof).expect("a valid proof");
            }
        }
    }
}
