//! The proof pipeline: from batches to one proof that L1 verifies, and the process that serves it.
//!
//! - [`config`]: what a prover needs to know;
//! - [`engines`]: what makes the proofs;
//! - [`keys`]: circuits with their proving keys, cached on disk;
//! - [`root`]: the circuits over the ledger's and the audits' trees;
//! - [`range`]: from a range's steps and audits to its root;
//! - [`pipeline`]: on to the proof that L1 verifies;
//! - [`audit`]: from a job's openings to its `Settle`;
//! - [`client`]: the sequencer's services;
//! - [`node`]: the process;
//! - [`progress`]: how far it has come;
//! - [`soundness`]: what a proof is worth.

pub mod audit;
pub mod cache;
pub mod client;
pub mod config;
pub mod engines;
mod error;
#[cfg_attr(not(feature = "failpoints"), doc(hidden))]
pub mod failpoint;
pub mod keys;
pub mod node;
pub mod pipeline;
pub mod progress;
pub mod range;
pub mod root;
mod side_by_side;
pub mod soundness;
mod tree;
mod witness;

pub use config::{ProverConfig, SrsSource, Work};
pub use engines::{EngineKind, Engines};
pub use error::ProverError;
pub use janction_engine::{CudaError, EngineError};
pub use keys::{ExecutionKeys, Keys, VerifierContract, WorkKeys, build_verifier};
