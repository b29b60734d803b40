//! The last Plonky2 layer, hashed over BN254, and the halo2-KZG circuit that verifies it.
//!
//! A proof of any Plonky2 circuit with up to 24 public inputs goes through [`last_layer`] (shrink layers, then one
//! hashed with [`poseidon2`] as [`config`] defines it), is verified in halo2 by [`circuit`], and comes out of
//! [`prover`] as calldata for a generated Solidity contract. [`audit`] verifies it with arkworks alone. [`srs`] loads the
//! reference strings.

pub mod audit;
mod build;
pub mod circuit;
pub mod config;
mod error;
pub mod hasher;
pub mod last_layer;
pub mod poseidon2;
pub mod prover;
pub mod srs;

pub use audit::{AuditError, AuditKey};
pub use error::WrapError;
pub use hasher::Bn254Hasher;
pub use prover::{EvmProof, WrapProver, WrapVerifier};
pub use srs::{Srs, SrsError, SrsOrigin};
