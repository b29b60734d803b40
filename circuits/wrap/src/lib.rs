//! The last Plonky2 layer, hashed over BN254, and the halo2-KZG circuit that verifies it.

pub mod circuit;
pub mod config;
mod error;
pub mod last_layer;
pub mod poseidon2;

pub use error::WrapError;
