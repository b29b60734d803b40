//! The one configuration of every Plonky2 circuit below the last layer.
//!
//! # What the parameters buy
//! - **Query phase**: [`QUERIES`] queries at rate 2^-[`RATE_BITS`] and [`GRINDING_BITS`] bits of proof of work give
//!   2.95 * 32 + 16 = 110 bits under what is left of the conjecture that FRI is sound up to the code's capacity,
//!   at most 1.5 * 32 + 16 = 64 under the Johnson bound, and 32 * log2(16 / 9) + 16 = 42 at the unique decoding radius. The
//!   whole, commit phase included, is less: `docs/security.md`.
//! - **Permutation argument and constraint batching**: the challenges beta, gamma and alpha come from the 64-bit base
//!   field, so one draw errs with about (80 * 2^n) / 2^64 for 2^n rows. [`CHALLENGES`] independent draws multiply:
//!   at 2^14 rows three give 3 * (64 - 14 - 6.4) = 130 bits, where Plonky2's standard two give 87.
//! - **Points in the quadratic extension** (zeta, the FRI folding challenges): errors of 2^n / 2^128 and below.
//!
//! The hash is Poseidon over Goldilocks with a capacity of four elements: 128 bits against collisions.

pub use janction_gadgets::{Builder, C, D, F};
use plonky2::fri::FriConfig;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData, CommonCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::proof::ProofWithPublicInputs;

/// A built circuit: prover's, verifier's and common data.
pub type Circuit = CircuitData<F, C, D>;
/// What the shape of a proof depends on.
pub type Common = CommonCircuitData<F, D>;
/// A verification key: circuit digest and cap over constants and permutation.
pub type Key = VerifierOnlyCircuitData<C, D>;
/// A proof together with its public inputs.
pub type Proof = ProofWithPublicInputs<F, C, D>;

/// Independent draws of the permutation and constraint challenges.
pub const CHALLENGES: usize = 3;
/// FRI queries.
pub const QUERIES: usize = 32;
/// log2 of the blow-up factor.
pub const RATE_BITS: usize = 3;
/// Bits of proof of work before the queries are drawn.
pub const GRINDING_BITS: u32 = 16;
/// Trees are cut at 2^[`CAP_HEIGHT`] roots.
pub const CAP_HEIGHT: usize = 4;

/// The configuration of ledger chunks, audits, leaves, joins and the root.
#[must_use]
pub const fn circuit_config() -> CircuitConfig {
    CircuitConfig {
        num_wires: 135,
        num_routed_wires: 80,
        num_constants: 2,
        use_base_arithmetic_gate: true,
        security_bits: 100,
        num_challenges: CHALLENGES,
        zero_knowledge: false,
        max_quotient_degree_factor: 8,
        fri_config: FriConfig {
            rate_bits: RATE_BITS,
            cap_height: CAP_HEIGHT,
            proof_of_work_bits: GRINDING_BITS,
            reduction_strategy: FriReductionStrategy::ConstantArityBits(4, 5),
            num_query_rounds: QUERIES,
        },
    }
}
