//! Gadgets shared by the circuits: hashing, Merkle paths, integers and signatures over Plonky2.
//!
//! Every gadget states in its documentation what it *enforces* and what its *caller must ensure*;
//! `docs/circuits-gadgets.md` collects the statements with their constraint equations. Every constraint has a test
//! that breaks it with a forged witness (see [`test_utils`]).

use janction_accel_cpu::{Backend, build_circuit};
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::PoseidonGoldilocksConfig;

pub mod merkle;
pub mod schnorr;
pub mod serializer;
pub mod sponge;
#[cfg(any(test, feature = "test-utils"))]
pub mod test_utils;
pub mod uint;

/// The field of all circuits: Goldilocks, p = 2^64 - 2^32 + 1.
pub type F = GoldilocksField;

/// Degree of the extension from which Plonky2 draws its challenges.
pub const D: usize = 2;

/// The configuration of inner proofs: Poseidon over Goldilocks.
pub type C = PoseidonGoldilocksConfig;

/// A builder of circuits over [`F`].
pub type Builder = CircuitBuilder<F, D>;

/// The circuit that `builder.build()` gives, hashed many times faster where the processor can.
#[must_use]
pub fn build(builder: Builder) -> CircuitData<F, C, D> {
    match Backend::current() {
        Ok(backend) => build_circuit(backend, builder),
        // Whoever named a backend that this processor lacks is told by the prover's engine.
        Err(_) => builder.build::<C>(),
    }
}
