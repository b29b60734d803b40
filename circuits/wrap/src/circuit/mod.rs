//! The halo2 circuit that verifies a last-layer proof, one file for each stage of the protocol.
//!
//! From the ground up: [`tape`] (cells, copies, constants), [`range`] and [`hash`] (the columns with gates of their
//! own), [`columns`] (the halo2 circuit), [`goldilocks`] and [`extension`] (lazy arithmetic), then the stages:
//! [`proof`], [`transcript`], [`proof_of_work`], [`gates`], [`permutation`], [`vanishing`], [`merkle`], [`fri`], and
//! [`verifier`], which calls them in order.

pub mod bound;
pub mod challenger;
pub mod columns;
pub mod extension;
pub mod fri;
pub mod gates;
pub mod goldilocks;
pub mod hash;
pub mod inner;
pub mod merkle;
pub mod permutation;
pub mod poseidon;
pub mod proof;
pub mod proof_of_work;
pub mod range;
pub mod size;
pub mod tape;
pub mod transcript;
pub mod vanishing;
pub mod verifier;

#[cfg(test)]
mod stage_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unbound_tests;
