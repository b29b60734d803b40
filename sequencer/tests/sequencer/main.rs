//! The sequencer as a whole, against an L1 in a file.

mod anvil;
mod crash;
mod engine;
mod fake_l1;
mod posting;
mod service;
mod world;

/// Anvil and a deployment on it, shared with the bindings' own tests.
#[path = "../../../verifier-contracts/bindings/tests/support/mod.rs"]
mod support;
