//! The proof pipeline: from batches to one proof that L1 verifies, and the process that serves it.
//!
//! - [`config`]: what a prover needs to know;
//! - [`keys`]: circuits with their proving keys, cached on disk;
//! - [`pipeline`]: from a range's steps to the proof;
//! - [`client`]: leases, witnesses, heartbeats, proofs;
//! - [`node`]: the process;
//! - [`progress`]: how far it has come.

pub mod cache;
pub mod client;
pub mod config;
mod error;
pub mod keys;
pub mod node;
pub mod pipeline;
pub mod progress;
mod tree;

pub use config::{ProverConfig, SrsSource};
pub use error::ProverError;
pub use keys::{Keys, VerifierContract};
