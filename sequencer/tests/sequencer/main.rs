//! The sequencer as a whole, against an L1 in a file.

mod anvil;
mod anvil_beacon;
mod beacons;
mod blobs;
mod crash;
mod engine;
mod fake_l1;
mod gate;
mod jobs;
mod market;
mod posting;
mod service;
mod world;

/// Anvil and a deployment on it, shared with the bindings' own tests.
#[allow(dead_code, reason = "not everything in it is needed here")]
#[path = "../../../verifier-contracts/bindings/tests/support/mod.rs"]
mod support;
