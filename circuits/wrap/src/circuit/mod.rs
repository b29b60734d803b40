//! The halo2 circuit that verifies a last-layer proof, one file for each stage of the protocol.

pub mod bound;
pub mod challenger;
pub mod columns;
pub mod extension;
pub mod gates;
pub mod goldilocks;
pub mod hash;
pub mod merkle;
pub mod range;
pub mod tape;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
