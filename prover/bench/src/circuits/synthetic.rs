//! Circuits of any size: half of the rows Poseidon, half arithmetic.

use janction_engine::{D, F};
use plonky2::field::types::Field;
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::hash::poseidon::{PoseidonHash, PoseidonPermutation};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitConfig;

use super::{C, Circuit};
use crate::error::BenchError;

/// The least and the greatest log2 of rows.
pub const SIZES: (usize, usize) = (8, 22);

/// Multiply-adds in a row of the standard configuration.
const OPERATIONS: usize = 20;

/// The circuit of 2^`log2_rows` rows, and inputs for it.
pub fn build(log2_rows: usize) -> Result<(Circuit, PartialWitness<F>), BenchError> {
    let (min, max) = SIZES;
    if !(min..=max).contains(&log2_rows) {
        return Err(BenchError::Size { log2_rows, min, max });
    }
    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let start = builder.add_virtual_target();
    // Public inputs, constants and blinding-free padding take the rest.
    let half = (1 << (log2_rows - 1)) - 8;
    let mut state = PoseidonPermutation::<Target>::new(std::iter::repeat(start));
    for _ in 0..half {
        state = builder.permute::<PoseidonHash>(state);
    }
    let mut x = start;
    for _ in 0..half * OPERATIONS {
        x = builder.mul_add(x, x, start);
    }
    builder.register_public_inputs(&[state.squeeze()[0], x]);
    let circuit = builder.build::<C>();
    debug_assert_eq!(circuit.common.degree_bits(), log2_rows);
    let mut inputs = PartialWitness::new();
    // The only target, and a new one.
    let set = inputs.set_target(start, F::from_canonical_u64(3));
    debug_assert!(set.is_ok());
    Ok((circuit, inputs))
}
