//! The long-running roles: one process each, stopped by SIGINT or SIGTERM.

pub mod prover;
pub mod sequencer;
pub mod worker;
